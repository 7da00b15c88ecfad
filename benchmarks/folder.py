"""A folder of recorded buildings: weather and calendar of the place, and years with faults put in (docs/judging.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from analytics import metrics
from analytics.calendars import CalendarRows, calendar_rows
from analytics.design import Design, Terms, Weather, build_design, choose_terms
from benchmarks.recorded import found, hours_of, numbers_of, read_table
from benchmarks.wide import STAMPS, Year, read_wide
from energy.errors import MissingReference, RecordingError
from energy.holidays import country_of, work_calendar
from energy.intervals import HOUR, LocalCalendar
from energy.series import BoolArray, ByteArray, FloatArray, IntArray

SILENCE = 7 * 24
"""So many zeros in a row are missing readings. [h]"""
YEAR_BEFORE = HOUR * np.arange(-365 * 24, 0, dtype=np.int64)


@dataclass(frozen=True)
class Site:
    """Weather and calendar of all buildings of a folder; weather that was never measured is None."""

    calendar: LocalCalendar
    times: IntArray
    temperature: FloatArray | None
    sun: FloatArray | None
    kinds: Callable[[IntArray], ByteArray] | None
    closure: bool

    @classmethod
    def read(cls, folder: Path, zone: str, closure: bool) -> Site:
        files = sorted({*folder.glob("weather_*.csv"), *folder.glob("weather_*.csv.gz")})
        hours, columns = [np.zeros(0, np.int64)], {"temp_c": [np.zeros(0)], "ghi_w_m2": [np.zeros(0)]}
        for path in files:
            table = read_table(path)
            hours.append(hours_of(path, table[STAMPS if STAMPS in table else table.columns[0]]))
            for name, parts in columns.items():
                parts.append(numbers_of(path, table[name]) if name in table else np.full(len(table), np.nan))
        times, first = np.unique(np.concatenate(hours), return_index=True)
        temperature, sun = (np.concatenate(parts)[first] for parts in columns.values())
        return cls(LocalCalendar(zone), times, measured(temperature), measured(sun), day_kinds(zone), closure)

    def rows(self, times: IntArray) -> CalendarRows:
        return calendar_rows(times, HOUR, self.calendar, kinds=self.kinds, closed=self._closed(times))

    def _closed(self, times: IntArray) -> IntArray:
        """The university's own calendar: closed from 24 December to 1 January."""
        days = np.unique(self.calendar.day_number(times))
        dates = [datetime.fromtimestamp(int(d) * 86_400, UTC).date() for d in days] if self.closure else []
        return np.array(
            [
                n
                for n, d in zip(days, dates, strict=False)
                if (d.month, d.day) >= (12, 24) or (d.month, d.day) == (1, 1)
            ],
            np.int64,
        )

    def at(self, times: IntArray) -> Weather:
        def column(values: FloatArray | None) -> FloatArray | None:
            if values is None:
                return None
            place = np.clip(np.searchsorted(self.times, times), 0, len(self.times) - 1)
            return measured(np.where(self.times[place] == times, values[place], np.nan))

        return Weather(column(self.temperature), column(self.sun))

    def design(self, times: IntArray) -> Design:
        """Rows of one year with the terms that it supports."""
        calendar, weather = self.rows(times), self.at(times)
        return build_design(choose_terms(calendar, weather), calendar, weather)

    def designs(self, before: IntArray, after: IntArray) -> tuple[Terms, Design, Design]:
        """Terms of one year and rows of it and the next; what was not measured at all in one of them is no term.

        Where the second year's weather has holes, each hour takes the last known one of its time of day: what comes
        after a hole is not known yet when the hours in it are judged.
        """
        first, second, earlier = self.at(before), self.at(after), self.at(after[0] + YEAR_BEFORE)
        temperature, solar = (
            None if fitted is None or values is None else carried_on(known, values)
            for fitted, values, known in (
                (first.temperature, second.temperature, earlier.temperature),
                (first.solar, second.solar, earlier.solar),
            )
        )
        if temperature is None:
            first = Weather()
        elif solar is None:
            first = Weather(first.temperature)
        terms = choose_terms(self.rows(before), first)
        ahead = build_design(terms, self.rows(after), Weather(temperature, solar))
        return terms, build_design(terms, self.rows(before), first), ahead


def day_kinds(zone: str) -> Callable[[IntArray], ByteArray] | None:
    """Holidays of the zone's country; None where no table tells them and weekdays alone decide."""
    try:
        return work_calendar(country_of(zone)).kind
    except MissingReference:
        return None


