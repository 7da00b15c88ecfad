"""Both stores with a year of hourly readings of a thousand meters, and the quarter hours of three hundred as results.

    python -m benchmarks.bench_stores [--meters 1000] [--hours 8760] [--only embedded|influx|rows|results|trickle]

Prints a table with wall and CPU seconds of this process; ratios are against SQLite with one row a reading.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from energy.series import FloatArray, Readings, Table
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from energy.storage.influx import Address
from energy.storage.influx_store import InfluxStore

START = 1_735_689_600  # 2025-01-01
HOUR = 3600
BATCH = 5_000


@dataclass
class Cost:
    """Wall and CPU seconds of a step."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    cost = Cost()
    wall, cpu = time.perf_counter(), time.process_time()
    yield cost
    cost.wall, cost.cpu = time.perf_counter() - wall, time.process_time() - cpu


def say(what: str, figure: str) -> None:
    print(f"  {what:<58} {figure}", flush=True)


def registers(meters: int, hours: int) -> FloatArray:
    """Registers that rise by 17 random bits of Wh an hour."""
    steps = np.random.default_rng(1).integers(0, 1 << 17, (meters, hours))
    return np.round(np.cumsum(steps, axis=1) / 1000, 3)


def batches(values: FloatArray) -> Iterator[Readings]:
    """All readings in order of time, as a live system or a backfill by time brings them."""
    n_meters, n_hours = values.shape
    names = tuple(f"institution.gateway.meter-{number:04d}" for number in range(n_meters))
    hours_a_batch = max(1, BATCH // n_meters)
    arrival = np.random.default_rng(2)
    for hour in range(0, n_hours, hours_a_batch):
        part = values[:, hour : hour + hours_a_batch]
        when = np.repeat(START + HOUR * np.arange(hour, hour + part.shape[1]), n_meters)
        index = np.tile(np.arange(n_meters, dtype=np.int32), part.shape[1])
        received = when + arrival.integers(1, 30, len(when))
        yield Readings(names, index, when, part.T.ravel(), np.zeros(len(when), np.uint8), received)


def file_bytes(folder: Path, pattern: str = "readings.db*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


def bench_rows(values: FloatArray) -> tuple[float, float, float]:
    """SQLite with one row a reading, an eighth of the time span; (readings/s, bytes a reading, matrix us/reading)."""
    part = values[:, : max(1, values.shape[1] // 8)]
    print(f"SQLite, one row a reading ({part.size:,} readings)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.db"
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE reading (meter INT, time INT, value REAL, flag INT, received INT, PRIMARY KEY (meter, time)) "
            "WITHOUT ROWID"
        )
        with measured() as cost:
            for readings in batches(part):
                columns = (readings.index, readings.time, readings.value, readings.flag, readings.received)
                connection.execute("BEGIN")
                connection.executemany(
                    "INSERT OR IGNORE INTO reading VALUES (?,?,?,?,?)",
                    zip(*(column.tolist() for column in columns), strict=True),
                )
                connection.execute("COMMIT")
        rate = part.size / cost.wall
        say("insert", f"{rate / 1000:8.0f} k readings/s   {cost.cpu / part.size * 1e6:5.2f} cpu-s/M")
        with measured() as cost:
            for meter in range(part.shape[0]):
                np.array(connection.execute("SELECT time, value FROM reading WHERE meter = ?", (meter,)).fetchall())
        say("read all to numpy", f"{cost.wall:8.2f} s            {cost.wall / part.size * 1e6:5.2f} us/reading")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        size = path.stat().st_size / part.size
        say("on disk", f"{size:8.2f} bytes a reading")
        return rate, size, cost.wall / part.size * 1e6


def bench_readings(store: Store, values: FloatArray) -> tuple[float, float]:
    """Write, then read as jobs, console and forwarder do; (readings/s, matrix us/reading)."""
    n_meters, n_hours = values.shape
    with measured() as cost:
        for readings in batches(values):
            store.write_readings(readings)
        if isinstance(store, EmbeddedStore):
            store.seal()
    rate = values.size / cost.wall
    say(
        f"insert, {BATCH} a call, each durable",
        f"{rate / 1000:8.0f} k readings/s   {cost.cpu / values.size * 1e6:5.2f} cpu-s/M",
    )
    names, end = readings.meters, START + n_hours * HOUR
    with measured() as cost:
        found = store.matrix(names, START, end, HOUR)
    assert np.array_equal(found.values, values)
    matrix = cost.wall / values.size * 1e6
    say(f"matrix of {n_meters} meters x {n_hours} hours", f"{cost.wall:8.2f} s            {matrix:5.2f} us/reading")
    quick: dict[str, Callable[[], object]] = {
        "raw readings of one meter, whole span": lambda: store.readings(names[:1], START, end),
        "matrix of one meter, whole span": lambda: store.matrix(names[:1], START, end, HOUR),
        "latest of all meters": lambda: store.latest(names),
        "values_at of 1,000 pairs in one day": lambda: store.values_at(
            [names[n % n_meters] for n in range(1000)], START + HOUR * (np.arange(1000) % 24)
        ),
    }
    for what, ask in quick.items():
        ask()
        with measured() as cost:
            ask()
        say(what, f"{cost.wall * 1000:8.1f} ms")
    return rate, matrix


def bench_embedded(values: FloatArray) -> tuple[float, float, float]:
    print(f"embedded store ({values.size:,} readings)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = EmbeddedStore(folder, writes_readings=True)
        rate, matrix = bench_readings(store, values)
        store.close()
        size = file_bytes(folder) / values.size
        say("on disk, sealed", f"{size:8.2f} bytes a reading")
        return rate, size, matrix


def bench_trickle(meters: int = 300, days: int = 30) -> None:
    """Live readings every 15 minutes, one write a gateway of ten meters."""
    print(f"embedded store, live: {meters} meters every 15 minutes for {days} days, 10 readings a write")
    n = days * 96
    values = np.round(np.cumsum(np.random.default_rng(3).integers(0, 5000, (meters, n)), axis=1) / 1000, 3)
    names = tuple(f"m{number}" for number in range(10))
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), writes_readings=True)
        before = _written_bytes()
        with measured() as cost:
            for step in range(n):
                when = np.full(10, START + 900 * step, np.int64)
                for first in range(0, meters, 10):
                    own = tuple(f"g{first}.{name}" for name in names)
                    store.write_readings(
                        Readings(own, np.arange(10, dtype=np.int32), when, values[first : first + 10, step].copy(),
                                 np.zeros(10, np.uint8), when + 2)
                    )  # fmt: skip
        store.close()
        written, size = _written_bytes() - before, file_bytes(Path(folder))
        say(
            "insert",
            f"{meters * n / cost.wall / 1000:8.1f} k readings/s   {cost.cpu / (meters * n) * 1e6:5.2f} cpu-s/M",
        )
        say("a write (10 readings, durable)", f"{cost.wall / (meters * n / 10) * 1000:8.2f} ms")
        say("written to disk in all / per day", f"{written / 1e6:8.0f} MB / {written / 1e6 / days:.0f} MB")
        say("on disk, part of it unsealed", f"{size / (meters * n):8.2f} bytes a reading")


def _written_bytes() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def bench_results(meters: int = 300) -> None:
    """A year of quarter-hour intervals, and a year of daily totals."""
    n = 365 * 96
    print(f"embedded store, results: {meters} meters x {n} quarter hours")
    chance = np.random.default_rng(4)
    with tempfile.TemporaryDirectory() as name:
        store = EmbeddedStore(Path(name), writes_readings=False)
        cost_of_all = Cost()
        for meter in range(meters):
            new = _intervals(f"m{meter}", n, chance)
            with measured() as cost:
                store.replace(new, where={"meter": [f"m{meter}"]}, start=START, end=START + 900 * n)
            cost_of_all.wall += cost.wall
        say("replace (rows into an empty window)", f"{meters * n / cost_of_all.wall / 1000:8.0f} k rows/s")
        with measured() as cost:
            store.replace(new, where={"meter": [f"m{meter}"]}, start=START, end=START + 900 * n)
        say("replace a meter-year by the same", f"{cost.wall * 1000:8.1f} ms")
        day = START + 300 * 86_400
        with measured() as cost:
            store.replace(
                new.take((new.time >= day) & (new.time < day + 43_200)),
                where={"meter": [f"m{meter}"]}, start=day, end=day + 86_400,
            )  # fmt: skip
        say("replace one day of one meter", f"{cost.wall * 1000:8.1f} ms")
        with measured() as cost:
            found = store.results("interval", where={"meter": ["m7"]}, start=START, end=START + 900 * n)
        say(f"read one meter-year ({len(found):,} rows)", f"{cost.wall * 1000:8.1f} ms")
        _bench_totals(store, chance)
        store.close()
        say("on disk", f"{file_bytes(Path(name), 'results.db*') / (meters * n):8.2f} bytes a row of five fields")


def _intervals(meter: str, n: int, chance: np.random.Generator) -> Table:
    amount = np.round(chance.random(n) * 10, 3)
    fields: dict[str, npt.NDArray[np.generic]] = {
        "amount": amount,
        "power_kw": amount * 4,
        "state": np.zeros(n),
        "method": np.zeros(n),
        "expected": np.round(amount * 0.97, 2),
    }
    return Table(
        "interval",
        START + 900 * np.arange(n),
        {"meter": np.full(n, meter, np.object_), "resolution": np.full(n, "15min", np.object_)},
        fields,
    )


def _bench_totals(store: Store, chance: np.random.Generator) -> None:
    items = [
        (category, item) for category in ("electricity", "water", "gas", "heat") for item in ("all", "A", "B", "C")
    ]
    n = 365 * len(items)
    for number in range(50):
        tags = {"scope": "institution", "id": f"i{number}", "period": "day"}
        columns = {tag: np.full(n, value, np.object_) for tag, value in tags.items()}
        columns["category"] = np.repeat(np.array([category for category, _ in items], np.object_), 365)
        columns["item"] = np.repeat(np.array([item for _, item in items], np.object_), 365)
        fields: dict[str, npt.NDArray[np.generic]] = {"amount": chance.random(n) * 500, "coverage": np.ones(n)}
        when = np.tile(START + 86_400 * np.arange(365), len(items))
        where = {"scope": ["institution"], "id": [f"i{number}"]}
        store.replace(Table("total", when, columns, fields), where=where, start=START, end=START + 366 * 86_400)
    where = {"scope": ["institution"], "id": ["i7"], "period": ["day"]}
    with measured() as cost:
        found = store.results("total", where=where, start=START, end=START + 366 * 86_400)
    say(f"read a year of daily totals of one institution ({len(found):,} rows)", f"{cost.wall * 1000:8.1f} ms")


def bench_influx(values: FloatArray) -> tuple[float, float] | None:
    from tests.servers import Influx, found_servers, free_port

    if "INFLUXD" not in found_servers():
        print("InfluxDB: not measured, no influxd found (scripts/test-servers gets one)")
        return None
    print(f"InfluxDB 2 ({values.size:,} readings)")
    with tempfile.TemporaryDirectory() as name:
        server = Influx(Path(name), free_port())
        server.start()
        try:
            store = InfluxStore(Address(server.url, server.org, server.bucket, server.token, timeout_s=120))
            result = bench_readings(store, values)
            assert server.process is not None
            before = _cpu_seconds(server.process.pid)
            with measured() as cost:
                names = tuple(f"institution.gateway.meter-{number:04d}" for number in range(len(values)))
                store.matrix(names, START, START + HOUR * values.shape[1], HOUR)
            server_cpu = _cpu_seconds(server.process.pid) - before
            say("the same matrix: CPU of server / of this process", f"{server_cpu:8.1f} s / {cost.cpu:.1f} s")
            say("server's CPU for all of this", f"{before:8.1f} s")
            store.close()
        finally:
            server.stop()
        return result


def _cpu_seconds(process: int) -> float:
    ticks = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(int(tick) for tick in ticks) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meters", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--only", choices=["rows", "embedded", "trickle", "results", "influx"])
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )
    values = registers(options.meters, options.hours)
    wanted = {options.only} if options.only else {"rows", "embedded", "trickle", "results", "influx"}
    rows = bench_rows(values) if "rows" in wanted else None
    embedded = bench_embedded(values) if "embedded" in wanted else None
    if "trickle" in wanted:
        bench_trickle()
    if "results" in wanted:
        bench_results()
    if "influx" in wanted:
        bench_influx(values)
    say("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    if rows and embedded:
        print(
            f"embedded against one row a reading: inserts {embedded[0] / rows[0]:.1f} times as fast, "
            f"takes {embedded[1] / rows[1]:.2f} of the disk, reads {rows[2] / embedded[2]:.1f} times as fast"
        )


if __name__ == "__main__":
    main()
