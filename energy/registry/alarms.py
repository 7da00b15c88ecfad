"""Alarms as the registry keeps them: rules, notices, subscriptions, and the outbox that loses nothing.

A notice and the messages it causes are written in one transaction, so that neither exists without the other. Who
sends takes a message by a lease: a sender that dies leaves it to the next one when the lease is over.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, or_, select, update

from energy.errors import NotInRegistry, RegistryError
from energy.model import require_id
from energy.registry.accounts import NodeScope
from energy.registry.alarm_tables import AlarmRuleRow, NoticeEventRow, NoticeRow, OutboxRow, SubscriptionRow
from energy.registry.columns import table_of
from energy.registry.database import Database, lock_counters
from energy.registry.paging import By, Listing

SEVERITIES: Final = ("info", "warning", "critical")
KINDS: Final = (
    "stage", "outlook", "finding", "silent", "completeness", "clock", "collector", "balance", "lag", "spool", "disk",
    "certificate", "backup", "holidays", "jobs", "store",
)  # fmt: skip
CHANNELS: Final = ("email", "webhook", "wecom")
Event = Literal["opened", "changed", "acknowledged", "closed", "withdrawn", "reopened"]
_PEOPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "changed": ("state", "acknowledged_by"),
    "closed": ("acknowledged_by",),
    "withdrawn": ("acknowledged_by",),
}
"""What people may have said while causes were looked for; an event that happens by itself leaves it alone."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """What deserves a notice. What the threshold means depends on the kind (docs/alarms.md)."""

    id: str
    kind: str
    threshold: float | None = None
    severity: str = "warning"
    quiet_s: int = 3600  # a cause that comes back within this time revives its notice and sends nothing
    is_active: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        require_id(self.id, "rule")
        if self.kind not in KINDS:
            raise RegistryError(f"rule {self.id}: expected kind {', '.join(KINDS)}, came {self.kind!r}")
        _require_severity(f"rule {self.id}", self.severity)


@dataclass(frozen=True, slots=True)
class Notice:
    """One cause that people should know of. `scope` and `node` say who may see it (root: the installation's own)."""

    id: str
    cause: str
    kind: str
    scope: str  # root | region | institution
    node: str
    severity: str
    opened: int
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    state: str = "open"  # open | acknowledged | closed | withdrawn
    ended: int | None = None
    things: int = 1
    link: str = ""
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """What happened to a notice; the author of what happened by itself is empty."""

    notice: str
    number: int
    time: int
    author: str
    event: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told: a user (within what that user may see), those of a role, or whoever reads the address."""

    id: str
    channel: str
    address: str
    user: str = ""
    role: str = ""
    scope: NodeScope = "root"
    node: str = ""
    kinds: tuple[str, ...] = ()  # none = all
    severity: str = "info"  # this and above
    mode: str = "at_once"  # at_once | digest
    language: str = "zh"
    is_active: bool = True
    author: str = ""

    def __post_init__(self) -> None:
        require_id(self.id, "subscription")
        _require_severity(f"subscription {self.id}", self.severity)
        allowed = {
            "channel": (self.channel, CHANNELS),
            "mode": (self.mode, ("at_once", "digest")),
            "language": (self.language, ("zh", "en")),
            "scope": (self.scope, ("root", "region", "institution")),
            **{f"kind {kind}": (kind, KINDS) for kind in self.kinds},
        }
        for what, (came, one_of) in allowed.items():
            if came not in one_of:
                raise RegistryError(
                    f"subscription {self.id}: {what}: expected one of {', '.join(one_of)}, came {came!r}"
                )
        if (self.scope == "root") != (self.node == ""):
            raise RegistryError(f"subscription {self.id}: expected a node exactly where the scope is not root")


@dataclass(frozen=True, slots=True)
class OutMessage:
    """A message that has to leave. `id` is its idempotency key: the receiver sees it, too."""

    id: str
    notice: str
    subscription: str
    channel: str
    address: str
    payload: str  # JSON
    created: int
    due: int
    state: str = "waiting"  # waiting | sent | failed
    attempts: int = 0
    leased_until: int | None = None
    lease: str = ""
    sent: int | None = None
    error: str = ""


class Alarms:
    """Rules, notices, subscriptions and outbox; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rules(self) -> list[AlarmRule]:
        """The rules that were set; the built-in ones are in `api.alarms.rules`."""
        with self._database.reading() as connection:
            rows = connection.execute(select(AlarmRuleRow.__table__).order_by(AlarmRuleRow.id))
            return [AlarmRule(**_flags(row)) for row in rows]

    def set_rule(self, rule: AlarmRule) -> None:
        """Add a rule or replace the one of the same id."""
        self._replace(AlarmRuleRow, rule.id, _columns(rule))

    def subscriptions(self, *, user: str | None = None) -> list[Subscription]:
        """All subscriptions, or those of one user."""
        statement = select(SubscriptionRow.__table__).order_by(SubscriptionRow.id)
        if user is not None:
            statement = statement.where(SubscriptionRow.user == user)
        with self._database.reading() as connection:
            return [_subscription(row) for row in connection.execute(statement)]

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription or replace the one of the same id."""
        row = _columns(subscription) | {"kinds": ",".join(subscription.kinds)}
        self._replace(SubscriptionRow, subscription.id, row)

    def unsubscribe(self, identity: str) -> None:
        """Remove a subscription and whatever still waits to be sent for it."""
        with self._database.writing() as connection:
            lock_counters(connection)
            if connection.execute(delete(SubscriptionRow).where(SubscriptionRow.id == identity)).rowcount == 0:
                raise NotInRegistry(f"subscription {identity!r} is not in the registry")
            connection.execute(
                delete(OutboxRow).where(OutboxRow.subscription == identity, OutboxRow.state == "waiting")
            )

    def notices(
        self, *, states: Sequence[str] = (), since: int | None = None, ids: Sequence[str] | None = None
    ) -> list[Notice]:
        """Notices, newest first: in these states, opened or ended since an instant, or of these ids."""
        statement = select(NoticeRow.__table__).order_by(NoticeRow.opened.desc(), NoticeRow.id)
        if states:
            statement = statement.where(NoticeRow.state.in_(states))
        if since is not None:
            statement = statement.where(or_(NoticeRow.opened >= since, NoticeRow.ended >= since))
        if ids is not None:
            statement = statement.where(NoticeRow.id.in_(ids))
        with self._database.reading() as connection:
            return [Notice(**row._mapping) for row in connection.execute(statement)]

    def listing(self, *states: str, gravest_first: bool = False) -> Listing[Notice]:
        """Notices in these states page by page, newest first (among those of one severity, if the gravest lead)."""
        order = ("-opened", "id")
        grave = (By("severity", ranks=SEVERITIES[::-1]),) if gravest_first else ()
        wanted = {"state": list(states)} if states else {}
        return Listing(self._database, table_of(NoticeRow), lambda row: Notice(**row), (*grave, *order), wanted)

    def sent(self, *states: str) -> Listing[OutMessage]:
        """Messages of the outbox in these states page by page, newest first."""
        wanted = {"state": list(states)} if states else {}
        return Listing(self._database, table_of(OutboxRow), lambda row: OutMessage(**row), ("-created", "id"), wanted)

    def standing(self) -> list[Notice]:
        """Notices whose cause has not ended, whatever people made of them."""
        with self._database.reading() as connection:
            rows = connection.execute(select(NoticeRow.__table__).where(NoticeRow.ended.is_(None)))
            return [Notice(**row._mapping) for row in rows]

    def history(self, notice: str) -> list[NoticeEvent]:
        """What happened to a notice, first to last."""
        statement = select(NoticeEventRow.__table__).where(NoticeEventRow.notice == notice)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(NoticeEventRow.number))
            return [NoticeEvent(**row._mapping) for row in rows]

    def record(
        self, changes: Sequence[tuple[Notice, Event]], messages: Sequence[OutMessage], *, now: int, author: str = ""
    ) -> None:
        """Write notices as they are now, one event each, and the messages they cause: all or nothing.

        A message whose id is there already is not queued again.
        """
        with self._database.writing() as connection:
            lock_counters(connection)
            for notice, event in changes:
                _write_notice(connection, notice, spared=_PEOPLES.get(event, ()))
                _add_event(connection, notice.id, event, time=now, author=author)
            _queue(connection, messages)

    def queue(self, messages: Sequence[OutMessage]) -> int:
        """Put messages into the outbox; how many were not there already."""
        with self._database.writing() as connection:
            lock_counters(connection)
            return _queue(connection, messages)

    def acknowledge(self, notice: str, *, author: str, now: int, text: str = "") -> Notice:
        """Somebody has taken notice; RegistryError where it is not open any more."""
        return self._act(notice, "acknowledged", ("open",), author=author, now=now, text=text)

    def close(self, notice: str, *, author: str, now: int, text: str = "") -> Notice:
        """Somebody is done with it. Its cause may go on; it is not raised again before the cause has ended once."""
        return self._act(notice, "closed", ("open", "acknowledged"), author=author, now=now, text=text)

    def claim(self, *, now: int, lease_s: int, most: int = 20) -> list[OutMessage]:
        """Take messages that are due and that no other sender holds; they are ours for `lease_s` seconds."""
        lease = secrets.token_hex(8)
        is_free = or_(OutboxRow.leased_until.is_(None), OutboxRow.leased_until <= now)
        with self._database.writing() as connection:
            lock_counters(connection)
            due = select(OutboxRow.id).where(OutboxRow.state == "waiting", OutboxRow.due <= now, is_free)
            ids = list(connection.execute(due.order_by(OutboxRow.due, OutboxRow.id).limit(most)).scalars())
            taken = update(OutboxRow).where(OutboxRow.id.in_(ids))
            connection.execute(taken.values(leased_until=now + lease_s, lease=lease, attempts=OutboxRow.attempts + 1))
            rows = connection.execute(select(OutboxRow.__table__).where(OutboxRow.lease == lease))
            return sorted((OutMessage(**row._mapping) for row in rows), key=lambda m: (m.due, m.id))

    def settle(self, message: OutMessage, *, now: int, error: str = "", again_at: int | None = None) -> bool:
        """Note what came of a message we hold: sent, to be tried again, or failed for good.

        False if the lease had gone to another sender meanwhile, who then answers for it.
        """
        values: dict[str, Any] = {"leased_until": None, "lease": "", "error": error[:500]}
        if not error:
            values |= {"state": "sent", "sent": now}
        elif again_at is None:
            values["state"] = "failed"
        else:
            values["due"] = again_at
        mine = update(OutboxRow).where(OutboxRow.id == message.id, OutboxRow.lease == message.lease)
        with self._database.writing() as connection:
            lock_counters(connection)
            return connection.execute(mine.values(**values)).rowcount == 1

    def outbox(self, *, states: Sequence[str] = ("waiting", "sent", "failed")) -> list[OutMessage]:
        """Messages in these states, oldest first."""
        statement = select(OutboxRow.__table__).where(OutboxRow.state.in_(states))
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(OutboxRow.created, OutboxRow.id))
            return [OutMessage(**row._mapping) for row in rows]

    def made(self, messages: Sequence[str]) -> dict[str, int]:
        """When those of these messages were made that the outbox holds."""
        statement = select(OutboxRow.id, OutboxRow.created).where(OutboxRow.id.in_(messages))
        with self._database.reading() as connection:
            return {row.id: row.created for row in connection.execute(statement)}

    def retry(self, *, now: int) -> int:
        """Give every failed message another chance; how many there were."""
        failed = update(OutboxRow).where(OutboxRow.state == "failed")
        with self._database.writing() as connection:
            lock_counters(connection)
            return connection.execute(failed.values(state="waiting", due=now, attempts=0)).rowcount

    def forget_sent(self, before: int) -> int:
        """Drop sent messages older than an instant; how many there were. Notices stay."""
        old = delete(OutboxRow).where(OutboxRow.state == "sent", OutboxRow.sent < before)
        with self._database.writing() as connection:
            lock_counters(connection)
            return connection.execute(old).rowcount

    def _act(
        self, identity: str, event: Event, allowed: tuple[str, ...], *, author: str, now: int, text: str
    ) -> Notice:
        with self._database.writing() as connection:
            lock_counters(connection)
            row = connection.execute(select(NoticeRow.__table__).where(NoticeRow.id == identity)).first()
            if row is None:
                raise NotInRegistry(f"notice {identity!r} is not in the registry")
            before = Notice(**row._mapping)
            if before.state not in allowed:
                raise RegistryError(f"notice {identity!r}: expected state {' or '.join(allowed)}, it is {before.state}")
            who = author if event == "acknowledged" else before.acknowledged_by
            after = replace(before, state=event, acknowledged_by=who)
            _write_notice(connection, after)
            _add_event(connection, identity, event, time=now, author=author, text=text)
        return after

    def _replace(self, table: type[AlarmRuleRow] | type[SubscriptionRow], identity: str, row: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            lock_counters(connection)
            connection.execute(delete(table).where(table.id == identity))
            connection.execute(insert(table).values(**row))


def _write_notice(connection: Connection, notice: Notice, *, spared: Sequence[str] = ()) -> None:
    """Write a notice; of one that is there already the columns `spared` stay as they are."""
    values = _columns(notice)
    changed = {name: value for name, value in values.items() if name not in spared}
    if connection.execute(update(NoticeRow).where(NoticeRow.id == notice.id).values(**changed)).rowcount == 0:
        connection.execute(insert(NoticeRow).values(**values))


def _add_event(connection: Connection, notice: str, event: str, *, time: int, author: str, text: str = "") -> None:
    numbers = connection.execute(select(NoticeEventRow.number).where(NoticeEventRow.notice == notice)).scalars()
    row = NoticeEvent(notice, max(numbers, default=0) + 1, time, author, event, text[:4000])
    connection.execute(insert(NoticeEventRow).values(**_columns(row)))


def _queue(connection: Connection, messages: Sequence[OutMessage]) -> int:
    by_id = {message.id: message for message in messages}
    if not by_id:
        return 0
    there = set(connection.execute(select(OutboxRow.id).where(OutboxRow.id.in_(list(by_id)))).scalars())
    fresh = [_columns(message) for identity, message in by_id.items() if identity not in there]
    if fresh:
        connection.execute(insert(OutboxRow), fresh)
    return len(fresh)


def _columns(row: AlarmRule | Notice | NoticeEvent | Subscription | OutMessage) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    if "is_active" in values:
        values["active"] = int(values.pop("is_active"))
    return values


def _flags(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    values["is_active"] = bool(values.pop("active"))
    return values


def _subscription(row: Any) -> Subscription:
    values = _flags(row)
    return Subscription(**values | {"kinds": tuple(kind for kind in values["kinds"].split(",") if kind)})


def _require_severity(what: str, came: str) -> None:
    if came not in SEVERITIES:
        raise RegistryError(f"{what}: expected severity {', '.join(SEVERITIES)}, came {came!r}")
