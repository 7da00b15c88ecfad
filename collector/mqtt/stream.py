"""A byte stream, cut into packets: publishes become deliveries in one tight loop, the rest goes to a handler.

Every message of a flood passes here, so the loop makes no object but the delivery, its payload and its token:

* A connection mostly repeats its topic. The length and bytes of the last good topic are compared in place; only
  another topic is cut out and checked.
* The token of a QoS 1 delivery *is* its PUBACK packet, read as a big-endian 32-bit number: a batch of tokens becomes
  the joined PUBACKs without a Python loop (`joined_pubacks`). QoS 0 has the token 0 and no answer.
* A packet that has not arrived whole waits in one growing buffer and is looked at again only when it can be whole,
  so that a peer who sends byte by byte costs no more than one who does not.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Final

from collector.mqtt import packets, wire
from collector.mqtt import properties as props
from collector.mqtt.codes import (
    BAD_TOPIC_ALIAS,
    BAD_TOPIC_NAME,
    MALFORMED,
    PACKET_TOO_LARGE,
    PROTOCOL_ERROR,
    PUBLISH,
    QOS_UNSUPPORTED,
)
from collector.source import Acknowledger, Delivery
from energy.errors import MqttError

_PUBACK_WORD: Final = 0x40020000
_PACKET_ID: Final = 0xFFFF
_LONGEST_KEPT_TOPIC: Final = 256
# Thousands of subscriptions or properties would hold up every other connection while they are read.
LARGEST_CONTROL: Final = 16_384
ControlHandler = Callable[[int, bytes], None]


class PublishStream:
    """Cuts what a connection receives into deliveries and control packets.

    `on_control` gets header byte and body of every packet but PUBLISH, in its place in the stream; it may set
    `is_v5`, `gateway`, `accepts_publish`, `largest_packet`, or call `end`.
    """

    __slots__ = (
        "_acknowledger",
        "_kept",
        "_kept_topics",
        "_known",
        "_known_properties",
        "_n_unprotected",
        "_needed",
        "_on_control",
        "_rest",
        "_topic",
        "accepts_publish",
        "gateway",
        "has_ended",
        "is_server",
        "is_v5",
        "largest_packet",
    )

    def __init__(
        self,
        acknowledger: Acknowledger,
        on_control: ControlHandler,
        *,
        largest_packet: int,
        is_server: bool = True,
        kept_topics: int = 8,
    ) -> None:
        self._acknowledger = acknowledger
        self._on_control = on_control
        self.largest_packet = largest_packet
        self.is_server = is_server
        self.is_v5 = False
        self.gateway: str | None = None
        self.accepts_publish = False
        self.has_ended = False
        self._rest = bytearray()
        self._needed = 0
        self._n_unprotected = 0
        self._topic = b""
        self._known = b""  # the topic with its length in front, as it stands in the packet
        self._known_properties = b"\x00"
        self._kept: dict[bytes, bytes] = {}
        self._kept_topics = kept_topics

    @property
    def waiting_bytes(self) -> int:
        """Bytes of a packet that has not arrived whole."""
        return len(self._rest)

    def take_unprotected(self) -> int:
        """How many QoS 0 publishes came since this was last asked: they wait for no acknowledgement."""
        count, self._n_unprotected = self._n_unprotected, 0
        return count

    def end(self) -> None:
        """Look at nothing more: the connection is over."""
        self.has_ended = True
        self._rest.clear()

    def feed(self, data: bytes, deliveries: list[Delivery]) -> None:
        """Append the publishes in `data` to `deliveries`.

        MqttError when the peer broke the specification; what came whole before stays in `deliveries`.
        """
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._needed:
                return
            data = bytes(rest)
            rest.clear()
        try:
            position = self._cut(data, deliveries)
        except IndexError:
            raise MqttError(MALFORMED, "packet ends inside its header") from None
        if position < len(data) and not self.has_ended:
            rest += memoryview(data)[position:]

    def _cut(self, data: bytes, deliveries: list[Delivery]) -> int:
        """Take all whole packets of `data`; the position behind the last of them."""
        acknowledger = self._acknowledger
        append = deliveries.append
        known = self._known
        known_length = len(known)
        topic = self._topic
        position = 0
        end = len(data)
        while end - position >= 2 and not self.has_ended:
            header = data[position]
            length = data[position + 1]
            start = position + 2
            if length > 0x7F:
                length, start = _long_length(data, position)
                if start < 0:
                    break
            stop = start + length
            if stop - position > self.largest_packet:
                raise MqttError(PACKET_TOO_LARGE, f"packet of {stop - position} bytes, at most {self.largest_packet}")
            if stop > end:
                self._needed = stop - position
                return position
            if header & 0xF0 != PUBLISH:
                if length > LARGEST_CONTROL and self.is_server:
                    raise MqttError(PACKET_TOO_LARGE, f"packet 0x{header:02X} of {length} bytes")
                self._on_control(header, data[start:stop])
            else:
                if not (known_length and data.startswith(known, start)):
                    topic = self._learn_topic(data, start, stop)
                    known = self._known
                    known_length = len(known)
                at = start + known_length
                if header & 6 == 2:
                    number = data[at] << 8 | data[at + 1]
                    at += 2
                    qos = 1
                    token = _PUBACK_WORD | number
                    if not number:
                        raise MqttError(MALFORMED, "QoS 1 publish with packet identifier 0")
                else:
                    qos = token = 0
                    self._n_unprotected += 1
                    if header & 0x0E:
                        _refuse_qos(header)
                if self.is_v5:
                    if data[at] == 0:
                        at += 1
                    else:
                        at = self._behind_properties(data, at, stop)
                if at > stop or not self.accepts_publish:
                    raise _misplaced(self.accepts_publish)
                append(Delivery(topic, data[at:stop], token, acknowledger, qos, self.gateway, header & 1 == 1))
            position = stop
        self._needed = 0
        return position

    def _learn_topic(self, data: bytes, start: int, stop: int) -> bytes:
        """Check a topic not seen in the last packet, and remember it."""
        behind = start + 2 + (data[start] << 8 | data[start + 1])
        if behind > stop:
            raise MqttError(MALFORMED, "topic longer than its packet")
        raw = data[start + 2 : behind]
        topic = self._kept.get(raw)
        if topic is None:
            topic = raw
            # A broker checked its publishers' topics; what still comes is judged, and parked, like any content.
            if self.is_server:
                check_topic(raw)
            if len(self._kept) >= self._kept_topics:
                self._kept.clear()
            if len(raw) <= _LONGEST_KEPT_TOPIC:
                self._kept[raw] = raw
        self._topic = topic
        self._known = data[start:behind]
        return topic

    def _behind_properties(self, data: bytes, at: int, stop: int) -> int:
        """Position behind the publish's properties, which are checked and not used."""
        if data.startswith(self._known_properties, at) and at + len(self._known_properties) <= stop:
            return at + len(self._known_properties)
        cursor = wire.Cursor(data, at, stop)
        if not self.is_server:  # the broker has checked them
            cursor.take(cursor.varint())
            return cursor.position
        if wire.Cursor(data, at, stop).varint() > LARGEST_CONTROL:
            raise MqttError(PACKET_TOO_LARGE, f"more than {LARGEST_CONTROL} bytes of properties")
        found = props.read(cursor, PUBLISH)
        if props.TOPIC_ALIAS in found:
            raise MqttError(BAD_TOPIC_ALIAS, "topic alias, though Topic Alias Maximum is 0")
        if props.SUBSCRIPTION_ID in found:
            raise MqttError(PROTOCOL_ERROR, "subscription identifier in a client's publish")
        if cursor.position - at <= _LONGEST_KEPT_TOPIC:
            self._known_properties = data[at : cursor.position]
        return cursor.position


