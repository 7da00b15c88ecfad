"""100,000 broken packets over real sockets: the endpoint answers or closes, and serves the others to the end."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import suppress
from typing import Any

import pytest

from collector.connection import GatewayConnection
from collector.endpoint import Endpoint
from collector.mqtt import codes, packets
from collector.mqtt import properties as props
from tests.collector.edge.peers import MemorySink, any_packet, connected_peer, hello, raw_publish, running_endpoint

N_CONNECTIONS = 25_000
N_PACKETS_EACH = 4
N_AT_ONCE = 50


def good_packets(level: int) -> list[bytes]:
    found: dict[int, Any] = {props.USER_PROPERTY: [("a", "b")], 0x02: 9} if level == codes.MQTT_5 else {}
    return [
        raw_publish(level, 1),
        raw_publish(level, 2, qos=0),
        raw_publish(level, 3, properties=found, payload=b"x" * 200),
        packets.subscribe(packets.Subscribe(4, [("a/#", 1), ("b", 0)]), level),
        packets.unsubscribe(packets.Unsubscribe(5, ["a", "b"]), level),
        packets.PINGREQ_PACKET,
        any_packet(codes.PUBREL, b"\x00\x06"),
        packets.disconnect(codes.UNSPECIFIED, level),
        hello(level, will=packets.Will("a", b"b", 1)),
        any_packet(codes.AUTH, b"\x18\x00"),
    ]


GOOD_PACKETS = {level: good_packets(level) for level in (codes.MQTT_311, codes.MQTT_5)}


def mutated(packet: bytes, chance: random.Random) -> bytes:
    """The packet with one to three things done to it."""
    data = bytearray(packet)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
            case 2:
                del data[at : at + chance.randint(1, 8)]
            case 3:
                del data[at:]
            case 4 if len(data) > 1:
                data[1] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, len(data) & 0xFF])
            case 5 if data:
                data[0] = chance.randrange(256)
            case _:
                data += chance.randbytes(chance.randint(0, 12))
    return bytes(data)


def fuzz(chance: random.Random) -> bytes:
    """What one broken client sends: mostly a good CONNECT, then broken packets."""
    level = chance.choice([codes.MQTT_311, codes.MQTT_5])
    greeting = hello(level, f"c{chance.randrange(40)}")
    if chance.random() < 0.25:
        greeting = mutated(greeting, chance)
    return greeting + b"".join(mutated(chance.choice(GOOD_PACKETS[level]), chance) for _ in range(N_PACKETS_EACH))


async def attack(endpoint: Endpoint, data: bytes, chance: random.Random) -> None:
    """Send in one or two pieces over a socket of its own, then hang up."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours:
        await loop.connect_accepted_socket(lambda: GatewayConnection(endpoint), theirs)
        cut = chance.randrange(len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            with suppress(BrokenPipeError, ConnectionResetError):
                ours.send(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@pytest.mark.slow
def test_no_packet_brings_the_endpoint_down() -> None:
    troubles: list[dict[str, Any]] = []
    chance = random.Random(20_261_122)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint, client_id="good") as good:
            for _ in range(0, N_CONNECTIONS, N_AT_ONCE):
                await asyncio.gather(*(attack(endpoint, fuzz(chance), chance) for _ in range(N_AT_ONCE)))
                sink.answer()
            assert await good.is_served()
            assert endpoint.counters.failed == 0
            assert endpoint.counters.malformed > N_CONNECTIONS / 10
            assert endpoint.counters.accepted > N_CONNECTIONS / 2
            assert endpoint.counters.messages == len(sink.deliveries) > N_CONNECTIONS / 50

    asyncio.run(run())
    assert troubles == []
