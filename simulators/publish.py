"""Publish as gateways do: QoS 1, each gateway over a connection of its own, a bounded number of messages in flight.

What the other side refuses (a reason code of 0x80 or more in its acknowledgement, MQTT 5) is counted by its code and
not sent again, except for 0x97 *quota exceeded*, which asks to try later. What was in flight when a connection broke
is sent again after the reconnect, so the other side may see it twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

from paho.mqtt.client import MQTT_ERR_NO_CONN, MQTT_ERR_QUEUE_SIZE, MQTT_ERR_SUCCESS, Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from energy.errors import ConnectionLost

log = logging.getLogger(__name__)
_TRY_LATER: Final = 0x97
_REFUSED: Final = 0x80


class Outgoing(Protocol):
    """What can be published: a message of the province or of a recording."""

    @property
    def gateway(self) -> str:
        """Whose connection carries it."""

    @property
    def topic(self) -> str:
        """Where it goes."""

    @property
    def payload(self) -> bytes:
        """Its bytes."""

    @property
    def readings(self) -> int:
        """How many readings it holds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where gateways publish, and as whom: secrets by gateway id (none: without credentials)."""

    host: str = "127.0.0.1"
    port: int = 1883
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    protocol: str = "5"
    tls_ca: Path | None = None
    client_prefix: str = ""

    def __post_init__(self) -> None:
        if self.protocol not in ("5", "3.1.1"):
            raise ValueError(f"protocol {self.protocol!r}: expected 5 or 3.1.1")


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard to push, and how long to wait."""

    in_flight: int = 8
    connections: int = 6
    answer_s: float = 60.0
    retry_s: float = 0.5
    refused_s: float = 4.0
    """How long a refused connection is tried again: a broker may be about to read new credentials."""

    def __post_init__(self) -> None:
        if self.in_flight < 1 or self.connections < 1:
            raise ValueError(f"in_flight and connections must be at least 1, got {self}")


@dataclass(slots=True)
class Report:
    """What became of what was published."""

    messages: int = 0
    readings: int = 0
    acknowledged: int = 0
    retried: int = 0
    refused: Counter[int] = field(default_factory=Counter)  # messages by reason code
    reconnects: int = 0


Progress = Callable[[Outgoing], None]


