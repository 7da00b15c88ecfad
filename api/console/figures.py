"""Figures of what a caller sees, read from the store. Every question takes the page, whose scope limits it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from analytics.levels import GRADE_WORDS, Grade, Levels, grade
from api.console.frame import Page
from api.peers import PeerLimits
from api.shielding import shielded
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Category
from energy.model import Scope as Level
from energy.series import FloatArray, IntArray, Series, Table
from energy.units import CANONICAL

SHOWN: Final = (
    Category.ELECTRICITY, Category.WATER, Category.GAS, Category.HEAT, Category.COOLING, Category.COAL, Category.LPG,
    Category.GASOLINE, Category.DIESEL, Category.OTHER,
)  # fmt: skip
_NUMBERS: Final = (
    "amount", "expected", "expected_low", "expected_high", "cost_yuan", "coverage", "estimated_share", "last_year",
    "n_expected", "n_reporting", "cost_note",
)  # fmt: skip
SHARES: Final = frozenset({"coverage", "estimated_share"})
ENOUGH: Final = 0.9
"""Completeness from which on a sum is held against another year's."""
_FRESH_DAYS: Final = 10
"""Progress is written every day: what is older belongs to a target that the jobs could not follow lately."""


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Totals of one thing and category, period by period; NaN is unknown."""

    category: Category
    start: IntArray
    values: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def unit(self) -> str:
        """Unit of the amounts."""
        return CANONICAL[self.category]

    def __getitem__(self, field: str) -> FloatArray:
        return self.values[field]

    def sum(self, field: str) -> float:
        """Sum of the known values; NaN where none is known."""
        return known_sum(self.values[field])

    @property
    def coverage(self) -> float:
        """Mean completeness; periods without any count as none."""
        known = self.values["coverage"]
        return float(np.nan_to_num(known).mean()) if len(known) and np.isfinite(known).any() else math.nan

    @property
    def before(self) -> float:
        """Last year's amount of the newest period; unknown where too little of this one's is known to compare.

        The gap would look like thrift.
        """
        return self.last("last_year") if self.last("coverage") >= ENOUGH else math.nan

    def last(self, field: str) -> float:
        """Newest value, NaN where there is no period."""
        return float(self.values[field][-1]) if len(self) else math.nan


def known_sum(values: FloatArray) -> float:
    """Sum of what is known; NaN (never 0) where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else math.nan


def totals(
    page: Page,
    level: Level,
    ids: Iterable[str],
    period: str,
    window: Window,
    *,
    category: Category | None = None,
    fields: Sequence[str] = _NUMBERS,
) -> Table:
    """Rows of `total` of visible things, of every end use together; the fewer are asked for, the sooner they come."""
    seen = [name for name in ids if page.scope.sees(level, name)]
    if not seen:
        return Table("total", np.zeros(0, np.int64), _no_tags(), {name: np.zeros(0) for name in fields})
    where = {"scope": [level.value], "id": seen, "period": [period], "item": ["all"]}
    where |= {"category": [category.value]} if category else {}
    return page.ctx.store.results("total", where=where, start=window.start, end=window.end, fields=fields)


