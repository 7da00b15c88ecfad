"""Data quality: completeness by institution, silent meters, parked readings."""

from __future__ import annotations

import math

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import acts, figures
from api.console.figures import Periods
from api.console.frame import ConsoleRoute, Page, Reads
from energy.intervals import LocalCalendar
from energy.model import Category
from energy.model import Scope as Level

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/quality", response_class=HTMLResponse)
def quality(page: Reads) -> HTMLResponse:
    """What is missing, where, and since when."""
    calendar = LocalCalendar(page.ctx.zone)
    window = figures.last_days(page, calendar, 30)
    rows = figures.totals(page, Level.INSTITUTION, sorted(page.scope.institutions), "day", window)
    days = figures.by_id(rows, Category.ELECTRICITY)
    ordered = sorted(days.items(), key=lambda pair: _or_zero(pair[1].coverage))
    nothing = sorted(page.scope.institutions - days.keys())
    return page.show(
        "quality.html",
        days=ordered,
        nothing=nothing,
        window=window,
        silent=acts.silent(page),
        parked=acts.parked(page, 7),
        is_whole=page.scope.is_whole,
        ingest_url=page.ctx.ingest_url,
        mean=_mean(page, days),
    )


def _mean(page: Page, days: dict[str, Periods]) -> float:
    """Mean completeness of all visible institutions; one without any data counts as none."""
    n = len(page.scope.institutions)
    return sum(_or_zero(p.coverage) for p in days.values()) / n if n else math.nan


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
