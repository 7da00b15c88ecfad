"""What an institution's use depends on beside itself: its calendar and the weather at its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.calendars import CalendarRows, calendar_rows
from analytics.consumption import mean_on_grid
from analytics.design import Design, Terms, Weather, build_design
from analytics.jobs.estate import Estate
from analytics.registers import GAP_FACTOR
from analytics.weather import within_reach
from energy.errors import MissingReference
from energy.holidays import DayKind, WorkCalendar, country_of, work_calendar
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Meter
from energy.registry.rows import CalendarSpan
from energy.series import BoolArray, ByteArray, FloatArray, IntArray
from energy.storage.base import ReadingReader
from energy.units import linear

LEAD_S: Final = 10 * DAY
"""Weather looked at before a month: ten time constants of a building, so that what was before does not show."""
TAIL_S: Final = 2 * DAY
"""Weather looked at after a month, to bridge a gap across its end."""


class Surroundings:
    """Calendar rows and temperatures of one institution, for any span; remembers the months it was asked for."""

    def __init__(self, store: ReadingReader, estate: Estate) -> None:
        self._store = store
        self._estate = estate
        self._public = _public_calendar(estate.calendar)
        self._days = {kind: _days_of(estate.spans, kind) for kind in ("closed", "vacation", "workday")}
        self._designs: dict[tuple[Terms, int], Design | None] = {}

    def calendar(self, start: int, n: int, step: int) -> CalendarRows:
        """Calendar of n intervals of `step` from `start` on."""
        times = start + step * np.arange(n, dtype=np.int64)
        return calendar_rows(
            times,
            step,
            self._estate.calendar,
            kinds=self._kinds,
            closed=self._days["closed"],
            vacations=self._days["vacation"],
        )

    def weather(self, start: int, n: int, step: int) -> Weather:
        """Outdoor temperature on the same grid, from the nearest sensor that was read then; NaN where unknown.

        Hours more than a day from what it told are told by the next nearest.
        """
        found: FloatArray | None = None
        for sensor in self._estate.thermometers:
            further = self.temperature(sensor, start, n, step)
            if further is not None:
                silent = np.ones(n, np.bool_) if found is None else ~within_reach(found, DAY // step)
                found = np.where(silent, further, np.nan if found is None else found)
            if found is not None and within_reach(found, DAY // step).all():
                break
        return Weather(found)

    def temperature(self, sensor: Meter, start: int, n: int, step: int) -> FloatArray | None:
        """What a thermometer showed in n intervals; NaN where unknown, None where it was not read at all. [°C]"""
        end = start + n * step
        series = self._store.readings([sensor.id], start - DAY, end + DAY)[sensor.id]
        if not len(series):
            return None
        scale, offset = linear(sensor.unit, "degC")
        gap_s = sensor.interval_s * GAP_FACTOR
        return mean_on_grid(series.time, series.value * scale + offset, start, end, step, gap_s=gap_s).amount[:n]

    def heated(self, days: IntArray, *, is_sure: bool = False) -> BoolArray:
        """True for local days of the heating season of its place; with `is_sure` of those somebody stated alone."""
        found = np.zeros(len(days), np.bool_)
        dates = np.asarray(days, np.int64).astype("M8[D]")
        years = dates.astype("M8[Y]").astype(np.int64) + 1970
        for year in range(int(years.min()) - 1, int(years.max()) + 1) if len(days) else ():
            season = self._estate.heating.season(year)
            if not (is_sure and season.is_assumed):
                found |= (dates >= np.datetime64(season.first)) & (dates <= np.datetime64(season.last))
        return found

    @property
    def country(self) -> str:
        """Code of the country in whose time zone the institution lives, as the reference tables name it."""
        return country_of(self._estate.calendar.zone)

    def month(self, terms: Terms, month: Window) -> tuple[Design | None, int]:
        """Rows of a local month with a lead, and how many intervals the lead has; None where the weather is unknown.

        A month's rows are the same whatever part of it is asked for, so that a window gives what the whole gives.
        """
        step = terms.step
        start = month.start // step * step - LEAD_S
        n = (month.end - start) // step
        key = terms, month.start
        if key not in self._designs:
            self._designs[key] = self._design(terms, start, n)
        return self._designs[key], LEAD_S // step

    def _design(self, terms: Terms, start: int, n: int) -> Design | None:
        n_more = n + TAIL_S // terms.step
        weather = self.weather(start, n_more, terms.step) if terms.has_weather else Weather()
        known = weather.temperature is not None and bool(np.isfinite(weather.temperature).any())
        if terms.has_weather and not known:
            return None
        return build_design(terms, self.calendar(start, n_more, terms.step), weather)

    def _kinds(self, days: IntArray) -> ByteArray:
        kinds = np.zeros(len(days), np.uint8) if self._public is None else self._public.kind(days)
        return np.where(np.isin(days, self._days["workday"]), np.uint8(DayKind.WORKDAY), kinds)


def _public_calendar(calendar: LocalCalendar) -> WorkCalendar | None:
    """The holidays of the institution's country; None where no table is known: weekdays alone decide."""
    try:
        return work_calendar(country_of(calendar.zone))
    except MissingReference:
        return None


def _days_of(spans: Sequence[CalendarSpan], kind: str) -> IntArray:
    days = [
        np.arange(np.datetime64(span.first, "D").astype(np.int64), np.datetime64(span.last, "D").astype(np.int64) + 1)
        for span in spans
        if span.kind == kind
    ]
    return np.concatenate(days).astype(np.int64) if days else np.zeros(0, np.int64)
