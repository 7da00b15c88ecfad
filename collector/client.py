"""Readings from a broker by paho-mqtt: the compatible default (`collector.fast_client` costs a thirtieth of the CPU).

paho's traps, and what is done here (measured with 2.2.0):

* An exception in a callback ends the network thread while `is_connected()` stays true: every callback is guarded, and
  a dead thread is noticed and replaced by a new client.
* Unacknowledged messages come again only on a new connection: the watchdog forces one when the oldest is too old.
* `ack` does not know which connection a message came from: each connection is an `_Epoch`, and dead ones drop acks.
* `message.topic` raises for bad UTF-8: the raw bytes are taken.
* Neither `clean_start=False` nor a session expiry alone keeps a session: both are set.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, TypeVar, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector import broker, tls
from collector.fast_client import FastBrokerClient
from collector.source import Delivery, Sink, Source
from energy.settings import MqttSettings

logger = logging.getLogger(__name__)
Callback = TypeVar("Callback", bound=Callable[..., None])

_ROOM_POLL_S: Final = 0.005
_GOODBYE_S: Final = 3.0
_PACKET_ID: Final = 0xFFFF


def open_client(settings: MqttSettings) -> Source:
    """The broker client the settings name."""
    return FastBrokerClient(settings) if settings.client == "fast" else BrokerClient(settings)


def _guarded(callback: Callback) -> Callback:
    """A callback that cannot end the network thread; what failed stays unacknowledged and comes again."""

    @wraps(callback)
    def guarded(self: BrokerClient, *args: Any) -> None:
        try:
            callback(self, *args)
        except BaseException:
            self.counters.failed += 1
            logger.exception("callback of the MQTT client failed")

    return cast(Callback, guarded)


class _Epoch:
    """One connection to the broker: acknowledgements for another one are dropped."""

    __slots__ = ("_client", "_counters", "_is_open", "_lock", "in_flight")

    def __init__(self, client: paho.Client, counters: broker.BrokerCounters) -> None:
        self._client = client
        self._counters = counters
        self._lock = threading.Lock()
        self._is_open = True
        self.in_flight = broker.InFlight()

    def close(self) -> None:
        """The connection is gone; the broker will send again what was not acknowledged."""
        with self._lock:
            self._is_open = False

    def arrived(self) -> None:
        """A message that wants an acknowledgement."""
        with self._lock:
            self.in_flight.arrived(1)

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Acknowledge in arrival order, from any thread; a broker is never told that a message was parked."""
        with self._lock:
            if not self._is_open:
                self._counters.stale_acks += len(tokens)
                return
            wanted = [token for token in tokens if token]
            for token in wanted:
                self._client.ack(token, 1)
            self.in_flight.acknowledged(len(wanted))


