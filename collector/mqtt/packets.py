"""Every packet but the inside of PUBLISH, as values to and from bytes, in MQTT 3.1.1 (level 4) and 5 (level 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.mqtt import properties as props
from collector.mqtt import wire
from collector.mqtt.codes import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    MALFORMED,
    MQTT_5,
    MQTT_311,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    SUCCESS,
    UNSUBACK,
    UNSUBSCRIBE,
    UNSUPPORTED_VERSION,
)
from collector.mqtt.properties import Properties
from energy.errors import MqttError

PINGREQ_PACKET: Final = b"\xc0\x00"
PINGRESP_PACKET: Final = b"\xd0\x00"


@dataclass(frozen=True, slots=True)
class Will:
    """What a client asks to be published for it when it vanishes."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's first packet."""

    client_id: str
    level: int = MQTT_5
    is_clean: bool = True
    keepalive_s: int = 60
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    will: Will | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnAck:
    """A server's answer to CONNECT; `code` is a return code in 3.1.1, a reason code in 5."""

    code: int
    session_present: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A wish for topic filters, each with its options byte (3.1.1: the QoS alone)."""

    packet_id: int
    filters: Sequence[tuple[str, int]]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubAck:
    """The answer to SUBSCRIBE or UNSUBSCRIBE: one code a filter, >= 0x80 for failure."""

    packet_id: int
    codes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The end of subscriptions."""

    packet_id: int
    filters: Sequence[str]


def protocol_level(body: bytes) -> int:
    """The protocol level a CONNECT speaks: known before the rest is read, because the answer's form depends on it.

    MQTT 3.1 names itself MQIsdp with level 3; a name that is neither is not MQTT at all.
    """
    cursor = wire.Cursor(body)
    name = cursor.binary()
    if name not in (b"MQTT", b"MQIsdp"):
        raise MqttError(UNSUPPORTED_VERSION, f"protocol name {name[:16]!r}, expected b'MQTT'")
    return cursor.byte() if name == b"MQTT" else 3


def parse_connect(body: bytes) -> Connect:
    """A CONNECT of level 4 or 5."""
    cursor = wire.Cursor(body)
    name, level, flags = cursor.binary(), cursor.byte(), cursor.byte()
    if name != b"MQTT" or level not in (MQTT_311, MQTT_5):
        raise MqttError(UNSUPPORTED_VERSION, f"protocol {name[:16]!r} level {level}, expected MQTT 4 or 5")
    if flags & 0x01:
        raise MqttError(MALFORMED, "reserved CONNECT flag is set")
    if level == MQTT_311 and flags & 0xC0 == 0x40:
        raise MqttError(MALFORMED, "password without user name")
    keepalive_s = cursor.u16()
    found = props.read(cursor, CONNECT) if level == MQTT_5 else {}
    client_id = cursor.text()
    will = _will(cursor, flags, level)
    username = cursor.text() if flags & 0x80 else None
    password = cursor.binary() if flags & 0x40 else None
    _must_end(cursor)
    return Connect(client_id, level, bool(flags & 0x02), keepalive_s, username, password, will, found)


def _will(cursor: wire.Cursor, flags: int, level: int) -> Will | None:
    qos = flags >> 3 & 3
    if not flags & 0x04:
        if flags & 0x38:
            raise MqttError(MALFORMED, "will QoS or will retain without a will")
        return None
    if qos == 3:
        raise MqttError(MALFORMED, "will QoS 3")
    found = props.read(cursor, props.WILL) if level == MQTT_5 else {}
    return Will(cursor.text(), cursor.binary(), qos, bool(flags & 0x20), found)


def connect(packet: Connect) -> bytes:
    """A CONNECT packet."""
    flags = packet.is_clean << 1 | (packet.username is not None) << 7 | (packet.password is not None) << 6
    will = b""
    if packet.will is not None:
        flags |= 0x04 | packet.will.qos << 3 | packet.will.retain << 5
        will = wire.text(packet.will.topic) + wire.binary(packet.will.payload)
        if packet.level == MQTT_5:
            will = props.write(packet.will.properties) + will
    return wire.packet(
        CONNECT,
        wire.text("MQTT"),
        bytes((packet.level, flags)),
        wire.u16(packet.keepalive_s),
        _properties(packet.level, packet.properties),
        wire.text(packet.client_id),
        will,
        b"" if packet.username is None else wire.text(packet.username),
        b"" if packet.password is None else wire.binary(packet.password),
    )


def parse_connack(body: bytes, level: int) -> ConnAck:
    """The answer to our CONNECT."""
    cursor = wire.Cursor(body)
    flags, code = cursor.byte(), cursor.byte()
    if flags > 1 or (flags and code):
        raise MqttError(PROTOCOL_ERROR, f"CONNACK flags 0x{flags:02X} with code 0x{code:02X}")
    found = props.read(cursor, CONNACK) if level == MQTT_5 and not cursor.is_at_end else {}
    _must_end(cursor)
    return ConnAck(code, bool(flags), found)


def connack(answer: ConnAck, level: int) -> bytes:
    """A CONNACK packet."""
    return wire.packet(CONNACK, bytes((answer.session_present, answer.code)), _properties(level, answer.properties))


