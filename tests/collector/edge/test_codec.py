"""The packet codec: what is built is read back, what is broken is refused as MqttError and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mqtt import codes, packets, wire
from collector.mqtt import properties as props
from energy.errors import MqttError

levels = st.sampled_from([codes.MQTT_311, codes.MQTT_5])
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
binaries = st.binary(max_size=60)
packet_ids = st.integers(1, 65_535)
user_properties = st.lists(st.tuples(texts, texts), min_size=1, max_size=3)

connect_properties = st.fixed_dictionaries(
    {},
    optional={
        props.SESSION_EXPIRY: st.integers(0, 2**32 - 1),
        props.RECEIVE_MAXIMUM: st.integers(1, 65_535),
        props.MAXIMUM_PACKET_SIZE: st.integers(1, 2**32 - 1),
        props.TOPIC_ALIAS_MAXIMUM: st.integers(0, 65_535),
        props.AUTH_METHOD: texts,
        props.USER_PROPERTY: user_properties,
    },
)
publish_properties = st.fixed_dictionaries(
    {},
    optional={
        0x01: st.integers(0, 1),
        0x02: st.integers(0, 2**32 - 1),
        0x03: texts,
        0x09: binaries,
        props.SUBSCRIPTION_ID: st.lists(st.integers(1, wire.LARGEST_LENGTH), min_size=1, max_size=3),
        props.USER_PROPERTY: user_properties,
    },
)


@st.composite
def connects(draw: st.DrawFn) -> packets.Connect:
    level = draw(levels)
    is_v5 = level == codes.MQTT_5
    username = draw(st.none() | texts)
    password = draw(st.none() | binaries) if is_v5 or username is not None else None
    will = None
    if draw(st.booleans()):
        found = draw(publish_properties) if is_v5 else {}
        found.pop(props.SUBSCRIPTION_ID, None)
        will = packets.Will(draw(texts), draw(binaries), draw(st.integers(0, 2)), draw(st.booleans()), found)
    return packets.Connect(
        draw(texts),
        level,
        draw(st.booleans()),
        draw(st.integers(0, 65_535)),
        username,
        password,
        will,
        draw(connect_properties) if is_v5 else {},
    )


def body_of(packet: bytes, header: int) -> bytes:
    """The packet without its fixed header, whose length must be right."""
    cursor = wire.Cursor(packet)
    assert cursor.byte() == header
    assert cursor.varint() == len(packet) - cursor.position
    return cursor.rest()


@given(st.integers(0, wire.LARGEST_LENGTH))
def test_lengths_survive_the_wire(value: int) -> None:
    cursor = wire.Cursor(wire.varint(value))
    assert cursor.varint() == value
    assert cursor.is_at_end


@pytest.mark.parametrize(
    ("value", "encoded"),  # MQTT 5.0 table 1-1
    [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (268_435_455, "ffffff7f")],
)
def test_lengths_are_encoded_as_the_specification_shows(value: int, encoded: str) -> None:
    assert wire.varint(value).hex() == encoded


@pytest.mark.parametrize("encoded", ["80808080", "ffffffff01", "8000", "80"])
def test_impossible_lengths_are_refused(encoded: str) -> None:
    with pytest.raises(MqttError):
        wire.Cursor(bytes.fromhex(encoded)).varint()


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\x00b", b"\xf4\x90\x80\x80"])
def test_strings_that_are_not_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(MqttError) as caught:
        wire.decode_text(raw)
    assert caught.value.code == codes.MALFORMED


@given(connects())
def test_connect_survives_the_wire(packet: packets.Connect) -> None:
    assert packets.parse_connect(body_of(packets.connect(packet), codes.CONNECT)) == packet


@given(levels, st.integers(0, 255), st.booleans())
def test_connack_survives_the_wire(level: int, code: int, session_present: bool) -> None:
    found = {props.SERVER_KEEP_ALIVE: 30, props.MAXIMUM_QOS: 1} if level == codes.MQTT_5 else {}
    answer = packets.ConnAck(code, session_present and code == 0, found)
    assert packets.parse_connack(body_of(packets.connack(answer, level), codes.CONNACK), level) == answer


@given(levels, packet_ids, st.lists(st.tuples(texts, st.integers(0, 2)), min_size=1, max_size=5))
def test_subscribe_survives_the_wire(level: int, packet_id: int, filters: list[tuple[str, int]]) -> None:
    wanted = packets.Subscribe(packet_id, filters)
    assert packets.parse_subscribe(body_of(packets.subscribe(wanted, level), codes.SUBSCRIBE), level) == wanted


@given(levels, packet_ids, st.lists(texts, min_size=1, max_size=5))
def test_unsubscribe_survives_the_wire(level: int, packet_id: int, filters: list[str]) -> None:
    wanted = packets.Unsubscribe(packet_id, filters)
    assert packets.parse_unsubscribe(body_of(packets.unsubscribe(wanted, level), codes.UNSUBSCRIBE), level) == wanted


@given(levels, packet_ids, st.lists(st.integers(0, 255), max_size=5))
def test_suback_survives_the_wire(level: int, packet_id: int, answers: list[int]) -> None:
    answer = packets.SubAck(packet_id, tuple(answers))
    assert packets.parse_suback(body_of(packets.suback(answer, level), codes.SUBACK), level) == answer


@given(packet_ids, st.integers(0, 255))
def test_puback_survives_the_wire(packet_id: int, code: int) -> None:
    body = body_of(packets.puback(packet_id, code), codes.PUBACK)
    assert packets.parse_answer(body, codes.PUBACK, codes.MQTT_5) == (packet_id, code)


@given(st.integers(0, 255))
def test_disconnect_survives_the_wire(code: int) -> None:
    body = body_of(packets.disconnect(code, codes.MQTT_5), codes.DISCONNECT)
    assert packets.parse_disconnect(body, codes.MQTT_5) == code


PARSERS: list[tuple[str, Callable[[bytes], Any], bytes]] = [
    (
        "connect",
        packets.parse_connect,
        packets.connect(
            packets.Connect(
                "client",
                codes.MQTT_5,
                username="user",
                password=b"password",
                will=packets.Will("a/b", b"gone", 1, True, {0x02: 5}),
                properties={props.SESSION_EXPIRY: 3600, props.USER_PROPERTY: [("a", "b")]},
            )
        ),
    ),
    (
        "connect 3.1.1",
        packets.parse_connect,
        packets.connect(packets.Connect("client", codes.MQTT_311, username="user", password=b"password")),
    ),
    (
        "subscribe",
        lambda body: packets.parse_subscribe(body, codes.MQTT_5),
        packets.subscribe(packets.Subscribe(1, [("a/#", 1)], {props.SUBSCRIPTION_ID: 7}), codes.MQTT_5),
    ),
    (
        "unsubscribe",
        lambda body: packets.parse_unsubscribe(body, codes.MQTT_5),
        packets.unsubscribe(packets.Unsubscribe(1, ["a/#"]), codes.MQTT_5),
    ),
]


@pytest.mark.parametrize(("parse", "packet"), [row[1:] for row in PARSERS], ids=[row[0] for row in PARSERS])
def test_a_packet_cut_short_anywhere_is_refused(parse: Callable[[bytes], Any], packet: bytes) -> None:
    body = packet[2:]
    parse(body)
    for length in range(len(body)):
        with pytest.raises(MqttError):
            parse(body[:length])


@pytest.mark.parametrize("level", [codes.MQTT_311, codes.MQTT_5])
@given(body=st.binary(max_size=80))
def test_random_bodies_are_parsed_or_refused_but_never_crash(level: int, body: bytes) -> None:
    parsers: list[Callable[[], Any]] = [
        lambda: packets.protocol_level(body),
        lambda: packets.parse_connect(body),
        lambda: packets.parse_connect(b"\x00\x04MQTT" + bytes((level,)) + body),
        lambda: packets.parse_connack(body, level),
        lambda: packets.parse_subscribe(body, level),
        lambda: packets.parse_unsubscribe(body, level),
        lambda: packets.parse_suback(body, level),
        lambda: packets.parse_answer(body, codes.PUBACK, level),
        lambda: packets.parse_disconnect(body, level),
    ]
    refusals = [refusal(parse) for parse in parsers]
    assert all(code is None or 0x80 <= code <= 0xA2 for code in refusals)


def refusal(parse: Callable[[], Any]) -> int | None:
    """The code a body is refused with; None when it was read."""
    try:
        parse()
    except MqttError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ("21000a21000b", codes.PROTOCOL_ERROR),  # receive maximum twice
        ("210000", codes.PROTOCOL_ERROR),  # receive maximum 0
        ("27000000 00", codes.PROTOCOL_ERROR),  # maximum packet size 0
        ("1702", codes.PROTOCOL_ERROR),  # a flag that is 2
        ("230001", codes.MALFORMED),  # topic alias does not belong into CONNECT
        ("7f00", codes.MALFORMED),  # no such property
        ("26000161", codes.MALFORMED),  # user property without its value
    ],
)
def test_properties_out_of_place_are_refused(found: str, code: int) -> None:
    raw = bytes.fromhex(found.replace(" ", ""))
    with pytest.raises(MqttError) as caught:
        props.read(wire.Cursor(wire.varint(len(raw)) + raw), codes.CONNECT)
    assert caught.value.code == code


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(packets.Connect("a", password=b"hunter2"))
