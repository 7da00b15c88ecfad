"""How the local calendar looks to a model: the slot of the week, the part of the day and the kind of each local day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.holidays import DayKind
from energy.intervals import DAY, LocalCalendar
from energy.series import BoolArray, ByteArray, IntArray

WEEK: Final = 7 * DAY
SUNDAY: Final = 6
PART_STARTS: Final = (6, 9, 13, 18)
"""Hours at which a new part of the day begins: night, early, morning, afternoon, evening."""
N_PARTS: Final = len(PART_STARTS) + 1
NIGHT, EARLY, EVENING = 0, 1, 4
NOON: Final = (2, 3)
"""The parts: nobody is there at night, on workdays everybody at noon, early and in the evening some of both."""
OCCUPIED_HOURS: Final = (7, 20)


@dataclass(frozen=True, slots=True, eq=False)
class CalendarRows:
    """What the calendar says about each interval of a regular grid; all arrays have one entry an interval.

    Attributes
    ----------
    step : int
        Length of an interval. [s]
    slot : int32
        Slot of the week, Monday 00:00 local = 0; a holiday counts as Sunday, a working weekend day (调休) as the
        nearer of Friday and Monday.
    part : int8
        Part of the day, 0 .. 4 (`PART_STARTS`).
    hour : int8
        Local hour of the day.
    kind : int8
        `energy.holidays.DayKind` of the local day.
    vacation : bool
        The institution's own vacation: less people, not closed. A holiday within it is one of both: a school whose
        dormitories live on over a holiday of term stands still at Spring Festival.
    day : int64
        Local day number (days since 1970-01-01).
    occupied : bool
        Working day between 07 and 20 local.
    """

    step: int
    slot: np.ndarray[tuple[int], np.dtype[np.int32]]
    part: np.ndarray[tuple[int], np.dtype[np.int8]]
    hour: np.ndarray[tuple[int], np.dtype[np.int8]]
    kind: np.ndarray[tuple[int], np.dtype[np.int8]]
    vacation: BoolArray
    day: IntArray
    occupied: BoolArray

    def __len__(self) -> int:
        return len(self.slot)

    @property
    def n_slots(self) -> int:
        """Slots of a week at this resolution."""
        return WEEK // self.step


def calendar_rows(
    times: IntArray,
    step: int,
    calendar: LocalCalendar,
    *,
    kinds: Callable[[IntArray], ByteArray] | None = None,
    closed: IntArray | None = None,
    vacations: IntArray | None = None,
) -> CalendarRows:
    """Calendar of the intervals that start at `times`.

    Parameters
    ----------
    times : int64, shape (n,)
        Interval starts, UTC epoch seconds.
    step : int
        Length of an interval; divides a day. [s]
    calendar : LocalCalendar
        Zone in which the people live.
    kinds : callable, optional
        `DayKind` of local day numbers, such as `WorkCalendar.kind`; without it weekdays alone decide.
    closed, vacations : int64, optional
        Local day numbers on which the institution is closed (they count as holidays) or has vacation.

    Returns
    -------
    CalendarRows
        In a repeated local hour (end of summer time) both intervals have the same slot.
    """
    if step <= 0 or DAY % step:
        raise ValueError(f"step: expected seconds that divide a day, got {step}")
    local = calendar.to_local(np.asarray(times, np.int64))
    day, second = local // DAY, local % DAY
    kind = np.zeros(len(day), np.int8) if kinds is None else kinds(day).astype(np.int8)
    if closed is not None:
        kind[np.isin(day, closed)] = DayKind.HOLIDAY
    rest = kind == DayKind.HOLIDAY
    vacation = np.zeros(len(day), np.bool_) if vacations is None else np.isin(day, vacations)
    weekday = np.where(rest, SUNDAY, (day + 3) % 7)
    moved = (kind == DayKind.WORKDAY) & (weekday >= 5)
    weekday = np.where(moved, np.where(weekday == 5, 4, 0), weekday)
    hour = second // 3600
    return CalendarRows(
        step,
        (weekday * (DAY // step) + second // step).astype(np.int32),
        np.digitize(hour, PART_STARTS).astype(np.int8),
        hour.astype(np.int8),
        kind,
        vacation,
        day,
        (weekday < 5) & (hour >= OCCUPIED_HOURS[0]) & (hour < OCCUPIED_HOURS[1]),
    )
