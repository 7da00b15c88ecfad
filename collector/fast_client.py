"""Readings from a broker by our own codec: the promises of `collector.client`, at a thirtieth of the CPU (MQTT 5).

Runs in the event loop, reads whole buffers, joins acknowledgements, and stops reading while the sink is full (pings
go on, so the broker keeps the connection). Between two reads messages gather in the socket, unless so much came that
more must be there: each turn of the loop, and each group commit it leads to, costs more than a message, and nobody
waits for our acknowledgements but the broker. So these too are written when the next messages are read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from collector import broker, tls
from collector.mqtt import codes, packets, stream, wire
from collector.mqtt import properties as props
from collector.source import Delivery, Sink
from energy.errors import ConnectionLost, MqttError
from energy.settings import MqttSettings

logger = logging.getLogger(__name__)

_RECEIVE_BYTES: Final = 262_144
_KEPT_TOPICS: Final = 4_096
_GATHER_S: Final = 0.036
_MUCH_BYTES: Final = 65_536
_RESUME_EVERY_S: Final = 0.005
_GOODBYE_S: Final = 2.0
_SUBSCRIBE_ID: Final = 1
# The broker's own limit rules: a message we refused would come again for ever.
_LARGEST_PACKET: Final = wire.LARGEST_LENGTH + 5
_OPTIONS_V5: Final = 0x11  # QoS 1; retained messages only with a new subscription


class _BrokerConnection(asyncio.BufferedProtocol):
    """One connection to the broker: acknowledgements for another one never reach it."""

    def __init__(self, owner: FastBrokerClient) -> None:
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._level = codes.MQTT_5 if owner.settings.protocol == "5" else codes.MQTT_311
        self._transport: asyncio.Transport | None = None
        self._stream = stream.PublishStream(
            self, self._on_control, largest_packet=_LARGEST_PACKET, is_server=False, kept_topics=_KEPT_TOPICS
        )
        self._stream.is_v5 = self._level == codes.MQTT_5
        self._acks: deque[tuple[Sequence[int], Sequence[int]]] = deque()
        self._is_ack_due = False
        self._is_gathering = False
        self._is_held = False
        self._heard_at = self._sent_at = self._loop.time()
        self._keepalive_s: float = owner.settings.keepalive_s
        self.in_flight = broker.InFlight()
        self.lost = asyncio.Event()
        self.why = "closed by the broker"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        settings = self._owner.settings
        asked: props.Properties = {}
        if self._level == codes.MQTT_5:
            asked = {props.SESSION_EXPIRY: broker.SESSION_EXPIRY_S, props.RECEIVE_MAXIMUM: settings.receive_maximum}
        wanted = packets.Connect(
            settings.client_id,
            self._level,
            is_clean=False,
            keepalive_s=settings.keepalive_s,
            username=settings.username,
            password=self._owner.password,
            properties=asked,
        )
        self._write(packets.connect(wanted))

    def connection_lost(self, exc: Exception | None) -> None:
        """The broker sends again, on the next connection, what was not acknowledged."""
        self._transport = None
        self._stream.end()
        if exc is not None:
            self.why = str(exc)
        self.lost.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The owner's one buffer."""
        return self._owner.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what came into deliveries and hand them to the sink."""
        deliveries: list[Delivery] = []
        self._heard_at = self._loop.time()
        try:
            try:
                self._stream.feed(bytes(self._owner.buffer[:nbytes]), deliveries)
            finally:
                if deliveries:
                    self.in_flight.arrived(len(deliveries) - self._stream.take_unprotected())
                    self._is_held = not self._owner.take(deliveries)
        except MqttError as error:
            self.abort(str(error))
        except Exception:
            # The outermost handler: whatever the broker sent, the process goes on and connects anew.
            logger.exception("connection to the broker failed")
            self._owner.counters.failed += 1
            self.abort("internal error")
        if self._transport is not None and (self._is_held or nbytes < _MUCH_BYTES):
            self._transport.pause_reading()
            self._is_gathering = True
            self._loop.call_later(_RESUME_EVERY_S if self._is_held else _GATHER_S, self._resume)

    def _resume(self) -> None:
        self._is_gathering = False
        self.write_acks()
        if self._transport is None or self._owner.is_stopping:
            return
        if self._is_held and self._owner.sink_is_full:
            self._is_gathering = True
            self._loop.call_later(_RESUME_EVERY_S, self._resume)
            return
        self._is_held = False
        self._heard_at = self._loop.time()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Acknowledge in arrival order, from any thread; a broker is never told that a message was parked."""
        self._acks.append((tokens, codes))
        if not (self._is_gathering or self._is_ack_due):  # `_resume` writes them, but for those it was too early for
            self._is_ack_due = True
            try:
                self._loop.call_soon_threadsafe(self.write_acks)
            except RuntimeError:  # the loop is closed, and the connection with it
                self._acks.clear()

    def write_acks(self) -> None:
        """Write the queued acknowledgements in one go (in the event loop)."""
        self._is_ack_due = False
        joined = bytearray()
        while self._acks:
            tokens, answers = self._acks.popleft()
            if self._transport is None:
                self._owner.counters.stale_acks += len(tokens)
                continue
            joined += stream.joined_pubacks(tokens, answers, is_v5=False)
            self.in_flight.acknowledged(len(tokens) - tokens.count(0))
        if joined:
            self._write(bytes(joined))

    def _write(self, packet: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)
            self._sent_at = self._loop.time()

    def _on_control(self, header: int, body: bytes) -> None:
        if header == codes.CONNACK:
            self._on_connack(packets.parse_connack(body, self._level))
        elif header == codes.SUBACK:
            answer = packets.parse_suback(body, self._level)
            if answer.packet_id == _SUBSCRIBE_ID:
                self._owner.link.answered(answer.codes)
        elif header == codes.DISCONNECT and self._level == codes.MQTT_5:
            self.abort(f"the broker says 0x{packets.parse_disconnect(body, self._level):02X}")
        elif header != codes.PINGRESP:
            raise MqttError(codes.PROTOCOL_ERROR, f"packet 0x{header:02X} is not for a subscriber")

    def _on_connack(self, answer: packets.ConnAck) -> None:
        if self._stream.accepts_publish:
            raise MqttError(codes.PROTOCOL_ERROR, "second CONNACK")
        if answer.code:
            self._owner.link.refused(f"code 0x{answer.code:02X}")
            self.abort("refused")
            return
        self._stream.accepts_publish = True
        self._keepalive_s = answer.properties.get(props.SERVER_KEEP_ALIVE, self._keepalive_s)
        self._owner.link.accepted(session_present=answer.session_present)
        options = _OPTIONS_V5 if self._level == codes.MQTT_5 else 1
        wanted = packets.Subscribe(_SUBSCRIBE_ID, [(name, options) for name in self._owner.link.filters])
        self._write(packets.subscribe(wanted, self._level))

    def check(self) -> None:
        """Ping when we were silent, end the connection when the broker is."""
        now = self._loop.time()
        keepalive_s = self._keepalive_s or float("inf")
        if not self._is_held and now - self._heard_at > 1.5 * keepalive_s:
            self.abort(f"nothing heard for {now - self._heard_at:.0f} s")
        elif min(self._sent_at, self._heard_at) + keepalive_s / 2 < now:
            self._write(packets.PINGREQ_PACKET)

    def hold(self) -> None:
        """Read nothing more."""
        self._is_held = True
        if self._transport is not None:
            self._transport.pause_reading()

    def abort(self, why: str) -> None:
        """End the connection at once."""
        self.why = why
        self._stream.end()
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """Say goodbye; the session stays at the broker."""
        self.write_acks()
        self._write(packets.disconnect(codes.SUCCESS, self._level))
        self.why = "we left"
        if self._transport is not None:
            self._transport.close()


