"""Peers of the broker clients: a gateway that publishes, and a broker that says exactly what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from collector.mqtt import codes, packets
from tests.collector.edge.peers import RawPeer, hello

TOPIC = b"jieneng/v1/99001/gw-1/readings"


async def publish_all(
    port: int, payloads: Iterable[bytes], *, qos: int = 1, retain: bool = False, topic: bytes = TOPIC
) -> None:
    """Publish to a real broker; returns when it has acknowledged everything."""
    peer = RawPeer(*await asyncio.open_connection("127.0.0.1", port))
    peer.send(hello(client_id="publisher"))
    assert (await peer.packet())[0] == codes.CONNACK
    for number, payload in enumerate(payloads, 1):
        peer.send(packets.publish(topic, payload, level=codes.MQTT_5, packet_id=number, qos=qos, retain=retain))
        if qos:
            assert (await peer.packet())[0] == codes.PUBACK
    peer.send(packets.PINGREQ_PACKET)
    assert (await peer.packet())[0] == codes.PINGRESP
    peer.send(packets.disconnect(codes.SUCCESS, codes.MQTT_5))
    await peer.close()


@dataclass
class ScriptedBroker:
    """Accepts every CONNECT; answers SUBSCRIBE with `suback` (None: never); sends `greeting` behind that."""

    level: int
    suback: tuple[int, ...] | None = (1, 1)
    greeting: bytes = b""
    port: int = 0
    is_answering_pings: bool = True
    n_connections: int = 0
    received: list[tuple[int, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        peer = RawPeer(reader, writer, self.level)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                while True:
                    header, body = await peer.packet()
                    self.received.append((header, body))
                    self.answer(peer, header, body)
        finally:  # the end of the test may cancel us
            writer.close()

    def answer(self, peer: RawPeer, header: int, body: bytes) -> None:
        if header == codes.CONNECT:
            peer.send(packets.connack(packets.ConnAck(codes.SUCCESS), self.level))
        elif header == codes.SUBSCRIBE and self.suback is not None:
            packet_id = packets.parse_subscribe(body, self.level).packet_id
            peer.send(packets.suback(packets.SubAck(packet_id, self.suback), self.level), self.greeting)
        elif header == codes.PINGREQ and self.is_answering_pings:
            peer.send(packets.PINGRESP_PACKET)


@asynccontextmanager
async def scripted(broker: ScriptedBroker) -> AsyncIterator[ScriptedBroker]:
    """The broker, listening on a port of its own."""
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
