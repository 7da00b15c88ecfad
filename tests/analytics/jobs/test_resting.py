"""Heat that is paid by the season: the time without bills between two seasons is no gap."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.jobs.resting import rests, without
from analytics.totals import Periods
from energy.heating import HeatingCalendar
from energy.intervals import LocalCalendar, Window
from tests.analytics.jobs.conftest import Works, instant, meter

HEATING = HeatingCalendar((), ())  # 15 November to 15 March
YEAR = Window(instant("2025-01-01T00:00:00"), instant("2026-01-01T00:00:00"))


def told_on(*spans: tuple[str, str]) -> tuple[np.ndarray, Periods]:
    """Days of 2025 with a bill; spans from the first to the last day."""
    days = Periods.covering(LocalCalendar("Asia/Shanghai"), YEAR, "day")
    at = np.array(days.start)
    inside = [(at >= instant(f"{a}T00:00:00")) & (at <= instant(f"{b}T00:00:00")) for a, b in spans]
    return np.logical_or.reduce(inside), days


def window(first: str, end: str) -> Window:
    return Window(instant(f"{first}T00:00:00"), instant(f"{end}T00:00:00"))


def test_it_rests_from_the_end_of_a_season_to_the_beginning_of_the_next() -> None:
    told, days = told_on(("2025-01-01", "2025-03-15"), ("2025-11-15", "2025-12-31"))
    assert rests(told, days, HEATING) == [window("2025-03-16", "2025-11-15")]


def test_bills_may_begin_and_end_a_month_off_the_season() -> None:
    told, days = told_on(("2025-01-01", "2025-03-31"), ("2025-11-01", "2025-12-31"))
    assert rests(told, days, HEATING) == [window("2025-04-01", "2025-11-01")]


def test_a_bill_in_summer_makes_every_other_day_a_gap() -> None:
    told, days = told_on(("2025-01-01", "2025-05-31"), ("2025-07-01", "2025-12-31"))
    assert rests(told, days, HEATING) == []


def test_a_winter_without_bills_is_a_gap() -> None:
    told, days = told_on(("2025-01-01", "2025-01-31"))
    assert rests(told, days, HEATING) == [window("2025-03-16", "2025-11-15")]


@pytest.mark.parametrize(
    ("resting", "left"),
    [
        ([], [(0, 100)]),
        ([(20, 40)], [(0, 20), (40, 100)]),
        ([(-10, 10), (90, 120)], [(10, 90)]),
        ([(-10, 120)], []),
        ([(200, 300)], [(0, 100)]),
    ],
)
def test_what_is_left_of_a_span(resting: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    assert without(Window(0, 100), [Window(*rest) for rest in resting]) == [Window(*part) for part in left]


def paper(name: str, **columns: object) -> dict[str, object]:
    return meter(name, kind="manual", digits=None, interval_s=86_400, **columns)


def bill(name: str, first: str, last: str, amount: float, unit: str) -> dict[str, object]:
    return {"meter": name, "first_day": first, "last_day": last, "amount": amount, "unit": unit}


def test_a_year_with_heat_paid_by_the_season_is_complete(works: Works) -> None:
    works.estate(
        paper("main"),
        paper("heat", category="heat", unit="GJ"),
        bills=[
            bill("main", "2025-01-01", "2025-12-31", 1000, "kWh"),
            bill("heat", "2025-01-01", "2025-03-15", 74, "GJ"),
            bill("heat", "2025-11-15", "2025-12-31", 47, "GJ"),
        ],
        denominators=[{"scope": "institution", "id": "school", "kind": "floor_area", "value": 10, "unit": "m2"}],
    )
    works.run(now="2026-01-15T06:00:00")
    found = works.rows("indicator", id="school", indicator="energy_per_area", caliber="gb2589_equivalent_value")
    for period, when in (("year", "2025-01-01T00:00:00"), ("rolling12", "2025-12-01T00:00:00")):
        (at,) = np.flatnonzero((found.time == instant(when)) & (found.tags["period"] == period))
        # (1000 kWh x .1229 + 121 GJ x 34.12) / 10 m2
        assert found.fields["value"][at] == pytest.approx(425.142)
        assert found.fields["coverage"][at] == 1.0
    heat = works.rows("total", id="school", period="month", category="heat", item="all")
    # January to March, November, December; the next January waits for its bill
    assert heat.fields["coverage"].tolist() == [1.0] * 5 + [0.0]


def test_a_missing_bill_of_winter_still_shows(works: Works) -> None:
    works.estate(
        paper("heat", category="heat", unit="GJ"),
        bills=[
            bill("heat", "2025-01-01", "2025-01-31", 31, "GJ"),
            bill("heat", "2025-03-01", "2025-03-15", 15, "GJ"),
            bill("heat", "2025-11-15", "2025-12-31", 47, "GJ"),
        ],
    )
    works.run(now="2026-01-15T06:00:00")
    (year,) = works.rows("total", id="school", period="year", category="heat", item="all").fields["coverage"][:1]
    assert year == pytest.approx(93 / 121)