class Link:
    """One gateway's connection; `send` blocks while too much is unacknowledged."""

    def __init__(self, gateway: str, target: Target, limits: Limits, report: Report, progress: Progress | None) -> None:
        self._gateway = gateway
        self._limits = limits
        self._report = report
        self._progress = progress
        self._changed = threading.Condition()
        self._pending: dict[int, Outgoing] = {}
        self._early: dict[int, int] = {}  # acknowledged before publish() had told us the message id
        self._again: list[Outgoing] = []
        self._refusal: str | None = None
        self._refused_since: float | None = None
        self._connections = 0
        self._last_answer = time.monotonic()
        self._client = self._connected(target)

    def send(self, message: Outgoing) -> None:
        """Publish, waiting for room; ConnectionLost if nothing is answered for too long."""
        self._wait(lambda: len(self._pending) < self._limits.in_flight)
        self._report.messages += 1
        self._report.readings += message.readings
        self._publish(message)

    def drain(self) -> None:
        """Wait until everything is answered, sending again what was put off."""
        while True:
            self._wait(lambda: not self._pending)
            with self._changed:
                later, self._again = self._again, []
            if not later:
                return
            time.sleep(self._limits.retry_s)
            for message in later:
                self._report.retried += 1
                self._publish(message)

    def close(self) -> None:
        """Disconnect; what is unanswered stays so."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, target: Target) -> Client:
        version = MQTTv5 if target.protocol == "5" else MQTTv311
        more: dict[str, Any] = {} if version == MQTTv5 else {"clean_session": False}
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"{target.client_prefix}{self._gateway}", protocol=version, **more
        )
        if self._gateway in target.secrets:
            client.username_pw_set(self._gateway, target.secrets[self._gateway])
        if target.tls_ca is not None:
            client.tls_set(str(target.tls_ca))
        client.max_inflight_messages_set(self._limits.in_flight)
        client.max_queued_messages_set(2 * self._limits.in_flight)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        try:
            client.connect(target.host, target.port)
        except OSError as exc:
            raise ConnectionLost(f"gateway {self._gateway}: {target.host}:{target.port}: {exc}") from exc
        client.loop_start()
        return client

    def _publish(self, message: Outgoing) -> None:
        limit = time.monotonic() + self._limits.answer_s
        while (info := self._client.publish(message.topic, message.payload, qos=1)).rc == MQTT_ERR_QUEUE_SIZE:
            if time.monotonic() > limit:
                raise ConnectionLost(f"gateway {self._gateway}: the queue stayed full for {self._limits.answer_s} s")
            time.sleep(0.01)
        if info.rc not in (MQTT_ERR_SUCCESS, MQTT_ERR_NO_CONN):  # without connection paho keeps it and sends it later
            raise ConnectionLost(f"gateway {self._gateway}: publish returned {info.rc}")
        with self._changed:
            self._pending[info.mid] = message
            if info.mid in self._early:
                self._settle(info.mid, self._early.pop(info.mid))

    def _wait(self, ready: Callable[[], bool]) -> None:
        with self._changed:
            self._last_answer = max(self._last_answer, time.monotonic() - self._limits.answer_s / 2)
            while not ready():
                if self._is_turned_away():
                    raise ConnectionLost(f"gateway {self._gateway}: connection refused: {self._refusal}")
                if time.monotonic() - self._last_answer > self._limits.answer_s:
                    waited = f"{len(self._pending)} messages unanswered for {self._limits.answer_s} s"
                    raise ConnectionLost(f"gateway {self._gateway}: {waited}")
                self._changed.wait(0.2)

    def _is_turned_away(self) -> bool:
        return self._refused_since is not None and time.monotonic() - self._refused_since > self._limits.refused_s

    def _on_connect(self, _client: Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        with self._changed:
            self._refusal = str(reason) if reason.is_failure else None
            self._refused_since = (self._refused_since or time.monotonic()) if reason.is_failure else None
            self._connections += not reason.is_failure
            self._report.reconnects += self._connections > 1 and not reason.is_failure
            self._changed.notify_all()

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: Any, _properties: object) -> None:
        with self._changed:
            self._last_answer = time.monotonic()
            if mid in self._pending:
                self._settle(mid, reason.value)
            else:
                self._early[mid] = reason.value
            self._changed.notify_all()

    def _settle(self, mid: int, code: int) -> None:
        message = self._pending.pop(mid)
        if code == _TRY_LATER:
            self._again.append(message)
            return
        if code >= _REFUSED:
            self._report.refused[code] += 1
        else:
            self._report.acknowledged += 1
        if self._progress is not None:
            self._progress(message)


class Publisher:
    """Publishes messages of many gateways, holding a few connections open at a time.

    `progress` is called once for each answered message, from a network thread.
    """

    def __init__(self, target: Target, *, limits: Limits | None = None, progress: Progress | None = None) -> None:
        self.report = Report()
        self._target = target
        self._limits = limits or Limits()
        self._progress = progress
        self._links: OrderedDict[str, Link] = OrderedDict()

    def send(self, message: Outgoing) -> None:
        """Publish over the gateway's connection, opening it, and closing the one idle for longest, when needed."""
        link = self._links.get(message.gateway)
        if link is None:
            while len(self._links) >= self._limits.connections:
                self._close_oldest()
            link = Link(message.gateway, self._target, self._limits, self.report, self._progress)
            self._links[message.gateway] = link
        self._links.move_to_end(message.gateway)
        link.send(message)

    def send_all(self, messages: Iterable[Outgoing]) -> Report:
        """Publish everything in order and wait for every answer."""
        for message in messages:
            self.send(message)
        self.drain()
        return self.report

    def drain(self) -> None:
        """Wait until everything sent is answered."""
        for link in self._links.values():
            link.drain()

    def close(self) -> None:
        """Close all connections without waiting for answers."""
        while self._links:
            self._links.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _close_oldest(self) -> None:
        _, link = self._links.popitem(last=False)
        try:
            link.drain()
        finally:
            link.close()


def publish(
    messages: Iterable[Outgoing], target: Target, *, limits: Limits | None = None, progress: Progress | None = None
) -> Report:
    """Publish everything as a backfill does, wait for every answer, and say what became of it."""
    with Publisher(target, limits=limits, progress=progress) as publisher:
        return publisher.send_all(messages)


def go_live(
    due: Callable[[int, int], Iterable[Outgoing]],
    publisher: Publisher,
    after: int,
    *,
    stop: threading.Event,
    every_s: float = 5.0,
    clock: Callable[[], float] = time.time,
) -> None:
    """Publish what `due(after, now)` gives, again and again as time passes, until told to stop.

    A lost connection is told in the log and tried again: nothing is skipped, since `after` moves on only when the
    other side has answered.
    """
    while not stop.is_set():
        now = int(clock())
        try:
            publisher.send_all(due(after, now))
            after = now
        except ConnectionLost as exc:
            log.warning("live readings wait: %s", exc)
            publisher.close()
        stop.wait(every_s)
