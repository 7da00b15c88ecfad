"""From publish to queryable: a probe sends one reading at a time and asks the store until it has it.

A run of its own, since asking costs the database CPU that would be counted as writing. Meanwhile the workload comes at
its rate, so that the answer is that of a busy collector.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.ingest.workload import INSTITUTION, PROBE, STEP_S, gateway
from collector.mqtt import packets
from energy.storage.base import Store

_POLL_S = 0.002
_PAUSE_S = 0.05
_LONGEST_S = 30.0


def probe(port: int, secrets: dict[str, str], store: Store, seconds: float) -> npt.NDArray[np.float64]:
    """Seconds from publish to queryable of each probe reading sent within `seconds`."""
    found = []
    random = np.random.default_rng(1)
    begin = int(time.time()) // STEP_S * STEP_S - 10 * 86_400
    with _connected(port, secrets) as connection:
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            body = msgspec.json.encode({"readings": [{"meter": PROBE, "time": begin + number, "value": float(number)}]})
            topic = f"jieneng/v1/{INSTITUTION}/{gateway(0)}/readings".encode()
            sent = time.monotonic()
            connection.sendall(packets.publish(topic, body, level=4, packet_id=number % 65_535 + 1))
            _wait(store, begin + number)
            found.append(time.monotonic() - sent)
            connection.recv(65_536)
            time.sleep(_PAUSE_S * random.random())  # at any phase of what gathers and commits
    return np.array(found)


def _wait(store: Store, instant: int) -> None:
    limit = time.monotonic() + _LONGEST_S
    while store.latest([PROBE]).get(PROBE, (0, 0.0))[0] < instant:
        if time.monotonic() > limit:
            raise RuntimeError(f"the probe's reading was not queryable within {_LONGEST_S} s")
        time.sleep(_POLL_S)


@contextlib.contextmanager
def _connected(port: int, secrets: dict[str, str]) -> Iterator[socket.socket]:
    name = gateway(0)
    secret = secrets.get(name)
    login = packets.Connect("probe", 4, username=name if secret else None, password=secret.encode() if secret else None)
    with socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S) as connection:
        connection.sendall(packets.connect(login))
        connection.recv(4)
        yield connection
