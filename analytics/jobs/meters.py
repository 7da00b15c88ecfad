"""First stage: raw readings of one institution's meters become intervals and parts of days, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.consumption import DayParts, IntervalEnergy, Steps, day_parts, mean_on_grid, on_grid, resolution
from analytics.estimation import PROFILE_S, fill_by_profile
from analytics.jobs.conversion import canonical_steps
from analytics.jobs.estate import ENERGY, Estate, service
from analytics.jobs.habits import Expectations, Expected
from analytics.jobs.judged import Judged
from analytics.jobs.rows import Writer, plain, repeated, table, union
from analytics.jobs.spans import Spans
from analytics.registers import GAP_FACTOR
from energy.intervals import HOUR, RESOLUTIONS, LocalCalendar, Window
from energy.model import Category, Meter, MeterKind, ValueKind
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.schema import DAY_PART, INTERVAL
from energy.units import linear

_CANONICAL_OF_SENSORS = {"temperature": "degC", "power": "kW"}


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A span of whole local days of one meter that was computed again."""

    meter: str
    window: Window


def compute_meters(
    writer: Writer,
    spans: Spans,
    touched: Mapping[str, Sequence[Window]],
    expectations: Expectations,
) -> list[Recomputed]:
    """Compute and write intervals and day parts of the touched meters; which windows that were."""
    estate, extents = spans.estate, spans.extents
    done: list[Recomputed] = []
    for meter in (*estate.meters, *estate.sensors):
        if meter.id not in touched or meter.kind is MeterKind.VIRTUAL:
            continue
        found = [spans.changed(meter, window) for window in union(list(touched[meter.id]))]
        for part in found:
            if part is not None:
                _write(writer, estate, part, extents[meter.id], expectations)
                done.append(Recomputed(meter.id, part.window))
    return done


def _write(writer: Writer, estate: Estate, part: Judged, extent: tuple[int, int], expectations: Expectations) -> None:
    calendar, meter, window = estate.calendar, part.meter, part.window
    name = resolution(meter.interval_s)
    steps = _canonical(estate, part)
    intervals = expected = None
    if name is not None:
        step = RESOLUTIONS[name]
        start, end = _spoken_within(meter, window, extent)
        if meter.quantity != ENERGY:
            intervals = _means(part, start, end, step)
        else:
            steps = _filled(meter.id, steps, window, step, expectations)
            intervals = on_grid(steps, start, end, step)
            if len(intervals):
                expected = expectations.on_grid(meter.id, int(intervals.start[0]), len(intervals), step)
        outer = Window(_floor(window.start, step), -_floor(-window.end, step))
        rows = interval_table(meter, name, intervals, expected).take(_telling(calendar, intervals, steps))
        writer.replace(rows, {"meter": [meter.id]}, outer)
    if meter.quantity == ENERGY:
        edges = calendar.edges(window, "day")
        first = int(calendar.day_number(edges[:1])[0])
        days = day_parts(steps, first, edges, intervals)
        rows = _day_part_table(meter.id, calendar, days, _expected_days(edges, intervals, expected), first)
        writer.replace(rows, {"meter": [meter.id]}, window)


def _floor(instant: int, step: int) -> int:
    return instant // step * step


def _canonical(estate: Estate, part: Judged) -> Steps:
    """The steps of the time in service, in the unit analytics uses; unknown where nothing converts the meter's."""
    steps = part.steps.within(service(estate.calendar, part.meter))
    return canonical_steps(part.meter, steps, estate.gas) if part.meter.quantity == ENERGY else steps.times(np.nan)


def _filled(meter: str, steps: Steps, window: Window, step: int, expectations: Expectations) -> Steps:
    """The steps with those of up to a week shared out by the expected profile, as far as the window needs it."""
    long = steps.is_long & (steps.end > window.start) & (steps.start < window.end)
    long &= (steps.end - steps.start <= PROFILE_S) & np.isfinite(steps.amount)
    if not long.any():
        return steps
    start = _floor(int(steps.start[long].min()), step)
    n = -_floor(start - int(steps.end[long].max()), step) // step
    return fill_by_profile(steps, start, step, expectations.on_grid(meter, start, n, step).amount)


def _spoken_within(meter: Meter, window: Window, extent: tuple[int, int]) -> tuple[int, int]:
    """The part of the window of which the meter's readings speak; its start twice where they do not."""
    spoken = spoken_of(meter, extent)
    start, end = max(window.start, spoken.start), min(window.end, spoken.end)
    return (start, end) if end > start else (window.start, window.start)