def _no_tags() -> dict[str, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    return {name: np.zeros(0, np.object_) for name in ("scope", "id", "period", "category", "item")}


def by_category(rows: Table) -> dict[Category, Periods]:
    """Totals of several things added up per category and period; complete only where all of them are.

    An amount is the sum of those known (completeness and 应报/实报 tell how many that is), unknown where none is.
    """
    found = {}
    for category in SHOWN:
        mine = rows.take(np.flatnonzero(rows.tags["category"] == category.value))
        if len(mine):
            found[category] = _added(category, mine)
    return found


def _added(category: Category, rows: Table) -> Periods:
    starts, place = np.unique(rows.time, return_inverse=True)
    if np.array_equal(starts, rows.time):  # one thing
        return Periods(category, rows.time, {name: v.astype(np.float64) for name, v in rows.fields.items()})
    values = {name: _sums(v.astype(np.float64), place, len(starts)) for name, v in rows.fields.items()}
    expected = rows.fields["n_expected"].astype(np.float64)
    weight = np.where(np.isnan(expected), 1.0, expected)
    if "cost_note" in values:
        values["cost_note"] = _greatest(rows.fields["cost_note"].astype(np.float64), place, len(starts))
    for name in SHARES.intersection(values):
        share = rows.fields[name].astype(np.float64)
        used = np.where(np.isnan(share), 0.0, weight)
        top = np.bincount(place, np.nan_to_num(share) * used, len(starts))
        bottom = np.bincount(place, weight if name == "coverage" else used, len(starts))
        none = np.bincount(place, used, len(starts)) == 0
        values[name] = np.where(none, np.nan, top / np.maximum(bottom, 1e-9))
    return Periods(category, starts, values)


def _greatest(values: FloatArray, place: IntArray, n: int) -> FloatArray:
    out = np.full(n, np.nan)
    np.fmax.at(out, place, values)
    return out


def _sums(values: FloatArray, place: IntArray, n: int) -> FloatArray:
    known = ~np.isnan(values)
    sums = np.bincount(place, np.where(known, values, 0.0), n)
    return np.where(np.bincount(place, known, n) > 0, sums, np.nan)


def by_id(rows: Table, category: Category) -> dict[str, Periods]:
    """Totals of one category by thing."""
    mine = rows.take(np.flatnonzero(rows.tags["category"] == category.value))
    found, start = {}, 0
    for last in _last_of_each(mine, "id"):
        found[str(mine.tags["id"][last])] = _added(category, mine.take(slice(start, last + 1)))
        start = last + 1
    return found


def _last_of_each(rows: Table, *tags: str) -> list[int]:
    """Place of the last row of each run of equal tags: where rows come ordered by them and time, of the newest."""
    if not len(rows):
        return []
    changes = np.zeros(len(rows) - 1, np.bool_)
    for tag in tags:
        changes |= rows.tags[tag][1:] != rows.tags[tag][:-1]
    return [*np.flatnonzero(changes).tolist(), len(rows) - 1]


def cover(page: Page) -> tuple[Level, list[str]]:
    """The fewest things whose sums make up all that the caller sees."""
    scope = page.scope
    tops = [r for r in scope.regions if scope.snapshot.regions[r].parent not in scope.regions]
    return (Level.REGION, sorted(tops)) if tops else (Level.INSTITUTION, sorted(scope.institutions))


@dataclass(frozen=True, slots=True)
class TargetState:
    """How a target of the year stands, newest day."""

    scope: str
    id: str
    indicator: str
    caliber: str
    time: int
    target: float
    used: float
    expected_share: float
    used_share: float
    forecast: float
    forecast_low: float
    forecast_high: float
    stage: float
    outlook: int
    breach_ms: float
    coverage: float

    @property
    def forecast_share(self) -> float:
        """Forecast of the year as a share of the target."""
        return self.forecast / self.target if self.target > 0 else math.nan

    @property
    def warning(self) -> str:
        """Which warning stage its colour shows: 100, 90, 80, ok or unknown."""
        for stage in (1.0, 0.9, 0.8):
            if self.stage >= stage:
                return f"{round(100 * stage)}"
        return "unknown" if math.isnan(self.stage) else "ok"


def target_states(page: Page, level: Level, ids: Iterable[str]) -> list[TargetState]:
    """Newest state of each target of visible things, this year, those most over their target first."""
    seen = [name for name in ids if page.scope.sees(level, name)]
    if not seen:
        return []
    calendar = LocalCalendar(page.ctx.zone)
    start, end = calendar.start_of(date(page.ctx.today().year, 1, 1)), page.ctx.now() + DAY
    states = _newest_states(page, level, seen, max(start, end - _FRESH_DAYS * DAY), end)
    late = sorted(set(seen) - {state.id for state in states})
    states += _newest_states(page, level, late, start, end) if late else []
    return sorted(states, key=lambda s: -np.nan_to_num(s.forecast_share, nan=np.nan_to_num(s.used_share, nan=-1.0)))


def _newest_states(page: Page, level: Level, ids: Sequence[str], start: int, end: int) -> list[TargetState]:
    rows = page.ctx.store.results("target", where={"scope": [level.value], "id": ids}, start=start, end=end)
    return [_target_state(rows, i) for i in _last_of_each(rows, "id", "indicator", "caliber")]


def _target_state(rows: Table, i: int) -> TargetState:
    def number(name: str) -> float:
        return float(rows.fields[name][i])

    return TargetState(
        scope=str(rows.tags["scope"][i]),
        id=str(rows.tags["id"][i]),
        indicator=str(rows.tags["indicator"][i]),
        caliber=str(rows.tags["caliber"][i]),
        time=int(rows.time[i]),
        target=number("target"),
        used=number("used"),
        expected_share=number("expected_share"),
        used_share=number("used_share"),
        forecast=number("forecast"),
        forecast_low=number("forecast_low"),
        forecast_high=number("forecast_high"),
        stage=number("stage"),
        outlook=int(np.nan_to_num(number("outlook"))),
        breach_ms=number("breach_ms"),
        coverage=number("coverage"),
    )


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One indicator of one period."""

    id: str
    period: str
    indicator: str
    caliber: str
    time: int
    value: float
    constraint: float
    baseline: float
    guide: float
    rank: float
    rank_of: float
    coverage: float
    group: str | None
    peers: PeerLimits | None
    """None where limits are a quota's, or there are none."""

    @property
    def grade(self) -> Grade:
        """How it stands to its quota; at exactly a limit the better grade holds."""
        return Grade(int(grade(self.value, Levels.of(self.constraint, self.baseline, self.guide))))

    @property
    def grade_words(self) -> tuple[str, str]:
        """The grade in words, Chinese and English."""
        return GRADE_WORDS[self.grade]


_STORED: Final = tuple(name for name in IndicatorRow.__dataclass_fields__ if name != "peers")


def indicators(
    page: Page, level: Level, ids: Iterable[str], periods: Sequence[str], window: Window, only: str | None = None
) -> list[IndicatorRow]:
    """Newest row of each indicator (or of one only) of visible things."""
    seen = [name for name in ids if page.scope.sees(level, name)]
    if not seen:
        return []
    where = {"scope": [level.value], "id": seen, "period": list(periods)}
    where |= {"indicator": [only]} if only else {}
    rows = _told(page, where, window)
    newest = np.array(_last_of_each(rows, "id", "period", "indicator", "caliber"), np.int64)
    return [_indicator(row) for row in rows.take(newest).records()]


def every_indicator(page: Page, level: Level, name: str, period: str, window: Window) -> list[IndicatorRow]:
    """All rows of one kind of period of a visible thing, newest first."""
    page.scope.find(level, name)
    where = {"scope": [level.value], "id": [name], "period": [period]}
    rows = _told(page, where, window)
    return sorted(map(_indicator, rows.records()), key=lambda row: (-row.time, row.indicator))


def _told(page: Page, where: Mapping[str, Sequence[str]], window: Window) -> Table:
    found = page.ctx.store.results("indicator", where=where, start=window.start, end=window.end)
    return shielded(page.scope, found)


def _indicator(row: Mapping[str, Any]) -> IndicatorRow:
    return IndicatorRow(**{name: row[name] for name in _STORED}, peers=PeerLimits.of(row))


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """How a meter is heard: state 0 heard, 1 late, 2 silent, 3 never; its clock NaN where it is not heard live."""

    last_seen_s: float
    coverage_day: float
    received_day: float
    state: int
    clock_ahead_s: float
    clock_drift_s_per_day: float


def statuses(page: Page, meters: Iterable[str]) -> dict[str, MeterStatus]:
    """Newest status of visible meters."""
    seen = [name for name in meters if page.scope.sees(Level.METER, name)]
    if not seen:
        return {}
    now = page.ctx.now()
    rows = page.ctx.store.results("meter_status", where={"meter": seen}, start=now - 40 * DAY, end=now + DAY)
    return {
        str(rows.tags["meter"][i]): MeterStatus(
            float(rows.fields["last_seen_s"][i]),
            float(rows.fields["coverage_day"][i]),
            float(rows.fields["received_day"][i]),
            int(np.nan_to_num(rows.fields["state"][i], nan=3)),
            float(rows.fields["clock_ahead_s"][i]),
            float(rows.fields["clock_drift_s_per_day"][i]),
        )
        for i in range(len(rows))
    }


def profiles(page: Page, institution: str, category: Category, window: Window) -> tuple[IntArray, FloatArray]:
    """Days and their 24 hourly amounts, shape (n_days, 24)."""
    page.scope.institution(institution)
    where = {"scope": ["institution"], "id": [institution], "category": [category.value]}
    rows = page.ctx.store.results("day_profile", where=where, start=window.start, end=window.end)
    hours = np.array([rows.fields[f"h{h:02d}"].astype(np.float64) for h in range(24)]).reshape(24, len(rows))
    return rows.time, hours.T


def readings(page: Page, meter: str, window: Window) -> Series:
    """Raw readings of a visible meter."""
    page.scope.meter(meter)
    return page.ctx.store.readings([meter], window.start, window.end)[meter]


def intervals(page: Page, meter: str, window: Window) -> Table:
    """Interval amounts of a visible meter in its finest resolution."""
    page.scope.meter(meter)
    where = {"meter": [meter]}
    rows = page.ctx.store.results("interval", where=where, start=window.start, end=window.end)
    found = dict.fromkeys(rows.tags["resolution"])
    finest = next((name for name in ("15min", "30min", "hour") if name in found), None)
    return rows.take(np.flatnonzero(rows.tags["resolution"] == finest)) if finest else rows


def this_month(page: Page, calendar: LocalCalendar) -> Window:
    """The month so far, in local days."""
    today = calendar.date_of(page.ctx.now())
    return calendar.window(today.replace(day=1), today)


def this_year(page: Page, calendar: LocalCalendar) -> Window:
    """The year so far, in local days."""
    today = calendar.date_of(page.ctx.now())
    return calendar.window(today.replace(month=1, day=1), today)


def rolling_years(page: Page, calendar: LocalCalendar) -> Window:
    """Where the newest rolling year is found: a month is told when it is over, and its bills come later."""
    return last_days(page, calendar, 400)


def last_days(page: Page, calendar: LocalCalendar, days: int) -> Window:
    """Today and the days before it."""
    today = calendar.date_of(page.ctx.now())
    return calendar.window(today - timedelta(days=days - 1), today)