def parse_subscribe(body: bytes, level: int) -> Subscribe:
    """A SUBSCRIBE with at least one filter."""
    cursor = wire.Cursor(body)
    packet_id = cursor.packet_id()
    found = props.read(cursor, SUBSCRIBE) if level == MQTT_5 else {}
    reserved = 0xC0 if level == MQTT_5 else 0xFC
    filters: list[tuple[str, int]] = []
    while not cursor.is_at_end:
        wanted, options = cursor.text(), cursor.byte()
        if options & reserved or options & 3 == 3:
            raise MqttError(MALFORMED, f"subscription options 0x{options:02X}")
        filters.append((wanted, options))
    _must_hold(filters)
    return Subscribe(packet_id, filters, found)


def subscribe(packet: Subscribe, level: int) -> bytes:
    """A SUBSCRIBE packet."""
    filters = (wire.text(wanted) + bytes((options,)) for wanted, options in packet.filters)
    return wire.packet(SUBSCRIBE, wire.u16(packet.packet_id), _properties(level, packet.properties), *filters)


def parse_unsubscribe(body: bytes, level: int) -> Unsubscribe:
    """An UNSUBSCRIBE with at least one filter."""
    cursor = wire.Cursor(body)
    packet_id = cursor.packet_id()
    if level == MQTT_5:
        props.read(cursor, UNSUBSCRIBE)
    filters: list[str] = []
    while not cursor.is_at_end:
        filters.append(cursor.text())
    _must_hold(filters)
    return Unsubscribe(packet_id, filters)


def unsubscribe(packet: Unsubscribe, level: int) -> bytes:
    """An UNSUBSCRIBE packet."""
    filters = map(wire.text, packet.filters)
    return wire.packet(UNSUBSCRIBE, wire.u16(packet.packet_id), _properties(level, {}), *filters)


def parse_suback(body: bytes, level: int) -> SubAck:
    """The answer to our SUBSCRIBE."""
    cursor = wire.Cursor(body)
    packet_id = cursor.packet_id()
    if level == MQTT_5:
        props.read(cursor, SUBACK)
    return SubAck(packet_id, tuple(cursor.rest()))


def suback(answer: SubAck, level: int) -> bytes:
    """A SUBACK packet."""
    return wire.packet(SUBACK, wire.u16(answer.packet_id), _properties(level, {}), bytes(answer.codes))


def unsuback(answer: SubAck, level: int) -> bytes:
    """An UNSUBACK packet; 3.1.1 has no codes in it."""
    codes = bytes(answer.codes) if level == MQTT_5 else b""
    return wire.packet(UNSUBACK, wire.u16(answer.packet_id), _properties(level, {}), codes)


def parse_answer(body: bytes, packet: int, level: int) -> tuple[int, int]:
    """Packet identifier and reason code of PUBACK, PUBREC, PUBREL or PUBCOMP."""
    cursor = wire.Cursor(body)
    packet_id = cursor.packet_id()
    code = SUCCESS
    if level == MQTT_5 and not cursor.is_at_end:
        code = cursor.byte()
        if not cursor.is_at_end:
            props.read(cursor, packet)
    _must_end(cursor)
    return packet_id, code


def puback(packet_id: int, code: int = SUCCESS) -> bytes:
    """A PUBACK packet; the code (MQTT 5 only) is left out where it says success."""
    return wire.packet(PUBACK, wire.u16(packet_id), bytes((code,)) if code else b"")


def pubcomp(packet_id: int, code: int = SUCCESS) -> bytes:
    """A PUBCOMP packet."""
    return wire.packet(PUBCOMP, wire.u16(packet_id), bytes((code,)) if code else b"")


def publish(
    topic: bytes,
    payload: bytes,
    *,
    level: int,
    packet_id: int = 0,
    qos: int = 1,
    retain: bool = False,
    is_repeat: bool = False,
    properties: Mapping[int, Any] | None = None,
) -> bytes:
    """A PUBLISH packet (the topic as bytes, so that tests can send what no client library would)."""
    header = PUBLISH | is_repeat << 3 | qos << 1 | retain
    number = wire.u16(packet_id) if qos else b""
    return wire.packet(header, wire.binary(topic), number, _properties(level, properties or {}), payload)


def parse_disconnect(body: bytes, level: int) -> int:
    """The reason a peer leaves for; 3.1.1 gives none."""
    cursor = wire.Cursor(body)
    code = SUCCESS
    if level == MQTT_5 and not cursor.is_at_end:
        code = cursor.byte()
        if not cursor.is_at_end:
            props.read(cursor, DISCONNECT)
    _must_end(cursor)
    return code


def disconnect(code: int, level: int) -> bytes:
    """A DISCONNECT packet."""
    return wire.packet(DISCONNECT, bytes((code,)) if level == MQTT_5 and code else b"")


def _properties(level: int, found: Mapping[int, Any]) -> bytes:
    return props.write(found) if level == MQTT_5 else b""


def _must_end(cursor: wire.Cursor) -> None:
    if not cursor.is_at_end:
        raise MqttError(MALFORMED, f"{len(cursor.rest())} bytes behind the end of the packet")


def _must_hold(filters: Sequence[object]) -> None:
    if not filters:
        raise MqttError(PROTOCOL_ERROR, "no topic filter")
