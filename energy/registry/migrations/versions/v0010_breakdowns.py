"""Break-downs of targets with their history; an index by which findings are counted and priced without being read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SUBJECT = ("scope", "id", "year", "indicator", "caliber", "number")
_PRICED = ("state", "institution", "excess_yuan")


def upgrade() -> None:
    op.create_table(
        "breakdowns",
        sa.Column("breakdown", sa.String(length=64), nullable=False),
        *_texts("scope", "id"),
        *_numbers("year"),
        *_texts("indicator", "caliber"),
        *_numbers("number", "base"),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("total", "reserve")),
        *_texts("state", "author"),
        *_numbers("time"),
        *_texts("reason", "decided_by"),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("breakdown", name=op.f("pk_breakdowns")),
    )
    op.create_index(op.f("ix_breakdowns_scope_id_year_indicator_caliber_number"), "breakdowns", _SUBJECT, unique=True)
    op.create_table(
        "breakdown_parts",
        *(sa.Column(name, sa.String(length=64), nullable=False) for name in ("breakdown", "scope", "id")),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["breakdown"],
            ["breakdowns.breakdown"],
            name=op.f("fk_breakdown_parts_breakdown"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("breakdown", "scope", "id", name=op.f("pk_breakdown_parts")),
    )
    op.create_index(op.f("ix_breakdown_parts_scope_id"), "breakdown_parts", ["scope", "id"], unique=False)
    op.create_index(op.f("ix_findings_state_institution_excess_yuan"), "findings", _PRICED, unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_findings_state_institution_excess_yuan"), table_name="findings")
    op.drop_index(op.f("ix_breakdown_parts_scope_id"), table_name="breakdown_parts")
    op.drop_table("breakdown_parts")
    op.drop_index(op.f("ix_breakdowns_scope_id_year_indicator_caliber_number"), table_name="breakdowns")
    op.drop_table("breakdowns")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]
