from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from analytics.consumption import day_parts, on_grid
from analytics.totals import Periods, meter_totals
from energy.intervals import LocalCalendar, Window
from tests.analytics.test_consumption import HOUR, NAN, steps_of

EVER = Window(0, 2**40)


def totals_of(hours: list[float], values: list[float], first: str, zone: str, kind: str, span_days: int) -> np.ndarray:
    """Amounts of the periods from a local date on, of a register read some hours after its midnight."""
    calendar = LocalCalendar(zone)
    start = int(calendar.day_start(np.array([np.datetime64(first, "D").astype(int)]))[0])
    steps = steps_of([start / HOUR + h for h in hours], values)
    edges = calendar.day_start(np.datetime64(first, "D").astype(int) + np.arange(span_days + 1))
    grid = on_grid(steps, int(edges[0]), int(edges[-1]), HOUR)
    parts = day_parts(steps, int(calendar.day_number(edges[:1])[0]), edges, grid)
    periods = Periods.covering(calendar, Window(int(edges[0]), int(edges[-1])), kind)  # type: ignore[arg-type]
    return meter_totals(parts, periods, read=EVER, expected=[EVER]).amount[0]


def test_a_day_is_the_difference_of_the_register_between_its_midnights() -> None:
    hours = [0.0, 5, 24, 30, 48]  # most hours are missing, both midnights are read
    assert_array_equal(totals_of(hours, [0, 3, 10, 12, 25], "2026-01-05", "Asia/Shanghai", "day", 2), [10, 15])


def test_a_day_whose_edge_is_unknown_is_what_is_known_of_it() -> None:
    # read hourly until 20:00, then at 04:00 and 05:00: the night belongs to neither day, but to their month
    hours = [*range(21), 28, 29]
    values = [*range(21), 28, 30]
    assert_array_equal(totals_of(hours, values, "2026-01-05", "Asia/Shanghai", "day", 2), [20, 2])
    assert_array_equal(totals_of(hours, values, "2026-01-05", "Asia/Shanghai", "month", 2), [30])


def test_a_day_that_no_reading_touches_is_unknown() -> None:
    assert_array_equal(totals_of([0, 1, 71, 72], [0, 1, 71, 72], "2026-01-05", "Asia/Shanghai", "day", 3), [1, NAN, 1])


def test_a_month_leaves_out_what_may_belong_to_its_neighbours() -> None:
    # 31 January 12:00 -> 1 February 12:00 is one step of 24 kWh; both months know only their own readings
    hours = [0.0, 1, 12, 36, 37]
    assert_array_equal(totals_of(hours, [0, 1, 12, 36, 37], "2026-01-31", "Asia/Shanghai", "month", 2), [12, 1])


def test_a_month_whose_only_reading_ends_a_step_from_before_it_is_unknown() -> None:
    # read on 15 December, 15 January at midnight and 15 February: nobody knows how either step lies in January
    assert_array_equal(
        totals_of([-17 * 24.0, 14 * 24, 45 * 24], [0, 31, 62], "2026-01-01", "Asia/Shanghai", "month", 31), [NAN]
    )


def test_a_month_that_holds_only_an_exchange_that_nobody_stated_is_unknown() -> None:
    # read on 21 January, the old device on 3 February, the new one on the 5th and on 3 March
    hours, values = [-240.0, 58, 108, 730], [0.0, 4000, 5, 20]
    assert_array_equal(totals_of(hours, values, "2026-02-01", "Asia/Shanghai", "month", 28), [NAN])


def test_a_month_that_was_read_at_both_ends_and_used_nothing_is_zero() -> None:
    assert_array_equal(totals_of([0.0, 24 * 31], [7, 7], "2026-01-01", "Asia/Shanghai", "month", 31), [0])


@pytest.mark.parametrize(
    ("first", "zone", "hours"),
    [
        ("2016-03-27", "Europe/London", 23),
        ("2016-10-30", "Europe/London", 25),
        ("1988-04-17", "Asia/Shanghai", 23),
        ("1988-09-11", "Asia/Shanghai", 25),
    ],
)
def test_a_local_day_has_as_many_hours_as_its_clock(first: str, zone: str, hours: int) -> None:
    calendar = LocalCalendar(zone)
    day = np.datetime64(first, "D").astype(int)
    edges = calendar.day_start(np.array([day, day + 1]))
    length = int(edges[1] - edges[0]) // HOUR
    assert length == hours
    amounts = totals_of([float(h) for h in range(60)], [float(h) for h in range(60)], first, zone, "day", 2)
    assert amounts[0] == length


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["1986-04-20", "1988-09-01", "1991-09-10", "2016-03-20", "2026-01-25"]),
    st.sampled_from(["Asia/Shanghai", "Europe/London", "America/St_Johns"]),
    st.lists(st.integers(0, 30), min_size=24 * 14, max_size=24 * 14),
)
def test_days_add_up_to_their_months(first: str, zone: str, energy: list[int]) -> None:
    """Promise P-19: the sum of the days is the month, whatever the clock does."""
    hours = [float(h) for h in range(len(energy) + 1)]
    values = np.concatenate(([0], np.cumsum(energy))).tolist()
    days = totals_of(hours, values, first, zone, "day", 15)
    months = totals_of(hours, values, first, zone, "month", 15)
    assert np.nansum(days) == pytest.approx(np.nansum(months), abs=1e-6)
    assert np.nansum(months) == pytest.approx(sum(energy), abs=1e-6)


def test_last_year_is_the_same_date_and_the_29th_of_february_has_none() -> None:
    calendar = LocalCalendar()
    span = Window(
        calendar.start_of(np.datetime64("2023-01-01").item()), calendar.start_of(np.datetime64("2025-01-01").item())
    )
    days = Periods.covering(calendar, span, "day")
    before = days.a_year_before()
    assert before[365] == 0
    assert before[365 + 59] == -1  # 29 February 2024
    assert before[365 + 60] == 59  # 1 March
    assert_array_equal(Periods.covering(calendar, span, "month").a_year_before()[[0, 12, 23]], [-1, 0, 11])
