"""Data quality: completeness by institution, silent meters, parked readings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import acts, figures, paging, tree, upkeep
from api.console.figures import Periods
from api.console.frame import ConsoleRoute, Page, Reads
from energy.intervals import LocalCalendar
from energy.model import Category, MeterKind, Scope
from energy.registry import Region

_FIELDS: Final = ("coverage", "estimated_share", "n_expected", "n_reporting")
router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@dataclass(frozen=True, slots=True)
class Level:
    """How well a region's institutions are heard."""

    depth: int
    region: Region
    n_institutions: int
    coverage: float
    n_meters: int
    n_silent: int
    n_parked: int


@router.get("/quality", response_class=HTMLResponse)
def quality(page: Reads, part: int = 1) -> HTMLResponse:
    """What is missing, where, and since when."""
    calendar = LocalCalendar(page.ctx.zone)
    window = figures.last_days(page, calendar, 30)
    rows = figures.totals(
        page, Scope.INSTITUTION, sorted(page.scope.institutions), "day", window, category=Category.ELECTRICITY,
        fields=_FIELDS,
    )  # fmt: skip
    days = figures.by_id(rows, Category.ELECTRICITY)
    ordered = sorted(page.scope.institutions, key=lambda name: (_coverage(days, name), name))
    silent, parked = acts.silent(page), acts.parked(page, 7)
    return page.show(
        "quality.html",
        days=days,
        part=paging.part(ordered, part),
        window=window,
        silent=silent,
        levels=list(_levels(page, days, silent, {name: n.total() for name, n in parked.items()})),
        parked=acts.by_reason(parked),
        is_whole=page.scope.is_whole,
        ingest_url=page.ctx.ingest_url,
        mean=_mean(days, page.scope.institutions),
        clocks=upkeep.clocks(page),
        renewals=upkeep.renewals(page),
    )


def _levels(
    page: Page, days: Mapping[str, Periods], silent: Iterable[str], parked: Mapping[str, int]
) -> Iterator[Level]:
    """Every visible region."""
    meters = Counter(m.institution for m in page.scope.meters() if m.kind is MeterKind.PHYSICAL)
    quiet = Counter(page.scope.meter(name).institution for name in silent)
    for depth, code, below in tree.regions(page):
        n_meters, n_silent = (sum(count[name] for name in below) for count in (meters, quiet))
        n_parked = sum(parked.get(name, 0) for name in below)
        yield Level(depth, page.scope.region(code), len(below), _mean(days, below), n_meters, n_silent, n_parked)


def _mean(days: Mapping[str, Periods], institutions: Collection[str]) -> float:
    """Mean completeness of institutions; one without any data counts as none."""
    return sum(_coverage(days, name) for name in institutions) / len(institutions) if institutions else math.nan


def _coverage(days: Mapping[str, Periods], institution: str) -> float:
    found = days[institution].coverage if institution in days else math.nan
    return 0.0 if math.isnan(found) else found
