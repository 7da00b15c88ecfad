"""A load generator that costs little: ready packets over plain sockets, acknowledgements counted by their bytes.

MQTT 3.1.1: a PUBACK has four bytes and they come in order, so the k-th acknowledgement answers the k-th message.
Run as a process of its own; its CPU is not part of any figure.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
import numpy.typing as npt

from benchmarks.ingest.workload import Workload, gateway
from collector.mqtt import packets

_PUBACK = 4


@dataclass
class Sent:
    """What a run of the generator measured; times are time.monotonic()."""

    started: float
    ended: float
    sent_at: npt.NDArray[np.float64]  # when each message left, in order of sending
    latency_s: npt.NDArray[np.float64]  # publish to PUBACK of each message


@dataclass
class Link:
    """One gateway's connection."""

    socket: socket.socket
    packets: list[bytes]
    position: int = 0
    acknowledged: int = 0
    unsent: bytes = b""
    rest: int = 0
    sent_at: list[float] = field(default_factory=list)
    acked_at: list[tuple[float, int]] = field(default_factory=list)


def run(
    port: int,
    workload: Workload,
    n_readings: int,
    secrets: dict[str, str],
    rate: float | None,
    window: int,
    pipe: Connection,
) -> None:
    """Publish everything at `rate` readings/s (None: as fast as `window` a connection allows); sends a `Sent` back."""
    links = [_connected(port, workload, g, n_readings, secrets) for g in range(workload.n_gateways)]
    pipe.send("ready")
    pipe.recv()
    pipe.send(_pump(links, None if rate is None else rate / workload.per_message, window))


def _connected(port: int, workload: Workload, g: int, n_readings: int, secrets: dict[str, str]) -> Link:
    connection = socket.create_connection(("127.0.0.1", port))
    name = gateway(g)
    secret = secrets.get(name)
    login = packets.Connect(name, 4, username=name, password=secret.encode()) if secret else packets.Connect(name, 4)
    connection.sendall(packets.connect(login))
    answer = connection.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise RuntimeError(f"CONNECT of {name} was answered by {answer.hex()}")
    connection.setblocking(False)
    return Link(connection, workload.packets(g, n_readings))


def _pump(links: list[Link], messages_a_second: float | None, window: int) -> Sent:
    selector = selectors.DefaultSelector()
    for link in links:
        selector.register(link.socket, selectors.EVENT_READ, link)
    started = time.monotonic()
    waiting = set(range(len(links)))
    while any(link.acknowledged < len(link.packets) for link in links):
        now = time.monotonic()
        for number in list(waiting):
            link = links[number]
            allowed = window
            if messages_a_second is not None:
                due = int((now - started) * messages_a_second / len(links)) + 1
                allowed = min(window, due - link.acknowledged)
            _send(link, now, allowed)
            if link.position == len(link.packets) and not link.unsent:
                waiting.discard(number)
        for key, _ in selector.select(0.001 if waiting else 0.05):
            _receive(key.data)
    ended = time.monotonic()
    sent, latency = [], []
    for link in links:
        at = np.array(link.sent_at)
        acked = np.concatenate([np.full(n, t) for t, n in link.acked_at])
        sent.append(at)
        latency.append(acked - at)
        link.socket.close()
    order = np.argsort(np.concatenate(sent), kind="stable")
    return Sent(started, ended, np.concatenate(sent)[order], np.concatenate(latency)[order])


def _send(link: Link, now: float, allowed: int) -> None:
    """Fill the connection up to `allowed` unacknowledged messages."""
    if not link.unsent:
        stop = min(len(link.packets), link.acknowledged + allowed)
        if stop <= link.position:
            return
        stop = min(stop, link.position + 500)
        link.unsent = b"".join(link.packets[link.position : stop])
        link.sent_at += [now] * (stop - link.position)
        link.position = stop
    try:
        n = link.socket.send(link.unsent)
    except BlockingIOError:
        return
    link.unsent = link.unsent[n:]


def _receive(link: Link) -> None:
    data = link.socket.recv(1 << 18)
    if not data:
        raise RuntimeError("the connection was closed by the other side")
    size = link.rest + len(data)
    n, link.rest = divmod(size, _PUBACK)
    if n:
        link.acknowledged += n
        link.acked_at.append((time.monotonic(), n))
