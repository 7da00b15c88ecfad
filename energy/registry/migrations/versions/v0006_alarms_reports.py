"""Alarms (rules, notices, subscriptions, outbox) and reports (form entries, publications)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger()


def upgrade() -> None:
    _alarms()
    _outbox()
    _reports()


def downgrade() -> None:
    op.drop_table("publication_notes")
    op.drop_index(op.f("ix_publications_institution_year_quarter"), table_name="publications")
    op.drop_table("publications")
    op.drop_table("survey_entries")
    op.drop_index(op.f("ix_alarm_outbox_state_due"), table_name="alarm_outbox")
    op.drop_table("alarm_outbox")
    op.drop_table("alarm_subscriptions")
    op.drop_table("notice_events")
    op.drop_index(op.f("ix_notices_cause"), table_name="notices")
    op.drop_index(op.f("ix_notices_state_opened"), table_name="notices")
    op.drop_table("notices")
    op.drop_table("alarm_rules")


def _alarms() -> None:
    op.create_table(
        "alarm_rules",
        _id(),
        *_texts("kind"),
        sa.Column("threshold", sa.Double(), nullable=True),
        *_texts("severity"),
        *_numbers("quiet_s", "active"),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_rules")),
    )
    op.create_table(
        "notices",
        _id(),
        *_texts("cause", "kind", "scope", "node", "severity", "state"),
        *_numbers("opened"),
        sa.Column("ended", _BIG, nullable=True),
        *_numbers("things"),
        *_texts("title_zh", "title_en", "text_zh", "text_en", "link", "acknowledged_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_state_opened"), "notices", ["state", "opened"], unique=False)
    op.create_index(op.f("ix_notices_cause"), "notices", ["cause"], unique=False)
    op.create_table(
        "notice_events",
        _id("notice"),
        sa.Column("number", _BIG, autoincrement=False, nullable=False),
        *_numbers("time"),
        *_texts("author", "event", "text"),
        _refers("notice_events", "notice", "notices"),
        sa.PrimaryKeyConstraint("notice", "number", name=op.f("pk_notice_events")),
    )


def _outbox() -> None:
    op.create_table(
        "alarm_subscriptions",
        _id(),
        *_texts("user", "role", "scope", "node", "channel", "address", "kinds", "severity", "mode", "language"),
        *_numbers("active"),
        *_texts("author"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_subscriptions")),
    )
    op.create_table(
        "alarm_outbox",
        _id(),
        *_texts("notice", "subscription", "channel", "address", "payload", "state"),
        *_numbers("created", "due", "attempts"),
        sa.Column("leased_until", _BIG, nullable=True),
        *_texts("lease"),
        sa.Column("sent", _BIG, nullable=True),
        *_texts("error"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_outbox")),
    )
    op.create_index(op.f("ix_alarm_outbox_state_due"), "alarm_outbox", ["state", "due"], unique=False)


def _reports() -> None:
    op.create_table(
        "survey_entries",
        _id("institution"),
        sa.Column("year", _BIG, autoincrement=False, nullable=False),
        sa.Column("quarter", _BIG, autoincrement=False, nullable=False),
        _id("field"),
        sa.Column("number", sa.Double(), nullable=True),
        *_texts("text", "note", "author"),
        *_numbers("time"),
        _refers("survey_entries", "institution", "institutions"),
        sa.PrimaryKeyConstraint("institution", "year", "quarter", "field", name=op.f("pk_survey_entries")),
    )
    op.create_table(
        "publications",
        _id(),
        _id("institution"),
        *_numbers("year", "quarter"),
        *_texts("figures", "approved_by"),
        *_numbers("approved"),
        _refers("publications", "institution", "institutions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
    )
    name = op.f("ix_publications_institution_year_quarter")
    op.create_index(name, "publications", ["institution", "year", "quarter"], unique=True)
    op.create_table(
        "publication_notes",
        _id("publication"),
        sa.Column("number", _BIG, autoincrement=False, nullable=False),
        *_numbers("time"),
        *_texts("author", "text"),
        _refers("publication_notes", "publication", "publications"),
        sa.PrimaryKeyConstraint("publication", "number", name=op.f("pk_publication_notes")),
    )


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=64), nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _BIG, nullable=False) for name in names]


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), initially="DEFERRED", deferrable=True
    )
