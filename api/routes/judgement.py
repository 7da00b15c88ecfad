"""How use is judged: indicators beside their quotas and ranks, and how far a year has come against its target."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field

from analytics.jobs.peers import LIMIT_FIELDS, peers_named
from analytics.quotas import OFFICE_CORRECTED, OFFICE_MEASURED
from api.answers import Pages, Wants, Wish, answers, listed
from api.callers import Sees
from api.context import Ctx
from api.offices import KEYS, OfficeCorrection
from api.places import LEVELS, institution_of
from api.schemas import Body, Share
from api.shielding import shielded
from api.strict import noun
from api.times import Between
from energy.errors import ReferenceTableError
from energy.intervals import LocalCalendar
from energy.model import Scope as Level
from energy.reference import indicator as indicator_of
from energy.reference import indicators
from energy.series import Table

router = noun("decisions")


class IndicatorOut(Body):
    """One indicator of one period, beside the quota that holds for it."""

    indicator: str
    name: str
    caliber: str = Field(description="口径: coefficients and what was counted; empty for physical amounts")
    unit: str = Field(description="of a month or day without the year that intensities are stated by")
    start: int = Field(description="local start of the period, UTC epoch seconds; of rolling12 the last month")
    value: float | None = Field(description="null = unknown")
    constraint: float | None = Field(description="约束值")
    baseline: float | None = Field(description="基准值")
    guide: float | None = Field(description="引导值")
    constraint_low: float | None = Field(description="80 % interval of a limit of peers; null for limits of a quota")
    constraint_high: float | None
    baseline_low: float | None
    baseline_high: float | None
    guide_low: float | None
    guide_high: float | None
    group: str | None = Field(description="the standard, or the peers compared with; limits of peers hide as ranks do")
    n_peers: int | None = Field(description="members of the group whose figure is known; null for limits of a quota")
    is_parent_group: bool | None = Field(description="true where a finer group was too small")
    adjustment_users_per_area: float | None = Field(
        description="part of the value that is due to persons per area, in its unit; limits of peers allow for it"
    )
    adjustment_operating_hours: float | None = Field(description="the same of hours of use; null = nothing adjusted")
    rank: int | None = Field(
        description="in the group, 1 = least; null where fewer than 5 of the group are unknown to you"
    )
    rank_of: int | None
    coverage: Share | None
    standard: str = Field("", description="that defines the indicator, with its year; empty where none does")
    confidence: str = Field("", description="of the standard's text here: sure, seen or unsure")
    measured: float | None = Field(None, description="before corrections, of an indicator that has some")
    hours_factor: float | None = Field(None, description="GB/T 51161 γ1 = 0.3 + 0.7 x 2500 / T, at most 1")
    density_factor: float | None = Field(None, description="GB/T 51161 γ2 = 0.7 + 0.3 x S / 10, at most 1")
    hours_h: float | None = Field(None, description="T: hours of use a year, as stated (operating_hours)")
    area_per_person_m2: float | None = Field(None, description="S: floor area / users")
    note: str = Field("", description="how it was corrected, or why it is unknown")


class ProgressOut(Body):
    """How far a year's target is used, by day."""

    scope: str
    id: str
    indicator: str
    name: str
    caliber: str
    unit: str = Field(description="of target, used and forecast")
    start: int = Field(description="local day, UTC epoch seconds")
    target: float | None
    used: float | None
    used_share: float | None = Field(description="used / target")
    expected_share: float | None = Field(description="share of the year's use that was to be expected by this day")
    forecast: float | None = Field(description="use of the whole year")
    forecast_low: float | None
    forecast_high: float | None
    stage: float | None = Field(description="highest stage of warning reached, 0 none; null = not known")
    outlook: float | None = Field(description="0 not known, 1 on track, 2 watch, 3 expected to exceed")
    breach_ms: float | None = Field(description="when the target will be passed at this rate, UTC epoch milliseconds")
    coverage: Share | None


@router.get("/{level}/{id}/indicators", operation_id="read_indicators", responses=answers(IndicatorOut))
def read_indicators(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    level: LEVELS,
    id: str,  # noqa: A002 -- the name in the path
    days: Between,
    period: Annotated[Literal["day", "month", "year", "rolling12", "season"], Query()] = "month",
    indicator: Annotated[str | None, Query(max_length=64, description="only this one")] = None,
) -> Response:
    """Standard coal, CO2 and every intensity, each with its caliber, quota and rank."""
    of = Level(level.removesuffix("s"))
    scope.find(of, id)
    window = days.window(LocalCalendar(ctx.calendar_of(institution_of(scope, of, id)).zone))
    where: dict[str, list[str]] = {"scope": [of.value], "id": [id], "period": [period]}
    where |= {"indicator": [*KEYS] if indicator in KEYS else [indicator]} if indicator else {}
    table = ctx.store.results("indicator", where=where, start=window.start, end=window.end)
    found = _explained([_indicator(row, period, wish) for row in _records(shielded(scope, table))], period, wish)
    rows = [row for row in found if indicator in (None, row.indicator)]
    return listed(wish, paging, rows, lambda row: (row.start, row.indicator, row.caliber), IndicatorOut)