class FastBrokerClient:
    """A `Source` behind a broker, by our own codec in the event loop."""

    def __init__(self, settings: MqttSettings) -> None:
        self.settings = settings
        self.link = broker.Link(settings)
        self.buffer = memoryview(bytearray(_RECEIVE_BYTES))
        given = broker.password(settings)
        self.password = given.encode() if given is not None else None
        self._tls = tls.client_context(settings)
        self._sink: Sink | None = None
        self._connection: _BrokerConnection | None = None
        self.is_stopping = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, sink: Sink) -> None:
        """Connect and subscribe; where the broker is away, go on trying in the background."""
        self._sink = sink
        self._task = asyncio.create_task(self._run())
        loop = asyncio.get_running_loop()
        limit = loop.time() + self.settings.connect_timeout_s
        while not self.link.is_receiving and loop.time() < limit:
            await asyncio.sleep(0.01)
        if not self.link.is_receiving:
            logger.warning("no broker at %s:%d yet; trying on", self.settings.host, self.settings.port)

    async def stop(self) -> None:
        """Read nothing more; what the sink has is still acknowledged, the rest comes in the next session."""
        self.is_stopping = True
        if self._connection is not None:
            self._connection.hold()

    async def close(self) -> None:
        """Disconnect and keep the session at the broker."""
        await self.stop()
        if self._connection is not None:
            self._connection.leave()
            try:
                await asyncio.wait_for(self._connection.lost.wait(), _GOODBYE_S)
            except TimeoutError:
                self._connection.abort("the broker does not read")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def is_alive(self) -> bool:
        """False once nothing connects any more."""
        return self._task is not None and not self._task.done() and not self.is_stopping

    @property
    def is_receiving(self) -> bool:
        """True while connected and subscribed."""
        return self.link.is_receiving

    @property
    def counters(self) -> broker.BrokerCounters:
        """What happened since the start."""
        return self.link.counters

    @property
    def n_unacknowledged(self) -> int:
        """Messages in flight on this connection."""
        return len(self._connection.in_flight) if self._connection is not None else 0

    @property
    def sink_is_full(self) -> bool:
        """True while reading should wait."""
        return self._sink is not None and self._sink.is_full

    def take(self, deliveries: list[Delivery]) -> bool:
        """Put deliveries into the sink; False when it is now full."""
        assert self._sink is not None
        self.counters.messages += len(deliveries)
        self._sink.put(deliveries)
        return not self._sink.is_full

    async def _run(self) -> None:
        attempt = 0
        while not self.is_stopping:
            n_connects = self.counters.connects
            try:
                await self._stay_connected()
            except (OSError, ConnectionLost) as error:
                self.link.unreachable(error)
            except Exception:
                # The outermost loop of this client: it must outlive whatever a network can do.
                self.counters.failed += 1
                logger.exception("broker %s:%d", self.settings.host, self.settings.port)
            attempt = 0 if self.counters.connects > n_connects else attempt + 1
            if not self.is_stopping:
                await asyncio.sleep(broker.reconnect_delay_s(attempt))

    async def _stay_connected(self) -> None:
        """One connection from beginning to end."""
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(
            lambda: _BrokerConnection(self), self.settings.host, self.settings.port, ssl=self._tls
        )
        try:
            _, connection = await asyncio.wait_for(opening, self.settings.connect_timeout_s)
        except TimeoutError as exc:
            raise ConnectionLost(f"no answer within {self.settings.connect_timeout_s} s") from exc
        self._connection = connection
        if self.is_stopping:
            connection.hold()
        accept_by = loop.time() + self.settings.connect_timeout_s
        while not connection.lost.is_set():
            try:
                await asyncio.wait_for(connection.lost.wait(), broker.WATCH_EVERY_S)
            except TimeoutError:
                self._watch(connection, accept_by)
        self.link.lost(connection.why)

    def _watch(self, connection: _BrokerConnection, accept_by: float) -> None:
        connection.check()
        if not self.link.is_connected and asyncio.get_running_loop().time() > accept_by:
            connection.abort("no CONNACK")
        if self.is_stopping:
            return
        why = self.link.trouble(connection.in_flight.oldest_s(), sink_is_full=self.sink_is_full)
        if why is not None:
            self.counters.forced_reconnects += 1
            logger.error("connecting anew: %s", why)
            connection.abort(why)
