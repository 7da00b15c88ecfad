"""Indicator rows of buildings, institutions and regions, from their totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from analytics.indicators import (
    Amounts,
    Indicator,
    Stated,
    per,
    physical_indicator,
    rolling,
    total_cost,
    total_indicator,
    weighted_by_time,
)
from analytics.jobs.offices import office_indicators, office_use
from analytics.jobs.official import PURPOSES, heating_energy, of_season, official_wholes, seasons
from analytics.jobs.rows import Writer, plain, repeated, runs, table
from analytics.jobs.sums import Sums
from analytics.quotas import OFFICE_MEASURED, SCALE
from analytics.rollup import WHOLE
from analytics.totals import Periods
from energy.caliber import caliber
from energy.heating import HeatingCalendar
from energy.intervals import DAY, LocalCalendar, Period, Window
from energy.model import Category, CostNote, Scope
from energy.reference import indicator
from energy.registry import Denominator
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.schema import INDICATOR

CALIBERS: Final = {"energy": "gb2589_equivalent_value", "co2": "co2_cn_2023"}
"""Caliber of each total that is written for every place; other calibers are asked for where they are needed."""
_PHYSICAL: Final = {"electricity": Category.ELECTRICITY, "water": Category.WATER}
_DIVIDED: Final = {
    "energy": ("energy_per_area", "energy_per_person"),
    "co2": ("co2_per_area", "co2_per_person"),
    "cost": ("cost_per_area", "cost_per_person"),
    "electricity": ("electricity_per_area",),
    "water": (
        "water_per_area",
        "water_per_person",
        "water_per_bed_day",
        "water_per_university_person",
        "water_per_school_person",
    ),
    "nonheating_energy": ("nonheating_energy_per_area",),
    "conventional_electricity": ("conventional_electricity_per_area",),
    "data_centre": ("data_centre_eue",),
}
"""Indicators of each whole; what it is divided by is stated where the indicator is."""
_OF_A_YEAR: Final = frozenset({"bed_days", "it_energy"})
"""Denominators that are amounts of a year: a part of it has its part of them."""
_PRICES: Final = {
    Category.ELECTRICITY: "electricity_price",
    Category.WATER: "water_price",
    Category.GAS: "gas_price",
    Category.HEAT: "heat_price",
}
_FOREVER: Final = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """One building, institution or region with its totals by category."""

    scope: Scope
    id: str
    amounts: Amounts
    items: Mapping[str, FloatArray]
    """Electricity of the end uses that standards leave out, by code; 0 before the first reading."""
    cost: Mapping[Category, FloatArray]
    """Yuan by category; NaN where unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """Consecutive periods of one kind, up to now, and what is stated to divide by in them."""

    periods: Periods
    calendar: LocalCalendar
    denominators: Sequence[Denominator]
    end: IntArray
    is_over: BoolArray

    @classmethod
    def of(cls, periods: Periods, calendar: LocalCalendar, denominators: Sequence[Denominator], now: int) -> _Span:
        ends = periods.edges[1:]
        return cls(periods, calendar, denominators, np.minimum(ends, max(now, int(ends[0]))), ends <= now)

    def divisor(self, place: _Place, kind: str) -> FloatArray:
        """What is stated of a place in each period, weighted by time."""
        return self._weighted(place, kind, self.periods.start, self.end)

    def rolling_divisor(self, place: _Place, kind: str) -> FloatArray:
        """The same of the twelve months that end with each month; of the first ones, from the first month on."""
        start = self.periods.start
        begin = np.concatenate((np.full(min(11, len(start)), start[0]), start[: max(len(start) - 11, 0)]))
        return self._weighted(place, kind, begin, self.periods.edges[1:])

    def _weighted(self, place: _Place, kind: str, start: IntArray, end: IntArray) -> FloatArray:
        return weighted_by_time(_stated(self.denominators, place, kind, self.calendar), start, end)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Indicators of one place in the periods to write."""

    place: _Place
    period: str
    indicator: Indicator


def write_indicators(
    writer: Writer,
    calendar: LocalCalendar,
    sums: Sequence[Sums],
    denominators: Sequence[Denominator],
    ids: Mapping[Scope, Sequence[str]],
    heating: HeatingCalendar,
    now: int,
    office: str | None = None,
) -> None:
    """Replace the indicators of the wanted periods of these places, of rolling years and of heating seasons.

    `office` is the zone of GB/T 51161 of an institution that is an office; None writes no indicators of that standard.
    """
    for part in sums:
        span = _Span.of(part.periods, calendar, denominators, now)
        places = list(_places(part))
        found = [rows for place in places for rows in _of_place(place, span)]
        if office is not None:
            found += [rows for place in places for rows in _of_office(place, span, office)]
        kind = part.periods.kind
        _replace(writer, part, kind, part.wanted, [rows for rows in found if rows.period == kind], ids)
        if kind == "month":
            later = _followed(part.wanted, 12)
            _replace(writer, part, "rolling12", later, [rows for rows in found if rows.period == "rolling12"], ids)
    _write_seasons(writer, calendar, {part.periods.kind: part for part in sums}, denominators, ids, heating, now)


def _followed(wanted: BoolArray, months: int) -> BoolArray:
    """Wanted months and those whose rolling year holds one."""
    reach = np.convolve(wanted.astype(np.int64), np.ones(months, np.int64))[: len(wanted)]
    return np.asarray(reach > 0)


def _places(sums: Sums) -> Iterator[_Place]:
    whole: dict[tuple[Scope, str], list[int]] = {}
    items: dict[tuple[Scope, str], dict[str, FloatArray]] = {}
    for i, group in enumerate(sums.groups):
        if group.item in PURPOSES and group.category is Category.ELECTRICITY:
            amount = np.where(sums.totals.present[i], sums.totals.amount[i], 0.0)
            items.setdefault((group.scope, group.id), {})[group.item] = amount
        if group.item == WHOLE and group.scope is not Scope.METER:
            whole.setdefault((group.scope, group.id), []).append(i)
    coverage = sums.totals.coverage
    for (scope, name), rows in whole.items():
        categories = {sums.groups[i].category: i for i in rows}
        yield _Place(
            scope,
            name,
            Amounts(
                {c: sums.totals.amount[i] for c, i in categories.items()},
                {c: sums.totals.present[i] for c, i in categories.items()},
                {c: coverage[i] for c, i in categories.items()},
            ),
            items.get((scope, name), {}),
            {} if sums.cost is None else {c: _sure_cost(sums, i) for c, i in categories.items()},
        )


def _sure_cost(sums: Sums, row: int) -> FloatArray:
    """Cost of one group; NaN where it is only known to be at least that."""
    assert sums.cost is not None  # asked for before
    assert sums.cost_note is not None  # comes with the cost
    return np.where(np.isin(sums.cost_note[row], [n for n in CostNote if n.is_bound]), np.nan, sums.cost[row])


def _of_place(place: _Place, span: _Span) -> Iterator[_Rows]:
    kind = span.periods.kind
    part = _part_of_year(span.periods, span.end)
    for whole in _wholes(place, kind):
        if whole.key in CALIBERS:
            yield _Rows(place, kind, whole)
        if kind == "day":
            continue
        for key in _DIVIDED[whole.key]:
            divisor, scale = indicator(key).denominator, SCALE.get(key, 1.0)
            own = span.divisor(place, divisor) * (part if divisor in _OF_A_YEAR else 1.0)
            yield _Rows(place, kind, per(key, whole, own / scale))
            if kind == "month":
                divided = span.rolling_divisor(place, divisor) / scale
                yield _Rows(place, "rolling12", per(key, _rolling(whole, span.is_over), divided))
        if kind == "month" and whole.key in CALIBERS:
            yield _Rows(place, "rolling12", _rolling(whole, span.is_over))
    if kind != "day":
        yield from _prices(place, kind, span.is_over)


def _of_office(place: _Place, span: _Span, zone: str) -> Iterator[_Rows]:
    """The indicator of GB/T 51161 of years and rolling years: hours of use and its limits are of a year."""
    if place.scope is not Scope.INSTITUTION or span.periods.kind == "day":
        return
    used = office_use(zone, place.amounts, place.items)
    if used is None:
        return
    period, divisor = "year", span.divisor
    if span.periods.kind == "month":
        period, divisor, used = "rolling12", span.rolling_divisor, _rolling(used, span.is_over)
    area, users, hours = (divisor(place, kind) for kind in ("floor_area", "users", "operating_hours"))
    with np.errstate(invalid="ignore", divide="ignore"):
        per_person = np.where(users > 0, area / users, np.nan)
    for found in office_indicators(per(OFFICE_MEASURED, used, area), hours, per_person):
        yield _Rows(place, period, found)


def _rolling(whole: Indicator, is_over: BoolArray) -> Indicator:
    """Rolling years of whole months: with the days of one that still runs they would lack the rest of it."""
    year = rolling(whole)
    return replace(year, value=np.where(is_over, year.value, np.nan))


def _prices(place: _Place, kind: str, is_over: BoolArray) -> Iterator[_Rows]:
    """What a unit of each category cost."""
    for category, key in _PRICES.items():
        amount = physical_indicator(key, category, place.amounts)
        if amount is None or category not in place.cost:
            continue
        cost = replace(amount, value=np.where(np.isfinite(amount.value), place.cost[category], np.nan))
        yield _Rows(place, kind, per(key, cost, amount.value))
        if kind == "month":
            yield _Rows(place, "rolling12", per(key, _rolling(cost, is_over), rolling(amount).value))


def _part_of_year(periods: Periods, end: IntArray) -> FloatArray:
    """How much of its local year each period is, up to `end`."""
    year = periods.days[:-1].astype("M8[D]").astype("M8[Y]")
    n_days = ((year + 1).astype("M8[D]") - year.astype("M8[D]")).astype(np.float64)
    return np.asarray((end - periods.start) / (n_days * DAY))


def _wholes(place: _Place, kind: str) -> Iterator[Indicator]:
    amounts = place.amounts
    found = [total_indicator(key, amounts, caliber(name)) for key, name in CALIBERS.items()]
    found += [physical_indicator(key, category, amounts) for key, category in _PHYSICAL.items()]
    if place.cost:
        found.append(total_cost("cost", amounts, place.cost))
    if kind != "day":
        found += official_wholes(amounts, place.items)
    yield from (whole for whole in found if whole is not None)


def _write_seasons(
    writer: Writer,
    calendar: LocalCalendar,
    sums: Mapping[Period, Sums],
    denominators: Sequence[Denominator],
    ids: Mapping[Scope, Sequence[str]],
    heating: HeatingCalendar,
    now: int,
) -> None:
    """Replace the heating seasons of years from July that hold a wanted month; one is told when its last day is over.

    They are dated by their first day.
    """
    if not sums:
        return
    part = sums["month"]
    months = part.periods.days
    heated = _heated(sums)
    for first, end in seasons(months[:-1].astype("M8[D]").astype("M8[M]").astype(np.int64) % 12 + 1):
        if not part.wanted[first:end].any():
            continue
        edges = part.periods.edges[[first, end]]
        season = heating.season(calendar.date_of(int(edges[0])).year)
        window = calendar.window(season.first, season.last)
        found = []
        for place, monthly, daily in heated if now >= window.end else ():
            value, coverage = of_season(monthly, daily, months, season)
            span = np.array([window.start, window.end], np.int64)
            area = weighted_by_time(_stated(denominators, place, "heated_area", calendar), span[:1], span[1:])
            whole = Indicator(monthly.key, monthly.caliber, np.array([value]), np.array([coverage]))
            found.append(_Rows(place, "season", per("heating_energy_per_heated_area", whole, area)))
        one = replace(part, periods=Periods("year", edges, months[[first, end]]))
        _replace(writer, one, "season", np.array([True]), found, ids, np.array([window.start]))


def _heated(sums: Mapping[Period, Sums]) -> list[tuple[_Place, Indicator, Indicator]]:
    """Places where heating is metered, with what it took in each month and each day."""
    days = {(place.scope, place.id): place for place in _places(sums["day"])}
    found = []
    for place in _places(sums["month"]):
        of_days = days[place.scope, place.id]
        monthly = heating_energy(place.amounts, place.items)
        daily = heating_energy(of_days.amounts, of_days.items)
        if monthly is not None and daily is not None:
            found.append((place, monthly, daily))
    return found


def _stated(denominators: Sequence[Denominator], place: _Place, kind: str, calendar: LocalCalendar) -> list[Stated]:
    return [
        Stated(row.value, _instant(calendar, row.valid_from, 0), _instant(calendar, row.valid_to, _FOREVER))
        for row in denominators
        if row.scope == place.scope.value and row.id == place.id and row.kind == kind
    ]


def _instant(calendar: LocalCalendar, day: date | None, unstated: int) -> int:
    return unstated if day is None else calendar.start_of(day)


def _replace(
    writer: Writer,
    sums: Sums,
    period: str,
    wanted: BoolArray,
    found: Sequence[_Rows],
    ids: Mapping[Scope, Sequence[str]],
    dated: IntArray | None = None,
) -> None:
    """Replace rows of the wanted periods; they are dated by the start of their period unless said otherwise."""
    start = sums.periods.start if dated is None else dated
    for first, last in runs(wanted):
        window = Window(int(sums.periods.edges[first]), int(sums.periods.edges[last]))
        for scope, names in ids.items():
            own = [rows for rows in found if rows.place.scope is scope]
            where = {"scope": [scope.value], "id": names, "period": [period]}
            writer.replace(_table(own, start, period, scope, first, last), where, window)


def _table(found: Sequence[_Rows], dated: IntArray, period: str, scope: Scope, first: int, last: int) -> Table:
    values = [rows.indicator.value[first:last] for rows in found]
    known = [np.isfinite(value) for value in values]
    counts = [int(which.sum()) for which in known]
    start = dated[first:last]

    def column(parts: list[FloatArray]) -> FloatArray:
        return np.concatenate([p[k] for p, k in zip(parts, known, strict=True)]) if parts else np.zeros(0)

    return table(
        INDICATOR,
        np.concatenate([start[k] for k in known]) if known else np.zeros(0, np.int64),
        {
            "scope": repeated([scope.value], [sum(counts)]),
            "id": repeated([rows.place.id for rows in found], counts),
            "period": repeated([period], [sum(counts)]),
            "indicator": repeated([rows.indicator.key for rows in found], counts),
            "caliber": repeated([rows.indicator.caliber for rows in found], counts),
        },
        {
            "value": plain(column(values)),
            "coverage": column([rows.indicator.coverage[first:last] for rows in found]),
        },
    )
