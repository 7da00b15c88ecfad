"""One gateway's connection to the endpoint: answers MQTT packets, hands publishes on, writes the acknowledgements."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from collector import terms, tls
from collector.mqtt import codes, packets, stream
from collector.source import Delivery
from energy.errors import MqttError
from energy.settings import MqttSettings

logger = logging.getLogger(__name__)

LARGEST_UNKNOWN: Final = 16_384  # bytes of CONNECT: nobody may fill our memory before showing a credential
WRITE_BUFFER_BYTES: Final = 65_536


class Hold(enum.IntFlag):
    """Why a connection is not read."""

    NONE = 0
    SINK = 1  # the sink is full
    WRITE = 2  # the peer does not read its acknowledgements
    WINDOW = 4  # too much is in flight (3.1.1 has no Receive Maximum that could be announced)
    STOP = 8  # the endpoint takes nothing more


@dataclass(slots=True)
class EndpointCounters:
    """What happened since the start (read by the metrics)."""

    accepted: int = 0
    refused: int = 0
    malformed: int = 0
    failed: int = 0
    taken_over: int = 0
    timed_out: int = 0
    refused_subscriptions: int = 0
    messages: int = 0
    received_bytes: int = 0


class Listener(Protocol):
    """What a connection asks of the endpoint that took it."""

    settings: MqttSettings
    counters: EndpointCounters
    buffer: memoryview

    def now(self) -> float:
        """Monotonic seconds."""

    def joined(self, connection: GatewayConnection) -> None:
        """A connection was opened."""

    def left(self, connection: GatewayConnection) -> None:
        """A connection is gone."""

    def identify(self, username: str | None, password: bytes | None, certified: str | None = None) -> str | None:
        """The gateway a credential proves; MqttError where it proves none."""

    def new_client_id(self) -> str:
        """A client id for a client that brought none."""

    def admit(self, connection: GatewayConnection) -> None:
        """Count the connection as its client's."""

    def take(self, connection: GatewayConnection, deliveries: list[Delivery]) -> None:
        """Put deliveries into the sink."""

    def acknowledge_soon(self, connection: GatewayConnection, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Queue acknowledgements; callable from any thread."""


class GatewayConnection(asyncio.BufferedProtocol):
    """The protocol of one connection; lives in the endpoint's event loop, only `acknowledge` comes from elsewhere."""

    __slots__ = (
        "_endpoint",
        "_hold",
        "_n_in_flight",
        "_stream",
        "_transport",
        "blocked_at",
        "client",
        "heard_at",
        "is_connected",
        "is_over_limit",
        "leaving_at",
        "patience_s",
    )

    def __init__(self, endpoint: Listener) -> None:
        self._endpoint = endpoint
        self._transport: asyncio.Transport | None = None
        self._stream = stream.PublishStream(self, self._on_control, largest_packet=LARGEST_UNKNOWN)
        self._hold = Hold.NONE
        self._n_in_flight = 0
        self.client: tuple[str | None, str] | None = None
        self.is_connected = False
        self.is_over_limit = False
        self.patience_s = endpoint.settings.connect_timeout_s
        self.heard_at = 0.0
        self.blocked_at: float | None = None
        self.leaving_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for CONNECT."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.heard_at = self._endpoint.now()
        self._endpoint.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the peer; a batch still under way is acknowledged into the void."""
        self._transport = None
        self.is_connected = False
        self._stream.end()
        self._endpoint.left(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """One buffer serves all connections: it is emptied before the loop turns to the next."""
        return self._endpoint.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what came into deliveries and hand them to the sink."""
        deliveries: list[Delivery] = []
        self.heard_at = self._endpoint.now()
        self._endpoint.counters.received_bytes += nbytes
        try:
            try:
                self._stream.feed(bytes(self._endpoint.buffer[:nbytes]), deliveries)
            finally:  # what came whole before a broken packet is as good as any other
                if deliveries:
                    self._hand_on(deliveries)
        except MqttError as error:
            self._refuse(error)
        except Exception:
            # The outermost handler of a connection: whatever bytes did this, the other gateways are still served.
            logger.exception("connection of %r failed", self.client)
            self._endpoint.counters.failed += 1
            self.leave(codes.UNSPECIFIED)

    def eof_received(self) -> bool:
        """The peer closed its side: close ours."""
        return False

    def pause_writing(self) -> None:
        """The peer does not read: do not let acknowledgements pile up."""
        self.blocked_at = self._endpoint.now()
        self.hold(Hold.WRITE)

    def resume_writing(self) -> None:
        """The peer reads again."""
        self.blocked_at = None
        self.release(Hold.WRITE)

    def hold(self, why: Hold) -> None:
        """Stop reading from the peer."""
        if not self._hold and self._transport is not None:
            self._transport.pause_reading()
        self._hold |= why

    def release(self, why: Hold) -> None:
        """Read again, unless another reason is left."""
        before, self._hold = self._hold, self._hold & ~why
        if before and not self._hold and self._transport is not None and not self._transport.is_closing():
            self.heard_at = self._endpoint.now()
            self._transport.resume_reading()

    @property
    def is_held(self) -> bool:
        """True while we do not read, and silence is not the peer's fault."""
        return bool(self._hold)

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Acknowledge deliveries in arrival order, from any thread."""
        self._endpoint.acknowledge_soon(self, tokens, codes)

    def write_pubacks(self, tokens: Sequence[int], answers: Sequence[int]) -> None:
        """Write the acknowledgements of a batch in one go (in the event loop)."""
        if self._transport is None or self._transport.is_closing():
            return
        joined = stream.joined_pubacks(tokens, answers, is_v5=self._stream.is_v5)
        self._n_in_flight -= len(tokens) - tokens.count(0)
        if joined:
            self._transport.write(joined)
        if self._hold & Hold.WINDOW and self._n_in_flight < self._endpoint.settings.receive_maximum:
            self.release(Hold.WINDOW)

    def leave(self, code: int) -> None:
        """Say why (MQTT 5) and close."""
        if self._transport is None or self._transport.is_closing():
            return
        if self.is_connected and self._stream.is_v5:
            self._transport.write(packets.disconnect(code, codes.MQTT_5))
        self._close()

    def abort(self) -> None:
        """Close without waiting for a peer that does not read."""
        if self._transport is not None:
            self._transport.abort()

    def _close(self) -> None:
        self.is_connected = False
        self._stream.end()
        self.leaving_at = self._endpoint.now()
        if self._transport is not None:
            self._transport.close()

    def _hand_on(self, deliveries: list[Delivery]) -> None:
        self._endpoint.counters.messages += len(deliveries)
        self._n_in_flight += len(deliveries) - self._stream.take_unprotected()
        self._endpoint.take(self, deliveries)
        if self._n_in_flight > self._endpoint.settings.receive_maximum:
            if self._stream.is_v5:
                raise MqttError(codes.RECEIVE_MAXIMUM_EXCEEDED, f"{self._n_in_flight} publishes in flight")
            self.hold(Hold.WINDOW)

    def _refuse(self, error: MqttError) -> None:
        self._endpoint.counters.malformed += 1
        logger.info("closing connection of %r: %s", self.client, error)
        self.leave(error.code)

    def _on_control(self, header: int, body: bytes) -> None:
        if not self.is_connected:
            if header != codes.CONNECT:
                raise MqttError(codes.PROTOCOL_ERROR, f"packet 0x{header:02X} before CONNECT")
            self._on_connect(body)
        elif header == codes.PINGREQ and not body:
            self._write(packets.PINGRESP_PACKET)
        elif header == codes.DISCONNECT:
            packets.parse_disconnect(body, self._level)
            self._close()
        elif header == codes.SUBSCRIBE:
            self._refuse_subscriptions(body)
        elif header == codes.UNSUBSCRIBE:
            wanted = packets.parse_unsubscribe(body, self._level)
            answer = packets.SubAck(wanted.packet_id, [codes.NO_SUBSCRIPTION_EXISTED] * len(wanted.filters))
            self._write(packets.unsuback(answer, self._level))
        elif header == codes.PUBREL:
            # The rest of a QoS 2 exchange this client began with another server.
            packet_id, _ = packets.parse_answer(body, codes.PUBREL, self._level)
            unknown = codes.PACKET_ID_UNKNOWN if self._stream.is_v5 else codes.SUCCESS
            self._write(packets.pubcomp(packet_id, unknown))
        elif header & 0xF0 in (codes.CONNECT, codes.AUTH):
            raise MqttError(codes.PROTOCOL_ERROR, f"packet 0x{header:02X} on an open connection")
        else:
            raise MqttError(codes.MALFORMED, f"packet 0x{header:02X} is not for a server")

    @property
    def _level(self) -> int:
        return codes.MQTT_5 if self._stream.is_v5 else codes.MQTT_311

    def _write(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)

    def _refuse_subscriptions(self, body: bytes) -> None:
        wanted = packets.parse_subscribe(body, self._level)
        self._endpoint.counters.refused_subscriptions += len(wanted.filters)
        answers = [terms.subscription_refusal(topic, is_v5=self._stream.is_v5) for topic, _ in wanted.filters]
        self._write(packets.suback(packets.SubAck(wanted.packet_id, answers), self._level))

    def _on_connect(self, body: bytes) -> None:
        level = packets.protocol_level(body)
        self._stream.is_v5 = level >= codes.MQTT_5
        try:
            if level not in (codes.MQTT_311, codes.MQTT_5):
                raise MqttError(codes.UNSUPPORTED_VERSION, f"protocol level {level}, expected 4 or 5")
            wanted = packets.parse_connect(body)
            terms.check_connect(wanted)
            if self.is_over_limit:
                raise MqttError(codes.SERVER_BUSY, "too many connections")
            gateway = self._endpoint.identify(wanted.username, wanted.password, self._certified())
        except MqttError as error:
            self._refuse_connect(error)
        else:
            self._accept(wanted, gateway)

    def _certified(self) -> str | None:
        """The name on the certificate that the peer's TLS has proved."""
        return tls.common_name(self._transport.get_extra_info("peercert")) if self._transport else None

    def _refuse_connect(self, error: MqttError) -> None:
        self._endpoint.counters.refused += 1
        logger.info("refusing a connection: %s", error)
        code = error.code if self._stream.is_v5 else codes.CONNECT_REFUSED_311.get(error.code)
        if code is not None:
            self._write(packets.connack(packets.ConnAck(code), self._level))
        self._close()

    def _accept(self, wanted: packets.Connect, gateway: str | None) -> None:
        settings = self._endpoint.settings
        client_id = wanted.client_id or self._endpoint.new_client_id()
        self.is_connected = True
        self.client = (gateway, client_id)
        self._stream.gateway = gateway
        self._stream.accepts_publish = True
        self._stream.largest_packet = settings.max_packet_bytes
        self.patience_s = terms.patience_s(wanted)
        self._endpoint.admit(self)
        announced = terms.announced(wanted, client_id, settings)
        self._write(packets.connack(packets.ConnAck(codes.SUCCESS, properties=announced), wanted.level))
