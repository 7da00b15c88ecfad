"""Who uses what a meter measures: the institution itself, or others whose use is none of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default stays: SQLite could only drop it by copying the table, and every import states the column.
    op.add_column("meters", sa.Column("used_by", sa.Text(), nullable=False, server_default="self"))


def downgrade() -> None:
    op.drop_column("meters", "used_by")
