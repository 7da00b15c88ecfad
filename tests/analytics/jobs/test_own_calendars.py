"""Holidays, 调休 and an institution's own calendar decide what is usual: what is left on over them is told."""

from __future__ import annotations

import numpy as np

from energy.holidays import work_calendar
from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

FIRST, LAST = "2025-01-01T00:00:00", "2026-10-12T00:00:00"
TIMES = np.arange(instant(FIRST), instant(LAST), HOUR)
LOCAL = TIMES + 8 * HOUR
DAYS, HOURS = LOCAL // DAY, LOCAL % DAY // HOUR
GOLDEN_WEEK = instant("2026-10-01T00:00:00")
OPEN_DAY = work_calendar("CN").is_workday(DAYS)
VACATIONS = [
    {"institution": "school", "date_from": f"{year}-07-06", "date_to": f"{year}-08-30", "kind": "vacation"}
    for year in (2025, 2026)
]
CLOSED = {"institution": "school", "date_from": "2026-05-11", "date_to": "2026-05-15", "kind": "closed", "name": "校庆"}


def found(works: Works, used: np.ndarray, calendars: list[dict[str, str]], since: int) -> list[Finding]:
    """What is told of 2026 from an instant on, of a house with this use and 4 % noise."""
    works.estate(meter("e1"), calendars=calendars)
    noisy = used * (1 + 0.04 * np.random.default_rng(7).standard_normal(len(used)))
    works.hourly("e1", FIRST, np.round(noisy, 2).tolist())
    works.run(LAST)
    return [f for f in works.registry.findings.rows(state=["open", "waiting"]) if (f.end or 0) > since]


def between(first: str, last: str) -> np.ndarray:
    """Hours of these days, both included."""
    ends = np.array([first, last], "M8[D]").astype(np.int64)
    return (ends[0] <= DAYS) & (ends[1] >= DAYS)


def house(at_work: np.ndarray) -> np.ndarray:
    return np.where(at_work & (HOURS >= 7) & (HOURS < 20), 20.0, 4.0)


def test_a_load_left_on_over_the_golden_week_is_told_in_its_own_size(works: Works) -> None:
    left_on = (TIMES >= GOLDEN_WEEK) & (TIMES < GOLDEN_WEEK + 7 * DAY)
    [row] = found(works, house(OPEN_DAY) + np.where(left_on, 3.0, 0.0), [], GOLDEN_WEEK)
    assert row.kind in ("base_load", "off_hours")
    assert abs(row.start - GOLDEN_WEEK) <= DAY
    assert abs((row.excess or 0.0) - 3.0 * 24 * 7) < 0.15 * 3.0 * 24 * 7


def test_holidays_and_worked_weekends_are_no_fault(works: Works) -> None:
    assert found(works, house(OPEN_DAY), [], instant("2026-01-01T00:00:00")) == []


def test_a_vacation_and_a_closed_week_that_were_stated_are_no_fault(works: Works) -> None:
    away = between("2025-07-06", "2025-08-30") | between("2026-07-06", "2026-08-30")
    shut = between("2026-05-11", "2026-05-15")
    used = np.where(away & OPEN_DAY, 0.5, 1.0) * house(OPEN_DAY & ~shut)
    assert found(works, used, [*VACATIONS, CLOSED], instant("2026-04-01T00:00:00")) == []


def test_public_holidays_are_vacation_where_they_lie_in_one_and_term_elsewhere(works: Works) -> None:
    """A boarding school lives on over the May holiday and the golden week, and stands still at Spring Festival."""
    vacations = [
        {"institution": "school", "date_from": f"{year}-01-18", "date_to": f"{year}-02-26", "kind": "vacation"}
        for year in (2025, 2026)
    ]
    away = between("2025-01-18", "2025-02-26") | between("2026-01-18", "2026-02-26")
    people = np.where(OPEN_DAY, 1.0, 0.7) * np.where(away, 0.3, 1.0)
    used = 4.0 + (house(np.ones(len(DAYS), bool)) - 4.0) * people
    assert found(works, used, vacations, instant("2026-01-01T00:00:00")) == []


def test_a_closed_week_that_nobody_stated_is_low_use(works: Works) -> None:
    shut = between("2026-05-11", "2026-05-15")
    [row] = found(works, house(OPEN_DAY & ~shut), [], instant("2026-04-01T00:00:00"))
    assert row.kind == "low"
    assert row.excess is not None
    # By hand: 13 hours of 16 kWh less on five days.
    assert abs(row.excess + 16.0 * 13 * 5) < 0.1 * 16.0 * 13 * 5
