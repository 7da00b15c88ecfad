"""The figures of reports, read from store and registry. Every question takes the scope of who asks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np

from api.context import Context
from api.peers import PeerLimits
from api.scope import Scope
from api.shielding import shielded
from energy.intervals import LocalCalendar, Period, Window
from energy.model import Category, CostNote
from energy.registry import Finding, Task
from energy.series import FloatArray, Table
from energy.units import CANONICAL

_NUMBERS: Final = ("amount", "expected", "cost_yuan", "coverage", "estimated_share", "last_year",
                   "n_expected", "n_reporting")  # fmt: skip
_SHARES: Final = ("coverage", "estimated_share")
_A_YEAR: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Total:
    """One category (and item) of one span; NaN is unknown."""

    category: Category
    item: str
    amount: float
    expected: float
    cost_yuan: float
    coverage: float
    estimated_share: float
    last_year: float
    n_expected: float
    n_reporting: float

    @property
    def unit(self) -> str:
        """Unit of the amounts."""
        return CANONICAL[self.category]

    @property
    def change(self) -> float:
        """Against the same span a year before, as a share; NaN where either is unknown."""
        return share(self.amount, self.last_year) - 1

    @property
    def excess(self) -> float:
        """Against what was to be expected, as a share."""
        return share(self.amount, self.expected) - 1


@dataclass(frozen=True, slots=True)
class Point:
    """An indicator of one period beside the quota that holds for it."""

    indicator: str
    caliber: str
    value: float
    constraint: float
    baseline: float
    guide: float
    coverage: float
    group: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An indicator of a period that begins on a day, beside the limits among peers."""

    indicator: str
    caliber: str
    period: str
    since: date
    value: float
    peers: PeerLimits


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a target is used."""

    indicator: str
    caliber: str
    on: date
    target: float
    used: float
    expected_share: float
    forecast: float
    stage: float
    coverage: float


@dataclass(frozen=True)
class Figures:
    """What one institution used in a span of whole months, and all that belongs to it."""

    ctx: Context
    scope: Scope
    institution: str
    first: date
    last: date

    def __post_init__(self) -> None:
        self.scope.institution(self.institution)  # NotInRegistry for what the caller does not see

    @cached_property
    def calendar(self) -> LocalCalendar:
        """Days as the institution counts them."""
        return self.ctx.calendar_of(self.institution)

    @cached_property
    def window(self) -> Window:
        """The span as instants."""
        return self.calendar.window(self.first, self.last)

    @property
    def is_over(self) -> bool:
        """True when the last day of the span is past. Before that the row of a running month holds what came so far."""
        return self.window.end <= self.ctx.now()

    def totals(self, period: Period, item: str | None = "all") -> dict[tuple[Category, str], Total]:
        """Category and item added up over the span from rows of this period.

        Unknown if any of them is, and before the span is over.
        """
        table = self._rows(period, item)
        found: dict[tuple[Category, str], Total] = {}
        for category, name in sorted(set(zip(table.tags["category"], table.tags["item"], strict=True)), key=_order):
            mine = table.take((table.tags["category"] == category) & (table.tags["item"] == name))
            found[Category(category), name] = Total(Category(category), name, **self._added(mine, period))
        return found

    def series(self, period: Period, category: Category, field: str) -> FloatArray:
        """One value a day or month of the span; NaN where nothing is known."""
        edges = self.calendar.edges(self.window, period)
        table = self._rows(period, "all").take(slice(None))
        mine = table.take(table.tags["category"] == category.value)
        out = np.full(len(edges) - 1, np.nan)
        out[np.searchsorted(edges, mine.time)] = np.asarray(mine.fields[field], np.float64)
        return out

    def points(self, period: str) -> list[Point]:
        """Indicators of the newest period of this kind that begins in the span; none before the span is over."""
        if not self.is_over:
            return []
        newest = {(row["indicator"], row["caliber"]): row for row in self._judged(period, self.window)}
        return [Point(**{k: row[k] for k in Point.__dataclass_fields__}) for row in newest.values()]

    def among_peers(self) -> list[Compared]:
        """Limits among peers: of the newest rolling year in the span, and of the heating seasons that end in it."""
        if not self.is_over:
            return []
        rolling = {(row["indicator"], row["caliber"]): row for row in self._judged("rolling12", self.window)}
        heating, before = self.ctx.heating_of(self.institution), self.calendar.start_of(self.first - _A_YEAR)
        seasons = [
            row
            for row in self._judged("season", Window(before, self.window.end))
            if self.first <= heating.season(self.calendar.date_of(row["time"]).year).last <= self.last
        ]
        told = [(row, PeerLimits.of(row)) for row in (*rolling.values(), *seasons)]
        return [
            Compared(
                row["indicator"], row["caliber"], row["period"], self.calendar.date_of(row["time"]), row["value"], p
            )
            for row, p in told
            if p is not None
        ]

    def _judged(self, period: str, window: Window) -> list[dict[str, Any]]:
        """Indicators of one kind of period as the caller may be told them, the newest last."""
        return shielded(self.scope, self._results("indicator", {"period": [period]}, window)).records()

    def progress(self) -> list[Progress]:
        """The newest progress of each target within the span."""
        newest: dict[tuple[str, str], Progress] = {}
        for row in self._results("target", {}, self.window).records():
            key = row["indicator"], row["caliber"]
            before = newest.get(key)
            values = {k: row[k] for k in Progress.__dataclass_fields__ if k != "on"}
            if math.isnan(values["forecast"]) and before is not None:
                values["forecast"] = before.forecast  # made on Mondays
            newest[key] = Progress(on=self.calendar.date_of(row["time"]), **values)
        return list(newest.values())

    def findings(self) -> list[Finding]:
        """Findings that began or lasted in the span, in the order of the inbox."""
        window = self.window
        rows = self.ctx.registry.findings.rows(institution=self.institution)
        mine = [f for f in rows if f.state != "withdrawn" and f.start < window.end and _end(f) > window.start]
        return sorted(mine, key=lambda f: f.rank)

    def tasks(self) -> list[Task]:
        """整改 and 作出说明 that were given before the end of the span and not settled before it."""
        window = self.window
        rows = self.ctx.registry.tasks.rows(institution=self.institution)
        return [t for t in rows if t.created < window.end and (t.closed is None or t.closed >= window.start)]

    def _rows(self, period: Period, item: str | None) -> Table:
        where: dict[str, list[str]] = {"period": [str(period)]}
        if item is not None:
            where["item"] = [item]
        table = self._results("total", where, self.window, (*_NUMBERS, "cost_note"))
        is_bound = np.isin(table.fields["cost_note"].astype(np.float64), [n for n in CostNote if n.is_bound])
        cost = np.where(is_bound, np.nan, table.fields["cost_yuan"].astype(np.float64))  # a report states no bounds
        return replace(table, fields={**{n: table.fields[n] for n in _NUMBERS}, "cost_yuan": cost})

    def _results(
        self, name: str, where: Mapping[str, list[str]], window: Window, fields: Sequence[str] | None = None
    ) -> Table:
        own = {"scope": ["institution"], "id": [self.institution], **where}
        return self.ctx.store.results(name, where=own, start=window.start, end=window.end, fields=fields)

    def _added(self, rows: Table, period: Period) -> dict[str, float]:
        """Amounts add up only where every period of the span is there and over; shares are means, counts the newest."""
        n = len(self.calendar.edges(self.window, period)) - 1
        is_whole = len(rows) == n and self.is_over
        out: dict[str, float] = {}
        for name in _NUMBERS:
            values = np.asarray(rows.fields[name], np.float64)
            if name in _SHARES:
                out[name] = float(np.nan_to_num(values).sum() / n) if np.isfinite(values).any() else math.nan
            elif name.startswith("n_"):
                out[name] = float(values[-1])
            else:
                out[name] = float(values.sum()) if is_whole else math.nan
        return out


def share(part: float, whole: float) -> float:
    """A part of a whole; NaN where either is unknown, or the whole is nothing."""
    return part / whole if whole > 0 else math.nan


def _order(key: tuple[str, str]) -> tuple[int, str]:
    return list(Category).index(Category(key[0])), key[1]


def _end(finding: Finding) -> float:
    return math.inf if finding.end is None else finding.end
