"""One measurement: start servers and subject, publish, wait for the store, read the counters of the kernel."""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.ingest import publisher
from benchmarks.ingest.processes import Usage
from benchmarks.ingest.subjects import Collector, Source, Telegraf, stored
from benchmarks.ingest.workload import Workload
from collector.spool import SpoolReader
from tests.servers import Influx, Mosquitto, free_port

T = TypeVar("T", Influx, Mosquitto, Collector, Telegraf)


@dataclass(frozen=True)
class Scenario:
    """Who takes the messages, what is behind, how fast they come (None: flood)."""

    subject: Literal["telegraf"] | Source
    store: Literal["influx", "embedded"]
    workload: Workload
    n_readings: int
    rate: float | None
    window: int = 2000

    @property
    def title(self) -> str:
        pace = "flood" if self.rate is None else f"{self.rate / 1000:.1f} k/s"
        via = "" if self.subject == "endpoint" else "broker + "
        return f"{self.workload.per_message:>3} a message, {via}{self.subject} -> {self.store}, {pace}"


@dataclass(frozen=True)
class Result:
    """The figures of one measurement; `cpu` is CPU-seconds per million readings by process."""

    scenario: Scenario
    readings_s: float
    cpu: dict[str, float]
    ack_ms: tuple[float, float]
    commit_ms: tuple[float, float]
    peak_mb: float
    missing: int

    @property
    def total_cpu(self) -> float:
        return sum(self.cpu.values())


def measure(scenario: Scenario) -> Result:
    """Run it in a folder of its own; everything is stopped afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jieneng-bench-")))
        influx = (
            stack.enter_context(_server(Influx(_made(folder / "influx"), free_port())))
            if _needs_influx(scenario)
            else None
        )
        broker = None
        if scenario.subject != "endpoint":
            broker = stack.enter_context(_server(Mosquitto(_made(folder / "mosquitto"), free_port())))
        subject = _subject(scenario, folder / "home", influx, broker)
        stack.enter_context(_server(subject))
        return _run(scenario, subject, influx, broker)


def _run(scenario: Scenario, subject: Collector | Telegraf, influx: Influx | None, broker: Mosquitto | None) -> Result:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    arguments = (
        subject.port,
        scenario.workload,
        scenario.n_readings,
        subject.secrets,
        scenario.rate,
        scenario.window,
        theirs,
    )
    load = multiprocessing.get_context("spawn").Process(target=publisher.run, args=arguments)
    load.start()
    assert ours.recv() == "ready"
    pids = {subject.name: subject.pid}
    pids |= {
        name: server.process.pid
        for name, server in (("broker", broker), ("InfluxDB", influx))
        if server and server.process
    }
    before = {name: Usage.of(pid) for name, pid in pids.items()}
    curve = Curve(subject.home / "spool" / "spool.db") if isinstance(subject, Collector) else None
    started = time.monotonic()
    ours.send("go")
    sent: publisher.Sent = ours.recv()
    load.join()
    n = len(sent.sent_at) * scenario.workload.per_message
    subject.wait_stored(n)
    ended = time.monotonic()
    after = {name: Usage.of(pid) for name, pid in pids.items()}
    return Result(
        scenario,
        n / (ended - started),
        {name: (after[name].cpu_s - before[name].cpu_s) * 1e6 / n for name in pids},
        _percentiles(sent.latency_s),
        _percentiles(curve.latencies(sent.sent_at, scenario.workload.per_message)) if curve else (np.nan, np.nan),
        after[subject.name].peak_mb,
        n - (stored(influx) if influx else _counted(subject)),
    )


class Curve:
    """When how many readings had been committed to the spool, from its own counter, read every 2 ms."""

    def __init__(self, spool: Path) -> None:
        self._reader = SpoolReader(spool)
        self._points: list[tuple[float, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self._points.append((time.monotonic(), self._reader.counters().get("taken", 0)))

    def latencies(self, sent_at: npt.NDArray[np.float64], per_message: int) -> npt.NDArray[np.float64]:
        """Publish to commit of each message, taken to be committed in the order in which they were sent."""
        self._over.set()
        self._thread.join()
        self._reader.close()
        at, taken = np.array(self._points).T
        place = np.searchsorted(taken, per_message * np.arange(1, len(sent_at) + 1))
        return np.asarray(at[np.minimum(place, len(at) - 1)] - sent_at)


def _needs_influx(scenario: Scenario) -> bool:
    return scenario.store == "influx"


def _counted(subject: Collector | Telegraf) -> int:
    return subject.counters().get("stored", 0) if isinstance(subject, Collector) else 0


def _subject(scenario: Scenario, home: Path, influx: Influx | None, broker: Mosquitto | None) -> Collector | Telegraf:
    if scenario.subject == "telegraf":
        assert influx is not None
        assert broker is not None
        return Telegraf(home, influx, broker, scenario.workload)
    return Collector(home, scenario.subject, influx, broker, scenario.workload)


def _percentiles(seconds: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(1000 * seconds, [50, 99])
    return float(low), float(high)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _server(server: T) -> Iterator[T]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