def check_topic(raw: bytes) -> None:
    """MqttError unless the bytes are a topic name one may publish to (MQTT 5.0 section 4.7)."""
    wire.decode_text(raw)
    if not raw:
        raise MqttError(PROTOCOL_ERROR, "empty topic without topic alias")
    if b"+" in raw or b"#" in raw:
        raise MqttError(BAD_TOPIC_NAME, "wildcard in the topic of a publish")


def joined_pubacks(tokens: Sequence[int], codes: Sequence[int], *, is_v5: bool) -> bytes:
    """The PUBACK packets of deliveries in their order; those of QoS 0 have none."""
    if 0 in tokens:
        pairs = [pair for pair in zip(tokens, codes, strict=True) if pair[0]]
        tokens, codes = [token for token, _ in pairs], [code for _, code in pairs]
    if is_v5 and any(codes):
        return b"".join(packets.puback(t & _PACKET_ID, c) for t, c in zip(tokens, codes, strict=True))
    words = array("I", tokens)
    if sys.byteorder == "little":
        words.byteswap()
    return words.tobytes()


def _long_length(data: bytes, position: int) -> tuple[int, int]:
    """A remaining length of more than one byte and the position behind it, (0, -1) while it is not whole."""
    length = 0
    shift = 0
    for at in range(position + 1, min(position + 5, len(data))):
        byte = data[at]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if byte == 0:
                raise MqttError(MALFORMED, "remaining length is not in its shortest form")
            return length, at + 1
    if shift == 28:
        raise MqttError(MALFORMED, "remaining length longer than four bytes")
    return 0, -1


def _refuse_qos(header: int) -> None:
    if header & 6 == 4:
        raise MqttError(QOS_UNSUPPORTED, "publish with QoS 2, though Maximum QoS is 1")
    raise MqttError(MALFORMED, "publish with QoS 3" if header & 6 else "DUP set on a QoS 0 publish")


def _misplaced(accepts_publish: bool) -> MqttError:
    if accepts_publish:
        return MqttError(MALFORMED, "publish ends inside its header")
    return MqttError(PROTOCOL_ERROR, "publish before the connection was accepted")
