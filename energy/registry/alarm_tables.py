"""The tables of alarms: rules, notices and what people did, who is told by which channel, and what waits to leave."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from energy.registry.tables import Base, Key, refers


class AlarmRuleRow(Base):
    """What deserves a notice; rows replace the built-in rules of the same id."""

    __tablename__ = "alarm_rules"
    id: Mapped[Key]
    kind: Mapped[str]
    threshold: Mapped[float | None]
    severity: Mapped[str]
    quiet_s: Mapped[int]
    active: Mapped[int]
    note: Mapped[str]


class NoticeRow(Base):
    """One cause that people should know of; `ended` is null while it lasts."""

    __tablename__ = "notices"
    id: Mapped[Key]
    cause: Mapped[str]
    kind: Mapped[str]
    scope: Mapped[str]
    node: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    opened: Mapped[int]
    ended: Mapped[int | None]
    things: Mapped[int]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    link: Mapped[str]
    acknowledged_by: Mapped[str]
    __table_args__ = (Index(None, "state", "opened"), Index(None, "cause"))


class NoticeEventRow(Base):
    """What happened to a notice: opened, changed, acknowledged, closed, withdrawn, reopened."""

    __tablename__ = "notice_events"
    notice: Mapped[str] = refers("notices.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[int]
    author: Mapped[str]
    event: Mapped[str]
    text: Mapped[str]


class SubscriptionRow(Base):
    """Who is told of what, by which channel, at once or once a day."""

    __tablename__ = "alarm_subscriptions"
    id: Mapped[Key]
    user: Mapped[str]
    role: Mapped[str]
    scope: Mapped[str]
    node: Mapped[str]
    channel: Mapped[str]
    address: Mapped[str]
    kinds: Mapped[str]
    severity: Mapped[str]
    mode: Mapped[str]
    language: Mapped[str]
    active: Mapped[int]
    author: Mapped[str]


class OutboxRow(Base):
    """A message that has to leave; the key tells the same message from another, here and at the receiver."""

    __tablename__ = "alarm_outbox"
    id: Mapped[Key]
    notice: Mapped[str]
    subscription: Mapped[str]
    channel: Mapped[str]
    address: Mapped[str]
    payload: Mapped[str]
    state: Mapped[str]
    created: Mapped[int]
    due: Mapped[int]
    attempts: Mapped[int]
    leased_until: Mapped[int | None]
    lease: Mapped[str]
    sent: Mapped[int | None]
    error: Mapped[str]
    __table_args__ = (Index(None, "state", "due"),)