def _means(part: Judged, start: int, end: int, step: int) -> IntervalEnergy:
    """Mean values of a sensor."""
    scale, offset = _sensor_unit(part.meter)
    gap = part.meter.interval_s * GAP_FACTOR
    return mean_on_grid(part.series.time, part.series.value * scale + offset, start, end, step, gap_s=gap)


def spoken_of(meter: Meter, extent: tuple[int, int]) -> Window:
    """From the first to the last reading; an amount speaks of the time before it, a temperature of its instant."""
    first, last = extent
    before = meter.interval_s if meter.value_kind is ValueKind.AMOUNT else 0
    return Window(first - before, last + 1 if meter.quantity != ENERGY else last)


def _sensor_unit(meter: Meter) -> tuple[float, float]:
    wanted = _CANONICAL_OF_SENSORS.get(meter.quantity)
    return linear(meter.unit, wanted) if wanted else (1.0, 0.0)


def _telling(calendar: LocalCalendar, intervals: IntervalEnergy, steps: Steps) -> BoolArray:
    """Intervals that say something: in a gap too long to be filled the first of each local day stands for the day.

    Nobody can fill such a gap later from the readings around it, and totals tell its coverage; a year of silence
    would else be 35,000 rows that say the same.
    """
    silent = np.zeros(len(intervals), bool)
    long = steps.end - steps.start > PROFILE_S
    for start, end in zip(steps.start[long].tolist(), steps.end[long].tolist(), strict=True):
        silent |= (intervals.start >= start) & (intervals.start + intervals.step <= end)
    day = calendar.day_number(intervals.start)
    opens = np.ones(len(intervals), bool)
    opens[1:] = (day[1:] != day[:-1]) | ~silent[:-1]
    return np.asarray(opens | ~silent)


def _expected_days(
    edges: IntArray, intervals: IntervalEnergy | None, expected: Expected | None
) -> tuple[FloatArray, FloatArray]:
    """Expected use of each local day, and the seconds of it that the expectation speaks of."""
    n = len(edges) - 1
    if intervals is None or expected is None:
        return np.zeros(n), np.zeros(n)
    column = np.searchsorted(edges, intervals.start, side="right") - 1
    own = np.isfinite(expected.amount) & (column >= 0) & (column < n)
    amount = np.bincount(column[own], expected.amount[own], n).astype(np.float64)
    return amount, np.bincount(column[own], minlength=n).astype(np.float64) * intervals.step


def interval_table(meter: Meter, name: str, intervals: IntervalEnergy, expected: Expected | None = None) -> Table:
    """Rows of `interval`: unknown amounts are absent, state and method say why."""
    n = len(intervals)
    amount = plain(intervals.amount)
    fields = {
        "amount": amount,
        "state": intervals.state.astype(np.float64),
        "method": intervals.method.astype(np.float64),
    }
    if meter.category is Category.ELECTRICITY and meter.quantity == ENERGY:
        fields["power_kw"] = amount * (HOUR / intervals.step)
    if expected is not None:
        fields |= {"expected": expected.amount, "expected_low": expected.low, "expected_high": expected.high}
    tags = {"meter": repeated([meter.id], [n]), "resolution": repeated([name], [n])}
    return table(INTERVAL, intervals.start, tags, fields)


def _day_part_table(
    meter: str, calendar: LocalCalendar, days: DayParts, expected: tuple[FloatArray, FloatArray], first: int
) -> Table:
    """Rows of `day_part`; a day of which nothing was read but something expected has a row too."""
    amount, seconds = expected
    every = np.union1d(days.day, first + np.flatnonzero(seconds > 0))
    known = np.searchsorted(every, days.day)
    inside = every - first

    def spread(values: FloatArray, missing: float) -> FloatArray:
        out = np.full(len(every), missing)
        out[known] = values
        return out

    fields = {
        "inner": plain(spread(days.inner, np.nan)),
        "head": plain(spread(days.head, 0.0)),
        "tail": plain(spread(days.tail, np.nan)),
        "inner_s": spread(days.inner_s, 0.0),
        "valid_s": spread(days.valid_s, 0.0),
        "estimated_s": spread(days.estimated_s, 0.0),
        "expected": plain(np.where(seconds > 0, amount, np.nan)[inside]),
        "expected_s": np.where(seconds > 0, seconds, np.nan)[inside],
    }
    return table(DAY_PART, calendar.day_start(every), {"meter": repeated([meter], [len(every)])}, fields)
