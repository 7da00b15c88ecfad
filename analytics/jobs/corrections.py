"""What people stated about a meter wins over what it sent; raw readings stay in the store as they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from analytics import estimation
from analytics.consumption import CORRECTION, Steps
from energy.intervals import Window
from energy.model import Flag
from energy.registry.decisions import Correction
from energy.series import Series


def with_stated_readings(series: Series, stated: Sequence[Correction]) -> Series:
    """The readings without those that were discarded, and with the registers people read; a later statement wins."""
    for correction in stated:
        if correction.kind == "discard":
            keep = (series.time < correction.start) | (series.time >= correction.end)
            series = _taken(series, keep)
        elif correction.kind == "reading" and correction.value is not None and _spans(series, correction.start):
            series = _with_reading(series, correction.start, correction.value)
    return series


def with_stated_amounts(steps: Steps, stated: Sequence[Correction]) -> Steps:
    """The steps with stated amounts in place of metered ones; steps that begin or end at a stated register show it."""
    if len(steps):
        within = reached(Window(int(steps.start[0]), int(steps.end[-1])), stated)
        steps = estimation.corrected(steps, [c for c, span in _amounts(stated) if span.overlaps(within)])
    registers = np.array([c.start for c in stated if c.kind == "reading"], np.int64)
    touched = (np.isin(steps.start, registers) | np.isin(steps.end, registers)) & np.isfinite(steps.amount)
    if not touched.any():
        return steps
    return replace(steps, method=np.where(touched & ~steps.is_long, np.uint8(CORRECTION), steps.method))


def reached(span: Window, stated: Sequence[Correction]) -> Window:
    """The span with the whole of every stated amount in it, and of those that overlap these in turn.

    A statement that covers a part of another decides what is left of all of it.
    """
    wider = span
    for _, own in _amounts(stated):
        if own.overlaps(wider):
            wider = wider.hull(own)
    return span if wider == span else reached(wider, stated)


def _amounts(stated: Sequence[Correction]) -> Iterator[tuple[estimation.Correction, Window]]:
    for c in stated:
        if c.kind == "amount" and c.value is not None:
            yield estimation.Correction(c.start, c.end, c.value), Window(c.start, c.end)


def _spans(series: Series, instant: int) -> bool:
    return len(series) > 0 and bool(series.time[0] <= instant <= series.time[-1])


def _taken(series: Series, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Series:
    if keep.all():
        return series
    return Series(series.time[keep], series.value[keep], series.flag[keep], series.received[keep])


def _with_reading(series: Series, time: int, value: float) -> Series:
    at = int(np.searchsorted(series.time, time))
    if at < len(series) and series.time[at] == time:
        values, flags = series.value.copy(), series.flag.copy()
        values[at], flags[at] = value, Flag.CONFIRMED
        return Series(series.time, values, flags, series.received)
    return Series(
        np.insert(series.time, at, time),
        np.insert(series.value, at, value),
        np.insert(series.flag, at, Flag.CONFIRMED),
        np.insert(series.received, at, time),
    )
