"""The properties of MQTT 5 (section 2.2.2): which exist, of what type, in which packet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from collector.mqtt import wire
from collector.mqtt.codes import (
    AUTH,
    CONNACK,
    CONNECT,
    DISCONNECT,
    MALFORMED,
    PROTOCOL_ERROR,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
)
from energy.errors import MqttError

WILL: Final = 0  # properties of the will inside CONNECT; no packet type of its own

SESSION_EXPIRY: Final = 0x11
ASSIGNED_CLIENT_ID: Final = 0x12
SERVER_KEEP_ALIVE: Final = 0x13
AUTH_METHOD: Final = 0x15
RECEIVE_MAXIMUM: Final = 0x21
TOPIC_ALIAS_MAXIMUM: Final = 0x22
TOPIC_ALIAS: Final = 0x23
MAXIMUM_QOS: Final = 0x24
RETAIN_AVAILABLE: Final = 0x25
USER_PROPERTY: Final = 0x26
MAXIMUM_PACKET_SIZE: Final = 0x27
WILDCARD_AVAILABLE: Final = 0x28
SUBSCRIPTION_IDS_AVAILABLE: Final = 0x29
SHARED_AVAILABLE: Final = 0x2A
SUBSCRIPTION_ID: Final = 0x0B

Properties = dict[int, Any]
"""Property identifier -> value; `USER_PROPERTY` and `SUBSCRIPTION_ID` hold a list, for they may repeat."""


class _Kind(NamedTuple):
    read: Callable[[wire.Cursor], Any]
    write: Callable[[Any], bytes]


def _pair(cursor: wire.Cursor) -> tuple[str, str]:
    return cursor.text(), cursor.text()


def _write_pair(value: tuple[str, str]) -> bytes:
    return wire.text(value[0]) + wire.text(value[1])


def _flag(cursor: wire.Cursor) -> int:
    value = cursor.byte()
    if value > 1:
        raise MqttError(PROTOCOL_ERROR, f"property holds {value}, expected 0 or 1")
    return value


def _byte(value: int) -> bytes:
    return bytes((value,))


_FLAG = _Kind(_flag, _byte)
_U16 = _Kind(wire.Cursor.u16, wire.u16)
_U32 = _Kind(wire.Cursor.u32, wire.u32)
_VARINT = _Kind(wire.Cursor.varint, wire.varint)
_BINARY = _Kind(wire.Cursor.binary, wire.binary)
_TEXT = _Kind(wire.Cursor.text, wire.text)
_PAIR = _Kind(_pair, _write_pair)

_ALL: Final = frozenset(
    {
        WILL,
        CONNECT,
        CONNACK,
        PUBLISH,
        PUBACK,
        PUBREC,
        PUBREL,
        PUBCOMP,
        SUBSCRIBE,
        SUBACK,
        UNSUBSCRIBE,
        UNSUBACK,
        DISCONNECT,
        AUTH,
    }
)
_ANSWERS: Final = frozenset(
    {CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH}
)  # packets that may carry a reason string

# MQTT 5.0 table 2-4: identifier -> type, packets it may appear in
_TABLE: Final[dict[int, tuple[_Kind, frozenset[int]]]] = {
    0x01: (_FLAG, frozenset({PUBLISH, WILL})),  # payload format indicator
    0x02: (_U32, frozenset({PUBLISH, WILL})),  # message expiry interval
    0x03: (_TEXT, frozenset({PUBLISH, WILL})),  # content type
    0x08: (_TEXT, frozenset({PUBLISH, WILL})),  # response topic
    0x09: (_BINARY, frozenset({PUBLISH, WILL})),  # correlation data
    SUBSCRIPTION_ID: (_VARINT, frozenset({PUBLISH, SUBSCRIBE})),
    SESSION_EXPIRY: (_U32, frozenset({CONNECT, CONNACK, DISCONNECT})),
    ASSIGNED_CLIENT_ID: (_TEXT, frozenset({CONNACK})),
    SERVER_KEEP_ALIVE: (_U16, frozenset({CONNACK})),
    AUTH_METHOD: (_TEXT, frozenset({CONNECT, CONNACK, AUTH})),
    0x16: (_BINARY, frozenset({CONNECT, CONNACK, AUTH})),  # authentication data
    0x17: (_FLAG, frozenset({CONNECT})),  # request problem information
    0x18: (_U32, frozenset({WILL})),  # will delay interval
    0x19: (_FLAG, frozenset({CONNECT})),  # request response information
    0x1A: (_TEXT, frozenset({CONNACK})),  # response information
    0x1C: (_TEXT, frozenset({CONNACK, DISCONNECT})),  # server reference
    0x1F: (_TEXT, _ANSWERS),  # reason string
    RECEIVE_MAXIMUM: (_U16, frozenset({CONNECT, CONNACK})),
    TOPIC_ALIAS_MAXIMUM: (_U16, frozenset({CONNECT, CONNACK})),
    TOPIC_ALIAS: (_U16, frozenset({PUBLISH})),
    MAXIMUM_QOS: (_FLAG, frozenset({CONNACK})),
    RETAIN_AVAILABLE: (_FLAG, frozenset({CONNACK})),
    USER_PROPERTY: (_PAIR, _ALL),
    MAXIMUM_PACKET_SIZE: (_U32, frozenset({CONNECT, CONNACK})),
    WILDCARD_AVAILABLE: (_FLAG, frozenset({CONNACK})),
    SUBSCRIPTION_IDS_AVAILABLE: (_FLAG, frozenset({CONNACK})),
    SHARED_AVAILABLE: (_FLAG, frozenset({CONNACK})),
}
_NEVER_ZERO: Final = frozenset({SUBSCRIPTION_ID, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE})


def read(cursor: wire.Cursor, packet: int) -> Properties:
    """The properties at the cursor, checked against what `packet` may carry; the cursor ends behind them."""
    inner = wire.Cursor(cursor.take(cursor.varint()))
    found: Properties = {}
    while not inner.is_at_end:
        _read_one(inner, packet, found)
    return found


def _read_one(cursor: wire.Cursor, packet: int, found: Properties) -> None:
    identifier = cursor.varint()
    kind, packets = _TABLE.get(identifier, (None, _ALL))
    if kind is None or packet not in packets:
        raise MqttError(MALFORMED, f"property 0x{identifier:02X} does not belong into this packet")
    value = kind.read(cursor)
    if identifier in _NEVER_ZERO and value == 0:
        raise MqttError(PROTOCOL_ERROR, f"property 0x{identifier:02X} is 0")
    if identifier == USER_PROPERTY or (identifier == SUBSCRIPTION_ID and packet == PUBLISH):
        found.setdefault(identifier, []).append(value)
    elif identifier in found:
        raise MqttError(PROTOCOL_ERROR, f"property 0x{identifier:02X} twice")
    else:
        found[identifier] = value


def write(properties: Mapping[int, Any]) -> bytes:
    """The properties with their length in front."""
    parts = bytearray()
    for identifier, value in properties.items():
        kind = _TABLE[identifier][0]
        for one in value if isinstance(value, list) else [value]:
            parts += wire.varint(identifier) + kind.write(one)
    return wire.varint(len(parts)) + bytes(parts)
