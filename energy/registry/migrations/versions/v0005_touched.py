"""Marks of what has to be computed again: a blob for each request to the store instead of a row for each meter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from energy.registry.touched import Spans, Touched

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BEFORE_ALL = -1  # the epoch of what is carried over: whoever comes next takes it


def upgrade() -> None:
    old = [Touched(*row) for row in op.get_bind().execute(sa.text("SELECT meter, first, last FROM touched"))]
    _remake(sa.Column("marks", sa.BigInteger(), nullable=False), sa.Column("data", sa.LargeBinary(), nullable=False))
    if old:
        row = {"epoch": _BEFORE_ALL, "marks": len(old), "data": Spans.of(old).encode()}
        op.get_bind().execute(sa.text("INSERT INTO touched (epoch, marks, data) VALUES (:epoch, :marks, :data)"), row)


def downgrade() -> None:
    pages = [Spans.decode(row[0]) for row in op.get_bind().execute(sa.text("SELECT data FROM touched"))]
    _remake(
        sa.Column("meter", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
    )
    rows = [
        {"epoch": _BEFORE_ALL, "meter": mark.meter, "first": mark.first, "last": mark.last}
        for page in pages
        for mark in page.marks()
    ]
    if rows:
        statement = "INSERT INTO touched (epoch, meter, first, last) VALUES (:epoch, :meter, :first, :last)"
        op.get_bind().execute(sa.text(statement), rows)


def _remake(*columns: sa.Column[object]) -> None:
    op.drop_index(op.f("ix_touched_epoch"), table_name="touched")
    op.drop_table("touched")
    op.create_table(
        "touched",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touched")),
    )
    op.create_index(op.f("ix_touched_epoch"), "touched", ["epoch"], unique=False)
