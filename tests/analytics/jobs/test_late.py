"""Promise P-15: late readings compute their own days again, exactly, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.jobs import run
from energy.intervals import DAY, DEFAULT_ZONE, LocalCalendar, Window
from energy.series import Table
from energy.storage.base import Store
from tests.analytics.jobs.conftest import HOUR, Works, instant, meter
from tests.analytics.jobs.everything import differing, everything

FIRST, NOW = "2025-01-01T00:00:00", "2026-03-10T00:00:00"
N_HOURS = 24 * (365 + 68)
LONDON = "Europe/London"
REACHED = {"main": {"main", "net"}, "sub": {"sub", "net"}, "c1": {"c1"}}
"""Meters that have readings late, and whose figures these are part of."""


@dataclass
class Watched:
    """A real store that remembers which windows were written."""

    store: Store
    windows: list[tuple[str, Mapping[str, Sequence[str]], Window]] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        self.windows.append((table.measurement, where, Window(start, end)))
        return self.store.replace(table, where=where, start=start, end=end)

    def of(self, measurement: str) -> set[tuple[str, Window]]:
        """Meter and window of what was written of one measurement."""
        return {(name, window) for m, where, window in self.windows if m == measurement for name in where["meter"]}


def estate(works: Works) -> None:
    """A school with sub-meters and a formula, a court on another clock, and an office that stays as it is."""
    price = {"tariff": "t", "component": "energy", "unit": "yuan/kWh", "source": "测试"}
    works.estate(
        meter("main", building="b1"),
        meter("sub", building="b1", parent="main", item="A"),
        meter("net", kind="virtual", formula="main - 0.5 * sub"),
        meter("c1", institution="court", building="b2"),
        meter("o1", institution="office"),
        institutions=[
            {"id": name, "name_zh": name, "region": "990101", "type": "01"} for name in ("school", "court", "office")
        ],
        sites=[{"id": "s2", "institution": "court", "name_zh": "院", "timezone": LONDON}],
        denominators=[
            {"scope": "institution", "id": name, "kind": "floor_area", "value": 900, "unit": "m2"}
            for name in ("school", "court")
        ],
        tariffs=[
            {**price, "band": "peak", "hours": "08:00-22:00", "price_yuan": 0.9},
            {**price, "band": "valley", "hours": "22:00-24:00,00:00-08:00", "price_yuan": 0.3},
        ],
        tariff_uses=[
            {"scope": "institution", "id": name, "category": "electricity", "tariff": "t"}
            for name in ("school", "court")
        ],
    )


def registers(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times and displays of all meters over fourteen months: days, nights, noise, and a load left on in February."""
    hour = np.arange(N_HOURS) % 24
    found = {}
    for name in ("main", "sub", "c1", "o1"):
        used = np.round(np.where((hour >= 8) & (hour < 18), 20.0, 4.0) * (1 + 0.05 * rng.standard_normal(N_HOURS)), 2)
        used[24 * 405 : 24 * 409] += 15.0
        found[name] = instant(FIRST) + HOUR * np.arange(N_HOURS + 1), np.concatenate(([0.0], np.cumsum(used)))
    return found


def days_of(name: str, time: np.ndarray) -> Window:
    """Whole local days from the reading before the late ones to the third after them, whose verdict is final."""
    calendar = LocalCalendar(LONDON if name == "c1" else DEFAULT_ZONE)
    edges = calendar.edges(Window(int(time[0]) - HOUR, int(time[-1]) + 3 * HOUR), "day")
    return Window(int(edges[0]), int(edges[-1]))


def is_near(window: Window, days: Window) -> bool:
    """Whether the window lies in these days or in the same ones of the next year, by any clock."""
    return any(
        days.start + later - DAY <= window.start and window.end <= days.end + later + DAY
        for later in (0, 365 * DAY, 366 * DAY)
    )


def test_late_readings_give_what_a_full_computation_gives_and_write_nothing_else(works: Works) -> None:
    rng = np.random.default_rng(int(os.environ.get("LATE_SEED", "0")))
    estate(works)
    held: list[tuple[str, np.ndarray, np.ndarray]] = []
    for name, (time, value) in registers(rng).items():
        late = np.zeros(len(time), bool)
        for month, length in ((3, 2), (8, 9), (13, 60)) if name in REACHED else ():
            at = int(rng.integers(24 * 30 * (month - 1) + 48, 24 * 30 * month - 100))
            late[at : at + length] = True
            held.append((name, time[at : at + length], value[at : at + length]))
        works.read(name, time[~late].tolist(), value[~late].tolist())
    works.run(NOW)
    assert works.registry.models("expected:2026").keys() >= REACHED.keys()
    assert {row.institution for row in works.registry.findings.rows()} >= {"school", "court"}
    for place in rng.permutation(len(held)):
        name, time, value = held[place]
        works.read(name, time.tolist(), value.tolist())
        store = Watched(works.store)
        record = run(store, works.registry, now=instant(NOW))  # type: ignore[arg-type]
        days = days_of(name, time)
        assert [(part.meter, part.window) for part in record.recomputed] == [(name, days)]
        assert store.of("interval") == {(n, days) for n in REACHED[name]}
        assert store.of("day_part") == {(name, days)}
        written = [(set(where["id"]), where["period"], window) for m, where, window in store.windows if m == "total"]
        assert not any(ids & {"office", "o1"} for ids, _, _ in written)
        assert [window for _, period, window in written if period == ["day"] and not is_near(window, days)] == []
    before = everything(works)
    works.run(NOW, since=0)
    after = everything(works)
    assert {name: differing(rows, after[name]) for name, rows in before.items() if rows != after[name]} == {}
