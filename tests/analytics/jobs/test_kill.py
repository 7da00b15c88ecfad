"""Runs killed at any moment, with everything that jobs make: models, findings, bills, costs, targets, stages, sisters.

A run is killed right before one of its writes, to the store or the registry, or at any moment, and done again; all that
both hold must be what one unbroken run leaves. KILL_CASES asks for more cases than the few of every run, 0 for every
write; KILL_SEED for others. InfluxDB replaces a window by several requests, and a run may die between any two of them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import NoReturn

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from energy.registry import Registry
from energy.registry.decisions import Correction
from energy.series import Readings, Table
from energy.settings import StoreSettings
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from energy.storage.influx import Address, Influx, ensure_bucket
from energy.storage.influx_store import InfluxStore
from energy.storage.schema import MEASUREMENTS
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter
from tests.analytics.jobs.everything import everything
from tests.servers import Influx as Server

CASES = int(os.environ.get("KILL_CASES", "4"))
SEED = int(os.environ.get("KILL_SEED", "0"))
FIRST = "2025-01-01T00:00:00"
BEFORE, NOW = "2026-02-26T06:00:00", "2026-03-02T06:00:00"
E2 = {"building": "b1", "gateway": "g1", "local": "b", "parent": "e1"}
OFFICES = [f"o{i}" for i in range(6)]
_LINES_A_REQUEST = 200
_REQUESTS = frozenset({"write", "delete"})
"""What InfluxDB is asked for to replace a window."""
_LATER = 2**32
_VOLATILE = {"runs", "revision", "touched"}
"""Tables that tell what happened, not what is: when runs began, how often something was written, what waits."""


def price(yuan: float) -> dict[str, object]:
    return {"tariff": "t", "component": "energy", "price_yuan": yuan, "unit": "yuan/kWh", "source": "示例"}


def bill(first: str, last: str, amount: float) -> dict[str, object]:
    return {"meter": "m1", "first_day": first, "last_day": last, "amount": amount, "unit": "kWh", "yuan": amount / 2}


def target(value: float) -> dict[str, object]:
    return {
        "scope": "institution", "id": "court", "year": 2026, "indicator": "electricity_per_area",
        "caliber": "physical", "state": "issued", "value": value, "document": "示例〔2026〕1号",
    }  # fmt: skip


def used(seed: int) -> np.ndarray:
    """Hourly use of a place open every day since 2025, with a load left on in February 2026."""
    hours = 24 * 427
    work = np.isin(np.arange(hours) % 24, np.arange(8, 18))
    noise = np.random.default_rng(seed).standard_normal(hours)
    amounts = np.where(work, 20.0, 4.0) * (1 + 0.05 * noise)
    amounts[24 * 400 : 24 * 406] += 15.0
    return np.round(amounts, 2)


def before(works: Works) -> None:
    """An installation that was computed once."""
    works.estate(
        meter("e1", building="b1", gateway="g1", local="a"),
        meter("e2", **E2, item="A"),
        meter("m1", institution="court", kind="manual", digits=None, building="b2", interval_s=DAY),
        *(meter(f"{name}.e", institution=name, building=f"{name}.b") for name in OFFICES),
        gateways=[{"id": "g1", "institution": "school"}],
        regions=[
            {"code": "990000", "name_zh": "示例省"},
            {"code": "990101", "name_zh": "示例县", "parent": "990000"},
            {"code": "990102", "name_zh": "邻县", "parent": "990000"},
        ],
        institutions=[
            {"id": "school", "name_zh": "学校", "region": "990101", "type": "021"},
            {"id": "court", "name_zh": "法院", "region": "990102", "type": "01"},
            *({"id": name, "name_zh": name, "region": "990102", "type": "01"} for name in OFFICES),
        ],
        buildings=[
            {"id": "b1", "institution": "school", "name_zh": "教学楼"},
            {"id": "b2", "institution": "court", "name_zh": "办公楼"},
            *({"id": f"{name}.b", "institution": name, "name_zh": "楼"} for name in OFFICES),
        ],
        denominators=[
            {"scope": scope, "id": name, "kind": "floor_area", "value": 1000, "unit": "m2"}
            for scope, name in [
                ("institution", "school"), ("institution", "court"),
                *(("institution", name) for name in OFFICES), *(("building", f"{name}.b") for name in OFFICES),
            ]
        ],
        sites=[{"id": "s1", "institution": "school", "name_zh": "校区"}],
        sensors=[{"id": "wx", "institution": "school", "quantity": "temperature", "unit": "degC", "interval_s": HOUR,
                  "place": "site:s1"}],
        tariffs=[price(0.5)],
        tariff_uses=[{"scope": "institution", "id": "school", "category": "electricity", "tariff": "t"}],
        bills=[bill("2025-01-01", "2025-12-31", 12000.0), bill("2026-01-01", "2026-01-31", 1000.0)],
        targets=[target(1.4)],
    )  # fmt: skip
    arrive(works, 0, 24 * 421)
    works.run(BEFORE)


def arrive(works: Works, first: int, end: int) -> None:
    """Hours first .. end of every register, and the weather."""
    for seed, name in enumerate(("e1", "e2")):
        register = np.concatenate(([0.0], np.cumsum(used(seed))))
        times = instant(FIRST) + HOUR * np.arange(first, end)
        works.read(name, times.tolist(), register[first:end].tolist())
    works.read("wx", times.tolist(), (10 - 12 * np.cos(2 * np.pi * np.arange(first, end) / 8766)).tolist())
    opening = 24 * 395
    for i, name in enumerate(OFFICES):
        own = np.arange(max(first, opening), end)
        hourly = 10.0 + 0.1 * i + (20.0 if i == 3 else 0.0)
        works.read(f"{name}.e", (instant(FIRST) + HOUR * own).tolist(), (hourly * (own - opening)).tolist())


def changes(works: Works) -> None:
    """All kinds of things happen: days and a month end, a correction, a verdict, prices, a bill, a target, a use."""
    arrive(works, 24 * 421, 24 * 425)
    begin = instant("2026-01-15T00:00:00")
    works.registry.corrections.put([Correction("e1", begin, begin + DAY, "amount", "li", 1, "误接", 900.0)])
    for row in works.registry.findings.rows(institution="school")[:1]:
        works.registry.findings.decide(row.id, author="li", time=1, verdict="confirmed")
    works.registry.import_sheets({"tariffs": [price(0.8)], "targets": [target(1.5)]})
    works.registry.import_sheets({"bills": [bill("2026-02-01", "2026-02-20", 400.0)]})
    works.registry.import_sheets({"meters": [meter("e2", **E2, item="B")]})


class Killer:
    """Ends its process by SIGKILL right before the write of that number, and knows what each one was; 0: never."""

    def __init__(self, at: int = 0) -> None:
        self.kinds: list[str] = []
        self._at = at
        self._one_at_a_time = Lock()

    def count(self, kind: str) -> None:
        with self._one_at_a_time:
            self.kinds.append(kind)
            if len(self.kinds) == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


class Mortal(EmbeddedStore):
    """An embedded store that is killed before a write."""

    def __init__(self, folder: Path, killer: Killer) -> None:
        super().__init__(folder, writes_readings=False)
        self._killer = killer

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        self._killer.count("replace")
        return super().replace(table, where=where, start=start, end=end)


class MortalInflux(InfluxStore):
    """InfluxDB, of which a run is killed before a request that changes something; small ones, so that there are more.

    That a window begins to be replaced counts too: what follows up to the next are the requests of one.
    """

    def __init__(self, address: Address, killer: Killer) -> None:
        super().__init__(address, lines_a_request=_LINES_A_REQUEST)
        self._influx = MortalDoor(address, killer)
        self._killer = killer

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        self._killer.count("replace")
        return super().replace(table, where=where, start=start, end=end)


class MortalDoor(Influx):
    """The requests of a mortal store."""

    def __init__(self, address: Address, killer: Killer) -> None:
        super().__init__(address)
        self._killer = killer

    def write(self, lines: bytes) -> None:
        self._killer.count("write")
        super().write(lines)

    def delete(self, measurement: str, tags: Mapping[str, str], first: int, last: int) -> None:
        self._killer.count("delete")
        super().delete(measurement, tags, first, last)


@dataclass(frozen=True)
class Home:
    """Where an installation is: its registry in a folder, its store there too or in a bucket."""

    folder: Path
    bucket: Address | None = None

    def open(self, killer: Killer | None = None) -> Works:
        """The installation; with a killer runs may die in it."""
        registry = Registry.open(f"sqlite:///{self.folder / 'registry.db'}", migrate=True)
        return Works(self.folder, registry, self._store(killer))

    def _store(self, killer: Killer | None) -> Store:
        if self.bucket is None:
            return EmbeddedStore(self.folder, writes_readings=True) if killer is None else Mortal(self.folder, killer)
        return InfluxStore(self.bucket) if killer is None else MortalInflux(self.bucket, killer)

    def registry_rows(self) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        """Rows of every table of the registry that tells what is."""
        with closing(sqlite3.connect(self.folder / "registry.db")) as registry:
            names = {name for (name,) in registry.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for name in sorted(names - _VOLATILE):
                yield name, sorted(registry.execute(f"SELECT * FROM {name}").fetchall(), key=repr)


Copies = Callable[[], Home]
"""Makes one more installation that is as the prepared one."""


@contextmanager
def counted(killer: Killer) -> Iterator[None]:
    """Count what is written to the registry too, statement by statement, while it lasts.

    The record of the run is left out: how often it is written depends on how fast the machine is.
    """

    def is_written(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        verb, *words = statement.split()
        if verb in ("INSERT", "UPDATE", "DELETE") and "runs" not in words[:2]:
            killer.count(verb)

    event.listen(Engine, "before_cursor_execute", is_written)
    yield
    event.remove(Engine, "before_cursor_execute", is_written)


def in_child(work: Callable[[], object]) -> int:
    """The process id of a child that does this and ends."""
    child = os.fork()
    if child == 0:  # pragma: no cover - the child never comes back
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child


def was_killed(child: int) -> bool:
    """Wait for a child's end: whether it was killed; it must not fail in another way."""
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def run_and_die(home: Home, at: int) -> bool:
    """Run in a child that is killed before its write number `at`; False where it was done before."""

    def work() -> None:
        killer = Killer(at)
        with counted(killer):
            home.open(killer).run(NOW)

    return was_killed(in_child(work))


