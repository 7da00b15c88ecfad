"""Readings older than what is held per meter: the store says whether they are new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.series import BoolArray, FloatArray, Readings
from energy.storage.base import ReadingWriter


@dataclass(frozen=True, slots=True, eq=False)
class LateVerdict:
    """Per reading of a request: to be written, already there, or contradicted by what came first."""

    keep: BoolArray
    duplicate: BoolArray
    conflict: BoolArray


def judge_late(readings: Readings, late: BoolArray, store: ReadingWriter) -> LateVerdict:
    """Compare the late readings with the store (one read) and with those before them in the same request."""
    if not late.any():
        none = np.zeros(len(readings), np.bool_)
        return LateVerdict(~none, none, none)
    known = _stored(readings, late, store)
    order = np.lexsort((readings.time, readings.index))  # stable: equal keys stay in the order of arrival
    meter, time, value = readings.index[order], readings.time[order], readings.value[order]
    again = np.append(False, (meter[1:] == meter[:-1]) & (time[1:] == time[:-1]))
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))
    known_ordered = np.where(again & np.isnan(known[order]), value[first], known[order])
    known[order] = known_ordered
    old = late & ~np.isnan(known)
    duplicate = old & (known == readings.value)
    return LateVerdict(~old, duplicate, old & ~duplicate)


def _stored(readings: Readings, late: BoolArray, store: ReadingWriter) -> FloatArray:
    known = np.full(len(readings), np.nan)
    places = np.flatnonzero(late)
    names = [readings.meters[number] for number in readings.index[places].tolist()]
    known[places] = store.values_at(names, readings.time[places])
    return known
