"""Intervals of virtual meters: the sums of what was written of the meters that their formulas name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.consumption import VIRTUAL, IntervalEnergy, resolution
from analytics.jobs.estate import Estate
from analytics.jobs.habits import Expected
from analytics.jobs.meters import Recomputed, interval_table
from analytics.jobs.rows import Writer, union
from energy.intervals import DAY, RESOLUTIONS, Window
from energy.model import Meter, State
from energy.series import FloatArray, IntArray, Table
from energy.storage.schema import INTERVAL

_SPAN_S: Final = 366 * DAY
"""Time computed at once."""


def compute_virtual(writer: Writer, estate: Estate, recomputed: Sequence[Recomputed], whole: Window | None) -> None:
    """Write the intervals of every virtual meter in the windows in which one of its meters was computed again.

    `whole` is given where formulas may have changed: the time to be computed whatever was touched. A formula over
    meters of different resolutions has totals only.
    """
    changed = {meter.id: [part.window for part in recomputed if part.meter == meter.id] for meter in estate.meters}
    for place, terms in estate.formulas.items():
        meter, parts = estate.meters[place], [estate.meters[i] for i, _ in terms]
        windows = [] if whole is None else [whole]
        changed[meter.id] = union([*windows, *(window for part in parts for window in changed[part.id])])
        names = {resolution(part.interval_s) for part in parts}
        name = names.pop()
        if names or name is None:
            continue
        factors = np.array([factor for _, factor in terms])
        for window in changed[meter.id]:
            for start in range(window.start, window.end, _SPAN_S):
                _write(writer, meter, name, parts, factors, Window(start, min(start + _SPAN_S, window.end)))


def _write(
    writer: Writer, meter: Meter, name: str, parts: Sequence[Meter], factors: FloatArray, window: Window
) -> None:
    step = RESOLUTIONS[name]
    window = Window(window.start // step * step, -(-window.end // step) * step)
    where = {"meter": sorted({part.id for part in parts})}
    found = writer.store.results(INTERVAL.name, where=where, start=window.start, end=window.end)
    times = np.arange(window.start, window.end, step, dtype=np.int64)
    amount, expected, state = (
        np.array([_column(found, part.id, field, times) for part in parts]) for field in ("amount", "expected", "state")
    )
    told = np.isfinite(state).all(axis=0)
    total = factors @ amount
    certain = np.where(np.isfinite(total), np.nan_to_num(state).max(axis=0), State.SPREAD)
    method = np.full(len(times), VIRTUAL, np.uint8)
    intervals = IntervalEnergy(times, step, total, certain.astype(np.uint8), method).take(told)
    nothing = np.full(int(told.sum()), np.nan)
    rows = interval_table(meter, name, intervals, Expected((factors @ expected)[told], nothing, nothing))
    writer.replace(rows, {"meter": [meter.id]}, window)


def _column(found: Table, meter: str, field: str, times: IntArray) -> FloatArray:
    """One field of one meter on the grid; NaN where it has no row."""
    own = np.flatnonzero(found.tags["meter"] == meter)
    values = np.full(len(times), np.nan)
    values[np.searchsorted(times, found.time[own])] = np.asarray(found.fields[field], np.float64)[own]
    return values
