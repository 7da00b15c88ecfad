"""What both broker clients hold to: what is subscribed, what is watched, what counts as trouble.

The rules come from measured losses (reliability promises P-01, P-02): a persistent session, subscribing again after
every CONNACK, acknowledging only on the connection a message came from, and never believing silence.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from energy import topics
from energy.settings import MqttSettings, secret

logger = logging.getLogger(__name__)

SESSION_EXPIRY_S: Final = 604_800
WATCH_EVERY_S: Final = 1.0
LONGEST_UNACKNOWLEDGED_S: Final = 60.0
RESUBSCRIBE_EVERY_S: Final = 30.0
SHORTEST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 30.0


@dataclass(slots=True)
class BrokerCounters:
    """What happened since the start (read by the metrics)."""

    connects: int = 0
    unreachable: int = 0
    refused: int = 0
    disconnects: int = 0
    new_sessions: int = 0  # the first connection of this process found no session: normal only on the very first start
    lost_sessions: int = 0  # a later connection found none: messages may be lost, gateways should backfill
    denied_subscriptions: int = 0
    missing_subacks: int = 0
    forced_reconnects: int = 0
    dead_threads: int = 0
    stale_acks: int = 0
    failed: int = 0
    messages: int = 0


def filters(settings: MqttSettings) -> list[str]:
    """The topic filters a collector subscribes to."""
    ours = [topics.subscription("readings", group=settings.group), topics.subscription("status", group=settings.group)]
    prefix = f"$share/{settings.group}/" if settings.group else ""
    return ours + [prefix + extra for extra in settings.extra_topics]


def password(settings: MqttSettings) -> str | None:
    """The password towards the broker; None where no user name is set."""
    if settings.username is None:
        return None
    return secret(settings.password, settings.password_file, "mqtt.password")


def reconnect_delay_s(attempt: int) -> float:
    """Doubling from 1 s to 30 s, with jitter, so that a fleet does not come back in one wave."""
    longest = min(LONGEST_DELAY_S, SHORTEST_DELAY_S * 2.0 ** min(attempt, 8))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # no secret hangs on it


class InFlight:
    """Messages taken but not yet acknowledged, by age. Relies on acknowledgement in arrival order."""

    __slots__ = ("_batches", "_n_acknowledged", "_n_arrived")

    def __init__(self) -> None:
        self._batches: deque[tuple[int, float]] = deque()
        self._n_arrived = 0
        self._n_acknowledged = 0

    def __len__(self) -> int:
        return self._n_arrived - self._n_acknowledged

    def arrived(self, count: int) -> None:
        """Count messages that want an acknowledgement."""
        if count:
            self._n_arrived += count
            self._batches.append((self._n_arrived, time.monotonic()))

    def acknowledged(self, count: int) -> None:
        """Count acknowledgements."""
        self._n_acknowledged += count
        while self._batches and self._batches[0][0] <= self._n_acknowledged:
            self._batches.popleft()

    def oldest_s(self) -> float:
        """Age of the oldest message without acknowledgement; 0 when there is none."""
        batches = self._batches
        try:
            return time.monotonic() - batches[0][1]
        except IndexError:
            return 0.0


class Link:
    """The state of the way to the broker, told by callbacks, read by health and watchdog."""

    def __init__(self, settings: MqttSettings) -> None:
        self.filters = filters(settings)
        self._address = (settings.host, settings.port)
        self.counters = BrokerCounters()
        self.is_connected = False
        self.is_subscribed = False
        self._subscribe_sent_at: float | None = None
        self._denied_at: float | None = None
        self._longest_suback_s = settings.connect_timeout_s

    @property
    def is_receiving(self) -> bool:
        """True while connected and subscribed."""
        return self.is_connected and self.is_subscribed

    def accepted(self, *, session_present: bool) -> None:
        """The broker accepted us; without a session what was published meanwhile is gone."""
        self.is_connected = True
        self.is_subscribed = False
        if not session_present and self.counters.connects == 0:
            self.counters.new_sessions += 1
            logger.info("the broker holds no session for us; if this is not the first start, messages may be lost")
        elif not session_present:
            self.counters.lost_sessions += 1
            logger.error("the broker lost our session: messages may be lost, gateways should backfill")
        self.counters.connects += 1
        self._subscribe_sent_at = time.monotonic()
        self._denied_at = None

    def unreachable(self, why: object) -> None:
        """No connection could be opened."""
        self.counters.unreachable += 1
        logger.warning("broker %s:%d cannot be reached: %s", *self._address, why)

    def refused(self, why: str) -> None:
        """The broker refused CONNECT."""
        self.counters.refused += 1
        logger.error("the broker refuses the connection: %s", why)

    def answered(self, codes: Sequence[int]) -> None:
        """SUBACK: a code for each filter."""
        self._subscribe_sent_at = None
        denied = [wanted for wanted, code in zip(self.filters, codes, strict=False) if code >= 0x80]
        denied += self.filters[len(codes) :]
        self.is_subscribed = not denied
        self._denied_at = time.monotonic() if denied else None
        if denied:
            self.counters.denied_subscriptions += len(denied)
            logger.error("the broker denies subscriptions: %s; its access rules must let us read them", denied)

    def lost(self, why: str) -> None:
        """The connection ended."""
        if self.is_connected:
            self.counters.disconnects += 1
            logger.warning("connection to the broker ended: %s", why)
        self.is_connected = self.is_subscribed = False
        self._subscribe_sent_at = self._denied_at = None

    def trouble(self, oldest_s: float, *, sink_is_full: bool) -> str | None:
        """Why the connection should be made anew, or None.

        Unacknowledged messages are sent again only on a new connection (MQTT-4.4.0-1). While the sink is full we know
        why they wait, and fetching them again would only fill it more.
        """
        now = time.monotonic()
        if self._subscribe_sent_at is not None and now - self._subscribe_sent_at > self._longest_suback_s:
            self.counters.missing_subacks += 1
            return f"no SUBACK within {self._longest_suback_s:.0f} s"
        if self._denied_at is not None and now - self._denied_at > RESUBSCRIBE_EVERY_S:
            return "subscription denied, trying again"
        if oldest_s > LONGEST_UNACKNOWLEDGED_S and not sink_is_full:
            return f"a message waits for its acknowledgement since {oldest_s:.0f} s"
        return None