class BrokerClient:
    """A `Source` behind a broker, by paho-mqtt's network thread."""

    def __init__(self, settings: MqttSettings) -> None:
        self.settings = settings
        self._link = broker.Link(settings)
        self._password = broker.password(settings)
        self._tls = tls.client_context(settings)
        self._is_v5 = settings.protocol == "5"
        self._sink: Sink | None = None
        self._client: paho.Client | None = None
        self._thread: threading.Thread | None = None
        self._epoch: _Epoch | None = None
        self._subscribe_id: int | None = None
        self._is_stopping = False
        self._watchdog: asyncio.Task[None] | None = None

    async def start(self, sink: Sink) -> None:
        """Connect and subscribe; where the broker is away, go on trying in the background."""
        self._sink = sink
        self._open()
        self._watchdog = asyncio.create_task(self._watch())
        limit = time.monotonic() + self.settings.connect_timeout_s
        while not self._link.is_receiving and time.monotonic() < limit:
            await asyncio.sleep(0.01)
        if not self._link.is_receiving:
            logger.warning("no broker at %s:%d yet; trying on", self.settings.host, self.settings.port)

    async def stop(self) -> None:
        """Take nothing more.

        What still arrives is not acknowledged and comes again in the next session; unsubscribing would make the
        broker drop it.
        """
        self._is_stopping = True
        if self._watchdog is not None:
            self._watchdog.cancel()

    async def close(self) -> None:
        """Disconnect and keep the session at the broker."""
        await self.stop()
        if self._client is None:
            return
        self._client.disconnect()
        await asyncio.to_thread(self._end_thread, self._client)

    @property
    def is_alive(self) -> bool:
        """False while the network thread is dead, and once nothing watches it."""
        is_watched = self._watchdog is not None and not self._watchdog.done()
        return is_watched and self._thread is not None and self._thread.is_alive()

    @property
    def is_receiving(self) -> bool:
        """True while connected and subscribed."""
        return self._link.is_receiving

    @property
    def counters(self) -> broker.BrokerCounters:
        """What happened since the start."""
        return self._link.counters

    @property
    def n_unacknowledged(self) -> int:
        """Messages in flight on this connection."""
        return len(self._epoch.in_flight) if self._epoch is not None else 0

    def _open(self) -> None:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.settings.client_id,
            clean_session=None if self._is_v5 else False,
            protocol=paho.MQTTv5 if self._is_v5 else paho.MQTTv311,
            manual_ack=True,
        )
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.username_pw_set(self.settings.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.reconnect_delay_set(broker.reconnect_delay_s(0), broker.reconnect_delay_s(8))  # type: ignore[arg-type]
        self._client = client
        if self._is_v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = broker.SESSION_EXPIRY_S
            properties.ReceiveMaximum = self.settings.receive_maximum
            client.connect_async(*self._address, clean_start=False, properties=properties)
        else:
            client.connect_async(*self._address)
        client.loop_start()

    @property
    def _address(self) -> tuple[str, int, int]:
        return self.settings.host, self.settings.port, self.settings.keepalive_s

    @_guarded
    def _on_pre_connect(self, client: paho.Client, userdata: Any) -> None:
        if client is self._client:
            self._thread = threading.current_thread()

    @_guarded
    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._link.refused(str(reason))
            return
        self._epoch = _Epoch(client, self.counters)
        self._link.accepted(session_present=flags.session_present)
        if self._is_v5:
            # Retained readings only with a new subscription, not with each reconnect.
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            wanted: list[Any] = [(name, options) for name in self._link.filters]
        else:
            wanted = [(name, 1) for name in self._link.filters]
        _, self._subscribe_id = client.subscribe(wanted)

    @_guarded
    def _on_connect_fail(self, client: paho.Client, userdata: Any) -> None:
        self._link.unreachable(sys.exc_info()[1])  # paho calls this while it handles the error, and tells no more

    @_guarded
    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if mid == self._subscribe_id:
            self._link.answered([reason.value for reason in reasons])

    @_guarded
    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._epoch is not None:
            self._epoch.close()
        self._link.lost(str(reason))

    @_guarded
    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        epoch = self._epoch
        if self._is_stopping or epoch is None or self._sink is None:
            return
        is_answered = message.qos > 0
        if is_answered:
            epoch.arrived()
        delivery = Delivery(
            topic=message._topic,  # the public property raises for bad UTF-8
            payload=bytes(message.payload),
            token=message.mid & _PACKET_ID if is_answered else 0,
            acknowledger=epoch,
            qos=message.qos,
            retained=message.retain,
        )
        self.counters.messages += 1
        self._sink.put([delivery])
        self._wait_for_room()

    def _wait_for_room(self) -> None:
        """Hold the network thread while the sink is full, yet not so long that the broker misses our ping."""
        assert self._sink is not None
        limit = time.monotonic() + self.settings.keepalive_s / 4
        while self._sink.is_full and not self._is_stopping and time.monotonic() < limit:
            time.sleep(_ROOM_POLL_S)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(broker.WATCH_EVERY_S)
            if self._thread is not None and not self._thread.is_alive():
                self._replace()
                continue
            oldest_s = self._epoch.in_flight.oldest_s() if self._epoch is not None and self._link.is_connected else 0.0
            assert self._sink is not None
            why = self._link.trouble(oldest_s, sink_is_full=self._sink.is_full)
            if why is not None:
                self.counters.forced_reconnects += 1
                logger.error("connecting anew: %s", why)
                self._cut()

    def _replace(self) -> None:
        """The network thread is dead: begin again with a new client, which takes over the session."""
        self.counters.dead_threads += 1
        logger.error("the network thread of the MQTT client is dead; starting another")
        if self._epoch is not None:
            self._epoch.close()
        self._link.lost("network thread is dead")
        self._cut()
        if self._client is not None:
            self._client.loop_stop()
        self._thread = None
        self._open()

    def _cut(self) -> None:
        """End the connection under the network thread, which then connects again (paho has no call for that)."""
        connection = self._client.socket() if self._client is not None else None
        if isinstance(connection, socket.socket):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                logger.debug("the connection was already gone")

    def _end_thread(self, client: paho.Client) -> None:
        """Let the last acknowledgements and DISCONNECT leave; a broker that does not read is not waited for."""
        limit = time.monotonic() + _GOODBYE_S
        while self._link.is_connected and time.monotonic() < limit:
            time.sleep(_ROOM_POLL_S)
        self._cut()
        client.loop_stop()
