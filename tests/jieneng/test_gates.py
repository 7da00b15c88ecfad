"""The promise of detection: four in five of the labelled faults of the simulated province, in time and within budgets.

The faults are those of the simulator's plan, committed by the seed before any detector ran. Institutions are the small
ones and the weather's, so that two provinces of two years are computed in less than a minute of CPU.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from analytics import jobs
from benchmarks.province import load
from energy.registry import Registry
from energy.storage.embedded import EmbeddedStore
from jieneng import verdict
from jieneng.detected import Score
from simulators.devices import WEATHER_HOUSE
from simulators.faults import FaultKind
from simulators.province import DemoPlan, Province, build

pytestmark = pytest.mark.timeout(1200)  # a minute of CPU is more on a busy machine
SEEDS = (1, 2)
MOST_METERS = 11
WANTED = (
    FaultKind.GAP, FaultKind.STUCK, FaultKind.SPIKE, FaultKind.OFF_HOURS, FaultKind.LEAK, FaultKind.LEVEL,
    FaultKind.RATIO, FaultKind.OFFLINE,
)  # fmt: skip


def small_province(seed: int) -> Province:
    """The institutions with few meters, and the one whose gateway knows the weather."""
    province = build(seed, date(2024, 1, 1), date(2026, 1, 1))
    kept = {
        house: gateways
        for house, gateways in province.gateways.items()
        if house == WEATHER_HOUSE or sum(not d.is_sensor for g in gateways for d in g.devices) <= MOST_METERS
    }
    province.houses = tuple(house for house in province.houses if house.id in kept)
    province.gateways = kept
    province.faults = tuple(fault for fault in province.faults if fault.house in kept)
    province.lapses = tuple(lapse for lapse in province.lapses if lapse.house in kept)
    return province


def judged(seed: int, folder: Path) -> verdict.Seen:
    province = small_province(seed)
    registry = Registry.open(f"sqlite:///{folder}/{seed}.db", migrate=True)
    (folder / str(seed)).mkdir()
    store = EmbeddedStore(folder / str(seed), writes_readings=True)
    load(province, store, registry)
    jobs.run(store, registry, now=province.window.end, least_yuan=0)  # the budget alone makes findings wait
    seen = verdict.look(DemoPlan(province, province.window.start, province.window.end), registry)
    store.close()
    registry.close()
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[verdict.Seen]:
    return [judged(seed, tmp_path_factory.mktemp("gates")) for seed in SEEDS]


def scores(seen: list[verdict.Seen], kind: FaultKind) -> Score:
    own = [part.detection.scores.get(kind, Score()) for part in seen]
    return Score(*(sum(column) for column in zip(*((s.events, s.found, s.in_time, s.shown) for s in own), strict=True)))


def test_four_in_five_faults_of_each_kind_are_told_in_time(seen: list[verdict.Seen]) -> None:
    told = {kind: scores(seen, kind) for kind in WANTED}
    assert {kind: score.events for kind, score in told.items() if score.events < 10} == {}
    late = {kind: score for kind, score in told.items() if score.in_time < 0.8 * score.events}
    assert late == {}


def test_the_readers_budget_holds_nearly_all_of_them(seen: list[verdict.Seen]) -> None:
    # Half of the province's meters have half of its readers' budget, two findings a day in a city: where a day has
    # more, the least worthy is read a day late.
    told = [scores(seen, kind) for kind in WANTED]
    assert sum(score.shown for score in told) >= 0.9 * sum(score.in_time for score in told)
    assert all(part.detection.shown >= 0.95 * part.detection.findings for part in seen)


def test_rooms_beyond_the_set_points_are_told(seen: list[verdict.Seen]) -> None:
    score = scores(seen, FaultKind.SET_POINT)
    assert score.events > 0
    assert score.shown == score.events


def test_few_findings_name_no_fault(seen: list[verdict.Seen]) -> None:
    false = sum(part.detection.false for part in seen)
    assert false <= 1.0 * sum(part.detection.meter_years for part in seen)
