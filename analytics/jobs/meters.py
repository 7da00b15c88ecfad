"""First stage: raw readings of one institution's meters become intervals and parts of days, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.consumption import DayParts, IntervalEnergy, day_parts, mean_on_grid, on_grid, resolution
from analytics.jobs.estate import ENERGY, Estate, canonical_factor, service
from analytics.jobs.judged import Judged, judged
from analytics.jobs.limits import Extents
from analytics.jobs.rows import Writer, plain, repeated, table, union
from analytics.registers import GAP_FACTOR, RegisterProfile
from energy.intervals import HOUR, RESOLUTIONS, LocalCalendar, Window
from energy.model import Category, Meter, MeterKind, ValueKind
from energy.series import Table
from energy.storage.base import ReadingReader
from energy.storage.schema import DAY_PART, INTERVAL
from energy.units import linear

_CANONICAL_OF_SENSORS = {"temperature": "degC", "power": "kW"}


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A span of whole local days of one meter that was computed again."""

    meter: str
    window: Window


def compute_meters(
    store: ReadingReader,
    writer: Writer,
    estate: Estate,
    touched: Mapping[str, Sequence[Window]],
    *,
    profiles: Mapping[str, RegisterProfile],
    extents: Extents,
) -> list[Recomputed]:
    """Compute and write intervals and day parts of the touched meters; which windows that were."""
    done: list[Recomputed] = []
    for meter in (*estate.meters, *estate.sensors):
        if meter.id not in touched or meter.kind is MeterKind.VIRTUAL:
            continue
        found = [
            judged(
                store,
                estate.calendar,
                meter,
                changed,
                swaps=estate.swaps.get(meter.id, ()),
                profile=profiles.get(meter.id),
                extents=extents,
            )
            for changed in union(list(touched[meter.id]))
        ]
        for part in found:
            if part is not None:
                _write(writer, estate.calendar, part, extents[meter.id])
                done.append(Recomputed(meter.id, part.window))
    return done


def _write(writer: Writer, calendar: LocalCalendar, part: Judged, extent: tuple[int, int]) -> None:
    meter, window = part.meter, part.window
    name = resolution(meter.interval_s)
    intervals = None
    if name is not None:
        intervals = _intervals(calendar, part, RESOLUTIONS[name], extent)
        outer = Window(_floor(window.start, intervals.step), -_floor(-window.end, intervals.step))
        writer.replace(interval_table(meter, name, intervals), {"meter": [meter.id]}, outer)
    if meter.quantity == ENERGY:
        days = _days(calendar, part, intervals)
        writer.replace(_day_part_table(meter.id, calendar, days), {"meter": [meter.id]}, window)


def _floor(instant: int, step: int) -> int:
    return instant // step * step


def _intervals(calendar: LocalCalendar, part: Judged, step: int, extent: tuple[int, int]) -> IntervalEnergy:
    """The intervals of the window of which the meter's readings speak."""
    meter, window = part.meter, part.window
    spoken = _spoken_of(meter, extent)
    start, end = max(window.start, spoken.start), min(window.end, spoken.end)
    if end <= start:
        start = end = window.start
    if meter.quantity != ENERGY:
        scale, offset = _sensor_unit(meter)
        gap = meter.interval_s * GAP_FACTOR
        values = part.series.value * scale + offset
        return mean_on_grid(part.series.time, values, start, end, step, gap_s=gap)
    factor = canonical_factor(meter)
    steps = part.steps.within(service(calendar, meter))
    return on_grid(steps.times(np.nan if factor is None else factor), start, end, step)


def _spoken_of(meter: Meter, extent: tuple[int, int]) -> Window:
    """From the first to the last reading; an amount speaks of the time before it, a temperature of its instant."""
    first, last = extent
    before = meter.interval_s if meter.value_kind is ValueKind.AMOUNT else 0
    return Window(first - before, last + 1 if meter.quantity != ENERGY else last)


def _sensor_unit(meter: Meter) -> tuple[float, float]:
    wanted = _CANONICAL_OF_SENSORS.get(meter.quantity)
    return linear(meter.unit, wanted) if wanted else (1.0, 0.0)


def _days(calendar: LocalCalendar, part: Judged, intervals: IntervalEnergy | None) -> DayParts:
    factor = canonical_factor(part.meter)
    steps = part.steps.within(service(calendar, part.meter)).times(np.nan if factor is None else factor)
    edges = calendar.edges(part.window, "day")
    return day_parts(steps, int(calendar.day_number(edges[:1])[0]), edges, intervals)


def interval_table(meter: Meter, name: str, intervals: IntervalEnergy) -> Table:
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
    tags = {"meter": repeated([meter.id], [n]), "resolution": repeated([name], [n])}
    return table(INTERVAL, intervals.start, tags, fields)


def _day_part_table(meter: str, calendar: LocalCalendar, days: DayParts) -> Table:
    fields = {
        "inner": plain(days.inner),
        "head": plain(days.head),
        "tail": plain(days.tail),
        "inner_s": days.inner_s,
        "valid_s": days.valid_s,
        "estimated_s": days.estimated_s,
    }
    return table(DAY_PART, calendar.day_start(days.day), {"meter": repeated([meter], [len(days)])}, fields)
