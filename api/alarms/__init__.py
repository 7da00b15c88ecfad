"""Alarms: causes become notices, notices become messages, messages leave by e-mail, webhook or WeCom robot.

`evaluate(registry, store, now)` writes notices, `deliver(registry, settings, now)` sends what they caused,
`queue_digests` adds the daily digest. Pages use `inbox`, `acknowledge`, `close`, `subscribe`, `test_message`.
"""

from api.alarms.daily import queue_digests
from api.alarms.delivery import Delivered, deliver, heartbeat, test_message
from api.alarms.evaluation import evaluate
from api.alarms.inbox import (
    acknowledge,
    close,
    find,
    history,
    inbox,
    listing,
    mine,
    subscribe,
    subscriptions,
    unsubscribe,
)
from api.alarms.senders import signing_secret
from api.alarms.work import Watcher

__all__ = [
    "Delivered",
    "Watcher",
    "acknowledge",
    "close",
    "deliver",
    "evaluate",
    "find",
    "heartbeat",
    "history",
    "inbox",
    "listing",
    "mine",
    "queue_digests",
    "signing_secret",
    "subscribe",
    "subscriptions",
    "test_message",
    "unsubscribe",
]