@router.get("/{level}/{id}/progress", operation_id="read_progress", responses=answers(ProgressOut))
def read_progress(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    level: Literal["regions", "institutions", "buildings"],
    id: str,  # noqa: A002 -- the name in the path
    days: Between,
) -> Response:
    """How far the targets of one thing were used by each day, with forecast and stage."""
    of = Level(level.removesuffix("s"))
    scope.find(of, id)
    window = days.window(LocalCalendar(ctx.calendar_of(institution_of(scope, of, id)).zone))
    where = {"scope": [of.value], "id": [id]}
    table = ctx.store.results("target", where=where, start=window.start, end=window.end)
    rows = [ProgressOut(**row, **_called(row["indicator"], wish, "year")) for row in _records(table)]
    return listed(wish, paging, rows, lambda row: (row.start, row.indicator, row.caliber), ProgressOut)


def _records(table: Table) -> list[dict[str, Any]]:
    """Rows by column name; unknown numbers are None."""
    names = ["start", *table.tags, *table.fields]
    columns = [table.time.tolist(), *(v.tolist() for v in (*table.tags.values(), *table.fields.values()))]
    clean = ([None if isinstance(v, float) and math.isnan(v) else v for v in column] for column in columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*clean, strict=True)]


def _called(key: str, wish: Wish, period: str) -> dict[str, str]:
    """Name and unit of an indicator."""
    try:
        known = indicator_of(key)
    except ReferenceTableError:  # written by a version with another list
        return {"name": key, "unit": ""}
    return {"name": wish.name(known.name_zh, known.name_en), "unit": known.unit_of(period)}


def _defined(key: str) -> dict[str, str]:
    """Standard and confidence of an indicator."""
    known = indicators().get(key)
    return {} if known is None else {"standard": known.standard, "confidence": known.confidence}


def _explained(rows: list[IndicatorOut], period: str, wish: Wish) -> list[IndicatorOut]:
    """The rows, with how those of offices were corrected; one without a value where it could not be."""
    times: dict[int, dict[str, IndicatorOut]] = {}
    for row in rows:
        if row.indicator in KEYS:
            times.setdefault(row.start, {})[row.indicator] = row
    corrected = [found for parts in times.values() if (found := _corrected(parts, period, wish)) is not None]
    told = {row.start for row in corrected}
    return [row for row in rows if row.indicator != OFFICE_CORRECTED or row.start not in told] + corrected


def _corrected(parts: dict[str, IndicatorOut], period: str, wish: Wish) -> IndicatorOut | None:
    """The corrected indicator of one period with its computation; None where nothing was measured."""
    own = parts.get(OFFICE_CORRECTED)
    values = {key: row.value for key, row in parts.items() if row.value is not None}
    told = OfficeCorrection.of(values, None if own is None else own.group)
    if told is None:
        return None
    if own is None:
        measured = parts[OFFICE_MEASURED]
        row = dict.fromkeys(("value", *LIMIT_FIELDS, "rank", "rank_of", "group"))
        own = _indicator({**measured.model_dump(), **row, "indicator": OFFICE_CORRECTED}, period, wish)
    factors = dict(zip(("hours_factor", "density_factor"), (factor.value for factor in told.factors), strict=False))
    inputs = {"hours_h": _known(told.hours), "area_per_person_m2": _known(told.area_per_person)}
    update = {"measured": told.measured, "note": wish.name(*told.words), **inputs, **factors}
    return own.model_copy(update=update)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _indicator(row: dict[str, Any], period: str, wish: Wish) -> IndicatorOut:
    peers = peers_named(row["group"] or "")
    known = {name: row[name] for name in IndicatorOut.model_fields if name in row}
    counts = {name: None if row[name] is None else int(row[name]) for name in ("rank", "rank_of")}
    of_peers = {
        "n_peers": None if peers is None else peers.n_members,
        "is_parent_group": None if peers is None else peers.is_parent,
    }
    named = _called(row["indicator"], wish, period) | _defined(row["indicator"])
    return IndicatorOut(**{**known, **counts, **of_peers, **named})
