"""The hours of a period as the detector sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.calendars import CalendarRows
from energy.intervals import HOUR
from energy.series import BoolArray, Int32Array, IntArray

N_GROUPS = 48
"""Working days and others x hour of the day: each has its own scale."""


@dataclass(frozen=True, slots=True, eq=False)
class HourGrid:
    """Hours of a period; one entry an hour.

    Attributes
    ----------
    start : int
        First hour, UTC epoch seconds.
    day, day_end : int32
        Local day, from 0; index of the hour after the end of the next local day.
    group : int32
        Hour of the day, plus 24 on days without work.
    night, busy : bool
        Local 22 to 6; occupied hours.
    """

    start: int
    day: Int32Array
    day_end: Int32Array
    group: Int32Array
    night: BoolArray
    busy: BoolArray

    def __len__(self) -> int:
        return len(self.day)

    @property
    def n_days(self) -> int:
        """Local days, begun ones too."""
        return int(self.day[-1]) + 1 if len(self.day) else 0

    @property
    def day_begin(self) -> Int32Array:
        """First hour of each day, and the one after the last."""
        return np.searchsorted(self.day, np.arange(self.n_days + 1)).astype(np.int32)

    def by_group(self, n: int) -> IntArray:
        """Places of the first n hours by group, shape (N_GROUPS, longest); short rows end with n."""
        group = self.group[:n]
        count = np.bincount(group, minlength=N_GROUPS)
        out = np.full((N_GROUPS, int(count.max(initial=1))), n, np.int64)
        order = np.argsort(group, kind="stable")
        out[group[order], np.arange(n) - np.repeat(np.cumsum(count) - count, count)] = order
        return out

    @classmethod
    def of(cls, start: int, calendar: CalendarRows) -> Self:
        """The grid of an hourly calendar that begins at `start`."""
        if calendar.step != HOUR:
            raise ValueError(f"anomalies: expected hourly data, got intervals of {calendar.step} s; add them up first")
        day = (calendar.day - calendar.day[0]).astype(np.int32) if len(calendar) else np.zeros(0, np.int32)
        ends = np.searchsorted(day, np.arange(day[-1] + 3 if len(day) else 0), side="left").astype(np.int32)
        resting = calendar.slot // 24 >= 5
        night = (calendar.hour < 6) | (calendar.hour >= 22)
        group = (calendar.hour + 24 * resting).astype(np.int32)
        return cls(start, day, ends[day + 2], group, night, calendar.occupied)
