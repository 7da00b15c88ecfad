"""Limits and places of institutions: `constraint`, `baseline`, `guide`, `rank`, `rank_of`, `group` of rolling years.

Only what is stated per area, person or the like can be compared: wholes of large and small, and prices, have neither.
Limits are the quota book's where it has a row for the institution, this indicator and this caliber; else the tiers of
its peers, adjusted for its own drivers. `group` says which, so that nobody takes the one for the other. Limits of peers
carry their interval, and the value how much of it is due to each driver.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from analytics.jobs.offices import office_key
from analytics.jobs.rows import Writer, plain, table, texts
from analytics.levels import Levels
from analytics.peers import SEED, Note, ToldTiers, choose_groups, peer_tiers
from analytics.quota_book import QuotaEntry, QuotaKey, entry_of, quota_on, tier_and_variant
from analytics.quotas import OFFICE_CORRECTED
from analytics.ranking import is_complete, rank
from energy.errors import MissingReference
from energy.intervals import DAY, LocalCalendar, Period, Window
from energy.model import Scope
from energy.reference import indicators, quotas
from energy.registry import FittedModel, Registry, Snapshot
from energy.registry.decisions import ApprovedQuota
from energy.series import FloatArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import INDICATOR

PERIOD: Final = "rolling12"
SEASON: Final = "season"
RULES: Final = "limits"
"""Kind of the model that remembers by which book and in which groups limits were last found."""
_YEAR_S: Final = 365 * DAY
_WINTER: Final = 11
_EVER: Final = Window(1262275200, 2**31)
DRIVERS: Final = ("users_per_area", "operating_hours")
"""What an institution cannot help, from its denominators; more drivers need more institutions."""
LIMITS: Final = ("constraint", "baseline", "guide")
ENDS: Final = tuple((f"{limit}_low", f"{limit}_high") for limit in LIMITS)
"""Fields of the interval of each limit."""
ADJUSTMENTS: Final = tuple(f"adjustment_{driver}" for driver in DRIVERS)
"""Part of the value that is due to each driver, in its unit."""
LIMIT_FIELDS: Final = (*LIMITS, *(end for ends in ENDS for end in ends), *ADJUSTMENTS)
_FORM: Final = "seasons of one winter together"
"""Another word when limits are found or told in another way: the next run then finds all of them anew."""
_NATION: Final = "全国"
_NAMED: Final = re.compile(r"peers (.+) n=(\d+)( \(parent\))?")


def compute_peers(
    store: ResultStore,
    registry: Registry,
    snapshot: Snapshot,
    writer: Writer,
    calendar: LocalCalendar,
    changed: Sequence[Window],
) -> None:
    """Add limits and places to the rolling years and heating seasons whose figures changed.

    Parameters
    ----------
    store : ResultStore
        Where figures are read.
    registry : Registry
        Approved quotas.
    snapshot : Snapshot
        Institutions and their denominators.
    writer : Writer
        Where the rows are written.
    calendar : LocalCalendar
        Days of the months.
    changed : sequence of Window
        Days whose figures changed: rolling years reach twelve months further, seasons begin up to a year before or,
        dated by their first day, months after. When the book, or who is alike, is another than in the last run, all.
    """
    book = QuotaBook.of(registry, snapshot)
    rules = FittedModel.of(RULES, RULES, start=0, end=0, payload={"signature": book.signature(), "form": _FORM})
    last = registry.models(RULES).get(RULES)
    is_other = last is not None and last.payload != rules.payload
    for span in [_EVER] if is_other else changed:
        begin, *_, end = calendar.edges(span, "month").tolist()
        for period, window in (
            (PERIOD, _whole(calendar, Window(begin, end + _YEAR_S), "month")),
            (SEASON, _whole(calendar, Window(begin - _YEAR_S, end + _YEAR_S), "year")),
        ):
            where = {"scope": [Scope.INSTITUTION.value], "period": [period]}
            found = store.results(INDICATOR.name, where=where, start=window.start, end=window.end)
            if len(found):
                writer.replace(_compared(found, period, snapshot, book, calendar), where, window)
    registry.save_models([rules])


def _whole(calendar: LocalCalendar, window: Window, period: Period) -> Window:
    """All local periods that the window touches: what is compared lies within one."""
    edges = calendar.edges(window, period)
    return Window(int(edges[0]), int(edges[-1]))


def _compared(found: Table, period: str, snapshot: Snapshot, book: QuotaBook, calendar: LocalCalendar) -> Table:
    """The rows again, each with its limits, place and group."""
    n = len(found)
    columns = {name: np.full(n, np.nan) for name in ("rank", "rank_of", *LIMIT_FIELDS)}
    labels: list[str | None] = [None] * n
    # Months of two time zones begin at two instants and are one month all the same; so do the seasons of one winter,
    # in different months between July and December. What holds in November holds for them.
    own = {"month": _WINTER} if period == SEASON else {}
    months = [calendar.date_of(time + DAY // 2).replace(day=1, **own) for time in found.time.tolist()]
    comparable = {key for key, row in indicators().items() if row.denominator}
    places: dict[tuple[date, str, str], list[int]] = {}
    for place, key in enumerate(zip(months, found.tags["indicator"], found.tags["caliber"], strict=True)):
        if key[1] in comparable:
            places.setdefault(key, []).append(place)
    for (month, indicator, caliber), rows in places.items():
        where = np.array(rows)
        asked = _Asked(indicator, caliber, month, tuple(found.tags["id"][where]))
        part = _compare(
            asked,
            np.asarray(found.fields["value"], np.float64)[where],
            np.asarray(found.fields["coverage"], np.float64)[where],
            snapshot,
            book,
        )
        for name, values in zip(columns, (part.rank, part.rank_of, *part.limits.T), strict=True):
            columns[name][where] = values
        for place, label in zip(rows, part.group, strict=True):
            labels[place] = label
    fields = {"value": found.fields["value"], "coverage": found.fields["coverage"], **columns, "group": texts(labels)}
    return table(INDICATOR, found.time, found.tags, fields)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One indicator of one rolling year, and whose values it has."""

    indicator: str
    caliber: str
    month: date
    institutions: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What is added to the rows of one indicator and month; `limits` has a column for each of `LIMIT_FIELDS`."""

    limits: FloatArray
    rank: FloatArray
    rank_of: FloatArray
    group: list[str | None]


def _compare(asked: _Asked, values: FloatArray, coverage: FloatArray, snapshot: Snapshot, book: QuotaBook) -> _Part:
    fine, coarse, coarsest = _divisions(snapshot, asked.institutions)
    ranking = rank(values, coverage, fine)
    complete = is_complete(values, coverage)
    drivers = _drivers(snapshot, asked)
    grouping = choose_groups([fine, coarse, coarsest], complete)
    limits = np.full((len(values), len(LIMIT_FIELDS)), np.nan)
    group: list[str | None] = [None] * len(values)
    for level, names in enumerate((fine, coarse, coarsest)):
        own = np.array(names, dtype=object)
        for label in sorted({str(name) for name in grouping.label[grouping.level == level]}):
            members = (own == label) & complete
            tiers = _tiers(values[members], drivers[members])
            if tiers is None:
                continue
            judged = np.flatnonzero((grouping.level == level) & (grouping.label == label))
            limits[judged] = _of_peers(tiers, values[judged], drivers[judged])
            for i in judged.tolist():
                group[i] = _named(label, tiers.n_members, is_parent=bool(level))
    for i, name in enumerate(asked.institutions):
        entry = book.entry(name, asked.indicator, asked.caliber, asked.month)
        if entry is not None:
            limits[i] = np.nan
            limits[i, : len(LIMITS)] = _cells(entry.levels)
            group[i] = f"{entry.key.standard}" + ("" if entry.is_official else " (待核实)")
    return _Part(plain(limits), ranking.rank, ranking.rank_of, group)


def _named(label: str, n_members: int, *, is_parent: bool) -> str:
    return f"peers {label} n={n_members}" + (" (parent)" if is_parent else "")


class Peers(NamedTuple):
    """Whose limits hold: the group, its members with a known value, and whether a finer group was too small."""

    label: str
    n_members: int
    is_parent: bool


def peers_named(group: str) -> Peers | None:
    """The peers that a `group` names; None where the limits are a quota's."""
    found = _NAMED.fullmatch(group)
    return None if found is None else Peers(found[1], int(found[2]), found[3] is not None)