def completed(home: Home, killer: Killer | None = None) -> dict[str, list[tuple[object, ...]]]:
    """All that store and registry hold, to the last bit, after a run that nobody disturbs."""
    works = home.open(killer)
    works.run(NOW)
    assert works.registry.touched_pending() == 0
    found: dict[str, list[tuple[object, ...]]] = {name: [*rows] for name, rows in everything(works).items()}
    works.close()
    return found | {f"registry.{name}": rows for name, rows in home.registry_rows()}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    works = Works.open(folder)
    before(works)
    changes(works)
    works.close()
    return folder


@pytest.fixture(scope="module", params=["embedded", pytest.param("influx", marks=pytest.mark.services)])
def copies(request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """Copies of the prepared installation, with either store."""

    def embedded() -> Home:
        return Home(Path(shutil.copytree(prepared, tmp_path_factory.mktemp("copy") / "home")))

    def influx() -> Home:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copy(prepared / "registry.db", folder)
        if not ensure_bucket(settings):
            last = server.call("GET", "/api/v2/buckets?name=kill")["buckets"][0]
            server.call("DELETE", f"/api/v2/buckets/{last['id']}")
            ensure_bucket(settings)
        home = Home(folder, Address.to_write(settings))
        fill(home, prepared)
        return home

    if request.param == "embedded":
        return embedded
    server: Server = request.getfixturevalue("influx_server")
    settings = StoreSettings.model_validate(
        {"kind": "influx", "url": server.url, "org": server.org, "bucket": "kill", "token": server.token}
    )
    return influx


def fill(home: Home, prepared: Path) -> None:
    """Copy readings and results from one store to the other."""
    source, target = Works.open(prepared), home.open()
    meters = list(source.registry.snapshot().meters)
    for name, series in source.store.readings(meters, 0, instant(NOW)).items():
        if len(series):
            index = np.zeros(len(series), np.int32)
            target.store.write_readings(
                Readings((name,), index, series.time, series.value, series.flag, series.received)
            )
    for name in MEASUREMENTS:
        if name != "reading":
            rows = source.store.results(name, where={}, start=0, end=_LATER)
            target.store.replace(rows, where={}, start=0, end=_LATER)
    source.close()
    target.close()


@dataclass(frozen=True)
class Unbroken:
    """What one run leaves that was not killed, what it wrote one after another, and how many seconds it took."""

    found: dict[str, list[tuple[object, ...]]]
    writes: Sequence[str]
    seconds: float

    def differs_from(self, home: Home) -> list[str]:
        """Tables in which an installation differs once a run there was completed."""
        came = completed(home)
        return [name for name, rows in self.found.items() if came[name] != rows]

    def between(self) -> dict[tuple[str, str], list[int]]:
        """Numbers of the writes before which a window is half replaced, by the requests that they lie between."""
        found: dict[tuple[str, str], list[int]] = {}
        for at, pair in enumerate(pairwise(self.writes), 2):
            if _REQUESTS.issuperset(pair):
                found.setdefault(pair, []).append(at)
        return found

    def moments(self) -> list[int]:
        """Numbers of the writes to die before: any few, and one of each kind that leaves a window half replaced."""
        every = range(1, len(self.writes) + 1)
        chance = random.Random(SEED)
        some = {chance.choice(numbers) for _, numbers in sorted(self.between().items())}
        n_more = max(CASES - len(some), 1) if CASES else len(every)
        return sorted(some | {*chance.sample(every, n_more)})


@pytest.fixture(scope="module")
def unbroken(copies: Copies) -> Unbroken:
    killer, home = Killer(), copies()
    begun = time.monotonic()
    with counted(killer):
        found = completed(home, killer)
    for name in ("interval", "total", "indicator", "target", "finding", "registry.stages", "registry.finding_events"):
        assert found[name], name
    return Unbroken(found, killer.kinds, time.monotonic() - begun)


def test_a_run_killed_before_any_write_is_put_right_by_the_next(copies: Copies, unbroken: Unbroken) -> None:
    assert len(unbroken.writes) > 200
    if "write" in unbroken.writes:
        assert unbroken.between().keys() >= {("write", "write"), ("write", "delete"), ("delete", "write")}
    for at in unbroken.moments():
        home = copies()
        assert run_and_die(home, at)
        assert unbroken.differs_from(home) == [], f"killed before write {at}: {unbroken.writes[at - 1]}"
        shutil.rmtree(home.folder)


def test_runs_killed_again_and_again_at_any_moment_come_to_the_same(copies: Copies, unbroken: Unbroken) -> None:
    home = copies()
    chance = random.Random(SEED)
    for _ in range(max(CASES, 4) // 2):
        child = in_child(lambda: home.open().run(NOW))
        time.sleep(chance.uniform(0, unbroken.seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert unbroken.differs_from(home) == []


class Stalled:
    """An opener that tells its process and never comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> NoReturn:
        (self.folder / f"{os.getpid()}.worker").touch()
        while True:
            time.sleep(1)


def test_processes_of_a_run_that_was_killed_end_too(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "home"))
    child = in_child(lambda: Works.open(folder).run(NOW, workers=2, opener=Stalled(folder)))
    wait_until(lambda: len(list(folder.glob("*.worker"))) == 2)
    workers = [int(path.stem) for path in folder.glob("*.worker")]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_until(lambda: not any(is_running(worker) for worker in workers))


def is_running(process: int) -> bool:
    """Whether a process is there and has not ended (one that nobody waits for stays in the table)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(is_so: Callable[[], bool], patience_s: float = 30.0) -> None:
    limit = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)
