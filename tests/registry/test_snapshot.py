"""A snapshot is the whole of who and where at one revision."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

import pytest

from energy.errors import NotInRegistry
from energy.model import Category, MeterKind, Swap, ValueKind
from energy.registry import CalendarSpan, Registry, Snapshot
from energy.registry.rows import Site
from tests.registry.sample import sample


@pytest.fixture
def snapshot(registry: Registry) -> Snapshot:
    registry.import_sheets(sample())
    return registry.snapshot()


def test_a_meter_has_its_resolved_row(snapshot: Snapshot) -> None:
    meter = snapshot.meters["e0"]
    assert (meter.category, meter.kind, meter.value_kind) == (
        Category.ELECTRICITY,
        MeterKind.PHYSICAL,
        ValueKind.REGISTER,
    )
    assert meter.ratio == 40 * 2.5
    assert (meter.digits, meter.rated_kw, meter.interval_s, meter.quantity) == (8, 630.0, 900, "energy")
    assert snapshot.meters["rest"].formula == "e0 - e1 - e2"


def test_a_sensor_is_a_meter_with_a_quantity_and_a_place(snapshot: Snapshot) -> None:
    sensor = snapshot.meters["t0"]
    assert (sensor.category, sensor.value_kind) == (Category.OTHER, ValueKind.MEASUREMENT)
    assert (sensor.quantity, sensor.place, sensor.unit, sensor.interval_s) == (
        "temperature",
        "region:990100",
        "degC",
        1800,
    )


def test_gateways_are_known_by_their_id(snapshot: Snapshot) -> None:
    assert snapshot.gateway_of("g1").institution == "school"
    with pytest.raises(NotInRegistry, match="gateway 'g9'"):
        snapshot.gateway_of("g9")


def test_trees_are_walked_down(snapshot: Snapshot) -> None:
    assert snapshot.children("e0") == ("e1", "e2")
    assert snapshot.children("e1") == ()
    assert snapshot.institutions_below("990000") == ("office", "school")
    assert snapshot.institutions_below("990200") == ("office",)
    assert snapshot.institutions_below("110000") == ()
    assert snapshot.meters_of("office") == ("w0",)


def test_dated_facts_hold_from_their_first_day_until_before_their_last(snapshot: Snapshot) -> None:
    def area(on: date) -> float | None:
        row = snapshot.denominator_on("building", "b1", "floor_area", on)
        return row.value if row else None

    assert area(date(2023, 8, 31)) == 12000
    assert area(date(2023, 9, 1)) == 15000.5
    assert snapshot.denominator_on("building", "b2", "floor_area", date(2023, 9, 1)) is None
    assert snapshot.department_of("school", date(2019, 12, 31)) == "旧教委"
    assert snapshot.department_of("school", date(2020, 1, 1)) == "教育体育局"
    assert snapshot.department_of("school", date(2024, 7, 1)) == "甲市教育局"
    assert snapshot.department_of("office", date(2024, 7, 1)) is None


def test_a_swap_takes_the_meters_ratio_where_it_states_none(snapshot: Snapshot) -> None:
    instant = int(datetime.fromisoformat("2025-03-01T02:00:00+00:00").timestamp())
    assert snapshot.swaps == {"e0": (Swap("e0", instant, 99120.5, 0.0, 80.0, 100.0),)}


def test_the_nearest_climate_zone_counts(snapshot: Snapshot) -> None:
    assert snapshot.climate_zone_of("school") == "寒冷A"
    assert snapshot.climate_zone_of("office") == "夏热冬冷"


def test_an_institution_lives_by_the_clock_of_its_first_site() -> None:
    sites = [Site("s2", "school", "东区", "Asia/Tokyo"), Site("s1", "school", "西区", "Asia/Urumqi")]
    snapshot = Snapshot(1, sites={site.id: site for site in sites})
    assert snapshot.zone_of("school") == "Asia/Urumqi"
    assert snapshot.zone_of("court") is None


def test_the_own_calendar_keeps_both_ends(snapshot: Snapshot) -> None:
    assert snapshot.calendars["school"] == (
        CalendarSpan("school", date(2026, 1, 17), date(2026, 2, 22), "vacation", "寒假"),
    )


def test_a_moved_meter_keeps_its_id(registry: Registry, snapshot: Snapshot) -> None:
    registry.import_sheets({"meters": [{"id": "w0", "institution": "school", "gateway": "g1", "local": "water"}]})
    moved = registry.snapshot()
    assert moved.revision == snapshot.revision + 1
    assert moved.meters["w0"] == dataclasses.replace(
        snapshot.meters["w0"], institution="school", gateway="g1", local="water"
    )


def test_a_snapshot_cannot_be_changed(snapshot: Snapshot) -> None:
    with pytest.raises(TypeError):
        snapshot.meters["new"] = snapshot.meters["e0"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.revision = 5  # type: ignore[misc]


def test_an_empty_registry_has_an_empty_snapshot(registry: Registry) -> None:
    assert registry.snapshot() == Snapshot(revision=0)
