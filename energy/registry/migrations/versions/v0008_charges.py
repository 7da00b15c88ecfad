"""What charges and gas need: the capacity installed behind a tariff, and dated calorific values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tariff_uses", sa.Column("capacity_kva", sa.Double(), nullable=True))
    op.create_table(
        "calorific_values",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("unit", "source", "confidence", "note")),
        sa.PrimaryKeyConstraint("scope", "id", "valid_from", name=op.f("pk_calorific_values")),
    )


def downgrade() -> None:
    op.drop_table("calorific_values")
    op.drop_column("tariff_uses", "capacity_kva")
