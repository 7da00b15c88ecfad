"""Bills of meters that nobody reads: spread over local days, in the same form as days from readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from analytics.bills import Bill, spread_bills
from analytics.consumption import resolution
from analytics.jobs.conversion import canonical_factors
from analytics.jobs.estate import Estate
from analytics.jobs.habits import Expectations
from analytics.jobs.limits import Extents
from analytics.jobs.meters import Recomputed
from analytics.jobs.rows import Writer, nothing, repeated, table
from analytics.weather import degree_days
from energy.errors import MissingReference
from energy.holidays import country_of, is_weekend, work_calendar
from energy.intervals import HOUR, RESOLUTIONS, LocalCalendar, Window
from energy.model import Meter, MeterKind
from energy.registry import Registry
from energy.registry.decisions import Bill as BillRow
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.schema import DAY_PART

_EPOCH: Final = date(1970, 1, 1)


def bills_of(registry: Registry, estate: Estate, read: Extents) -> dict[str, tuple[Bill, ...]]:
    """The bills of the institution's manual meters, in canonical units; a meter that is read has readings instead."""
    manual = {m.id: m for m in estate.meters if m.kind is MeterKind.MANUAL and m.id not in read}
    found: dict[str, list[Bill]] = {}
    for row in registry.bills.rows(meter=sorted(manual)) if manual else ():
        bill = bill_of(row, manual[row.meter], estate)
        if bill is not None:
            found.setdefault(row.meter, []).append(bill)
    return {name: tuple(bills) for name, bills in found.items()}


def bill_of(row: BillRow, meter: Meter, estate: Estate) -> Bill | None:
    """A bill of the registry in the canonical unit of its meter's category; None where nothing converts its amount."""
    first, end = (row.first_day - _EPOCH).days, (row.last_day - _EPOCH).days + 1
    edges = estate.calendar.day_start(np.array([first, end]))
    (factor,) = canonical_factors(meter.category, row.unit, edges[:1], edges[1:], estate.gas).tolist()
    return Bill(first, end, row.amount * factor, row.yuan, row.document) if np.isfinite(factor) else None


def billed_extents(calendar: LocalCalendar, bills: Mapping[str, Sequence[Bill]]) -> dict[str, tuple[int, int]]:
    """From the first to the last day billed, as instants, by meter."""
    ends = {name: (min(b.first_day for b in own), max(b.end_day for b in own)) for name, own in bills.items()}
    return {name: (_start(calendar, first), _start(calendar, end)) for name, (first, end) in ends.items()}


def compute_bills(
    writer: Writer,
    estate: Estate,
    bills: Mapping[str, Sequence[Bill]],
    touched: Mapping[str, Sequence[Window]],
    expectations: Expectations,
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
            rows = _day_parts(estate, meter, own, expectations) if own else nothing(DAY_PART)
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


def _day_parts(estate: Estate, meter: Meter, bills: Sequence[Bill], expectations: Expectations) -> Table:
    calendar = estate.calendar
    first, end = min(b.first_day for b in bills), max(b.end_day for b in bills)
    days = np.arange(first, end, dtype=np.int64)
    spread = spread_bills(
        bills,
        _is_open(estate, days),
        first_day=first,
        expected=_expected(estate, meter, days, expectations),
        degree_days=_degree_days(calendar, days, expectations),
    )
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
            "tail": np.full_like(none, np.nan),
            "inner_s": length,
            "valid_s": length,
            "estimated_s": length,
        },
    )


def _is_open(estate: Estate, days: IntArray) -> BoolArray:
    """Workdays by the public calendar and the institution's own: closed days and vacations are rest days."""
    found = is_workday(estate.calendar, days)
    for span in estate.spans:
        inside = (days >= (span.first - _EPOCH).days) & (days <= (span.last - _EPOCH).days)
        found = np.where(inside, span.kind == "workday", found)
    return found


def _expected(estate: Estate, billed: Meter, days: IntArray, expectations: Expectations) -> FloatArray | None:
    """What the models expect of the institution's meters of the same category and item; None where none has a model.

    Only its shape matters: a bill of a part that is not metered follows the people of the same house.
    """
    modelled = {name for name, _ in expectations.habits}
    alike = [m for m in estate.meters if m.id in modelled and (m.category, m.item) == (billed.category, billed.item)]
    if not alike:
        return None
    edges = estate.calendar.day_start(np.append(days, days[-1] + 1))
    total = np.zeros(len(days))
    for meter in alike:
        step = RESOLUTIONS[resolution(meter.interval_s) or "hour"]
        start = int(edges[0]) // step * step
        n = -(-(int(edges[-1]) - start) // step)
        amount = expectations.on_grid(meter.id, start, n, step).amount
        column = np.clip(np.searchsorted(edges, start + step * np.arange(n), side="right") - 1, 0, None)
        total += np.bincount(column, amount, len(days))
    return total


def _degree_days(calendar: LocalCalendar, days: IntArray, expectations: Expectations) -> FloatArray | None:
    """By the nearest thermometer; None where none was read."""
    edges = calendar.day_start(np.append(days, days[-1] + 1))
    start, n = int(edges[0]), int(edges[-1] - edges[0]) // HOUR
    temperature = expectations.around.weather(start, n, HOUR).temperature
    if temperature is None:
        return None
    return degree_days(temperature, start + HOUR * np.arange(n), edges)


def _start(calendar: LocalCalendar, day: int) -> int:
    return int(calendar.day_start(np.array([day]))[0])
