"""One measurement: start servers and subject, publish, wait for the store, read the counters of the kernel."""

from __future__ import annotations

import contextlib
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from benchmarks.ingest import publisher
from benchmarks.ingest.freshness import probe
from benchmarks.ingest.processes import Usage
from benchmarks.ingest.subjects import Collector, Source, Telegraf, stored
from benchmarks.ingest.workload import Workload
from collector.spool import SpoolReader
from energy.settings import Settings, StoreSettings
from energy.storage import open_store
from energy.storage.base import Store
from tests.servers import Influx, Mosquitto, free_port

T = TypeVar("T", Influx, Mosquitto)


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
        form = ", columns" if self.workload.form == "column" else ""
        connections = "" if self.workload.n_gateways == 8 else f", {self.workload.n_gateways} connections"
        return (
            f"{self.workload.per_message:>3} a message{form}, {via}{self.subject} -> {self.store}, {pace}{connections}"
        )


@dataclass(frozen=True)
class Result:
    """The figures of one measurement; `cpu` is CPU-seconds per million readings by process."""

    scenario: Scenario
    readings_s: float
    cpu: dict[str, float]
    ack_ms: tuple[float, float]
    commit_ms: tuple[float, float]
    peak_mb: dict[str, float]
    missing: int

    @property
    def total_cpu(self) -> float:
        return sum(self.cpu.values())


def measure(scenario: Scenario) -> Result:
    """Run it in a folder of its own; everything is stopped afterwards."""
    with _stage(scenario) as stage:
        return _run(stage)


def measure_freshness(scenario: Scenario, seconds: float) -> tuple[float, float]:
    """p50 and p99 from publish to queryable while the scenario's messages come. [ms]"""
    with _stage(scenario) as stage, contextlib.closing(_reader(stage)) as store:
        load, pipe = _load(stage)
        pipe.send("go")
        time.sleep(1.0)
        found = probe(stage.subject.port, stage.subject.secrets, store, seconds)
        load.terminate()
        load.join()
        return _percentiles(found)


@dataclass(frozen=True)
class Stage:
    """A scenario with its servers running."""

    scenario: Scenario
    subject: Collector | Telegraf
    influx: Influx | None
    broker: Mosquitto | None


@contextmanager
def _stage(scenario: Scenario) -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jieneng-bench-")))
        influx = broker = None
        if scenario.store == "influx":
            influx = stack.enter_context(_server(Influx(_made(folder / "influx"), free_port())))
        if scenario.subject != "endpoint":
            broker = stack.enter_context(_server(Mosquitto(_made(folder / "mosquitto"), free_port())))
        subject = _subject(scenario, folder / "home", influx, broker)
        stack.callback(subject.stop)
        subject.start()
        yield Stage(scenario, subject, influx, broker)


def _reader(stage: Stage) -> Store:
    """The store as another process sees it."""
    if stage.influx is None:
        return open_store(Settings(home=stage.subject.home), role="read")
    door = stage.influx
    token = SecretStr(door.token)
    where = StoreSettings(kind="influx", url=door.url, org=door.org, bucket=door.bucket, token=token)
    return open_store(Settings(home=stage.subject.home, store=where), role="read")


def _load(stage: Stage) -> tuple[BaseProcess, Connection]:
    """The load generator, connected, waiting for its go."""
    scenario, subject = stage.scenario, stage.subject
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    how = (scenario.workload, scenario.n_readings, subject.secrets, scenario.rate, scenario.window, theirs)
    load = spawn.Process(target=publisher.run, args=(subject.port, *how))
    load.start()
    assert ours.recv() == "ready"
    return load, ours


def _run(stage: Stage) -> Result:
    scenario, subject, influx, broker = stage.scenario, stage.subject, stage.influx, stage.broker
    load, ours = _load(stage)
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
        {name: usage.peak_mb for name, usage in after.items()},
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
