"""The daily digest: what was opened or withdrawn since the one before, and what still stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from api.alarms.messages import digest, digest_id, wanted
from energy.intervals import DEFAULT_ZONE, LocalCalendar
from energy.registry import Notice, OutMessage, Registry, Subscription

_LOOK_BACK: Final = 7
"""Days; a week without a digest was a week without notices."""


def queue_digests(registry: Registry, now: int, *, hour: int, zone: str = DEFAULT_ZONE) -> int:
    """Queue today's digest of each subscription that asks for one, from `hour` on; how many were not queued before.

    The day is the key: after a restart, or when called every minute, each digest is queued once. A day without any
    notice has no digest.
    """
    calendar = LocalCalendar(zone)
    day = calendar.date_of(now)
    if now < calendar.start_of(day) + hour * 3600:
        return 0
    since = _since(registry, day, calendar.start_of(day - timedelta(days=1)) + hour * 3600)
    if not since:
        return 0
    lately = registry.alarms.notices(since=min(since.values()))
    standing = [notice for notice in registry.alarms.standing() if notice.state == "open"]
    snapshot = registry.snapshot()
    messages: list[OutMessage] = []
    for subscription, instant in since.items():
        mine = wanted(subscription, _told(lately, standing, instant), registry, snapshot, today=day)
        if mine:
            messages.append(digest(subscription, day, mine, now=now))
    return registry.alarms.queue(messages)


def _since(registry: Registry, day: date, yesterday: int) -> dict[Subscription, int]:
    """From when each subscription that lacks today's digest is told: its last digest, however late that was made.

    `yesterday`, the hour of yesterday's, where the outbox knows none.
    """
    asking = [s for s in registry.alarms.subscriptions() if s.mode == "digest" and s.is_active]
    days = [day - timedelta(days=n) for n in range(_LOOK_BACK + 1)]
    made = registry.alarms.made([digest_id(s.id, one) for s in asking for one in days])
    known = {s: [made[key] for one in days if (key := digest_id(s.id, one)) in made] for s in asking}
    return {s: max(known[s], default=yesterday) for s in asking if digest_id(s.id, day) not in made}


def _told(lately: Sequence[Notice], standing: Sequence[Notice], since: int) -> list[Notice]:
    """What was opened or withdrawn since an instant, and what is still open; each once."""
    fresh = [n for n in lately if n.opened >= since or (n.state == "withdrawn" and (n.ended or 0) >= since)]
    known = {notice.id for notice in fresh}
    return [*fresh, *(notice for notice in standing if notice.id not in known)]
