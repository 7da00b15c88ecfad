"""Who may come in: users, sessions, tokens, one-time entries, failed sign-ins; who approved a correction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("must_set_password", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        _user(),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        _refers_to_user("sessions"),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user"), "sessions", ["user"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        _user(),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        _refers_to_user("api_tokens"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    op.create_index(op.f("ix_api_tokens_user"), "api_tokens", ["user"], unique=False)
    op.create_table(
        "entries",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        _user(),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        _refers_to_user("entries"),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_user"), "entries", ["user"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("subject_sha256", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_sha256", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("corrections") as corrections:
        corrections.add_column(sa.Column("approved_by", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("corrections") as corrections:
        corrections.alter_column("approved_by", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("corrections") as corrections:
        corrections.drop_column("approved_by")
    op.drop_table("attempts")
    for table in ("entries", "api_tokens", "sessions"):
        op.drop_index(op.f(f"ix_{table}_user"), table_name=table)
        op.drop_table(table)
    op.drop_table("users")


def _user() -> sa.Column[str]:
    return sa.Column("user", sa.String(length=64), nullable=False)


def _refers_to_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user"], ["users.name"], name=op.f(f"fk_{table}_user"), initially="DEFERRED", deferrable=True
    )
