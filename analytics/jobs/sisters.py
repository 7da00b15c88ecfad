"""Buildings against their sisters: same type, tier and zone of institution, electricity per floor area, by month.

It needs more than one institution, so it follows when each has been computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.detection import rules
from analytics.detection.kinds import Kind
from analytics.findings import Finding
from analytics.jobs.outlook import Outlook, kgce_per_unit
from analytics.jobs.rows import runs
from analytics.order import MAD
from analytics.rollup import WHOLE
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Category, Scope
from energy.registry import Snapshot
from energy.series import BoolArray, FloatArray, IntArray
from energy.storage.base import ResultStore
from energy.storage.schema import TOTAL
from energy.units import CANONICAL

LEAST: Final = 5
"""Buildings that make a group; where type, tier and zone leave fewer, type and zone count, then the type."""
TIMES: Final = 1.5
"""How often its sisters' use, and its own usual ratio to it, a building must show: hours and people differ by less."""
MIN_COVERAGE: Final = 0.9
DOUBT: Final = 3.5
"""Strength at which a building is as likely as not beyond its group; above it, it stands out."""
MONTHS_OFF: Final = 2
"""Months in which a building does not stand out that end nothing: one at the edge would be told again and again."""
FLOOR: Final = 0.05
"""The least unrest of ratios from month to month: months have other weekdays, meters and areas are rounded."""
YEAR_BEFORE_S: Final = 366 * DAY
"""Months before the span that tell how a building and its sisters usually compare."""
_CATEGORY: Final = Category.ELECTRICITY


def with_sisters(
    store: ResultStore, snapshot: Snapshot, calendar: LocalCalendar, outlooks: Sequence[Outlook]
) -> list[Outlook]:
    """The outlooks with buildings that used much more than their sisters in months that have ended."""
    years: dict[int, int] = {}
    for span in (span for outlook in outlooks for span in outlook.spans):
        years[span.start] = max(span.end, years.get(span.start, span.end))
    by_institution: dict[str, list[Finding]] = {}
    for start, end in sorted(years.items()):
        looked_at = {o.institution: span for o in outlooks for span in o.spans if span.start == start}
        for institution, finding in _of_span(store, snapshot, calendar, Window(start, end)):
            if institution in looked_at and finding.start in looked_at[institution]:
                by_institution.setdefault(institution, []).append(finding)
    return [replace(o, found=(*o.found, *by_institution.get(o.institution, ()))) for o in outlooks]


def _of_span(
    store: ResultStore, snapshot: Snapshot, calendar: LocalCalendar, span: Window
) -> Iterator[tuple[str, Finding]]:
    """Institution and finding of every building that stands out in the months of the span."""
    months = calendar.edges(Window(span.start - YEAR_BEFORE_S, span.end), "month")
    months = months[months <= span.end]
    begin = int(np.searchsorted(months, span.start))
    used = _used(store, snapshot, calendar, months)
    for group in _groups(snapshot, sorted(used)):
        usual = _usual([used[name] for name in group.members], len(months) - 1)
        for row, name in enumerate(group.members):
            if name in group.judged:
                yield from ((used[name].institution, f) for f in _findings(used[name], usual.of(row), months, begin))


@dataclass(frozen=True, slots=True)
class _Group:
    """Buildings that are alike, and those of them for which no narrower group is large enough."""

    members: list[str]
    judged: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Usual:
    """What a building's sisters use per area, how strongly it lies above them, and whether it stands out, by month.

    `ratio` is how much more than its sisters it uses (a logarithm), `unrest` by how much such ratios of the group
    change from month to month.
    """

    middle: FloatArray
    strength: FloatArray
    stands_out: BoolArray
    ratio: FloatArray
    unrest: float

    def of(self, row: int) -> _Usual:
        """Of one of the buildings."""
        return _Usual(self.middle[row], self.strength[row], self.stands_out[row], self.ratio[row], self.unrest)

    def own_ratio(self, here: slice) -> float:
        """Of one building, its ratio in the other months in which it does not stand out; NaN where there is none."""
        quiet = ~self.stands_out & np.isfinite(self.ratio)
        quiet[here] = False
        return float(np.median(self.ratio[quiet])) if quiet.any() else np.nan


def _usual(members: Sequence[_Use], n_months: int) -> _Usual:
    """Of every building of a group, shape (n_buildings, n_months); NaN where too few of them are known."""
    middle, strength, actual = (np.full((len(members), n_months), np.nan) for _ in range(3))
    for month in range(n_months):
        per_area = np.array([use.per_area(month) for use in members])
        for place in rules.sisters(per_area[:, None], limit=-np.inf, least=LEAST):
            middle[place.row, month], actual[place.row, month] = place.expected, place.actual
            strength[place.row, month] = place.strength
    ratio = np.log(actual / middle)
    return _Usual(middle, strength, (strength > DOUBT) & (actual >= TIMES * middle), ratio, _unrest(ratio))


def _unrest(ratio: FloatArray) -> float:
    """Robust standard deviation of buildings' ratios about each one's own middle."""
    moves = [np.abs(row - np.median(row)) for own in ratio if len(row := own[np.isfinite(own)])]
    return max(MAD * float(np.median(np.concatenate(moves))), FLOOR) if moves else FLOOR


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """One building's months: electricity [kWh], what it cost [yuan], floor area [m2]; NaN where unknown."""

    institution: str
    meter: str
    amount: FloatArray
    cost: FloatArray
    area: FloatArray

    def per_area(self, month: int) -> float:
        return float(self.amount[month] / self.area[month])


