"""Consumption: totals of the local calendar with their completeness."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from api.callers import Sees
from api.context import Context, Ctx
from api.schemas import ConsumptionOut, ConsumptionRow, ConsumptionSeries
from energy.intervals import LocalCalendar
from energy.model import Category
from energy.series import Table
from energy.units import CANONICAL

router = APIRouter(prefix="/api/v1/institutions/{institution}/consumption", tags=["consumption"])
_LONGEST = timedelta(days=3660)
Period = Literal["day", "month", "year"]


@router.get("")
def read_consumption(
    ctx: Ctx,
    scope: Sees,
    institution: str,
    first: Annotated[date, Query(description="first local day")],
    last: Annotated[date, Query(description="last local day, included")],
    period: Annotated[Period, Query(description="length of one row")] = "day",
) -> ConsumptionOut:
    """Totals of one institution by category; absent rows are unknown, not zero."""
    scope.institution(institution)
    if not timedelta() <= last - first <= _LONGEST:
        raise HTTPException(422, f"expected first <= last and at most {_LONGEST.days} days, got {first} .. {last}")
    zone = ctx.zone_of(institution)
    table = _totals(ctx, institution, period, LocalCalendar(zone), first, last)
    present = dict.fromkeys(table.tags["category"])
    wanted = [c for c in Category if c.value in present]
    return ConsumptionOut(
        id=institution, period=period, zone=zone, series=[_series(table, category) for category in wanted]
    )


def _totals(ctx: Context, institution: str, period: Period, local: LocalCalendar, first: date, last: date) -> Table:
    window = local.window(first, last)
    return ctx.store.results(
        "total",
        where={"scope": ["institution"], "id": [institution], "period": [period], "item": ["all"]},
        start=window.start,
        end=window.end,
        fields=["amount", "coverage", "estimated_share", "n_expected", "n_reporting"],
    )


def _series(table: Table, category: Category) -> ConsumptionSeries:
    mine = table.take(np.flatnonzero(table.tags["category"] == category.value))
    columns = {name: values.tolist() for name, values in mine.fields.items()}
    rows = [
        ConsumptionRow(
            start=start,
            amount=_known(columns["amount"][i]),
            coverage=_known(columns["coverage"][i]),
            estimated_share=_known(columns["estimated_share"][i]),
            n_expected=_count(columns["n_expected"][i]),
            n_reporting=_count(columns["n_reporting"][i]),
        )
        for i, start in enumerate(mine.time.tolist())
    ]
    return ConsumptionSeries(category=category.value, unit=CANONICAL[category], rows=rows)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _count(value: float) -> int | None:
    return None if math.isnan(value) else int(value)
