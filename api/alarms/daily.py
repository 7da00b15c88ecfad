"""The daily digest: what was opened or withdrawn since yesterday's, and what still stands."""

from __future__ import annotations

from api.alarms.messages import digest, wanted
from energy.intervals import DAY, DEFAULT_ZONE, LocalCalendar
from energy.registry import OutMessage, Registry


def queue_digests(registry: Registry, now: int, *, hour: int, zone: str = DEFAULT_ZONE) -> int:
    """Queue today's digest of each subscription that asks for one, from `hour` on; how many were not queued before.

    The day is the key: after a restart, or when called every minute, each digest is queued once. A day without any
    notice has no digest.
    """
    calendar = LocalCalendar(zone)
    day = calendar.date_of(now)
    if now < calendar.start_of(day) + hour * 3600:
        return 0
    subscriptions = [s for s in registry.alarms.subscriptions() if s.mode == "digest" and s.is_active]
    if not subscriptions:
        return 0
    notices = [n for n in registry.alarms.notices(since=now - DAY) if n.opened >= now - DAY or n.state == "withdrawn"]
    standing = {n.id for n in notices}
    notices += [n for n in registry.alarms.standing() if n.state == "open" and n.id not in standing]
    snapshot = registry.snapshot()
    messages: list[OutMessage] = []
    for subscription in subscriptions:
        mine = wanted(subscription, notices, registry, snapshot, today=day)
        if mine:
            messages.append(digest(subscription, day, mine, now=now))
    return registry.alarms.queue(messages)
