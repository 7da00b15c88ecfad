"""What the endpoint does not support, and how it says so: one row a rule of the specification.

Clauses are those of MQTT 5.0 unless marked 3.1.1. After every refusal the endpoint must still serve the others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from collector.mqtt import codes, packets, wire
from collector.mqtt import properties as props
from tests.collector.edge.peers import (
    MemorySink,
    any_packet,
    connected_peer,
    hello,
    raw_peer,
    raw_publish,
    running_endpoint,
)

V3, V5 = codes.MQTT_311, codes.MQTT_5
CLOSED = None  # the connection is closed without a packet, as 3.1.1 does


@dataclass(frozen=True)
class Refusal:
    """A CONNECT and the answer to it: a return code of CONNACK, or CLOSED."""

    rule: str
    level: int
    packet: bytes
    code: int | None


def old_protocol(name: str, level: int) -> bytes:
    return any_packet(codes.CONNECT, wire.text(name), bytes((level, 2)), wire.u16(60), wire.text("old"))


REFUSED_CONNECTS = [
    Refusal("3.1.1 3.1.2.2 protocol level 3 (MQTT 3.1)", V3, old_protocol("MQIsdp", 3), 1),
    Refusal("3.1.1 3.1.2.2 protocol level of a bridge (0x84)", V5, old_protocol("MQTT", 0x84), 0x84),
    Refusal("3.1.2.2 protocol level 6", V5, old_protocol("MQTT", 6), 0x84),
    Refusal("3.1.2.1 not MQTT at all", V3, old_protocol("HTTP", 4), CLOSED),
    Refusal("3.1.1 3.2.2.3 wrong password", V3, hello(V3, password=b"wrong"), 4),
    Refusal("3.2.2.2 wrong password", V5, hello(V5, password=b"wrong"), 0x86),
    Refusal("3.1.1 3.2.2.3 no credentials", V3, hello(V3, username=None, password=None), 5),
    Refusal("3.2.2.2 no credentials", V5, hello(V5, username=None, password=None), 0x87),
    Refusal("3.1.1 MQTT-3.1.3-8 empty client id, session wanted", V3, hello(V3, "", is_clean=False), 2),
    Refusal("3.1.1 client id of 257 characters", V3, hello(V3, "x" * 257), 2),
    Refusal("client id of 257 characters", V5, hello(V5, "x" * 257), 0x85),
    Refusal("4.12 extended authentication", V5, hello(V5, properties={props.AUTH_METHOD: "SCRAM"}), 0x8C),
    Refusal("MQTT-3.2.2-12 will of QoS 2", V5, hello(V5, will=packets.Will("a", b"", 2)), 0x9B),
    Refusal("3.1.2.11.3 receive maximum 0", V5, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x05\x02", wire.u16(60), b"\x03\x21\x00\x00", wire.text("a")), 0x82),
    Refusal("MQTT-3.1.2-3 reserved flag", V3, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x04\x03", wire.u16(60), wire.text("a")), CLOSED),
    Refusal("MQTT-3.1.2-3 reserved flag", V5, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x05\x03", wire.u16(60), b"\x00", wire.text("a")), 0x81),
    Refusal("3.1.1 MQTT-3.1.2-22 password without user name", V3, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x04\x42", wire.u16(60), wire.text("a"), wire.binary(b"p")), CLOSED),
    Refusal("MQTT-3.1.2-12 will QoS 3", V5, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x05\x1e", wire.u16(60), b"\x00", wire.text("a")), 0x81),
    Refusal("MQTT-1.5.4-1 client id not UTF-8", V5, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x05\x02", wire.u16(60), b"\x00", wire.binary(b"\xff")), 0x81),
    Refusal("MQTT-1.5.4-2 client id with U+0000", V3, any_packet(
        codes.CONNECT, wire.text("MQTT"), b"\x04\x02", wire.u16(60), wire.binary(b"\x00")), CLOSED),
    Refusal("MQTT-3.1.0-1 publish before CONNECT", V3, raw_publish(V3), CLOSED),
    Refusal("MQTT-3.1.0-1 ping before CONNECT", V3, packets.PINGREQ_PACKET, CLOSED),
    Refusal("CONNECT larger than anyone needs", V3, hello(V3, will=packets.Will("a", b"x" * 20_000)), CLOSED),
]  # fmt: skip


@dataclass(frozen=True)
class Ending:
    """A packet on an open connection, and the reason of the DISCONNECT it is answered with (MQTT 5)."""

    rule: str
    packet: bytes
    code: int


ENDINGS = [
    Ending("MQTT-3.2.2-11 publish of QoS 2", raw_publish(V5, qos=2), codes.QOS_UNSUPPORTED),
    Ending("MQTT-3.3.1-4 publish of QoS 3", raw_publish(V5, qos=3), codes.MALFORMED),
    Ending("MQTT-3.3.1-2 DUP with QoS 0", raw_publish(V5, qos=0, is_repeat=True), codes.MALFORMED),
    Ending("MQTT-3.3.2-1 topic not UTF-8", raw_publish(V5, topic=b"a/\xff"), codes.MALFORMED),
    Ending("MQTT-1.5.4-2 U+0000 in the topic", raw_publish(V5, topic=b"a/\x00b"), codes.MALFORMED),
    Ending("MQTT-3.3.2-2 wildcard + in the topic", raw_publish(V5, topic=b"a/+/b"), codes.BAD_TOPIC_NAME),
    Ending("MQTT-3.3.2-2 wildcard # in the topic", raw_publish(V5, topic=b"a/#"), codes.BAD_TOPIC_NAME),
    Ending("3.3.2.1 empty topic without alias", raw_publish(V5, topic=b""), codes.PROTOCOL_ERROR),
    Ending("3.3.2.3.4 topic alias", raw_publish(V5, properties={props.TOPIC_ALIAS: 1}), codes.BAD_TOPIC_ALIAS),
    Ending("MQTT-2.2.1-3 packet identifier 0", raw_publish(V5, packet_id=0), codes.MALFORMED),
    Ending("MQTT-3.3.4-6 subscription identifier", raw_publish(V5, properties={props.SUBSCRIPTION_ID: [1]}),
           codes.PROTOCOL_ERROR),
    Ending("3.3.4 more in flight than Receive Maximum",
           b"".join(raw_publish(V5, number) for number in range(1, 12)), codes.RECEIVE_MAXIMUM_EXCEEDED),
    Ending("MQTT-3.2.2-15 packet too large", raw_publish(V5, payload=b"x" * 500_000), codes.PACKET_TOO_LARGE),
    Ending("MQTT-3.1.0-2 second CONNECT", hello(V5), codes.PROTOCOL_ERROR),
    Ending("4.12 AUTH without authentication method", any_packet(codes.AUTH), codes.PROTOCOL_ERROR),
    Ending("MQTT-3.8.3-2 SUBSCRIBE without a filter", any_packet(codes.SUBSCRIBE, b"\x00\x01\x00"),
           codes.PROTOCOL_ERROR),
    Ending("MQTT-3.8.1-1 SUBSCRIBE with wrong flags", any_packet(0x80, b"\x00\x01\x00\x00\x01a\x00"), codes.MALFORMED),
    Ending("MQTT-3.8.3-5 reserved subscription options", any_packet(codes.SUBSCRIBE, b"\x00\x01\x00\x00\x01a\xc0"),
           codes.MALFORMED),
    Ending("MQTT-3.10.3-2 UNSUBSCRIBE without a filter", any_packet(codes.UNSUBSCRIBE, b"\x00\x01\x00"),
           codes.PROTOCOL_ERROR),
    Ending("2.1.2 reserved packet type 0", any_packet(0x00), codes.MALFORMED),
    Ending("a server's packet from a client", any_packet(codes.PINGRESP), codes.MALFORMED),
    Ending("PINGREQ with a body", any_packet(codes.PINGREQ, b"x"), codes.MALFORMED),
    Ending("100 000 subscriptions", packets.subscribe(packets.Subscribe(1, [("a", 0)] * 100_000), V5),
           codes.PACKET_TOO_LARGE),
    Ending("64 kB of user properties", raw_publish(V5, properties={props.USER_PROPERTY: [("a", "b")] * 9_000}),
           codes.PACKET_TOO_LARGE),
    Ending("1.5.5 remaining length of five bytes", b"\x30\xff\xff\xff\xff\x01", codes.MALFORMED),
]  # fmt: skip


def names(rows: list[Any]) -> list[str]:
    return [row.rule for row in rows]


@pytest.mark.parametrize("row", REFUSED_CONNECTS, ids=names(REFUSED_CONNECTS))
def test_a_connection_is_refused(row: Refusal) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint, connected_peer(endpoint, client_id="other") as other:
            async with raw_peer(endpoint, row.level) as peer:
                peer.send(row.packet)
                if row.code is not CLOSED:
                    header, body = await peer.packet()
                    assert header == codes.CONNACK
                    assert packets.parse_connack(body, row.level) == packets.ConnAck(row.code)
                assert await peer.end() is None
            assert endpoint.counters.refused + endpoint.counters.malformed == 1
            assert endpoint.counters.failed == 0
            assert await other.is_served()

    asyncio.run(run())


@pytest.mark.parametrize("row", ENDINGS, ids=names(ENDINGS))
def test_a_connection_is_ended_with_its_reason(row: Ending) -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with (
            running_endpoint(sink, receive_maximum=10, max_packet_bytes=500_000) as endpoint,
            connected_peer(endpoint, client_id="other") as other,
            connected_peer(endpoint) as peer,
        ):
            peer.send(row.packet)
            assert await peer.end() == row.code
            assert endpoint.counters.malformed == 1
            assert endpoint.counters.failed == 0
            assert await other.is_served()

    asyncio.run(run())


@pytest.mark.parametrize(
    "packet",
    [
        raw_publish(V3, qos=2),
        raw_publish(V3, topic=b"a/+"),
        raw_publish(V3, topic=b""),
        raw_publish(V3, payload=b"x" * 5_000),
        any_packet(codes.AUTH),
        hello(V3),
    ],
    ids=["QoS 2", "wildcard", "empty topic", "too large", "AUTH", "second CONNECT"],
)
def test_3_1_1_is_ended_by_closing(packet: bytes) -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), max_packet_bytes=2_000) as endpoint,
            connected_peer(endpoint, V3) as peer,
        ):
            peer.send(packet)
            assert await peer.silence() == b""

    asyncio.run(run())


def test_a_subscription_gets_failure_codes() -> None:
    filters = [("jieneng/v1/a/b/readings", 1), ("jieneng/#", 1), ("a/+", 0), ("$share/g/a", 1)]
    answers = {
        V3: (0x80, 0x80, 0x80, 0x80),
        V5: (codes.NOT_AUTHORIZED, codes.WILDCARD_UNSUPPORTED, codes.WILDCARD_UNSUPPORTED, codes.SHARED_UNSUPPORTED),
    }

    async def run(level: int) -> None:
        async with running_endpoint(MemorySink()) as endpoint, connected_peer(endpoint, level) as peer:
            peer.send(packets.subscribe(packets.Subscribe(7, filters), level))
            header, body = await peer.packet()
            assert header == codes.SUBACK
            assert packets.parse_suback(body, level) == packets.SubAck(7, answers[level])
            assert await peer.is_served()
            assert endpoint.counters.refused_subscriptions == 4

    for level in (V3, V5):
        asyncio.run(run(level))


@pytest.mark.parametrize(("level", "expected"), [(V3, b"\x00\x07"), (V5, b"\x00\x07\x00\x11\x11")])
def test_unsubscribe_is_answered(level: int, expected: bytes) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint, connected_peer(endpoint, level) as peer:
            peer.send(packets.unsubscribe(packets.Unsubscribe(7, ["a", "b"]), level))
            assert await peer.packet() == (codes.UNSUBACK, expected)
            assert await peer.is_served()

    asyncio.run(run())


@pytest.mark.parametrize(("level", "expected"), [(V3, b"\x00\x07"), (V5, b"\x00\x07\x92")])
def test_the_rest_of_a_foreign_qos_2_exchange_is_ended(level: int, expected: bytes) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint, connected_peer(endpoint, level) as peer:
            peer.send(any_packet(codes.PUBREL, b"\x00\x07"))
            assert await peer.packet() == (codes.PUBCOMP, expected)
            assert await peer.is_served()

    asyncio.run(run())


def test_v5_is_told_what_is_not_there() -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), receive_maximum=500, max_packet_bytes=70_000) as endpoint,
            raw_peer(endpoint) as peer,
        ):
            wishes = {"keepalive_s": 0, "is_clean": False, "properties": {props.SESSION_EXPIRY: 3600}}
            peer.send(hello(V5, "", **wishes))
            header, body = await peer.packet()
            answer = packets.parse_connack(body, V5)
            assert header == codes.CONNACK
            assert not answer.session_present
            assigned = answer.properties.pop(props.ASSIGNED_CLIENT_ID)
            assert assigned.startswith("jieneng-")
            assert answer.properties == {
                props.SESSION_EXPIRY: 0,
                props.RECEIVE_MAXIMUM: 500,
                props.MAXIMUM_QOS: 1,
                props.RETAIN_AVAILABLE: 0,
                props.MAXIMUM_PACKET_SIZE: 70_000,
                props.TOPIC_ALIAS_MAXIMUM: 0,
                props.WILDCARD_AVAILABLE: 0,
                props.SUBSCRIPTION_IDS_AVAILABLE: 0,
                props.SHARED_AVAILABLE: 0,
                props.SERVER_KEEP_ALIVE: 3_600,
            }

    asyncio.run(run())


def test_3_1_1_never_finds_a_session() -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint:
            for _ in range(2):
                async with raw_peer(endpoint, V3) as peer:
                    peer.send(hello(V3, is_clean=False))
                    assert await peer.packet() == (codes.CONNACK, b"\x00\x00")

    asyncio.run(run())


@pytest.mark.parametrize("level", [V3, V5])
def test_a_retained_reading_is_taken_and_marked(level: int) -> None:
    async def run() -> None:
        sink = MemorySink()
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint, level) as peer:
            peer.send(raw_publish(level, 5, retain=True))
            assert await peer.packet() == (codes.PUBACK, b"\x00\x05")
            assert [delivery.retained for delivery in sink.deliveries] == [True]

    asyncio.run(run())


@pytest.mark.parametrize("level", [V3, V5])
def test_a_will_is_accepted_and_never_passed_on(level: int) -> None:
    async def run() -> None:
        sink = MemorySink()
        will = packets.Will("jieneng/v1/99001/gw-1/readings", b"gone", 1, True)
        async with running_endpoint(sink) as endpoint:
            async with connected_peer(endpoint, level, will=will) as peer:
                assert await peer.is_served()
                peer.writer.transport.abort()
            async with connected_peer(endpoint, level) as peer:
                assert await peer.is_served()
            assert sink.deliveries == []

    asyncio.run(run())