def _of_peers(tiers: ToldTiers, values: FloatArray, drivers: FloatArray) -> FloatArray:
    """Columns of `LIMIT_FIELDS` for each institution of a group."""
    ends = tiers.intervals_for(drivers).reshape(len(values), 2 * len(LIMITS))
    return np.column_stack((tiers.limits_for(drivers), ends, tiers.adjustments_for(values, drivers)))


def _cells(levels: Levels) -> list[float]:
    given = (levels.constraint, levels.baseline, levels.guide)
    return [np.nan if level is None else level for level in given]


def _tiers(values: FloatArray, drivers: FloatArray) -> ToldTiers | None:
    found = peer_tiers(values, drivers, DRIVERS, np.random.default_rng(SEED))
    return None if isinstance(found, Note) else found.told()


def _divisions(snapshot: Snapshot, institutions: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """type x tier x zone, type x zone, type of each institution; "" where a part is not stated."""
    found = [divisions_of(snapshot, name) for name in institutions]
    fine, coarse, coarsest = ([one[level] for one in found] for level in range(3))
    return fine, coarse, coarsest


def divisions_of(snapshot: Snapshot, institution: str) -> tuple[str, str, str]:
    """The groups an institution is compared within, the finest first; "" where a part is not stated."""
    own = snapshot.institutions.get(institution)
    if own is None:
        return "", "", ""
    kind, tier, zone = own.type, own.tier, snapshot.climate_zone_of(institution)
    return f"{kind}/{tier}/{zone}" if kind and tier and zone else "", f"{kind}/{zone}" if kind and zone else "", kind


def _drivers(snapshot: Snapshot, asked: _Asked) -> FloatArray:
    """Drivers of each institution as stated in the month, shape (n, 2)."""

    def stated(kind: str) -> FloatArray:
        rows = [snapshot.denominator_on(Scope.INSTITUTION.value, i, kind, asked.month) for i in asked.institutions]
        return np.array([np.nan if row is None else row.value for row in rows], np.float64)

    with np.errstate(invalid="ignore", divide="ignore"):
        area = stated("floor_area")
        density = np.where(area > 0, stated("users") / area, np.nan)
    return np.column_stack((density, stated("operating_hours")))


@dataclass(frozen=True, slots=True)
class QuotaBook:
    """Approved and shipped quotas with the region they hold in."""

    snapshot: Snapshot
    entries: tuple[tuple[str, QuotaEntry], ...]

    @classmethod
    def of(cls, registry: Registry, snapshot: Snapshot) -> QuotaBook:
        """The book as it stands."""
        shipped = [(row.region, entry_of(row)) for row in quotas()]
        return cls(snapshot, (*shipped, *((row.region, _approved(row)) for row in registry.quotas.rows())))

    def signature(self) -> str:
        """Changes with the quotas, and with what says which of them hold for whom and who is alike."""
        names = sorted(self.snapshot.institutions.values(), key=lambda own: own.id)
        alike = [
            (own.id, own.region, own.type, own.tier, own.quota_class, self.snapshot.climate_zone_of(own.id))
            for own in names
        ]
        return hashlib.sha256(repr((self.entries, alike)).encode()).hexdigest()

    def entry(self, institution: str, indicator: str, caliber: str, on: date) -> QuotaEntry | None:
        """The one quota of an institution on a day; None where the book has none.

        Of several standards that of the nearest region counts, then the one that came into force last. Of two that
        came into force together nobody can tell which is meant: none.
        """
        own = self.snapshot.institutions.get(institution)
        if own is None or not own.quota_class:
            return None
        levels = self._levels(own.region)
        asked = self._asked(institution, indicator, on)
        classes = {kind for kind, _, _ in asked}
        standards: dict[tuple[int, str], list[QuotaEntry]] = {}
        for region, entry in self.entries:
            is_meant = entry.key.institution_type in classes and entry.key.indicator == indicator
            near = _nearness(region, levels) if is_meant and entry.caliber == caliber else None
            if near is not None:
                standards.setdefault((near, entry.key.standard), []).append(entry)
        found: list[tuple[int, date, QuotaEntry]] = []
        for (near, standard), rows in standards.items():
            for kind, tier, zone in asked:
                with contextlib.suppress(MissingReference):
                    entry = quota_on(rows, QuotaKey(standard, kind, tier, zone, indicator), on)
                    found.append((near, entry.valid_from or date.min, entry))
        found.sort(key=lambda one: one[:2])
        return found[-1][2] if found and (len(found) == 1 or found[-1][:2] != found[-2][:2]) else None

    def _asked(self, institution: str, indicator: str, on: date) -> list[tuple[str, str, str]]:
        """Class, tier and zone by which limits are found: those stated, and of GB/T 51161 those of its own table."""
        own = self.snapshot.institutions[institution]
        found = [(own.quota_class or "", own.tier or "", self.snapshot.climate_zone_of(institution) or "")]
        office = office_key(self.snapshot, institution, on) if indicator == OFFICE_CORRECTED else None
        return found if office is None or office in found else [*found, office]

    def _levels(self, code: str) -> list[tuple[str, ...]]:
        """Code and name of the nation, of each region down to this one: a row of the book may give either."""
        levels: list[tuple[str, ...]] = []
        while (region := self.snapshot.regions.get(code)) is not None:
            levels.append((code, region.name_zh))
            code = region.parent or ""
        return [(_NATION,), *reversed(levels)]


def _nearness(region: str, levels: Sequence[tuple[str, ...]]) -> int | None:
    """The level of a row's region, 0 the nation; None where it is another's.

    A code also begins those below it, and a name may be short (山东): the highest level that fits is meant.
    """
    return next((i for i, names in enumerate(levels) if any(name.startswith(region) for name in names)), None)


def _approved(row: ApprovedQuota) -> QuotaEntry:
    tier, variant = tier_and_variant(row.tier)
    return QuotaEntry(
        QuotaKey(row.standard, row.institution_type, tier, row.climate_zone, row.indicator, variant),
        Levels(row.constraint, row.baseline, row.guide),
        row.unit,
        row.caliber,
        row.source,
        row.valid_from,
        row.valid_to,
        is_approved=bool(row.approved_by),
        is_official=row.confidence != "unsure",
    )
