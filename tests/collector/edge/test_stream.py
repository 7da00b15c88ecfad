"""The cutter of byte streams: the same packets whatever the pieces, refusals with the right code, joined PUBACKs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mqtt import codes, packets
from collector.mqtt import properties as props
from collector.mqtt.stream import PublishStream, joined_pubacks
from collector.source import Delivery
from energy.errors import MqttError

TOPIC = b"jieneng/v1/99001/gw-1/readings"


class Nobody:
    """An acknowledger whose connection is gone."""

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        return


class Cutter:
    """A stream with what came out of it."""

    def __init__(self, level: int, *, largest_packet: int = 100_000, is_server: bool = True) -> None:
        self.control: list[tuple[int, bytes]] = []
        self.deliveries: list[Delivery] = []
        self.stream = PublishStream(
            Nobody(), lambda header, body: self.control.append((header, body)),
            largest_packet=largest_packet, is_server=is_server,
        )  # fmt: skip
        self.stream.is_v5 = level == codes.MQTT_5
        self.stream.accepts_publish = True
        self.stream.gateway = "gw-1"

    def feed(self, data: bytes) -> None:
        self.stream.feed(data, self.deliveries)

    def seen(self) -> tuple[list[tuple[object, ...]], list[tuple[int, bytes]]]:
        rows = [(d.topic, d.payload, d.token, d.qos, d.retained, d.gateway) for d in self.deliveries]
        return rows, self.control


def mixed(level: int) -> bytes:
    found = {props.USER_PROPERTY: [("site", "roof")], 0x02: 60} if level == codes.MQTT_5 else None
    return b"".join(
        [
            packets.publish(TOPIC, b"one", level=level, packet_id=1),
            packets.publish(TOPIC, b"two" * 50, level=level, packet_id=0x1234, is_repeat=True),
            packets.PINGREQ_PACKET,
            packets.publish(TOPIC, b"", level=level, packet_id=3, retain=True),
            packets.publish(TOPIC + b"2", b"unprotected", level=level, qos=0),
            packets.publish(TOPIC, b"with properties", level=level, packet_id=4, properties=found),
            packets.publish(TOPIC, b"again", level=level, packet_id=5, properties=found),
            packets.publish(TOPIC[:-1], b"a shorter topic", level=level, packet_id=6),
            packets.puback(9),
            packets.publish(TOPIC, b"last", level=level, packet_id=65_535),
        ]
    )


EXPECTED = (
    [
        (TOPIC, b"one", 0x4002_0001, 1, False, "gw-1"),
        (TOPIC, b"two" * 50, 0x4002_1234, 1, False, "gw-1"),
        (TOPIC, b"", 0x4002_0003, 1, True, "gw-1"),
        (TOPIC + b"2", b"unprotected", 0, 0, False, "gw-1"),
        (TOPIC, b"with properties", 0x4002_0004, 1, False, "gw-1"),
        (TOPIC, b"again", 0x4002_0005, 1, False, "gw-1"),
        (TOPIC[:-1], b"a shorter topic", 0x4002_0006, 1, False, "gw-1"),
        (TOPIC, b"last", 0x4002_FFFF, 1, False, "gw-1"),
    ],
    [(codes.PINGREQ, b""), (codes.PUBACK, b"\x00\x09")],
)

both_levels = pytest.mark.parametrize("level", [codes.MQTT_311, codes.MQTT_5])


@both_levels
def test_a_buffer_becomes_deliveries_and_control_packets(level: int) -> None:
    cutter = Cutter(level)
    cutter.feed(mixed(level))
    assert cutter.seen() == EXPECTED
    assert cutter.stream.take_unprotected() == 1
    assert cutter.stream.waiting_bytes == 0


@both_levels
def test_a_split_at_any_position_gives_the_same_packets(level: int) -> None:
    data = mixed(level)
    for position in range(len(data) + 1):
        cutter = Cutter(level)
        cutter.feed(data[:position])
        cutter.feed(data[position:])
        assert cutter.seen() == EXPECTED, f"split at {position}"


@both_levels
def test_byte_by_byte_gives_the_same_packets(level: int) -> None:
    cutter = Cutter(level)
    for byte in mixed(level):
        cutter.feed(bytes((byte,)))
    assert cutter.seen() == EXPECTED


@both_levels
@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_any_pieces_give_the_same_packets(level: int, cuts: list[int]) -> None:
    data = mixed(level)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    cutter = Cutter(level)
    for start, stop in pairwise(edges):
        cutter.feed(data[start:stop])
    assert cutter.seen() == EXPECTED


@given(
    topic=st.text(st.characters(codec="utf-8", exclude_characters="\x00+#"), min_size=1, max_size=300),
    payload=st.binary(max_size=400),
    packet_id=st.integers(1, 65_535),
    retain=st.booleans(),
    level=st.sampled_from([codes.MQTT_311, codes.MQTT_5]),
)
def test_publish_survives_the_wire(topic: str, payload: bytes, packet_id: int, retain: bool, level: int) -> None:
    cutter = Cutter(level)
    packet = packets.publish(topic.encode(), payload, level=level, packet_id=packet_id, retain=retain)
    cutter.feed(packet + packet)
    assert cutter.seen() == ([(topic.encode(), payload, 0x4002_0000 | packet_id, 1, retain, "gw-1")] * 2, [])


@both_levels
@pytest.mark.parametrize(
    ("topic", "code"),
    [
        (b"a/\xff", codes.MALFORMED),
        (b"a/\x00", codes.MALFORMED),
        (b"a/+/c", codes.BAD_TOPIC_NAME),
        (b"#", codes.BAD_TOPIC_NAME),
        (b"", codes.PROTOCOL_ERROR),
    ],
)
def test_topics_nobody_may_publish_to_are_refused(level: int, topic: bytes, code: int) -> None:
    cutter = Cutter(level)
    with pytest.raises(MqttError) as caught:
        cutter.feed(
            packets.publish(TOPIC, b"good", level=level, packet_id=1)
            + packets.publish(topic, b"bad", level=level, packet_id=2)
            + packets.publish(TOPIC, b"behind", level=level, packet_id=3)
        )
    assert caught.value.code == code
    assert [delivery.payload for delivery in cutter.deliveries] == [b"good"]


def test_a_bad_topic_from_a_broker_is_handed_on_to_be_parked() -> None:
    cutter = Cutter(codes.MQTT_5, is_server=False)
    cutter.feed(packets.publish(b"a/\xff", b"x", level=codes.MQTT_5, packet_id=1))
    assert cutter.deliveries[0].topic == b"a/\xff"


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (packets.publish(TOPIC, b"x", level=5, packet_id=1, qos=2), codes.QOS_UNSUPPORTED),
        (packets.publish(TOPIC, b"x", level=5, packet_id=1, qos=3), codes.MALFORMED),
        (packets.publish(TOPIC, b"x", level=5, qos=0, is_repeat=True), codes.MALFORMED),
        (packets.publish(TOPIC, b"x", level=5, packet_id=0), codes.MALFORMED),
        (packets.publish(TOPIC, b"x", level=5, packet_id=1, properties={props.TOPIC_ALIAS: 1}), codes.BAD_TOPIC_ALIAS),
        (packets.publish(b"", b"x", level=5, packet_id=1, properties={props.TOPIC_ALIAS: 1}), codes.PROTOCOL_ERROR),
        (
            packets.publish(TOPIC, b"x", level=5, packet_id=1, properties={props.SUBSCRIPTION_ID: [1]}),
            codes.PROTOCOL_ERROR,
        ),
        (packets.publish(TOPIC, b"x" * 2000, level=5, packet_id=1), codes.PACKET_TOO_LARGE),
        (b"\x32\xff\xff\xff\xff\x01", codes.MALFORMED),
        (b"\x32\x82\x00" + b"\x00\x01", codes.MALFORMED),
        (b"\x32\x02\xff\xff", codes.MALFORMED),
        (b"\x32\x00", codes.MALFORMED),
        (b"\x32\x04\x00\x01a\x00", codes.MALFORMED),
        (b"\x32\x05\x00\x01a\x00\x01", codes.MALFORMED),
    ],
)
def test_broken_publishes_are_refused(packet: bytes, code: int) -> None:
    cutter = Cutter(codes.MQTT_5, largest_packet=1_000)
    with pytest.raises(MqttError) as caught:
        cutter.feed(packet)
    assert caught.value.code == code
    assert cutter.deliveries == []


def test_a_large_packet_is_refused_before_it_has_arrived() -> None:
    cutter = Cutter(codes.MQTT_5, largest_packet=1_000)
    with pytest.raises(MqttError) as caught:
        cutter.feed(b"\x32\xff\x7f")
    assert caught.value.code == codes.PACKET_TOO_LARGE
    assert cutter.stream.waiting_bytes == 0


def test_a_publish_cut_short_inside_never_reads_its_neighbour() -> None:
    whole = packets.publish(TOPIC, b"payload", level=codes.MQTT_5, packet_id=7)
    for length in range(len(whole) - 2 - len(b"payload")):
        cutter = Cutter(codes.MQTT_5)
        short = bytes((whole[0], length)) + whole[2 : 2 + length]
        with pytest.raises(MqttError):
            cutter.feed(packets.publish(TOPIC, b"first", level=codes.MQTT_5, packet_id=1) + short + whole)
        assert [delivery.payload for delivery in cutter.deliveries] == [b"first"]


@given(st.lists(st.sampled_from([b"", *(bytes((n,)) for n in range(256))]), max_size=60), st.booleans())
def test_random_bytes_are_cut_or_refused_but_never_crash(pieces: list[bytes], is_v5: bool) -> None:
    cutter = Cutter(codes.MQTT_5 if is_v5 else codes.MQTT_311)
    data = b"".join(pieces)
    with suppress(MqttError):
        cutter.feed(data)
    assert cutter.stream.waiting_bytes + sum(len(delivery.payload) for delivery in cutter.deliveries) <= len(data)


def test_pubacks_are_joined_in_order() -> None:
    tokens = [0x4002_0001, 0x4002_FFFF, 0x4002_0100]
    expected = packets.puback(1) + packets.puback(0xFFFF) + packets.puback(0x100)
    assert joined_pubacks(tokens, [0, 0, 0], is_v5=True) == expected
    assert joined_pubacks(tokens, [0, 0x87, 0], is_v5=False) == expected


def test_qos_0_has_no_puback() -> None:
    assert joined_pubacks([0, 0x4002_0005, 0], [0, 0, 0], is_v5=True) == packets.puback(5)
    assert joined_pubacks([0], [0x99], is_v5=True) == b""


def test_a_parked_message_is_told_to_a_v5_sender() -> None:
    joined = joined_pubacks([0x4002_0001, 0x4002_0002], [0, 0x99], is_v5=True)
    assert joined == bytes.fromhex("40020001") + bytes.fromhex("4003000299")
