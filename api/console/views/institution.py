"""One institution: consumption against expectation, targets, heat map, meter tree, indicators, what is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import acts, charts, figures
from api.console.corrected import corrected
from api.console.figures import Periods
from api.console.frame import ConsoleRoute, Page, Reads
from api.console.views.meter import uncounted
from energy.heating import HeatingSeason
from energy.intervals import LocalCalendar, Window
from energy.model import Category, Meter, MeterKind
from energy.model import Scope as Level
from energy.registry.rows import is_valid
from energy.registry.tasks import PENDING
from energy.series import Table

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/institutions/{institution}", response_class=HTMLResponse)
def institution(
    page: Reads, institution: str, category: Category | None = None, period: Literal["day", "month"] = "day"
) -> HTMLResponse:
    """The page of one institution."""
    here = page.scope.institution(institution)
    page = page.at(institution)
    calendar = LocalCalendar(page.ctx.zone_of(institution))
    year = figures.this_year(page, calendar)
    sums = figures.by_category(figures.totals(page, Level.INSTITUTION, [institution], "year", year))
    known = list(sums) or [Category.ELECTRICITY]
    chosen = category if category in known else known[0]
    span = figures.last_days(page, calendar, 62 if period == "day" else 760)
    periods = figures.by_category(figures.totals(page, Level.INSTITUTION, [institution], period, span)).get(chosen)
    targets = figures.target_states(page, Level.INSTITUTION, [institution])
    lately = figures.rolling_years(page, calendar)
    indicators, notes = corrected(
        [
            *figures.indicators(page, Level.INSTITUTION, [institution], ("rolling12",), lately),
            *figures.indicators(page, Level.INSTITUTION, [institution], ("year",), year),
        ]
    )
    return page.show(
        "institution.html",
        here=here,
        region=page.scope.snapshot.regions.get(here.region),
        facts=_facts(page, institution),
        sums=sums,
        year=year,
        chosen=chosen,
        period=period,
        use=_use(page, periods, chosen, period),
        span=span,
        heat=_heat(page, institution, chosen, figures.last_days(page, calendar, 62)),
        flow=_flow(page, institution, chosen, year),
        targets=[
            (t, charts.gauge(page.put, page.words, t, page.indicator(t.indicator))) for t in targets if t.target > 0
        ],
        indicators=indicators,
        notes=notes,
        seasons=_seasons(page, institution, calendar),
        heating=_heating(page, institution, calendar),
        findings=acts.few(acts.findings(page, institution=institution, state="open")),
        tasks=acts.tasks(page, institution=institution, state=PENDING),
        meters=_meters(page, institution),
        uncounted=uncounted(page, institution),
        buildings=[b for b in page.scope.buildings() if b.institution == institution],
    )


def _use(page: Page, periods: Periods | None, category: Category, period: str) -> charts.Chart | None:
    title = f"{page.words[category.value]} · {page.words['by_' + period]}"
    return charts.consumption(page.put, page.words, periods, period, title) if periods else None


def _heat(page: Page, institution: str, category: Category, window: Window) -> charts.Chart:
    days, hours = figures.profiles(page, institution, category, window)
    unit = charts.unit_of(category.value)
    return charts.heat_map(
        page.put, page.words, days, hours, unit, f"{page.words[category.value]} · {page.words['heat_map']}"
    )


def _seasons(page: Page, institution: str, calendar: LocalCalendar) -> list[figures.IndicatorRow]:
    """What heating took in the last seasons that are over, newest first."""
    span = figures.last_days(page, calendar, 3 * 366)
    return figures.every_indicator(page, Level.INSTITUTION, institution, "season", span)[:3]


def _heating(page: Page, institution: str, calendar: LocalCalendar) -> Callable[[float], HeatingSeason]:
    """Which days the season had that begins at an instant, and where they are from."""
    heating = page.ctx.heating_of(institution)
    return lambda begins: heating.season(calendar.date_of(int(begins)).year)


def _facts(page: Page, institution: str) -> list[tuple[str, float, str, str]]:
    """Denominators that hold today: kind, value, unit, since when."""
    day = page.ctx.today()
    return [
        (page.put.word("denominator", d.kind), d.value, d.unit, str(d.valid_from or ""))
        for d in page.scope.snapshot.denominators
        if d.scope == "institution" and d.id == institution and is_valid(day, d.valid_from, d.valid_to)
    ]


def _meters(page: Page, institution: str) -> list[tuple[int, Meter, figures.MeterStatus | None]]:
    """Meters in the order of their tree with their depth, and how each is heard."""
    snapshot = page.scope.snapshot
    own = [snapshot.meters[m] for m in snapshot.meters_of(institution)]
    heard = figures.statuses(page, [m.id for m in own])

    def walk(parent: str | None, depth: int) -> Iterator[tuple[int, Meter, figures.MeterStatus | None]]:
        for meter in sorted((m for m in own if m.parent == parent), key=lambda m: (m.category.value, m.id)):
            yield depth, meter, heard.get(meter.id)
            yield from walk(meter.id, depth + 1)

    return list(walk(None, 0))


def _flow(page: Page, institution: str, category: Category, window: Window) -> charts.Chart:
    """From the main meters to the last ones, with the year's amounts; the rest of each meter by itself."""
    snapshot = page.scope.snapshot
    meters = {m: snapshot.meters[m] for m in snapshot.meters_of(institution)}
    meters = {m: v for m, v in meters.items() if v.category is category and v.kind is not MeterKind.VIRTUAL}
    rows = figures.totals(page, Level.METER, meters, "year", window, fields=("amount",))
    amounts = _newest(rows)
    links = list(_links(page, meters, amounts, page.put.name(page.scope.institution(institution))))
    title = f"{page.words[category.value]} · {page.words['meter_tree']}"
    return charts.sankey(page.put, page.words, links, charts.unit_of(category.value), title)


def _newest(rows: Table) -> dict[str, float]:
    return {
        str(name): float(np.nan_to_num(amount))
        for name, amount in zip(rows.tags["id"], rows.fields["amount"].astype(np.float64), strict=True)
    }


def _links(
    page: Page, meters: dict[str, Meter], amounts: dict[str, float], top: str
) -> Iterator[tuple[str, str, float]]:
    def label(meter: str) -> str:
        return f"{page.meter(meter)}\u200b{meter}"  # the id, never shown, keeps equal names apart

    for name, meter in meters.items():
        amount = amounts.get(name, 0.0)
        if amount <= 0:
            continue
        yield (label(meter.parent) if meter.parent in meters else top), label(name), amount
        below = [amounts.get(c, 0.0) for c in meters if meters[c].parent == name]
        rest = amount - sum(below)
        if below and rest > 0.005 * amount:
            yield label(name), f"{page.words['unallocated']}\u200b{name}", rest