def measured(values: FloatArray) -> FloatArray | None:
    """None where nothing is known."""
    return values if np.isfinite(values).any() else None


def carried_on(before: FloatArray | None, values: FloatArray) -> FloatArray:
    """Values whose holes hold the last known one of the same hour; `before` are whole days that end at the first."""
    n_before = 0 if before is None else len(before)
    both = np.concatenate([values if before is None else np.r_[before, values], np.full(-len(values) % 24, np.nan)])
    days = both.reshape(-1, 24)
    known = np.where(np.isfinite(days), np.arange(len(days))[:, None], 0)
    last: FloatArray = np.take_along_axis(days, np.maximum.accumulate(known, axis=0), axis=0).ravel()
    return last[n_before : n_before + len(values)]


@dataclass(frozen=True)
class Labelled:
    """A year with faults put in, and the year before it; hours count from the year's first."""

    year: int
    names: list[str]
    before: Year
    after: Year
    truth: BoolArray
    events: list[metrics.Span]
    kinds: list[str]


def recorded_years(cambridge: Path) -> list[int]:
    """Years of recorded electricity."""
    return _years(cambridge, r"electricity_(\d{4})\.csv")


def judged_years(folder: Path) -> list[int]:
    """Years that have faults put in."""
    return _years(folder / "anomaly", r"electricity_(\d{4})_injected\.csv")


def _years(folder: Path, name: str) -> list[int]:
    hits = [re.match(name, path.name) for path in folder.glob("electricity_*.csv*")]
    return sorted({int(hit.group(1)) for hit in hits if hit})


def read_labelled(folder: Path, year: int) -> Labelled:
    """Every labelled building with faults put in, also one without use in the year before: nobody knows its habits.

    Labels tell hours, events tell spans and kinds; where one file is missing, the other stands for both.

    Raises
    ------
    RecordingError
        A file is missing or cannot be read.
    """
    own = folder / "anomaly"
    before = without_silence(read_wide(folder / "cambridge" / f"electricity_{year - 1}.csv.gz"))
    after = read_wide(own / f"electricity_{year}_injected.csv.gz")
    labels, spans = own / f"labels_{year}.csv.gz", own / f"events_{year}.csv"
    if found(labels):
        told = read_wide(labels)
        names = [name for name in after.names if name in told.names]
        truth = told.take(names) > 0
        events, kinds = read_events(spans, names, after.times) if found(spans) else spans_of(truth)
    elif found(spans):
        names = list(after.names)
        events, kinds = read_events(spans, names, after.times)
        truth = np.zeros(after.use.shape, np.bool_)
        for event in events:
            truth[event.row, event.first : event.last + 1] = True
    else:
        raise RecordingError(f"{labels}: expected labels of hours here or events in {spans.name}, there is neither")
    if not names:
        raise RecordingError(f"{labels}: expected labels of {', '.join(after.names[:5])} ..., came none of them")
    return Labelled(year, names, before, after, truth, events, kinds)


def without_silence(year: Year) -> Year:
    """Zeros of a week or more as unknown: the source writes missing readings as 0, and they are nobody's habit."""
    use = year.use.copy()
    for span in metrics.merge_alarms(use == 0, close=2):
        if span.last - span.first + 1 >= SILENCE:
            use[span.row, span.first : span.last + 1] = np.nan
    return replace(year, use=use)


def read_events(path: Path, names: Sequence[str], times: IntArray) -> tuple[list[metrics.Span], list[str]]:
    """Events of these buildings that reach into these hours, and their kinds (`fault` where none is told)."""
    table = read_table(path, "building", "first_hour", "last_hour")
    first, last = ((hours_of(path, table[name]) - times[0]) // HOUR for name in ("first_hour", "last_hour"))
    kind = table["kind"].fillna("fault").astype(str) if "kind" in table else pd.Series("fault", table.index)
    row = {name: i for i, name in enumerate(names)}
    building = table["building"].astype(str).str.strip()
    if (last < first).any():
        line = int((last < first).argmax())
        raise RecordingError(f"{path}: expected last_hour not before first_hour, came the opposite in line {line + 2}")
    kept = [i for i, name in enumerate(building) if name in row and last[i] >= 0 and first[i] < len(times)]
    spans = [metrics.Span(row[building[i]], max(int(first[i]), 0), min(int(last[i]), len(times) - 1)) for i in kept]
    return spans, [kind[i] for i in kept]


def spans_of(truth: BoolArray) -> tuple[list[metrics.Span], list[str]]:
    """Labelled hours less than a day apart as events."""
    spans = metrics.merge_alarms(truth, close=24)
    return spans, ["fault"] * len(spans)