def _used(store: ResultStore, snapshot: Snapshot, calendar: LocalCalendar, months: IntArray) -> dict[str, _Use]:
    """Months of every building that has a meter of its own and a floor area."""
    mains = _mains(snapshot)
    if len(months) < 2 or not mains:
        return {}
    where = {
        "scope": [Scope.BUILDING.value], "id": sorted(mains), "period": ["month"],
        "category": [_CATEGORY.value], "item": [WHOLE],
    }  # fmt: skip
    first, last = int(months[0]) - DAY, int(months[-1]) - DAY  # time zones begin a month within a day
    rows = store.results(TOTAL.name, where=where, start=first, end=last)
    column = np.searchsorted(months, rows.time + DAY, side="right") - 1
    amount, cost, coverage = (np.asarray(rows.fields[n], np.float64) for n in ("amount", "cost_yuan", "coverage"))
    amount = np.where(coverage >= MIN_COVERAGE, amount, np.nan)
    dates = [calendar.date_of(int(month)) for month in months[:-1]]
    found = {}
    for name, meter in mains.items():
        areas = [snapshot.denominator_on(Scope.BUILDING.value, name, "floor_area", on) for on in dates]
        use, paid = np.full(len(dates), np.nan), np.full(len(dates), np.nan)
        own = np.flatnonzero(rows.tags["id"] == name)
        use[column[own]], paid[column[own]] = amount[own], cost[own]
        area = np.array([np.nan if row is None or row.value <= 0 else row.value for row in areas])
        if np.isfinite(use / area).any():
            found[name] = _Use(snapshot.buildings[name].institution, meter, use, paid, area)
    return found


def _mains(snapshot: Snapshot) -> dict[str, str]:
    """The electricity meter at which each building is seen best: the one with none above it in the building."""
    found: dict[str, str] = {}
    for meter in sorted(snapshot.meters.values(), key=lambda m: m.id):
        if meter.building is None or meter.category is not _CATEGORY or meter.quantity != "energy" or meter.item:
            continue
        above = snapshot.meters.get(meter.parent) if meter.parent else None
        if above is None or above.building != meter.building:
            found.setdefault(meter.building, meter.id)
    return found


def _groups(snapshot: Snapshot, buildings: Sequence[str]) -> Iterator[_Group]:
    """Sisters, each building judged in the narrowest group that is large enough."""
    left = set(buildings)
    keys = [_key(snapshot, name) for name in buildings]
    for parts in ((0, 1, 2), (0, 2), (0,)):
        by_key: dict[tuple[str, ...], list[str]] = {}
        for name, key in zip(buildings, keys, strict=True):
            own = tuple(key[i] for i in parts)
            if all(own):
                by_key.setdefault(own, []).append(name)
        for members in by_key.values():
            if len(members) >= LEAST and not left.isdisjoint(members):
                yield _Group(members, frozenset(left.intersection(members)))
                left.difference_update(members)


def _key(snapshot: Snapshot, building: str) -> tuple[str, str, str]:
    own = snapshot.institutions[snapshot.buildings[building].institution]
    return own.type or "", own.tier or "", snapshot.climate_zone_of(own.id) or ""


def _findings(use: _Use, usual: _Usual, months: IntArray, begin: int) -> Iterator[Finding]:
    """One finding for the months from the first to the last in which the building stands out, few others between.

    Months before `begin` only tell how its use and its sisters' usually compare. What always lies between them is a
    difference of buildings, which rankings show: only what is beyond it counts, and only where it is rare and large.
    """
    known = np.isfinite(usual.middle * use.amount * use.area)
    for first, end in _spans(usual.stands_out[begin:], known[begin:]):
        here = slice(begin + first, begin + end)
        own = usual.own_ratio(here)
        actual = float(use.amount[here].sum())
        like_sisters = float((usual.middle[here] * use.area[here]).sum())
        expected = like_sisters * float(np.exp(np.fmax(own, 0.0)))
        beyond_own = float(np.max(usual.ratio[here] - own)) / usual.unrest
        strength = float(np.fmin(usual.strength[here].max(), beyond_own))
        if strength <= DOUBT or actual < TIMES * expected:
            continue
        price = float(use.cost[here].sum()) / actual
        yield Finding(
            use.meter,
            Kind.SISTER,
            int(months[here.start]),
            int(months[here.stop]),
            actual,
            expected,
            CANONICAL[_CATEGORY],
            strength / (strength + DOUBT),
            (("sisters", strength),),
            (actual - expected) * price,
            (actual - expected) * kgce_per_unit(_CATEGORY),
            seen=int(months[here.start + 1]),
        )


def _spans(stands_out: BoolArray, known: BoolArray) -> list[tuple[int, int]]:
    """(first, last + 1) of the runs of months that stand out; those with few known months between are one."""
    joined: list[tuple[int, int]] = []
    for first, end in runs(stands_out):
        if joined and first - joined[-1][1] <= MONTHS_OFF and known[joined[-1][1] : first].all():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    return joined
