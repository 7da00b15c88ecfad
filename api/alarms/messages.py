"""What is said to whom: one message a subscription and evaluation, however many notices it opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from api.alarms.senders import encoded
from api.scope import Scope, everything, scope_of
from energy.intervals import LocalCalendar
from energy.registry import Node, Notice, OutMessage, Registry, Snapshot, Subscription, User
from energy.registry.alarms import SEVERITIES, Event

Change = tuple[Notice, Event]
_TOLD: Final = ("opened", "withdrawn")
_MOST_LISTED: Final = 30
_SEVERITY: Final = {
    "zh": {"info": "提示", "warning": "预警", "critical": "严重"},
    "en": {"info": "info", "warning": "warning", "critical": "critical"},
}


def announcements(
    registry: Registry, snapshot: Snapshot, changes: Sequence[Change], *, now: int, mode: str = "at_once"
) -> list[OutMessage]:
    """Messages for what was opened or withdrawn, for each subscription that sees any of it."""
    told = [(notice, event) for notice, event in changes if event in _TOLD]
    if not told:
        return []
    users = {user.name: user for user in registry.accounts.users()}
    today = LocalCalendar().date_of(now)
    found = []
    for subscription in registry.alarms.subscriptions():
        if subscription.is_active and subscription.mode == mode:
            scopes = _scopes(subscription, users, snapshot, today)
            mine = [change for change in told if _is_for(subscription, change[0], scopes)]
            if mine:
                found.append(message(subscription, mine, now=now))
    return found


def message(subscription: Subscription, changes: Sequence[Change], *, now: int) -> OutMessage:
    """One message about these notices; the same notices make the same message, which is queued once."""
    named = ",".join(sorted(f"{notice.id}:{event}" for notice, event in changes))
    identity = hashlib.sha256(f"{subscription.id}|{named}".encode()).hexdigest()[:32]
    return _queued(subscription, identity, payload(subscription, changes), changes, now)


def digest_id(subscription: str, day: date) -> str:
    """The key of a day's digest: the day, so that it leaves once."""
    return hashlib.sha256(f"{subscription}|digest|{day.isoformat()}".encode()).hexdigest()[:32]


def digest(subscription: Subscription, day: date, notices: Sequence[Notice], *, now: int) -> OutMessage:
    """The message of one day."""
    changes: list[Change] = [(notice, "withdrawn" if notice.state == "withdrawn" else "opened") for notice in notices]
    content = payload(subscription, changes)
    head = (
        f"节能每日汇总 {day}：{len(notices)} 条"
        if subscription.language == "zh"
        else f"Digest of {day}: {len(notices)}"
    )
    return _queued(subscription, digest_id(subscription.id, day), content | {"subject": head}, changes, now)


def _queued(
    subscription: Subscription, identity: str, content: dict[str, Any], changes: Sequence[Change], now: int
) -> OutMessage:
    return OutMessage(
        id=identity,
        notice=changes[0][0].id if len(changes) == 1 else "",
        subscription=subscription.id,
        channel=subscription.channel,
        address=subscription.address,
        payload=encoded(content),
        created=now,
        due=now,
    )


def payload(subscription: Subscription, changes: Sequence[Change]) -> dict[str, Any]:
    """Subject, text and the notices themselves, in the language of the subscription."""
    language = subscription.language
    listed = changes[:_MOST_LISTED]
    lines = [_line(notice, event, language) for notice, event in listed]
    if len(changes) > len(listed):
        rest = len(changes) - len(listed)
        lines.append(f"……另有 {rest} 条" if language == "zh" else f"... and {rest} more")
    first = _title(changes[0][0], language)
    more = f"（共 {len(changes)} 条）" if language == "zh" else f" ({len(changes)} in all)"
    return {
        "subject": first + (more if len(changes) > 1 else ""),
        "text": "\n\n".join(lines),
        "notices": [_fields(notice, event, language) for notice, event in listed],
    }


def _line(notice: Notice, event: Event, language: str) -> str:
    mark = _SEVERITY[language][notice.severity]
    if event == "withdrawn":
        mark = "撤回" if language == "zh" else "withdrawn"
    body = notice.text_zh if language == "zh" else notice.text_en
    return f"[{mark}] {_title(notice, language)}\n{body}"


def _title(notice: Notice, language: str) -> str:
    return notice.title_zh if language == "zh" else notice.title_en


def _fields(notice: Notice, event: Event, language: str) -> dict[str, Any]:
    return {
        "id": notice.id,
        "event": event,
        "kind": notice.kind,
        "severity": notice.severity,
        "scope": notice.scope,
        "node": notice.node,
        "opened": notice.opened,
        "things": notice.things,
        "title": _title(notice, language),
        "link": notice.link,
    }


def visible(scope: Scope, notices: Iterable[Notice]) -> list[Notice]:
    """The notices that belong to what a scope holds; the installation's own only to who sees all of it."""
    return [notice for notice in notices if is_seen(scope, notice.scope, notice.node)]


def is_seen(scope: Scope, level: str, node: str) -> bool:
    """True if a notice of this node belongs to what a scope holds."""
    match level:
        case "root":
            return scope.is_whole
        case "region":
            return node in scope.regions
        case _:
            return node in scope.institutions


def _is_for(subscription: Subscription, notice: Notice, scopes: Sequence[Scope]) -> bool:
    if subscription.kinds and notice.kind not in subscription.kinds:
        return False
    if SEVERITIES.index(notice.severity) < SEVERITIES.index(subscription.severity):
        return False
    return any(is_seen(scope, notice.scope, notice.node) for scope in scopes)


def wanted(
    subscription: Subscription, notices: Iterable[Notice], registry: Registry, snapshot: Snapshot, *, today: date
) -> list[Notice]:
    """Those of the notices that a subscription asks for and may see."""
    scopes = _scopes(subscription, {user.name: user for user in registry.accounts.users()}, snapshot, today)
    return [notice for notice in notices if _is_for(subscription, notice, scopes)]


def node_of(subscription: Subscription) -> Node:
    """The node of the tree that a subscription speaks of."""
    return Node() if subscription.scope == "root" else Node(subscription.scope, subscription.node)


def _scopes(subscription: Subscription, users: dict[str, User], snapshot: Snapshot, today: date) -> list[Scope]:
    """What the subscription may tell: its node, and of that only what its user may see (nothing, if the user left)."""
    node = node_of(subscription)
    if subscription.user:
        named = [users[subscription.user]] if subscription.user in users else []
    elif subscription.role:
        named = [user for user in users.values() if user.role.value == subscription.role]
    else:
        return [everything(snapshot).narrowed((), node)]
    return [scope_of(user, snapshot, today=today).narrowed((), node) for user in named]
