"""The local hours of a run with what people do in them: workday or not, school vacation or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from energy.holidays import work_calendar
from energy.intervals import HOUR, LocalCalendar, Window
from energy.series import BoolArray, FloatArray, IntArray

# Invented terms of 示例省, the same each year: (first month, day), (last month, day), 中文, English.
VACATIONS: Final = (((1, 18), (2, 20), "寒假", "winter vacation"), ((7, 8), (8, 31), "暑假", "summer vacation"))
HEATING_SEASON: Final = ((11, 15), (3, 15))


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """The hours of a run on the local clock.

    Attributes
    ----------
    start : int64, shape (n,)
        Instant at which each hour begins.
    hour : float64, shape (n,)
        Local hour of the day, 0 .. 23.
    day : int64, shape (n,)
        Day counted from the first one; index of the arrays by day.
    workday, vacation, heating : bool, shape (n_days,)
        What each local day is.
    """

    start: IntArray
    hour: FloatArray
    day: IntArray
    day_of_year: FloatArray
    workday: BoolArray
    vacation: BoolArray
    heating: BoolArray

    def __len__(self) -> int:
        return len(self.start)

    @property
    def n_days(self) -> int:
        """Local days, whole or begun."""
        return len(self.workday)


def hours(window: Window, calendar: LocalCalendar) -> Hours:
    """The whole hours of a window."""
    start = np.arange(window.start, window.end, HOUR, dtype=np.int64)
    numbers = calendar.day_number(start)
    first, last = int(numbers[0]), int(numbers[-1])
    dates = [date(1970, 1, 1) + timedelta(days=n) for n in range(first, last + 1)]
    return Hours(
        start,
        calendar.hour_of_day(start).astype(np.float64),
        numbers - first,
        np.array([d.timetuple().tm_yday for d in dates], np.float64)[numbers - first],
        work_calendar("CN").is_workday(np.arange(first, last + 1)),
        np.array([_is_vacation(d) for d in dates]),
        np.array([is_heating(d) for d in dates]),
    )


def is_heating(day: date) -> bool:
    """True within the heating season, which spans the turn of the year."""
    begin, end = HEATING_SEASON
    return (day.month, day.day) >= begin or (day.month, day.day) <= end


def _is_vacation(day: date) -> bool:
    return any(first <= (day.month, day.day) <= last for first, last, _, _ in VACATIONS)
