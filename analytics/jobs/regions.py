"""Third stage: totals of regions, from the stored totals of the institutions in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from analytics.expectation import ExpectedTotals
from analytics.jobs.due import SHAPE, Present
from analytics.jobs.estate import regions_from
from analytics.jobs.intensities import write_indicators
from analytics.jobs.rows import Writer, runs, union
from analytics.jobs.sums import PERIODS, Sums, reached, total_table, years_around
from analytics.jobs.task import Done
from analytics.rollup import Group
from analytics.totals import Periods, Totals
from energy.heating import HeatingCalendar
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Category, Scope
from energy.registry import FittedModel
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import TOTAL

_ALL_DAYS = Window(1262275200, 2**31)
_FIELDS = (
    "amount", "coverage", "estimated_share", "last_year", "n_expected", "n_reporting", "expected", "expected_low",
    "expected_high", "cost_yuan", "cost_note",
)  # fmt: skip


def add_regions(store: ResultStore, writer: Writer, present: Present, done: Sequence[Done]) -> dict[str, FittedModel]:
    """Add the totals again of every region above a changed institution; these regions, each with who is in it now."""
    snapshot, calendar = present.snapshot, present.calendar
    heated = present.registry.heating_seasons.rows()
    changed = {part.institution: part.changed for part in done if part.changed}
    found: dict[str, FittedModel] = {}
    for region in sorted(snapshot.regions):
        below = snapshot.institutions_below(region)
        windows = union([window for name in below for window in changed.get(name, ())])
        shape = _shape(region, below)
        former = present.shapes.get(shape.subject)
        if former is not None and former.payload != shape.payload:
            # Made up of others than before: all its days, from the first to the last that any of them has.
            windows = union([*windows, _ALL_DAYS])
        if windows:
            calendars = {name: LocalCalendar(snapshot.zone_of(name) or calendar.zone) for name in below}
            sums = region_sums(store, calendar, region, calendars, windows, present.now)
            write_region(writer, region, sums)
            heating = HeatingCalendar.of(heated, regions_from(snapshot, region))
            write_indicators(
                writer, calendar, sums, snapshot.denominators, {Scope.REGION: [region]}, heating, present.now
            )
            found[region] = shape
    return found


def _shape(region: str, below: Sequence[str]) -> FittedModel:
    """What remembers who was in a region."""
    payload = {"signature": hashlib.sha256("\n".join(below).encode()).hexdigest()}
    return FittedModel.of(f"region:{region}", SHAPE, start=0, end=0, payload=payload)


def region_sums(
    store: ResultStore,
    calendar: LocalCalendar,
    region: str,
    institutions: Mapping[str, LocalCalendar],
    changed: Sequence[Window],
    now: int,
) -> list[Sums]:
    """Totals of a region in the years that the changed windows can reach, those of the year before among them.

    Each of its institutions comes with the calendar by which its days are counted: a day counts in that of its date.
    """
    found: list[Sums] = []
    span = years_around(calendar, changed, now + DAY)  # an institution to the east may live in the next year
    for kind in PERIODS:
        periods = Periods.covering(calendar, span, kind)
        where: dict[str, Sequence[str]] = {
            "scope": [Scope.INSTITUTION.value],
            "id": list(institutions),
            "period": [kind],
        }
        rows = store.results(
            TOTAL.name, where=where, start=int(periods.edges[0]) - DAY, end=int(periods.edges[-1]) + DAY, fields=_FIELDS
        )
        day = _local_days(rows, institutions)
        inside = (day >= periods.days[0]) & (day < periods.days[-1])
        column = np.searchsorted(periods.days, day[inside], side="right") - 1
        found.append(_added(region, periods, rows.take(inside), column, reached(periods, changed)))
    return found


def _local_days(rows: Table, calendars: Mapping[str, LocalCalendar]) -> IntArray:
    """The date on which each row's period begins where its institution is, as days since 1970-01-01."""
    days = np.empty(len(rows), np.int64)
    zone_of_row = np.array([calendars[name].zone for name in rows.tags["id"]], np.object_)
    for zone in sorted({calendar.zone for calendar in calendars.values()}):
        own = zone_of_row == zone
        days[own] = LocalCalendar(zone).day_number(rows.time[own])
    return days


def _added(region: str, periods: Periods, rows: Table, column: IntArray, wanted: BoolArray) -> Sums:
    keys = list(zip(rows.tags["category"], rows.tags["item"], strict=True))
    names = sorted(set(keys))
    place = {key: i for i, key in enumerate(names)}
    row = np.array([place[key] for key in keys], np.int64)
    shape = (len(names), len(periods))
    cell = row * shape[1] + column

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(cell, np.nan_to_num(values), shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def known(values: FloatArray) -> FloatArray:
        return np.where(total(np.isfinite(values).astype(np.float64)) > 0, total(values), np.nan)

    field = {name: np.asarray(rows.fields[name], np.float64) for name in _FIELDS}
    # Time is not stored with a total; the number of meters that should be heard stands for it.
    expected = np.nan_to_num(field["n_expected"])
    valid = field["coverage"] * expected
    totals = Totals(
        known(field["amount"]),
        total(valid),
        total(field["estimated_share"] * valid),
        total(expected),
        total(expected),
        total(field["n_reporting"]),
        total(np.ones(len(rows))) > 0,
    )
    heard = np.isfinite(field["amount"])

    def complete(values: FloatArray) -> FloatArray:
        """The sum, unknown where an institution with an amount has no such value."""
        silent = total((heard & ~np.isfinite(values)).astype(np.float64)) > 0
        return np.where(silent, np.nan, known(np.where(heard, values, np.nan)))

    note = np.zeros(shape[0] * shape[1], np.uint8)
    np.maximum.at(note, cell, np.nan_to_num(field["cost_note"]).astype(np.uint8))
    half = np.sqrt(complete((field["expected_high"] - field["expected"]) ** 2))
    of_meters = ExpectedTotals(complete(field["expected"]), half)
    groups = tuple(Group(Scope.REGION, region, Category(category), item, ()) for category, item in names)
    cost = complete(field["cost_yuan"])
    return Sums(
        periods, groups, totals, known(field["last_year"]), wanted, of_meters,
        cost=cost, cost_note=note.reshape(shape),
    )  # fmt: skip


def write_region(writer: Writer, region: str, sums: Sequence[Sums]) -> None:
    """Replace the totals of one region in the wanted periods."""
    for part in sums:
        where: dict[str, Sequence[str]] = {"scope": [Scope.REGION.value], "id": [region], "period": [part.periods.kind]}
        for first, last in runs(part.wanted):
            window = Window(int(part.periods.edges[first]), int(part.periods.edges[last]))
            writer.replace(total_table(part, Scope.REGION, first, last), where, window)
