"""Findings of one institution: alarms of its watched years, faults of its metering; one a cause, with its worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.anomalies import LEAD_DAYS
from analytics.consumption import resolution
from analytics.detection.kinds import SHORT, Kind
from analytics.findings import (
    Finding,
    Pricing,
    Verdict,
    budgets_after,
    findings_of,
    group_by_cause,
    priced,
    told_and_silenced,
)
from analytics.jobs.breaches import Year, breaches
from analytics.jobs.estate import Estate
from analytics.jobs.habits import Expectations, years_of
from analytics.jobs.limits import Extents, has_season
from analytics.jobs.metering import Usual, register_findings, silences
from analytics.jobs.surroundings import Surroundings
from analytics.jobs.watch import Watched, Watcher, seen_at
from energy.caliber import caliber
from energy.intervals import DAY, HOUR, RESOLUTIONS, Window
from energy.model import Category, Meter, Scope, ValueKind
from energy.registry import FittedModel, Registry
from energy.storage.base import ResultStore
from energy.storage.schema import TOTAL
from energy.units import CANONICAL

CALIBER: Final = "gb2589_equivalent_value"
ALARMS_A_YEAR: Final = (6.0, 1.5)
"""Alarms a meter-year, lasting and sudden, that thresholds are set for: what the readers' budget of 7.3 can hold."""
SPEAKS_S: Final = 2 * 365 * DAY
"""How long after a finding's end its verdict counts: by then people, plants and meters have changed."""
_VERDICTS: Final = {"confirmed": Verdict.TRUE, "false_alarm": Verdict.FALSE, "known": Verdict.KNOWN}

Said = Sequence[tuple[str, Kind, Verdict]]
"""What people said of findings: meter, kind, verdict."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was found in one institution.

    Attributes
    ----------
    institution : str
    spans : tuple of Window
        Days that were judged: a stored finding that begins in one of them and is not among `found` is gone.
    found : tuple of Finding
    silenced : tuple of Finding
        Not told because people called such findings of the meter false: none of them is new.
    silent : tuple of Finding or None
        Meters nothing is heard of; None where nobody looked.
    fresh : tuple of FittedModel
        Models by which years were judged that are not stored yet.
    """

    institution: str
    spans: tuple[Window, ...]
    found: tuple[Finding, ...]
    silent: tuple[Finding, ...] | None
    fresh: tuple[FittedModel, ...]
    silenced: tuple[Finding, ...] = ()


def look(
    store: ResultStore,
    registry: Registry,
    watcher: Watcher,
    expectations: Expectations,
    years: Sequence[int],
    *,
    now: int,
    refit: bool,
    is_new_day: bool,
) -> Outlook:
    """Judge these years of the institution anew."""
    estate, extents = watcher.estate, watcher.extents
    meters = [meter for meter in estate.meters if meter.id in extents]
    said = verdicts(registry, estate.institution, now)
    rows = budgets_after(said, [meter.id for meter in meters], ALARMS_A_YEAR)
    budgets = {meter.id: (float(row[0]), float(row[1])) for meter, row in zip(meters, rows, strict=True)}
    pricing = pricing_of(store, meters, years)
    watched = [w for year in years if (w := watcher.judge(year, now=now, budgets=budgets, refit=refit)) is not None]
    usual = _usual(expectations, meters)
    found: list[Finding] = []
    for part in watched:
        found += _of_year(part, estate, extents, watcher.around, usual, pricing)
    silent = silences(estate.calendar, meters, extents, now, pricing) if is_new_day else None
    told, silenced = told_and_silenced(found, said)
    return Outlook(
        estate.institution,
        tuple(part.span for part in watched),
        tuple(told),
        None if silent is None else tuple(silent),
        tuple(model for part in watched for model in part.fresh),
        tuple(silenced),
    )


def _of_year(
    part: Watched,
    estate: Estate,
    extents: Extents,
    around: Surroundings,
    usual: Usual,
    pricing: Mapping[str, Pricing],
) -> list[Finding]:
    names = [meter.id for meter in part.meters]
    parents = {meter.id: meter.parent for meter in estate.meters}
    alarms = [told for f in findings_of(part.alarms, names, pricing) if (told := _told(f, part, pricing)) is not None]
    alarms = [replace(alarm, seen=seen_at(estate.calendar, alarm.start)) for alarm in alarms]
    found = group_by_cause([*alarms, *breaches(Year(part, estate, extents, around, pricing))], parents)
    read = [meter for meter in estate.meters if meter.id in part.steps]
    last = {meter.id: extents[meter.id][1] for meter in read}
    return found + register_findings(estate.calendar, read, part.steps, part.span, last, usual, pricing)


