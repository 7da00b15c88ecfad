"""What energy costs: prices that hold, who pays them, and the year's cost by institution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import charts, figures, paging
from api.console.figures import Periods
from api.console.frame import ConsoleRoute, Page, Reads
from energy.intervals import LocalCalendar
from energy.model import Category, CostNote
from energy.model import Scope as Level
from energy.registry import TariffUse
from energy.registry.rows import is_valid

_FIELDS: Final = ("cost_yuan", "cost_note", "coverage", "n_expected")
router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/costs", response_class=HTMLResponse)
def costs(page: Reads, part: int = 1) -> HTMLResponse:
    """Cost of the year so far, and the tariffs behind it."""
    window = figures.this_year(page, LocalCalendar(page.ctx.zone))
    rows = figures.totals(page, Level.INSTITUTION, sorted(page.scope.institutions), "year", window, fields=_FIELDS)
    by_name: dict[str, dict[Category, Periods]] = {}
    for category in figures.by_category(rows):
        for name, periods in figures.by_id(rows, category).items():
            by_name.setdefault(name, {})[category] = periods
    sums = {name: _sum(found) for name, found in by_name.items()}
    ordered = sorted(by_name, key=lambda name: -np.nan_to_num(sums[name].yuan, nan=-1.0))
    day = page.ctx.today()
    uses = [u for u in page.ctx.registry.tariff_uses.rows() if page.scope.sees(u.scope, u.id)]
    valid = [u for u in uses if is_valid(day, u.valid_from, u.valid_to)]
    named = {u.tariff for u in valid}
    prices = page.ctx.registry.tariffs.rows(tariff=sorted(named)) if named else []
    bars = [(page.put.name(page.scope.institution(n)), sums[n].yuan) for n in ordered[:20]]
    n_known = sum(not math.isnan(s.yuan) for s in sums.values())
    return page.show(
        "costs.html",
        rows=ordered,
        part=paging.part([(page.scope.institution(name), by_name[name], sums[name]) for name in ordered], part),
        categories=[c for c in figures.SHOWN if any(c in found for found in by_name.values())],
        window=window,
        total=figures.known_sum(np.array([s.yuan for s in sums.values()])),
        is_bound=any(s.is_bound for s in sums.values()),
        n_known=n_known,
        chart=charts.ranking(page.put, page.words, bars, page.words["yuan"], page.words["cost_year"])
        if n_known
        else None,
        prices=[p for p in prices if is_valid(day, p.valid_from, p.valid_to)],
        users=_users(page, valid),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    """Cost of the categories whose cost is known, and whether one of them costs only at least that."""

    yuan: float
    is_bound: bool


def _sum(found: Mapping[Category, Periods]) -> _Sum:
    notes = [periods.last("cost_note") for periods in found.values()]
    yuan = figures.known_sum(np.array([periods.last("cost_yuan") for periods in found.values()]))
    return _Sum(yuan, any(CostNote(int(note)).is_bound for note in notes if not math.isnan(note)))


def _users(page: Page, uses: list[TariffUse]) -> dict[str, int]:
    """How many institutions and meters pay each tariff."""
    counts: dict[str, int] = {}
    for use in uses:
        counts[use.tariff] = counts.get(use.tariff, 0) + 1
    return counts
