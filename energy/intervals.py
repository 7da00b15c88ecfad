"""Half-open intervals [start, end), resolutions, and the local calendar of a site.

Instants are int64 UTC epoch seconds. Only this module (and `analytics.calendars`) knows about local time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from energy.series import IntArray

DAY: Final = 86_400
HOUR: Final = 3_600
Period = Literal["day", "month", "year"]
DEFAULT_ZONE: Final = "Asia/Shanghai"

RESOLUTIONS: Final = {"15min": 900, "30min": 1800, "hour": HOUR}
"""Regular resolutions by the name used in the tag `interval.resolution`, in seconds."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of instants [start, end), UTC epoch seconds."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"window ends ({self.end}) before it starts ({self.start})")

    def __contains__(self, instant: int) -> bool:
        return self.start <= instant < self.end

    def __bool__(self) -> bool:
        return self.end > self.start

    def overlaps(self, other: Window) -> bool:
        """True if the two share at least one instant."""
        return self.start < other.end and other.start < self.end

    def within(self, other: Window) -> Window:
        """The part that the other holds too; an empty window where there is none."""
        start = max(self.start, other.start)
        return Window(start, max(start, min(self.end, other.end)))

    def hull(self, other: Window) -> Window:
        """The smallest window that holds both."""
        return Window(min(self.start, other.start), max(self.end, other.end))


@lru_cache(maxsize=32)
def _offsets(zone: str) -> tuple[IntArray, IntArray]:
    """Instants at which the UTC offset of a zone changes (first: -inf stand-in), and the offset from then on [s]."""
    tz = ZoneInfo(zone)

    def offset(instant: int) -> int:
        delta = datetime.fromtimestamp(instant, UTC).astimezone(tz).utcoffset()
        assert delta is not None  # an aware datetime always has one
        return int(delta.total_seconds())

    first, last = -2_208_988_800, 4_102_444_800  # 1900 .. 2100
    starts, values = [np.iinfo(np.int64).min], [offset(first)]
    for day in range(first, last, 7 * DAY):
        if offset(day + 7 * DAY) == values[-1]:
            continue
        low, high = day, day + 7 * DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == values[-1] else (low, middle)
        starts.append(high)
        values.append(offset(high))
    return np.array(starts, np.int64), np.array(values, np.int64)


@dataclass(frozen=True, slots=True)
class LocalCalendar:
    """Days, months and years as people of one time zone live them.

    A local day is the span between two local midnights: 23, 24 or 25 hours. Days are counted as whole days since
    1970-01-01 of the local date (`day number`), so that date arithmetic is integer arithmetic.
    """

    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)  # raises for an unknown zone

    def to_local(self, instants: IntArray) -> IntArray:
        """Local wall-clock seconds (seconds since 1970-01-01 00:00 of the local clock) of UTC instants."""
        starts, values = _offsets(self.zone)
        utc = np.asarray(instants, np.int64)
        return utc + values[np.searchsorted(starts, utc, side="right") - 1]

    def to_utc(self, local_seconds: IntArray) -> IntArray:
        """UTC instants of local wall-clock seconds; in a repeated hour the first, in a skipped hour the one after it.

        Notes
        -----
        The offset one day earlier and the one a day later are the only two that can apply. Where neither leads back
        to the wanted time, the clock skipped it: the answer is then the instant at which the clock jumped. So a local
        day whose midnight was skipped (Shanghai 1940-06-01) begins with its first existing second.
        """
        local = np.asarray(local_seconds, np.int64)
        starts, values = _offsets(self.zone)
        before = local - values[np.searchsorted(starts, local - DAY, side="right") - 1]
        after = local - values[np.searchsorted(starts, local + DAY, side="right") - 1]
        instants = np.where(self.to_local(before) == local, before, after)
        jump = starts[np.searchsorted(starts, before, side="right") - 1]
        return np.where(self.to_local(instants) == local, instants, jump)

    def day_number(self, instants: IntArray) -> IntArray:
        """Local day of UTC instants, as days since 1970-01-01."""
        return self.to_local(instants) // DAY

    def hour_of_day(self, instants: IntArray) -> IntArray:
        """Local hour 0 .. 23 of UTC instants."""
        return self.to_local(instants) % DAY // HOUR

    def hour_of_week(self, instants: IntArray) -> IntArray:
        """Local hour of the week 0 .. 167, Monday 00:00 = 0."""
        local = self.to_local(instants)
        return (local // DAY + 3) % 7 * 24 + local % DAY // HOUR

    def day_start(self, day_numbers: IntArray) -> IntArray:
        """UTC instant of the local midnight that begins each local day."""
        return self.to_utc(np.asarray(day_numbers, np.int64) * DAY)

    def edges(self, window: Window, period: Period) -> IntArray:
        """UTC instants of all local period edges that cover the window: first edge <= start, last edge >= end."""
        first, last = (int(d) for d in self.day_number(np.array([window.start, max(window.end - 1, window.start)])))
        days = _period_edges(first, last, period)
        return self.day_start(days)

    def start_of(self, day: date) -> int:
        """UTC instant at which a local date begins."""
        return int(self.day_start(np.array([(day - date(1970, 1, 1)).days]))[0])

    def date_of(self, instant: int) -> date:
        """Local date of a UTC instant."""
        return date(1970, 1, 1) + timedelta(days=int(self.day_number(np.array([instant]))[0]))

    def window(self, first: date, last: date) -> Window:
        """The window of the local days first .. last, both included."""
        return Window(self.start_of(first), self.start_of(last + timedelta(days=1)))


def _period_edges(first_day: int, last_day: int, period: Period) -> IntArray:
    """Day numbers of period edges from the period of first_day to the end of the period of last_day."""
    if period == "day":
        return np.arange(first_day, last_day + 2, dtype=np.int64)
    unit = {"month": "M", "year": "Y"}[period]
    begin = np.datetime64(first_day, "D").astype(f"M8[{unit}]")
    end = np.datetime64(last_day, "D").astype(f"M8[{unit}]") + 1
    return np.arange(begin, end + 1).astype("M8[D]").astype(np.int64)
