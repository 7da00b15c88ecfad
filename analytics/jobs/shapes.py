"""Daily shapes: what each building and institution used in every local hour of a day, from the stored intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analytics.jobs.estate import Estate, metered_apart
from analytics.jobs.limits import Extents
from analytics.jobs.rows import Writer, plain, repeated, table
from analytics.rollup import WHOLE, Group
from energy.intervals import DAY, HOUR, RESOLUTIONS, LocalCalendar, Window
from energy.model import Scope
from energy.series import BoolArray, FloatArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import DAY_PROFILE, INTERVAL

_SPAN_DAYS: Final = 366
"""Days computed at once: a year of an institution fits in memory whatever its history."""


def write_shapes(
    store: ResultStore, writer: Writer, estate: Estate, changed: Sequence[Window], extents: Extents
) -> None:
    """Replace the daily shapes of the changed local days."""
    apart = {i: metered_apart(estate.calendar, estate.meters[i], extents) for i in estate.others}
    for window in changed:
        days = estate.calendar.day_number(estate.calendar.edges(window, "day"))
        for lo in range(0, len(days) - 1, _SPAN_DAYS):
            _write(store, writer, estate, days[lo : lo + _SPAN_DAYS + 1], apart)


def _write(
    store: ResultStore,
    writer: Writer,
    estate: Estate,
    days: np.ndarray[tuple[int], np.dtype[np.int64]],
    apart: Mapping[int, Window],
) -> None:
    edges = estate.calendar.day_start(days)
    window = Window(int(edges[0]), int(edges[-1]))
    meters = [meter.id for meter in estate.meters]
    found = store.results(
        INTERVAL.name, where={"meter": meters}, start=window.start, end=window.end, fields=("amount", "state")
    )
    by_name = {name: _hours(part, estate.calendar, days) for name, part in _by_meter(found, meters).items()}
    hours = [by_name.get(name) for name in meters]
    is_apart = {i: (edges[:-1] < span.end) & (edges[1:] > span.start) for i, span in apart.items()}
    billed = {i for pair in estate.twins for i in pair.let}  # bills hold them, and bills tell no hours
    hours += [_left(net, hours, {i: is_apart[i] for i in net.rest or () if i not in billed}) for net in estate.nets]
    groups = [g for g in estate.groups if g.item == WHOLE and g.scope in (Scope.BUILDING, Scope.INSTITUTION)]
    shapes = [(group, _sum([hours[i] for i in group.members])) for group in groups]
    names: dict[Scope, Sequence[str]] = {Scope.BUILDING: estate.buildings, Scope.INSTITUTION: [estate.institution]}
    for scope, ids in names.items():
        own = {group: shape for group, shape in shapes if group.scope is scope and shape is not None}
        writer.replace(_table(scope, own, edges), {"scope": [scope.value], "id": ids}, window)


def _by_meter(found: Table, meters: Sequence[str]) -> dict[str, Table]:
    names = found.tags["meter"]
    parts = {meter: np.flatnonzero(names == meter) for meter in meters}
    return {meter: found.take(places) for meter, places in parts.items() if len(places)}


def _hours(intervals: Table, calendar: LocalCalendar, days: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    """Amount in each local hour of each day, shape (n_days, 24); NaN where not all of the hour is known.

    An hour that a day has twice, when the clock is put back, shows the mean of both.
    """
    local = calendar.to_local(intervals.time)
    cell = (local // DAY - days[0]) * 24 + local % DAY // HOUR
    n = (len(days) - 1) * 24
    amount = np.asarray(intervals.fields["amount"], np.float64)
    inside = (cell >= 0) & (cell < n)
    cell, amount = cell[inside], amount[inside]
    known = np.isfinite(amount)
    step = RESOLUTIONS[str(intervals.tags["resolution"][0])]
    seconds = np.bincount(cell[known], minlength=n) * float(step)
    unknown = np.bincount(cell[~known], minlength=n) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        hour = np.bincount(cell[known], amount[known], n) / seconds * HOUR
    return np.where((seconds >= HOUR) & ~unknown, hour, np.nan).reshape(-1, 24)


def _left(net: Group, hours: Sequence[FloatArray | None], apart: Mapping[int, BoolArray]) -> FloatArray | None:
    """What is left of the members without others; unknown on a day on which these are metered apart and not known."""
    left = _sum([hours[i] for i in net.members])
    for i, days in apart.items():
        taken = hours[i]
        if left is not None:
            left = left - np.where(days[:, None], np.nan if taken is None else taken, 0.0)
    return left


def _sum(hours: Sequence[FloatArray | None]) -> FloatArray | None:
    """Sum of the members; an hour is unknown where a member that was heard that day does not know it."""
    heard = [part for part in hours if part is not None]
    if not heard:
        return None
    days_heard = [np.isfinite(part).any(axis=1, keepdims=True) for part in heard]
    total = np.add.reduce([np.where(day, part, 0.0) for part, day in zip(heard, days_heard, strict=True)])
    return np.where(np.logical_or.reduce(days_heard), total, np.nan)


def _table(
    scope: Scope, shapes: Mapping[Group, FloatArray], edges: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Table:
    known = [np.isfinite(shape).any(axis=1) for shape in shapes.values()]
    counts = [int(which.sum()) for which in known]
    rows = [shape[which] for shape, which in zip(shapes.values(), known, strict=True)]
    hours = np.concatenate(rows) if rows else np.zeros((0, 24))
    return table(
        DAY_PROFILE,
        np.concatenate([edges[:-1][which] for which in known]) if known else np.zeros(0, np.int64),
        {
            "scope": repeated([scope.value], [sum(counts)]),
            "id": repeated([group.id for group in shapes], counts),
            "category": repeated([group.category.value for group in shapes], counts),
        },
        {name: plain(hours[:, i]) for i, name in enumerate(DAY_PROFILE.fields)},
    )
