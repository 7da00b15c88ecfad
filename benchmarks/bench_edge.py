"""What one message costs at the MQTT edge: parse, deliver, acknowledge, over loopback, without ingest behind it.

    python -m benchmarks.bench_edge [--source endpoint|paho|fast] [--messages 400000] [--connections 8] [--level 5]

A raw peer in its own process sends ready-made packets: as gateways to the endpoint, as a broker to a client. The sink
acknowledges each batch from another thread after `flush` seconds, as the commit thread does. The CPU time of this
process per message is the figure to compare; wall-clock rates depend on what else the machine does.

2-core Xeon (KVM), Python 3.11.7, readings of 89 B, machine busy with other work (MQTT 5, then 3.1.1):
endpoint over 8 connections 1.8-2.2 and 2.1-2.3 us (192,000-489,000 messages/s), over 500 connections 4.1-5.4 us;
fast client 2.5 and 2.4 us; paho 74 and 43 us (6,000 and 10,500 messages/s).
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
from multiprocessing.process import BaseProcess

from collector.client import open_client
from collector.endpoint import Endpoint
from collector.mqtt import codes, packets
from collector.source import Acknowledger, Delivery, Source
from energy.settings import MqttSettings

PAYLOAD = b'{"seq":17,"readings":[{"meter":"e-main","time":1767225600,"value":12345.6,"unit":"kWh"}]}'
SINK_LIMIT = 100_000


class BatchSink:
    """Acknowledges from its own thread, batch by batch."""

    def __init__(self, flush_s: float) -> None:
        self._flush_s = flush_s
        self._batch: list[Delivery] = []
        self._is_over = False
        self._lock = threading.Lock()
        self.n_messages = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        return len(self._batch) >= SINK_LIMIT

    def put(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            self._batch += deliveries

    def _run(self) -> None:
        while not self._is_over:
            time.sleep(self._flush_s)
            with self._lock:
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


def block_of(number: int, window: int, level: int) -> bytes:
    topic = f"jieneng/v1/99001/gw-{number:06d}/readings".encode()
    return b"".join(packets.publish(topic, PAYLOAD, level=level, packet_id=n + 1) for n in range(window))


def as_gateways(port: int, n_messages: int, n_connections: int, window: int, level: int) -> None:
    """Publish to the endpoint, `window` messages in flight on each connection."""
    threads = []
    for number in range(n_connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(packets.connect(packets.Connect(f"bench-{number}", level)))
        connection.recv(4096)
        arguments = (connection, block_of(number, window, level), window, n_messages // (window * n_connections))
        threads.append(threading.Thread(target=send_rounds, args=arguments))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def as_broker(listener: socket.socket, n_messages: int, window: int, level: int) -> None:
    """Serve one subscriber."""
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.sendall(packets.connack(packets.ConnAck(codes.SUCCESS), level))
    wanted = packets.parse_subscribe(connection.recv(4096)[2:], level)
    connection.sendall(packets.suback(packets.SubAck(wanted.packet_id, [1] * len(wanted.filters)), level))
    send_rounds(connection, block_of(0, window, level), window, n_messages // window)


def send_rounds(connection: socket.socket, block: bytes, window: int, rounds: int) -> None:
    half = window // 2 * (len(block) // window)
    connection.sendall(block[:half])
    for _ in range(rounds):
        connection.sendall(block[half:])
        await_pubacks(connection, window // 2)
        connection.sendall(block[:half])
        await_pubacks(connection, window - window // 2)
    connection.close()


def await_pubacks(connection: socket.socket, count: int) -> None:
    left = count * 4
    while left > 0:
        left -= len(connection.recv(min(left, 65_536)))


async def begin(arguments: argparse.Namespace, sink: BatchSink) -> tuple[Source, BaseProcess]:
    """A started source, and the process that sends to it."""
    context = multiprocessing.get_context("fork")
    if arguments.source == "endpoint":
        endpoint = Endpoint(MqttSettings(port=0, require_credentials=False))
        await endpoint.start(sink)
        wanted = (endpoint.port, arguments.messages, arguments.connections, arguments.window, arguments.level)
        sender = context.Process(target=as_gateways, args=wanted)
        sender.start()
        return endpoint, sender
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = context.Process(
            target=as_broker, args=(listener, arguments.messages, arguments.window, arguments.level)
        )
        sender.start()
        protocol = "5" if arguments.level == codes.MQTT_5 else "3.1.1"
        port = listener.getsockname()[1]
        client = open_client(MqttSettings(source="broker", client=arguments.source, port=port, protocol=protocol))
        await client.start(sink)
    return client, sender


async def run(arguments: argparse.Namespace) -> None:
    sink = BatchSink(arguments.flush)
    source, sender = await begin(arguments, sink)
    while sink.n_messages == 0:
        await asyncio.sleep(0.005)
    wall, cpu, n_before = time.perf_counter(), time.process_time(), sink.n_messages
    while sender.is_alive():
        await asyncio.sleep(0.02)
    wall, cpu, n_messages = time.perf_counter() - wall, time.process_time() - cpu, sink.n_messages - n_before
    await source.close()
    sink.end()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connections = arguments.connections if arguments.source == "endpoint" else 1
    print(
        f"{arguments.source}, MQTT level {arguments.level}, {connections} connections, {len(PAYLOAD)} B: "
        f"{n_messages} messages, {n_messages / wall:,.0f} messages/s, "
        f"{cpu / n_messages * 1e6:.2f} us of CPU a message, {memory_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=("endpoint", "paho", "fast"), default="endpoint")
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--window", type=int, default=2_000)
    parser.add_argument("--level", type=int, choices=(codes.MQTT_311, codes.MQTT_5), default=codes.MQTT_5)
    parser.add_argument("--flush", type=float, default=0.010)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