def _told(finding: Finding, part: Watched, pricing: Mapping[str, Pricing]) -> Finding | None:
    """The finding without what the readings of a register tell better.

    Equal amounts of neighbouring hours are the coarse steps of its display, not a standstill; and an hour that caught
    up with others would have been unknown. A plant with a season is run by people and weather hour by hour: what does
    not last a day there is no fault worth a visit, and what is worth one shows in the building's main meter too.
    """
    meter = next(m for m in part.meters if m.id == finding.meter)
    if has_season(meter) and finding.end - finding.start < DAY:
        return None
    if meter.value_kind is not ValueKind.REGISTER:
        return finding
    if finding.kind is Kind.STUCK:
        return None
    if finding.kind is Kind.GAP_CATCHUP:
        return priced(replace(finding, kind=kind_of_use(finding)), pricing[meter.id])
    return finding


def kind_of_use(finding: Finding) -> Kind:
    """What hours that did not catch up with others tell of use."""
    if finding.difference < 0:
        return Kind.LOW
    return Kind.SPIKE if finding.end - finding.start <= SHORT * HOUR else Kind.LEVEL


def verdicts(registry: Registry, institution: str, now: int) -> list[tuple[str, Kind, Verdict]]:
    """What people said of the institution's findings in the last `SPEAKS_S`."""
    return [
        (row.meter, Kind(row.kind), _VERDICTS[row.verdict])
        for row in registry.findings.rows(institution=institution)
        if row.verdict is not None and row.meter is not None and row.kind in set(Kind)
        if (row.end or row.start) + SPEAKS_S > now
    ]


def pricing_of(store: ResultStore, meters: Sequence[Meter], years: Sequence[int]) -> dict[str, Pricing]:
    """What a unit of each meter is worth: its cost by its amount over the year so far, coal by the caliber."""
    names = [meter.id for meter in meters]
    where = {"scope": [Scope.METER.value], "id": names, "period": ["year"], "item": ["all"]}
    start = min((int(np.datetime64(f"{y}-01-01", "s").astype(np.int64)) for y in years), default=0) - DAY
    rows = store.results(TOTAL.name, where=where, start=start, end=2**40, fields=("amount", "cost_yuan"))
    paid: dict[str, tuple[float, float]] = {}
    for name, amount, cost in zip(rows.tags["id"], rows.fields["amount"], rows.fields["cost_yuan"], strict=True):
        if float(amount) > 0 and float(cost) == float(cost):
            before = paid.get(name, (0.0, 0.0))
            paid[name] = before[0] + float(amount), before[1] + float(cost)
    coal = {category: kgce_per_unit(category) for category in {meter.category for meter in meters}}
    return {
        meter.id: Pricing(
            CANONICAL[meter.category],
            paid[meter.id][1] / paid[meter.id][0] if meter.id in paid else float("nan"),
            coal[meter.category],
        )
        for meter in meters
    }


def kgce_per_unit(category: Category) -> float:
    """Standard coal of a unit of the category by `CALIBER`; NaN where that has no coefficient. [kgce]"""
    counted = caliber(CALIBER)
    if category not in counted.coefficients:
        return float("nan")
    return float(counted.convert(category, np.ones(1))[0])


def _usual(expectations: Expectations, meters: Sequence[Meter]) -> Usual:
    steps = {meter.id: RESOLUTIONS[resolution(meter.interval_s) or "hour"] for meter in meters}

    def total(meter: str, start: int, end: int) -> float:
        step = steps[meter]
        first = start // step * step
        return float(expectations.on_grid(meter, first, max((end - first) // step, 1), step).amount.sum())

    return total


def years_to_judge(estate: Estate, extents: Extents, windows: Sequence[Window], now: int) -> list[int]:
    """Years whose judgement changes with closed days in these windows: the level of a day is felt for two months."""
    today = int(estate.calendar.edges(Window(now, now + 1), "day")[0])
    read = {
        year for meter in estate.meters if meter.id in extents for year in years_of(estate.calendar, extents[meter.id])
    }
    felt = LEAD_DAYS * DAY
    spans = [(w.start, min(w.end, today) + felt) for w in windows if w.start < today]
    touched = {y for a, b in spans for y in years_of(estate.calendar, (a, b))}
    return sorted(read & touched)
