"""From the outbox to the receivers: take by lease, send, note what came of it; wait longer after each failure.

A message is noted as sent after the receiver took it. A sender that dies in between leaves a message that was taken
and not noted: it goes out again when the lease is over, under the same key. So every message arrives at least once,
and a receiver that remembers keys (`Message-ID`, `Jieneng-Delivery`) takes each exactly once. No protocol of these
channels allows more.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

from api.alarms import guard, senders
from api.alarms.post import post
from energy.errors import SendError, SendRefused, SendUnavailable
from energy.registry import OutMessage, Registry
from energy.settings import AlarmSettings

logger = logging.getLogger(__name__)
LEASE_S: Final = 300
ROUND_S: Final = 60
"""Receivers that answer slowly hold up neither the heartbeat nor a lease for longer."""
MOST_ATTEMPTS: Final = 20
_FIRST_WAIT_S: Final = 60
_LONGEST_WAIT_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did."""

    sent: int = 0
    later: int = 0
    failed: int = 0


def deliver(
    registry: Registry,
    settings: AlarmSettings,
    now: int,
    *,
    resolve: guard.Resolver = guard.lookup,
    most_s: float = ROUND_S,
) -> Delivered:
    """Send what is due, one message at a time; none is begun after `most_s`, since leases count from `now`."""
    counts = {"sent": 0, "later": 0, "failed": 0}
    end = time.monotonic() + most_s
    while found := registry.alarms.claim(now=now, lease_s=LEASE_S, most=1):
        counts[_one(registry, found[0], settings, now, resolve)] += 1
        if time.monotonic() >= end:
            break
    return Delivered(**counts)


def wait_s(attempts: int) -> int:
    """Pause after so many failures: a minute, doubling to an hour."""
    return int(min(_FIRST_WAIT_S * 2 ** (attempts - 1), _LONGEST_WAIT_S))


def test_message(registry: Registry, settings: AlarmSettings, subscription: str, now: int) -> str:
    """Send a test by a subscription's channel at once; empty if the receiver took it, else what went wrong."""
    found = next((s for s in registry.alarms.subscriptions() if s.id == subscription), None)
    if found is None:
        raise SendRefused(f"subscription {subscription!r} is not known")
    is_zh = found.language == "zh"
    subject = "节能平台测试消息" if is_zh else "Jieneng test message"
    text = "收到本消息说明通知渠道可用。" if is_zh else "This channel works."
    content = senders.encoded({"subject": subject, "text": text, "notices": []})
    message = OutMessage(
        f"test-{subscription}-{now}"[:64], "", subscription, found.channel, found.address, content, now, now
    )
    try:
        senders.send(message, settings)
    except SendError as exc:
        return str(exc)
    return ""


def heartbeat(settings: AlarmSettings, *, resolve: guard.Resolver = guard.lookup) -> bool:
    """Tell an outside watcher that alarms are looked after (a dead-man switch); False if that failed."""
    if settings.heartbeat_url is None:
        return True
    try:
        to = guard.destination(settings.heartbeat_url, allowed_hosts=settings.allowed_hosts, resolve=resolve)
        post(to, b"{}", {"Content-Type": "application/json"}, timeout_s=settings.timeout_s)
    except SendError as exc:
        logger.warning("heartbeat: %s", exc)
        return False
    return True


def _one(registry: Registry, message: OutMessage, settings: AlarmSettings, now: int, resolve: guard.Resolver) -> str:
    try:
        senders.send(message, settings, resolve=resolve)
    except SendUnavailable as exc:
        if message.attempts < MOST_ATTEMPTS:
            registry.alarms.settle(message, now=now, error=str(exc), again_at=now + wait_s(message.attempts))
            return "later"
        return _failed(registry, message, exc, now)
    except SendRefused as exc:
        return _failed(registry, message, exc, now)
    registry.alarms.settle(message, now=now)
    return "sent"


def _failed(registry: Registry, message: OutMessage, exc: SendError, now: int) -> str:
    logger.error("message %s of subscription %s is given up: %s", message.id, message.subscription, exc)
    registry.alarms.settle(message, now=now, error=str(exc))
    return "failed"
