"""Progress of the year's targets: rows of `target` for each day gone by, and stages raised once or withdrawn."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from analytics.indicators import Amounts, Stated, weighted_by_time
from analytics.jobs.bills import is_workday
from analytics.jobs.official import PURPOSES, scoped
from analytics.jobs.proposals import propose_targets
from analytics.jobs.rows import Writer, nothing, plain, repeated, table
from analytics.jobs.stages import Subject, changed_stages, stages_of, subject_of, withdrawn
from analytics.progress import (
    STAGES,
    Uncertainty,
    breach_day,
    day_of_stage,
    expected_share,
    forecast_year,
    outlook,
    reached,
    seasonal_profile,
    stage_of,
)
from analytics.quotas import scope_of
from analytics.rollup import WHOLE
from analytics.spread import DRIFT_PRIOR
from energy.caliber import caliber
from energy.errors import ReferenceTableError
from energy.intervals import LocalCalendar, Window
from energy.model import Category
from energy.reference import indicator
from energy.registry import FittedModel, Registry, Snapshot
from energy.registry.decisions import Stage, Target
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import TARGET, TOTAL

log = logging.getLogger(__name__)

SHEET: Final = "targets"
"""Kind of the model that remembers which targets counted when progress was last computed."""
VERSION: Final = 2
"""Of how progress is counted: where it rises, every target is computed anew once."""
HISTORY_YEARS: Final = 3
_FOREVER: Final = 2**40
_EPOCH: Final = date(1970, 1, 1)


def compute_targets(
    store: ResultStore,
    registry: Registry,
    snapshot: Snapshot,
    writer: Writer,
    calendar: LocalCalendar,
    *,
    changed: Collection[str],
    now: int,
    stages: Sequence[float] = STAGES,
) -> int:
    """Bring proposals and the progress of targets up to date; how many targets were followed.

    Parameters
    ----------
    store : ResultStore
        Where totals are read.
    registry : Registry
        Targets, and the stages that stand raised.
    snapshot : Snapshot
        Denominators and places.
    writer : Writer
        Where progress is written.
    calendar : LocalCalendar
        Of regions, and of institutions whose sites name no time zone.
    changed : collection of str
        Institutions and regions whose figures changed. Targets that changed themselves are computed anyway.
    now : int
        [s]
    stages : sequence of float
        Shares of the annual target at which a stage is raised, rising.
    """
    propose_targets(store, registry, snapshot, calendar, now=now)
    binding = binding_targets(registry.targets.rows())
    followed = sorted(subject_of(target) for target in binding)
    signed = repr((VERSION, sorted(binding, key=subject_of), tuple(stages)))
    signature = hashlib.sha256(signed.encode()).hexdigest()
    seen = registry.models(SHEET).get(SHEET)
    before = {} if seen is None else seen.json()
    everything = before.get("signature") != signature
    wanted = [t for t in binding if everything or t.id in changed or _institution_of(snapshot, t) in changed]
    ended = {Subject(*one) for one in before.get("followed", ())} - set(followed)
    rows = stages_of(registry, {*ended, *map(subject_of, wanted)})
    found: list[Stage] = []
    for target in wanted:
        own = _calendar_of(snapshot, target, calendar)
        progress = _progress(store, snapshot, own, target, now)
        if progress is not None:
            _write(writer, own, progress, stages)
            found += _stages(own, progress, rows.get(subject_of(target), ()), now, stages)
    for subject in sorted(ended):
        _write_nothing(writer, _calendar_of(snapshot, subject, calendar), subject)
        found += withdrawn(rows.get(subject, ()), now)
    if found:
        registry.stages.put(found)
    payload = {"signature": signature, "followed": followed}
    registry.save_models([FittedModel.of(SHEET, SHEET, start=0, end=0, payload=payload)])
    return len(wanted)


def binding_targets(rows: Sequence[Target]) -> list[Target]:
    """The one target of each subject that counts: issued before approved; a proposal nobody approved counts not."""
    found: dict[Subject, Target] = {}
    for row in rows:
        if row.state == "issued":
            found[subject_of(row)] = row
        elif row.approved_by:
            found.setdefault(subject_of(row), row)
    return list(found.values())


def _institution_of(snapshot: Snapshot, of: Target | Subject) -> str | None:
    if of.scope != "building":
        return of.id if of.scope == "institution" else None
    building = snapshot.buildings.get(of.id)
    return building.institution if building else None


def _calendar_of(snapshot: Snapshot, of: Target | Subject, default: LocalCalendar) -> LocalCalendar:
    """Days as the institution counts them."""
    institution = _institution_of(snapshot, of)
    zone = snapshot.zone_of(institution) if institution else None
    return LocalCalendar(zone) if zone else default


@dataclass(frozen=True, slots=True, eq=False)
class _Progress:
    """One target and the days of its year; all arrays have one entry a day."""

    target: Target
    days: IntArray
    n_elapsed: int
    use: FloatArray
    coverage: FloatArray
    expected: FloatArray
    day_spread: float

    @property
    def running_coverage(self) -> FloatArray:
        """Share of the days up to each that is known."""
        return np.cumsum(self.coverage) / np.arange(1, len(self.coverage) + 1)

    @property
    def running_use(self) -> FloatArray:
        """Known use up to each day; NaN before the first known one."""
        known = np.cumsum(np.isfinite(self.use)) > 0
        return np.where(known, np.cumsum(np.nan_to_num(self.use)), np.nan)


def _progress(
    store: ResultStore, snapshot: Snapshot, calendar: LocalCalendar, target: Target, now: int
) -> _Progress | None:
    """Everything known of a target's year; None where the indicator cannot be computed for it, which is logged."""
    first = (date(target.year, 1, 1) - _EPOCH).days
    days = np.arange(first, (date(target.year + 1, 1, 1) - _EPOCH).days, dtype=np.int64)
    past = np.arange((date(target.year - HISTORY_YEARS, 1, 1) - _EPOCH).days, first, dtype=np.int64)
    today = int(calendar.day_number(np.array([now]))[0])
    n_elapsed = min(max(today - first, 0), len(days))
    try:
        use, coverage = _daily(store, snapshot, calendar, target, np.concatenate((past, days)))
    except ReferenceTableError as exc:
        log.warning("target %s of %s %s is not followed: %s", target.indicator, target.scope, target.id, exc)
        return None
    own, before = use[len(past) :], use[: len(past)]
    kind_before, kind = is_workday(calendar, past), is_workday(calendar, days)
    expected = seasonal_profile(before, _month(past), kind_before, _month(days), kind)
    shape = seasonal_profile(before, _month(past), kind_before, _month(past), kind_before)
    known = np.isfinite(before) & np.isfinite(shape)
    spread = float(np.std((before - shape)[known])) if known.any() else 0.0
    cut = np.where(np.arange(len(days)) < n_elapsed, own, np.nan)
    return _Progress(target, days, n_elapsed, cut, coverage[len(past) :], expected, spread)


