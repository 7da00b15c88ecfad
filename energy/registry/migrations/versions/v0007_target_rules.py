"""The rules by which targets are proposed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "target_rules",
        sa.Column("institution", sa.String(length=64), nullable=False),
        sa.Column("indicator", sa.String(length=64), nullable=False),
        sa.Column("caliber", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("cut", "cut_above_baseline", "rise")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("base_year", "n_years")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "note")),
        sa.ForeignKeyConstraint(
            ["institution"],
            ["institutions.id"],
            name=op.f("fk_target_rules_institution"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("institution", "indicator", "caliber", "valid_from", name=op.f("pk_target_rules")),
    )


def downgrade() -> None:
    op.drop_table("target_rules")
