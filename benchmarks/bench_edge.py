"""What one message costs at the MQTT edge: parse, deliver, acknowledge, over loopback, without ingest behind it.

    python -m benchmarks.bench_edge [--messages 400000] [--connections 8] [--window 2000] [--level 4]

A raw publisher in its own process sends ready-made packets; the endpoint runs with a sink that acknowledges each batch
from another thread after `flush` seconds, as the commit thread does. CPU-seconds of the endpoint's process per million
messages are the figure to compare (measured: 1.5-3 us a message over 8 connections on a 2-core Xeon, Python 3.11);
wall-clock rates depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import socket
import threading
import time
from collections import defaultdict

from collector.endpoint import Endpoint
from collector.mqtt import codes, packets
from collector.source import Acknowledger, Delivery
from energy.settings import MqttSettings

PAYLOAD = b'{"seq":17,"readings":[{"meter":"e-main","time":1767225600,"value":12345.6,"unit":"kWh"}]}'


class BatchSink:
    """Acknowledges from its own thread, batch by batch."""

    def __init__(self, flush_s: float, limit: int) -> None:
        self._flush_s = flush_s
        self._limit = limit
        self._batch: list[Delivery] = []
        self._is_over = False
        self.n_messages = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        return len(self._batch) >= self._limit

    def put(self, deliveries: list[Delivery]) -> None:
        self._batch += deliveries

    def _run(self) -> None:
        while not self._is_over:
            time.sleep(self._flush_s)
            batch, self._batch = self._batch, []
            tokens: dict[Acknowledger, list[int]] = defaultdict(list)
            for delivery in batch:
                tokens[delivery.acknowledger].append(delivery.token)
            for acknowledger, answered in tokens.items():
                acknowledger.acknowledge(answered, [0] * len(answered))
            self.n_messages += len(batch)

    def end(self) -> None:
        self._is_over = True
        self._thread.join()


def publish(port: int, n_messages: int, n_connections: int, window: int, level: int) -> None:
    """Send over blocking sockets, `window` messages in flight on each connection."""
    blocks = []
    for number in range(n_connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(packets.connect(packets.Connect(f"bench-{number}", level)))
        connection.recv(4096)
        topic = f"jieneng/v1/99001/gw-{number:06d}/readings".encode()
        block = b"".join(
            packets.publish(topic, PAYLOAD, level=level, packet_id=number + 1) for number in range(window)
        )
        blocks.append((connection, block))
    rounds = n_messages // (window * n_connections)
    threads = [threading.Thread(target=_rounds, args=(*pair, window, rounds)) for pair in blocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rounds(connection: socket.socket, block: bytes, window: int, rounds: int) -> None:
    half = len(block) // 2
    connection.sendall(block[:half])
    for _ in range(rounds):
        connection.sendall(block[half:])
        _await(connection, window // 2 * 4)
        connection.sendall(block[:half])
        _await(connection, (window - window // 2) * 4)
    connection.close()


def _await(connection: socket.socket, count: int) -> None:
    while count > 0:
        count -= len(connection.recv(min(count, 65_536)))


async def run(arguments: argparse.Namespace) -> None:
    endpoint = Endpoint(MqttSettings(port=0, require_credentials=False))
    sink = BatchSink(arguments.flush, 100_000)
    await endpoint.start(sink)
    publisher = multiprocessing.get_context("spawn").Process(
        target=publish,
        args=(endpoint.port, arguments.messages, arguments.connections, arguments.window, arguments.level),
    )
    publisher.start()
    while sink.n_messages == 0:
        await asyncio.sleep(0.01)
    wall, cpu = time.perf_counter(), time.process_time()
    n_before = sink.n_messages
    while publisher.is_alive():
        await asyncio.sleep(0.02)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    n_messages = sink.n_messages - n_before
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"MQTT level {arguments.level}, {arguments.connections} connections, {len(PAYLOAD)} B: "
        f"{n_messages} messages, {n_messages / wall:,.0f} messages/s, "
        f"{cpu / n_messages * 1e6:.2f} us of CPU a message, {memory_mb:.0f} MB"
    )
    await endpoint.close()
    sink.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--window", type=int, default=2_000)
    parser.add_argument("--level", type=int, choices=(codes.MQTT_311, codes.MQTT_5), default=codes.MQTT_5)
    parser.add_argument("--flush", type=float, default=0.010)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
