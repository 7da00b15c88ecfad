"""The local calendar, against the standard library's zoneinfo and against itself (promise P-19)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from energy.intervals import DAY, HOUR, LocalCalendar, Period, Window

SHANGHAI = LocalCalendar("Asia/Shanghai")
LONDON = LocalCalendar("Europe/London")
calendars = st.sampled_from([SHANGHAI, LONDON, LocalCalendar("America/New_York"), LocalCalendar("Asia/Kathmandu")])
instants = st.integers(-2_000_000_000, 4_000_000_000)  # 1906 .. 2096
day_numbers = st.integers(-23_000, 46_000)  # the same years


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def one(array: np.ndarray) -> int:
    assert array.shape == (1,)
    return int(array[0])


def test_window_is_half_open() -> None:
    window = Window(10, 20)
    assert 10 in window
    assert 19 in window
    assert 20 not in window
    assert not Window(10, 10)


def test_window_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match=r"ends \(9\) before it starts \(10\)"):
        Window(10, 9)


def test_windows_that_only_touch_do_not_overlap() -> None:
    assert not Window(0, 10).overlaps(Window(10, 20))
    assert Window(0, 11).overlaps(Window(10, 20))
    assert Window(0, 5).hull(Window(8, 9)) == Window(0, 9)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(KeyError, match="Mars/Olympus"):
        LocalCalendar("Mars/Olympus")


@given(calendars, st.lists(instants, min_size=1, max_size=20))
def test_local_clock_agrees_with_zoneinfo(calendar: LocalCalendar, times: list[int]) -> None:
    zone = ZoneInfo(calendar.zone)
    expected = [int(datetime.fromtimestamp(t, UTC).astimezone(zone).replace(tzinfo=UTC).timestamp()) for t in times]
    assert_array_equal(calendar.to_local(np.array(times)), expected)


@given(calendars, instants)
def test_local_clock_there_and_back_is_the_same_instant_or_its_earlier_twin(calendar: LocalCalendar, t: int) -> None:
    local = calendar.to_local(np.array([t]))
    back = calendar.to_utc(local)
    assert_array_equal(calendar.to_local(back), local)
    assert 0 <= t - one(back) <= 2 * HOUR


@given(calendars, day_numbers)
def test_a_local_day_begins_with_its_first_second(calendar: LocalCalendar, day: int) -> None:
    start = calendar.day_start(np.array([day]))
    assert one(calendar.day_number(start)) == day
    assert one(calendar.day_number(start - 1)) == day - 1


@given(calendars, day_numbers)
def test_a_local_day_has_23_to_25_hours(calendar: LocalCalendar, day: int) -> None:
    start, end = calendar.day_start(np.array([day, day + 1]))
    assert 23 * HOUR <= end - start <= 25 * HOUR


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(1986, 5, 4), 23),  # first summer time of the six years (IANA tz database, rule PRC)
        (date(1986, 9, 14), 25),
        (date(1991, 4, 14), 23),
        (date(1991, 9, 15), 25),  # the last one
        (date(1992, 4, 12), 24),
        (date(2026, 7, 1), 24),
    ],
)
def test_length_of_days_in_shanghai(day: date, hours: int) -> None:
    window = SHANGHAI.window(day, day)
    assert window.end - window.start == hours * HOUR


def test_a_skipped_midnight_begins_the_day_at_the_jump() -> None:
    # Shanghai 1940-06-01: 00:00 became 01:00 (IANA tz database, rule Shang); 00:00 +08:00 is 16:00 UTC
    assert SHANGHAI.start_of(date(1940, 6, 1)) == utc("1940-05-31T16:00:00")
    assert SHANGHAI.date_of(utc("1940-05-31T16:00:00")) == date(1940, 6, 1)
    assert SHANGHAI.date_of(utc("1940-05-31T15:59:59")) == date(1940, 5, 31)


def local_seconds(text: str) -> np.ndarray:
    return np.array([utc(text)])


def test_a_skipped_hour_becomes_the_instant_of_the_jump() -> None:
    # London 2021-03-28: 01:00 UTC, clocks go from 01:00 to 02:00
    assert one(LONDON.to_utc(local_seconds("2021-03-28T01:30:00"))) == utc("2021-03-28T01:00:00")
    assert one(LONDON.to_utc(local_seconds("2021-03-28T00:59:59"))) == utc("2021-03-28T00:59:59")
    assert one(LONDON.to_utc(local_seconds("2021-03-28T02:00:00"))) == utc("2021-03-28T01:00:00")


def test_a_repeated_hour_becomes_its_first_pass() -> None:
    # London 2021-10-31: 01:00 UTC, clocks go from 02:00 back to 01:00
    assert one(LONDON.to_utc(local_seconds("2021-10-31T01:30:00"))) == utc("2021-10-31T00:30:00")
    assert one(LONDON.to_utc(local_seconds("2021-10-31T02:00:00"))) == utc("2021-10-31T02:00:00")


def test_hours_of_day_and_week() -> None:
    monday_nine = np.array([utc("2026-01-05T01:00:00")])  # Monday 09:00 in Shanghai
    assert one(SHANGHAI.hour_of_day(monday_nine)) == 9
    assert one(SHANGHAI.hour_of_week(monday_nine)) == 9
    sunday_last = np.array([utc("2026-01-04T15:59:59")])
    assert one(SHANGHAI.hour_of_week(sunday_last)) == 167


def test_instants_around_new_year_belong_to_the_local_year() -> None:
    edges = SHANGHAI.edges(Window(utc("2025-12-31T15:59:59"), utc("2025-12-31T16:00:01")), "year")
    expected = [utc("2024-12-31T16:00:00"), utc("2025-12-31T16:00:00"), utc("2026-12-31T16:00:00")]
    assert_array_equal(edges, expected)


def test_month_edges_of_a_leap_february() -> None:
    edges = SHANGHAI.edges(SHANGHAI.window(date(2024, 2, 10), date(2024, 2, 10)), "month")
    assert_array_equal(edges, [utc("2024-01-31T16:00:00"), utc("2024-02-29T16:00:00")])


def test_edges_of_an_empty_window_are_those_of_the_period_it_lies_in() -> None:
    noon = utc("2024-02-10T04:00:00")
    assert_array_equal(
        SHANGHAI.edges(Window(noon, noon), "day"), [utc("2024-02-09T16:00:00"), utc("2024-02-10T16:00:00")]
    )


@given(calendars, instants, st.integers(1, 800 * DAY), st.sampled_from(["day", "month", "year"]))
def test_edges_cover_the_window_and_no_more(calendar: LocalCalendar, start: int, length: int, period: Period) -> None:
    window = Window(start, start + length)
    edges = calendar.edges(window, period)
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= window.start < edges[1]
    assert edges[-2] < window.end <= edges[-1]


@given(
    st.sampled_from([SHANGHAI, LONDON]),
    st.integers(1984, 1993) | st.integers(2013, 2027),
    st.integers(1, 12),
    st.integers(0, 2**32),
)
def test_day_sums_add_up_to_the_month_sum(calendar: LocalCalendar, year: int, month: int, seed: int) -> None:
    """Promise P-19: also with the summer times of 1986 to 1991."""
    first = date(year, month, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    window = calendar.window(first, last)
    quarters = np.arange(window.start, window.end, 900)
    values = np.random.default_rng(seed).integers(0, 1000, len(quarters))
    months, days = calendar.edges(window, "month"), calendar.edges(window, "day")
    assert_array_equal(months, [window.start, window.end])
    assert len(days) - 1 == last.day
    sums = [values[(quarters >= a) & (quarters < b)].sum() for a, b in pairwise(days)]
    assert sum(sums) == values.sum()


def test_dates_and_instants_agree_over_a_century() -> None:
    days = np.arange(-25_000, 45_000)
    starts = SHANGHAI.day_start(days)
    assert_array_equal(SHANGHAI.day_number(starts), days)
    assert_array_equal(SHANGHAI.day_number(starts - 1), days - 1)
