"""What the edge is tested with: a small real sink, a running endpoint, a peer that sends any bytes it likes."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.endpoint import Authenticate, Endpoint
from collector.mqtt import codes, packets, wire
from collector.source import Delivery, Source
from energy.settings import MqttSettings
from tests.servers import tool

SECRET = b"secret"


class MemorySink:
    """Keeps what it gets; acknowledges each batch from its own thread, as the collector's commit thread does."""

    def __init__(self, *, is_answering: bool = True, code: int = 0) -> None:
        self.is_answering = is_answering
        self.is_full = False
        self.code = code
        self.deliveries: list[Delivery] = []
        self._n_answered = 0
        self._lock = threading.Lock()

    def put(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            self.deliveries += deliveries
        if self.is_answering:
            threading.Thread(target=self.answer).start()

    def answer(self) -> None:
        """Acknowledge everything that waits, one call a connection."""
        with self._lock:
            waiting = self.deliveries[self._n_answered :]
            self._n_answered = len(self.deliveries)
            for acknowledger in dict.fromkeys(delivery.acknowledger for delivery in waiting):
                tokens = [delivery.token for delivery in waiting if delivery.acknowledger is acknowledger]
                acknowledger.acknowledge(tokens, [self.code] * len(tokens))

    @property
    def payloads(self) -> list[bytes]:
        return [delivery.payload for delivery in self.deliveries]


def knows_secret(username: str, password: bytes) -> str | None:
    """Every user name is a gateway here, and every gateway has the same secret."""
    return username if password == SECRET else None


@asynccontextmanager
async def running_endpoint(
    sink: MemorySink, *, authenticate: Authenticate = knows_secret, **settings: Any
) -> AsyncIterator[Endpoint]:
    """An endpoint on a port of its own."""
    endpoint = Endpoint(MqttSettings(port=0, **settings), authenticate=authenticate)
    await endpoint.start(sink)
    try:
        yield endpoint
    finally:
        await endpoint.close()


@asynccontextmanager
async def running(source: Source, sink: MemorySink) -> AsyncIterator[None]:
    """A started source, closed at the end."""
    await source.start(sink)
    try:
        yield
    finally:
        await source.close()


async def until(condition: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    """Wait until true."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class RawPeer:
    """A client that says exactly what the test tells it to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    level: int = codes.MQTT_5
    received: list[tuple[int, bytes]] = field(default_factory=list)

    def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    async def packet(self) -> tuple[int, bytes]:
        """The next packet: header byte and body."""
        async with asyncio.timeout(10):
            header = (await self.reader.readexactly(1))[0]
            length = shift = 0
            while True:
                byte = (await self.reader.readexactly(1))[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            return header, await self.reader.readexactly(length)

    async def end(self) -> int | None:
        """Read to the end of the connection; the reason of the DISCONNECT before it, None when there was none."""
        code = None
        async with asyncio.timeout(10):
            try:
                while True:
                    header, body = await self.packet()
                    if header == codes.DISCONNECT:
                        code = packets.parse_disconnect(body, self.level)
            except (asyncio.IncompleteReadError, ConnectionError):
                return code

    async def silence(self) -> bytes:
        """Everything up to the end of the connection."""
        async with asyncio.timeout(10):
            return await self.reader.read()

    async def is_served(self) -> bool:
        """True when the server still answers a ping."""
        self.send(packets.PINGREQ_PACKET)
        return await self.packet() == (codes.PINGRESP, b"")

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def raw_peer(endpoint: Endpoint, level: int = codes.MQTT_5) -> AsyncIterator[RawPeer]:
    """A peer that has sent nothing yet."""
    peer = RawPeer(*await asyncio.open_connection("127.0.0.1", endpoint.port), level)
    try:
        yield peer
    finally:
        await peer.close()


def hello(level: int = codes.MQTT_5, client_id: str = "raw", **wishes: Any) -> bytes:
    """A CONNECT with good credentials."""
    given = {"username": "gw-1", "password": SECRET} | wishes
    return packets.connect(packets.Connect(client_id, level, **given))


@asynccontextmanager
async def connected_peer(endpoint: Endpoint, level: int = codes.MQTT_5, **wishes: Any) -> AsyncIterator[RawPeer]:
    """A peer whose CONNECT was accepted."""
    async with raw_peer(endpoint, level) as peer:
        peer.send(hello(level, **wishes))
        header, body = await peer.packet()
        assert header == codes.CONNACK
        assert packets.parse_connack(body, level).code == codes.SUCCESS
        yield peer


def raw_publish(level: int, packet_id: int = 1, **options: Any) -> bytes:
    """A plain reading."""
    wanted: dict[str, Any] = {"topic": b"jieneng/v1/99001/gw-1/readings", "payload": b"{}"} | options
    return packets.publish(wanted.pop("topic"), wanted.pop("payload"), level=level, packet_id=packet_id, **wanted)


def any_packet(header: int, *parts: bytes) -> bytes:
    """A packet of any kind and content."""
    return wire.packet(header, *parts)


def make_certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A self-signed certificate of this common name, for 127.0.0.1."""
    folder.mkdir(exist_ok=True)
    program = tool("openssl", where="Debian's openssl has it")
    cert, key = folder / "cert.pem", folder / "key.pem"
    arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    arguments += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key]
    subprocess.run([program, *arguments], check=True, capture_output=True)
    return cert, key
