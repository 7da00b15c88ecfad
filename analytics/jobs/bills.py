"""Bills of meters that nobody reads: spread over local days, in the same form as days from readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from analytics.bills import Bill, spread_bills
from analytics.jobs.estate import Estate
from analytics.jobs.limits import Extents
from analytics.jobs.meters import Recomputed
from analytics.jobs.rows import Writer, repeated, table
from energy.errors import MissingReference
from energy.holidays import country_of, is_weekend, work_calendar
from energy.intervals import LocalCalendar, Window
from energy.model import Meter, MeterKind
from energy.registry import Registry
from energy.registry.decisions import Bill as BillRow
from energy.series import BoolArray, IntArray, Table
from energy.storage.schema import DAY_PART
from energy.units import CANONICAL, linear

_EPOCH: Final = date(1970, 1, 1)


def bills_of(registry: Registry, estate: Estate, read: Extents) -> dict[str, tuple[Bill, ...]]:
    """The bills of the institution's manual meters, in canonical units; a meter that is read has readings instead."""
    manual = {m.id: m for m in estate.meters if m.kind is MeterKind.MANUAL and m.id not in read}
    found: dict[str, list[Bill]] = {}
    for row in registry.bills.rows(meter=sorted(manual)) if manual else ():
        found.setdefault(row.meter, []).append(bill_of(row, manual[row.meter]))
    return {name: tuple(bills) for name, bills in found.items()}


def bill_of(row: BillRow, meter: Meter) -> Bill:
    """A bill of the registry in the canonical unit of its meter's category."""
    factor, _ = linear(row.unit, CANONICAL[meter.category])
    first, end = (row.first_day - _EPOCH).days, (row.last_day - _EPOCH).days + 1
    return Bill(first, end, row.amount * factor, row.yuan, row.document)


def billed_extents(calendar: LocalCalendar, bills: Mapping[str, Sequence[Bill]]) -> dict[str, tuple[int, int]]:
    """From the first to the last day billed, as instants, by meter."""
    ends = {name: (min(b.first_day for b in own), max(b.end_day for b in own)) for name, own in bills.items()}
    return {name: (_start(calendar, first), _start(calendar, end)) for name, (first, end) in ends.items()}


def compute_bills(
    writer: Writer, estate: Estate, bills: Mapping[str, Sequence[Bill]], touched: Mapping[str, Sequence[Window]]
) -> list[Recomputed]:
    """Write the days of every touched meter's bills; which windows that were. Meters that are read are not touched.

    A new bill can tell more about the shape of the old ones, so all bills of a meter are spread together: the same
    bills give the same days in whatever order they came.
    """
    done = []
    for meter in estate.meters:
        own = bills.get(meter.id, ())
        windows = list(touched.get(meter.id, ()))
        if windows and meter.kind is MeterKind.MANUAL:
            span = _days(estate.calendar, windows, own)
            rows = _day_parts(estate.calendar, meter, own) if own else _no_days()
            writer.replace(rows, {"meter": [meter.id]}, span)
            done.append(Recomputed(meter.id, span))
    return done


def is_workday(calendar: LocalCalendar, days: IntArray) -> BoolArray:
    """Days people work by the country's calendar; where none is known, Monday to Friday."""
    try:
        return work_calendar(country_of(calendar.zone)).is_workday(days)
    except MissingReference:
        return ~is_weekend(days)


def _days(calendar: LocalCalendar, windows: Sequence[Window], bills: Sequence[Bill]) -> Window:
    """Whole local days that hold the windows and all bills."""
    start, end = min(w.start for w in windows), max(w.end for w in windows)
    if bills:
        start = min(start, _start(calendar, min(b.first_day for b in bills)))
        end = max(end, _start(calendar, max(b.end_day for b in bills)))
    edges = calendar.edges(Window(start, end), "day")
    return Window(int(edges[0]), int(edges[-1]))


def _day_parts(calendar: LocalCalendar, meter: Meter, bills: Sequence[Bill]) -> Table:
    first, end = min(b.first_day for b in bills), max(b.end_day for b in bills)
    days = np.arange(first, end, dtype=np.int64)
    spread = spread_bills(bills, is_workday(calendar, days), first_day=first)
    known = np.isfinite(spread.amount)
    edges = calendar.day_start(np.arange(first, end + 1, dtype=np.int64))
    length = np.diff(edges)[known].astype(np.float64)
    none = np.zeros(int(known.sum()))
    return table(
        DAY_PART,
        edges[:-1][known],
        {"meter": repeated([meter.id], [len(none)])},
        {
            "inner": spread.amount[known],  # not rounded: the sum of a bill is exact
            "head": none,
            "tail": none,
            "inner_s": length,
            "valid_s": length,
            "estimated_s": length,
        },
    )


def _no_days() -> Table:
    nothing = np.zeros(0)
    return table(DAY_PART, np.zeros(0, np.int64), {"meter": repeated([], [])}, dict.fromkeys(DAY_PART.fields, nothing))


def _start(calendar: LocalCalendar, day: int) -> int:
    return int(calendar.day_start(np.array([day]))[0])
