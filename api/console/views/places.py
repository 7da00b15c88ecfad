"""Regions and departments: the table of their institutions, as a page and as a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from analytics.ranking import MIN_COVERAGE
from api.answers import Wish, file
from api.console import acts, charts, figures, paging
from api.console.figures import IndicatorRow, Periods, TargetState
from api.console.frame import ConsoleRoute, Page, Reads
from api.console.paging import matching
from energy.intervals import LocalCalendar
from energy.model import Category
from energy.model import Scope as Level
from energy.registry import Institution

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_LEAST_GROUP: Final = 5  # a rank among fewer would tell of the others
_INDICATOR: Final = "energy_per_area"
Sort = Literal["forecast", "name", "amount", "change", "coverage", "findings", "intensity"]


@dataclass(frozen=True, slots=True)
class Row:
    """One institution in the table."""

    institution: Institution
    year: Periods | None
    target: TargetState | None
    intensity: IndicatorRow | None
    n_findings: int

    @property
    def rank(self) -> str:
        """Place among its like in the last twelve months, 1 = the least use per area; "" where it has none."""
        mine = self.intensity
        if mine is None or not mine.rank_of >= _LEAST_GROUP or math.isnan(mine.rank):
            return ""
        return f"{mine.rank:.0f}/{mine.rank_of:.0f}"

    @property
    def is_incomplete(self) -> bool:
        """Whether its data lack too much for a place."""
        return self.intensity is not None and self.intensity.coverage < MIN_COVERAGE

    @property
    def amount(self) -> float:
        """Electricity of the year so far."""
        return self.year.last("amount") if self.year else math.nan

    @property
    def before(self) -> float:
        """Electricity of the same days of last year, where it can be compared."""
        return self.year.before if self.year else math.nan

    @property
    def change(self) -> float:
        """This year's against last year's."""
        return self.amount / self.before - 1 if self.before > 0 else math.nan

    @property
    def coverage(self) -> float:
        """Completeness of the year so far."""
        return self.year.last("coverage") if self.year else math.nan


_KEYS: Final[dict[str, Callable[[Row], float | str]]] = {
    "forecast": lambda r: -_or(r.target.forecast_share if r.target else math.nan, -1.0),
    "name": lambda r: r.institution.name_zh,
    "amount": lambda r: -_or(r.amount, -1.0),
    "change": lambda r: -_or(r.change, -9.0),
    "coverage": lambda r: _or(r.coverage, -1.0),
    "findings": lambda r: -r.n_findings,
    "intensity": lambda r: -_or(r.intensity.value if r.intensity else math.nan, -1.0),
}


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


@router.get("/places", response_class=HTMLResponse)
def places(
    page: Reads,
    region: str = "",
    department: str = "",
    type_: Annotated[str, Query(alias="type")] = "",
    sort: Sort = "forecast",
    q: Annotated[str, Query(max_length=80)] = "",
    part: int = 1,
) -> HTMLResponse:
    """The institutions of a region or department, with use, target, rank and completeness."""
    scope = page.scope
    found = _rows(page, region, department, type_)
    rows = sorted(matching(found, q, lambda r: r.institution.name_zh, lambda r: r.institution.name_en), key=_KEYS[sort])
    here = scope.region(region) if region else None
    below = [r for r in scope.regions if scope.snapshot.regions[r].parent == (region or None)]
    if not region and not below:
        below = [r for r in scope.regions if scope.snapshot.regions[r].parent not in scope.regions]
    bars = [(page.put.name(r.institution), r.intensity.value) for r in rows if r.intensity]
    title = page.indicator(_INDICATOR)
    return page.show(
        "places.html",
        rows=rows,
        part=paging.part(rows, part),
        here=here,
        above=_above(page, region),
        below=sorted((scope.region(r) for r in below), key=lambda r: r.code),
        n_below={r: len(scope.institutions.intersection(scope.snapshot.institutions_below(r))) for r in below},
        departments=sorted({d for i in scope.institutions if (d := _department(page, i))}),
        types=sorted({scope.institution(i).type for i in scope.institutions}),
        chosen={"region": region, "department": department, "type": type_, "sort": sort, "q": q},
        chart=charts.ranking(page.put, page.words, bars[:30], "kgce/(m2·a)", title) if bars else None,
        year=page.ctx.today().year,
    )


@router.get("/places.{form}")
def places_file(
    page: Reads,
    form: Literal["csv", "xlsx"],
    region: str = "",
    department: str = "",
    type_: Annotated[str, Query(alias="type")] = "",
) -> Response:
    """The table as a file."""
    rows = _rows(page, region, department, type_)
    wish = Wish(form, "en" if page.language == "en" else "zh", "")
    return file(wish, "institutions", _head(page), (_line(page, row) for row in rows))


def _head(page: Page) -> list[str]:
    w = page.words
    year = page.ctx.today().year
    return [
        w["id"],
        w["name"],
        w["region"],
        w["type"],
        f"{w['electricity']} {year} (kWh)",
        w["versus_last_year"],
        w["completeness"],
        w["n_expected"],
        w["n_reporting"],
        w["target"],
        w["unit"],
        w["used_share"],
        w["forecast_share"],
        w["stage"],
        f"{page.indicator(_INDICATOR)}, {w['span_rolling12']} (kgce/(m2·a))",
        w["caliber"],
        w["rank"],
        w["open_findings"],
    ]


def _line(page: Page, row: Row) -> list[object]:
    target, intensity = row.target, row.intensity
    return [
        row.institution.id,
        page.put.name(row.institution),
        row.institution.region,
        row.institution.type,
        _cell(row.amount),
        _cell(row.change),
        _cell(row.coverage),
        _cell(row.year.last("n_expected") if row.year else math.nan),
        _cell(row.year.last("n_reporting") if row.year else math.nan),
        _cell(target.target if target else math.nan),
        page.indicator_unit(target.indicator) if target else None,
        _cell(target.used_share if target else math.nan),
        _cell(target.forecast_share if target else math.nan),
        page.put.word("stage", target.warning) if target else None,
        _cell(intensity.value if intensity else math.nan),
        page.caliber(intensity.caliber) if intensity else None,
        row.rank or None,
        row.n_findings,
    ]


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rows(page: Page, region: str, department: str, type_: str) -> list[Row]:
    scope = page.scope
    ids = scope.institutions
    if region:
        ids = ids.intersection(scope.snapshot.institutions_below(scope.region(region).code))
    chosen = [
        scope.institution(i)
        for i in sorted(ids)
        if (not department or _department(page, i) == department) and (not type_ or scope.institution(i).type == type_)
    ]
    names = [i.id for i in chosen]
    window = figures.this_year(page, LocalCalendar(page.ctx.zone))
    years = figures.by_id(
        figures.totals(page, Level.INSTITUTION, names, "year", window, category=Category.ELECTRICITY),
        Category.ELECTRICITY,
    )
    targets = {t.id: t for t in reversed(figures.target_states(page, Level.INSTITUTION, names))}
    lately = figures.rolling_years(page, LocalCalendar(page.ctx.zone))
    found = figures.indicators(page, Level.INSTITUTION, names, ("rolling12",), lately, _INDICATOR)
    intensities = {r.id: r for r in found}
    open_findings = acts.findings(page, state="open").counts("institution")
    return [
        Row(
            i,
            years.get(i.id),
            targets.get(i.id),
            intensities.get(i.id),
            open_findings[i.id],
        )
        for i in chosen
    ]


def _department(page: Page, institution: str) -> str | None:
    return page.scope.snapshot.department_of(institution, page.ctx.today())


def _above(page: Page, region: str) -> list[str]:
    """Visible regions on the way down to this one."""
    regions, way = page.scope.snapshot.regions, []
    code = regions[region].parent if region else None
    while code is not None and code in page.scope.regions:
        way.append(code)
        code = regions[code].parent
    return list(reversed(way))
