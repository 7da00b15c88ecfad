"""Heating seasons by place, dated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heating_seasons",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("begins", "ends", "source", "confidence", "note")),
        sa.PrimaryKeyConstraint("scope", "id", "valid_from", name=op.f("pk_heating_seasons")),
    )


def downgrade() -> None:
    op.drop_table("heating_seasons")