def _month(days: IntArray) -> IntArray:
    return days.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12 + 1


def _daily(
    store: ResultStore, snapshot: Snapshot, calendar: LocalCalendar, target: Target, days: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Use of each day in the unit of the target, and what share of the day is known."""
    edges = calendar.day_start(np.array([days[0], days[-1] + 1]))
    found = store.results(
        TOTAL.name,
        where={"scope": [target.scope], "id": [target.id], "period": ["day"], "item": [WHOLE, *PURPOSES]},
        start=int(edges[0]),
        end=int(edges[1]),
        fields=("amount", "coverage"),
    )
    amounts, items = _amounts(found, calendar.day_number(found.time) - days[0], len(days))
    denominator = _denominator(snapshot, calendar, target)
    use = scoped(scope_of(target.indicator), caliber(target.caliber), amounts, items, denominator)
    if use is None:
        return np.full(len(days), np.nan), np.zeros(len(days))
    return use.value, np.where(np.isfinite(use.value), np.nan_to_num(use.coverage), 0.0)


def _amounts(found: Table, place: IntArray, n: int) -> tuple[Amounts, dict[str, FloatArray]]:
    """Whole of each category, and the end uses that standards leave out; a total has rows while it is in service."""
    amount: dict[Category, FloatArray] = {}
    present: dict[Category, BoolArray] = {}
    coverage: dict[Category, FloatArray] = {}
    items: dict[str, FloatArray] = {}
    for name, item in sorted(set(zip(found.tags["category"].tolist(), found.tags["item"].tolist(), strict=True))):
        category, rows = Category(name), (found.tags["category"] == name) & (found.tags["item"] == item)
        values, here = _scattered(found.fields["amount"], place, rows, n), np.isin(np.arange(n), place[rows])
        if item == WHOLE:
            amount[category], present[category] = values, here
            coverage[category] = _scattered(found.fields["coverage"], place, rows, n)
        elif category is Category.ELECTRICITY:
            items[item] = np.where(here, values, 0.0)
    return Amounts(amount, present, coverage), items


def _scattered(values: object, place: IntArray, rows: BoolArray, n: int) -> FloatArray:
    out = np.full(n, np.nan)
    out[place[rows]] = np.asarray(values, np.float64)[rows]
    return out


def _denominator(snapshot: Snapshot, calendar: LocalCalendar, target: Target) -> FloatArray | None:
    """Mean of the year, NaN where part of it is not stated; None where the indicator has none."""
    kind = indicator(target.indicator).denominator
    if not kind:
        return None
    rows = [
        Stated(
            row.value,
            0 if row.valid_from is None else calendar.start_of(row.valid_from),
            _FOREVER if row.valid_to is None else calendar.start_of(row.valid_to),
        )
        for row in snapshot.denominators_of(target.scope, target.id, kind)
    ]
    year = calendar.start_of(date(target.year, 1, 1)), calendar.start_of(date(target.year + 1, 1, 1))
    return weighted_by_time(rows, np.array(year[:1]), np.array(year[1:]))


def _write(writer: Writer, calendar: LocalCalendar, progress: _Progress, stages: Sequence[float]) -> None:
    """Rows of the days gone by; the forecast on Mondays and on the last of them."""
    target, n = progress.target, progress.n_elapsed
    edges = calendar.day_start(np.append(progress.days, progress.days[-1] + 1))
    value = np.full(n, target.value)
    used, coverage = progress.running_use[:n], progress.running_coverage[:n]
    share = np.array([expected_share(progress.expected[None], i + 1)[0] for i in range(n)])
    status = reached(used, value, coverage, stages)
    fields = {
        "target": value,
        "used": plain(used),
        "used_share": used / target.value if target.value else np.full(n, np.nan),
        "expected_share": share,
        "coverage": coverage,
        "stage": stage_of(status, stages),
        **_ahead(calendar, progress),
    }
    where = _tags(subject_of(target))
    tags = {name: repeated(values, [n]) for name, values in where.items()}
    writer.replace(table(TARGET, edges[:n], tags, fields), where, Window(int(edges[0]), int(edges[-1])))


def _write_nothing(writer: Writer, calendar: LocalCalendar, subject: Subject) -> None:
    """Leave no rows of a target that counts no more."""
    year = calendar.window(date(subject.year, 1, 1), date(subject.year, 12, 31))
    writer.replace(nothing(TARGET), _tags(subject), year)


def _tags(subject: Subject) -> dict[str, list[str]]:
    return {name: [str(getattr(subject, name))] for name in TARGET.tags}


def _ahead(calendar: LocalCalendar, progress: _Progress) -> dict[str, FloatArray]:
    names = ("forecast", "forecast_low", "forecast_high", "outlook", "breach_ms")
    out = {name: np.full(progress.n_elapsed, np.nan) for name in names}
    value = np.array([progress.target.value])
    uncertainty = Uncertainty(np.array([DRIFT_PRIOR]), np.array([progress.day_spread]))
    for i in range(progress.n_elapsed):
        if i + 1 < progress.n_elapsed and (progress.days[i] + 3) % 7:
            continue
        found = forecast_year(progress.use[None], progress.expected[None], i + 1, uncertainty)
        passed = int(breach_day(found, value)[0])
        breach = np.nan if passed < 0 else 1000.0 * calendar.day_start(progress.days[passed : passed + 1])[0]
        cells = (found.median[0], found.low[0], found.high[0], float(outlook(found, value)[0]), breach)
        for name, cell in zip(names, cells, strict=True):
            out[name][i] = cell
    return out


def _stages(
    calendar: LocalCalendar, progress: _Progress, rows: Sequence[Stage], now: int, stages: Sequence[float]
) -> list[Stage]:
    """What is to be raised or withdrawn now."""
    target, n = progress.target, progress.n_elapsed
    if n == 0:
        return []
    used, value = progress.running_use[n - 1 : n], np.array([target.value])
    status = reached(used, value, progress.running_coverage[n - 1 : n], stages)[0].tolist()
    day = day_of_stage(progress.use[None], value, stages)[0]
    ends = calendar.day_start(progress.days[day] + 1).tolist()
    reached_at = {stage: end for stage, end, on in zip(stages, ends, day.tolist(), strict=True) if on >= 0}
    known = float(np.nan_to_num(used)[0])
    return changed_stages(target, rows, dict(zip(stages, status, strict=True)), reached_at, used=known, now=now)
