"""Targets proposed (建议值) by the rules chosen for institutions, from last year's actual and the quota book.

A proposal binds nobody until a person approves it. Where something is missing there is none, and `LACKS` says what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from analytics.jobs.peers import PERIOD, QuotaBook
from analytics.ranking import MIN_COVERAGE
from analytics.targets import (
    LACK_WORDS,
    FiveYearPath,
    FourBranches,
    Lack,
    NoTarget,
    OwnHistory,
    Record,
    Rule,
    TowardsPeers,
    YearTarget,
    target_of_year,
)
from energy.intervals import DAY, LocalCalendar
from energy.model import Scope
from energy.reference import indicator
from energy.registry import FittedModel, Registry, Snapshot, Target, TargetRule
from energy.series import Table
from energy.storage.base import ResultStore
from energy.storage.schema import INDICATOR

LACKS: Final = "target_lacks"
"""Kind and subject of the model that names, for each rule without a proposal, what is missing."""
_HISTORY_YEARS: Final = 31
_NORMAL_YEARS: Final = 3
_FIELDS: Final = ("value", "coverage", "baseline")

Asked = tuple[str, str, str]
"""Institution, indicator, caliber."""


def propose_targets(
    store: ResultStore, registry: Registry, snapshot: Snapshot, calendar: LocalCalendar, *, now: int
) -> int:
    """Bring the proposals of this year up to date; how many changed. What people decided is never touched."""
    today = calendar.date_of(now)
    rules = [rule for rule in registry.target_rules.rows() if _is_valid(rule, date(today.year, 1, 1))]
    if not rules:
        return 0
    found = proposals(store, registry, snapshot, calendar, rules, today.year)
    lacks = sorted([*asked, target.lack.value] for asked, target in found.items() if isinstance(target, NoTarget))
    payload = {"year": today.year, "lacks": lacks}
    registry.save_models([FittedModel.of(LACKS, LACKS, start=0, end=0, payload=payload)])
    rows = [_row(asked, target) for asked, target in found.items() if isinstance(target, YearTarget)]
    return registry.targets.propose(rows) if rows else 0


@dataclass(frozen=True, slots=True)
class MissingTarget:
    """A rule was chosen for an institution, and nothing could be proposed for the year."""

    institution: str
    indicator: str
    caliber: str
    year: int
    lack: Lack

    @property
    def words(self) -> tuple[str, str]:
        """What is missing, Chinese and English."""
        return LACK_WORDS[self.lack]


def missing_targets(registry: Registry) -> list[MissingTarget]:
    """What the last run missed for each rule that proposed nothing, by institution, indicator and caliber."""
    kept = registry.models(LACKS).get(LACKS)
    if kept is None:
        return []
    found = kept.json()
    return [MissingTarget(i, key, name, found["year"], Lack(lack)) for i, key, name, lack in found["lacks"]]


def proposals(
    store: ResultStore,
    registry: Registry,
    snapshot: Snapshot,
    calendar: LocalCalendar,
    rules: Sequence[TargetRule],
    year: int,
) -> dict[Asked, YearTarget | NoTarget]:
    """What each rule makes of a year, or what is missing for it."""
    book = QuotaBook.of(registry, snapshot)
    past = _Past.of(store, calendar, rules, year)
    last = _last_targets(registry, rules, year)
    found: dict[Asked, YearTarget | NoTarget] = {}
    for row in rules:
        asked = (row.institution, row.indicator, row.caliber)
        actual = past.actual(asked)
        known = [actual[y] for y in range(year - _NORMAL_YEARS, year) if y in actual]
        entry = book.entry(row.institution, row.indicator, row.caliber, date(year, 1, 1))
        record = Record(
            year,
            row.indicator,
            row.caliber,
            actual,
            last.get(asked),
            entry.levels if entry else None,
            # Weather evens out over the years; the year just gone must be among them.
            sum(known) / len(known) if year - 1 in actual else None,
            past.peers.get(asked),
        )
        found[asked] = target_of_year(record, rule=rule_of(row))
    return found


def rule_of(row: TargetRule) -> Rule:
    """The rule with the rates stated for the institution, and its own where none are."""
    if row.rule == "four_branches":
        own = FourBranches()
        return FourBranches(
            own.cut_above_constraint if row.cut is None else row.cut,
            own.cut_above_baseline if row.cut_above_baseline is None else row.cut_above_baseline,
            own.rise if row.rise is None else row.rise,
        )
    if row.rule == "towards_peers":
        return TowardsPeers() if row.cut is None else TowardsPeers(row.cut)
    cut = 0.0 if row.cut is None else row.cut  # the registry takes neither of these rules without one
    years = 5 if row.n_years is None else row.n_years
    if row.rule == "own_history":
        return OwnHistory(cut, row.source, years)
    return FiveYearPath(row.base_year or 0, cut, row.source, n_years=years)


def _is_valid(rule: TargetRule, on: date) -> bool:
    return (rule.valid_from is None or rule.valid_from <= on) and (rule.valid_to is None or on < rule.valid_to)


def _row(asked: Asked, found: YearTarget) -> Target:
    institution, name, counting = asked
    return Target(
        Scope.INSTITUTION.value,
        institution,
        found.year,
        name,
        counting,
        "proposed",
        float(f"{found.value:.6g}"),  # a proposal has no more certain digits, and late pennies move none
        indicator(name).unit,
        rule=found.rule,
        note=f"{found.how[0]} / {found.how[1]} ({found.source})",
    )


def _last_targets(registry: Registry, rules: Sequence[TargetRule], year: int) -> dict[Asked, float]:
    """Targets of the year before that counted: issued before approved."""
    rows = registry.targets.rows(scope="institution", year=year - 1, id=sorted({rule.institution for rule in rules}))
    rows = [row for row in rows if row.state == "issued" or row.approved_by]
    rows.sort(key=lambda row: row.state == "issued")
    return {(row.id, row.indicator, row.caliber): row.value for row in rows}


class _Past:
    """Figures of the years gone by, of the institutions that have a rule."""

    def __init__(self, actual: Mapping[Asked, Mapping[int, float]], peers: Mapping[Asked, float]) -> None:
        self._actual = actual
        self.peers = peers

    def actual(self, asked: Asked) -> Mapping[int, float]:
        """Values of the years that are known well enough."""
        return self._actual.get(asked, {})

    @classmethod
    def of(cls, store: ResultStore, calendar: LocalCalendar, rules: Sequence[TargetRule], year: int) -> _Past:
        """Read them all at once."""
        names = sorted({rule.institution for rule in rules})
        keys = sorted({rule.indicator for rule in rules})

        def rows(period: str, first: int, end: int, fields: tuple[str, ...]) -> Table:
            where = {"scope": [Scope.INSTITUTION.value], "id": names, "period": [period], "indicator": keys}
            return store.results(INDICATOR.name, where=where, start=first, end=end, fields=fields)

        # Years of other time zones begin within a day of this one's.
        start, end = (calendar.start_of(date(y, 1, 1)) - DAY for y in (year - _HISTORY_YEARS, year))
        actual: dict[Asked, dict[int, float]] = {}
        for asked, time, fields in _each(rows("year", start, end, _FIELDS[:2])):
            if np.isfinite(fields["value"]) and fields["value"] > 0 and fields["coverage"] >= MIN_COVERAGE:
                actual.setdefault(asked, {})[calendar.date_of(time + DAY).year] = fields["value"]
        december = calendar.start_of(date(year - 1, 12, 1)) - DAY
        peers: dict[Asked, float] = {}
        for asked, _, fields in _each(rows(PERIOD, december, december + 2 * DAY, (*_FIELDS, "group"))):
            if np.isfinite(fields["baseline"]) and str(fields["group"]).startswith("peers"):
                peers[asked] = fields["baseline"]
        return cls(actual, peers)


def _each(found: Table) -> list[tuple[Asked, int, dict[str, float]]]:
    tags = zip(*(found.tags[name].tolist() for name in ("id", "indicator", "caliber")), strict=True)
    cells = zip(*(column.tolist() for column in found.fields.values()), strict=True)
    return [
        (tag, time, dict(zip(found.fields, row, strict=True)))
        for tag, time, row in zip(tags, found.time.tolist(), cells, strict=True)
    ]
