"""One meter: its register, load and data states; exchanges of the device."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from analytics import meter_tree
from analytics.jobs.known import known_of
from api.console import charts, figures
from api.console.frame import ConsoleRoute, Corrects, Page, Reads
from api.problems import Problem
from api.scope import Action
from energy.intervals import HOUR, RESOLUTIONS, LocalCalendar, Window
from energy.model import State, ValueKind
from energy.series import Table
from energy.units import CANONICAL

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/meters/{meter}", response_class=HTMLResponse)
def meter(page: Reads, meter: str, days: int = 14) -> HTMLResponse:
    """The page of one meter or sensor."""
    here = page.scope.meter(meter)
    page = page.at(here.institution)
    calendar = LocalCalendar(page.ctx.zone_of(here.institution))
    window = figures.last_days(page, calendar, min(max(days, 1), 92))
    readings = figures.readings(page, meter, window)
    words = page.words
    title = words["register" if here.value_kind is ValueKind.REGISTER else "readings"]
    curves = [(title, readings.value, "var(--measured)")]
    rows = figures.intervals(page, meter, window)
    return page.show(
        "meter.html",
        here=here,
        status=figures.statuses(page, [meter]).get(meter),
        is_counted=meter not in uncounted(page, here.institution),
        window=window,
        days=days,
        n_readings=len(readings),
        register=charts.lines(page.put, words, readings.time, curves, here.unit, title, step=True),
        load=load(page, rows, window),
        states=states(rows),
        swaps=list(reversed(page.scope.snapshot.swaps.get(meter, ()))),
        corrections=page.ctx.registry.corrections.rows(meter=meter),
        known=known_of(page.ctx.registry, meter, calendar, page.ctx.now()) if here.quantity == "energy" else None,
        may_swap=page.scope.may(Action.CORRECT) and here.value_kind is ValueKind.REGISTER,
    )


def uncounted(page: Page, institution: str) -> set[str]:
    """Meters of an institution that are in no figure of a place: of others, or behind those."""
    meters = [page.scope.snapshot.meters[name] for name in page.scope.snapshot.meters_of(institution)]
    return {meters[i].id for i in meter_tree.uncounted(meters)}


def load(
    page: Page, rows: Table, window: Window, marked: tuple[int, int] | None = None, mark: str = ""
) -> charts.Chart:
    """Load profile (kW of electricity, amounts of everything else) over its expected band."""
    words = page.words
    column = rows.fields.get("power_kw", np.zeros(0)).astype(np.float64)
    is_power = bool(np.isfinite(column).any())
    if not is_power:
        column = rows.fields.get("amount", np.zeros(0)).astype(np.float64)
    curves = [(words["load" if is_power else "amount"], column, "var(--measured)")]
    per_hour = HOUR / RESOLUTIONS[str(rows.tags["resolution"][0])] if is_power else 1.0
    colours = {"expected": "var(--expected)", "expected_high": "var(--last-year)"}
    for name, colour in colours.items():
        values = rows.fields.get(name, np.zeros(0)).astype(np.float64) * per_hour
        if np.isfinite(values).any():
            curves.append((words[name], values, colour))
    meter = rows.tags["meter"][0] if len(rows) else None
    symbol = "kW" if is_power else CANONICAL[page.scope.meter(meter).category] if meter else ""
    title = words["load_profile"]
    return charts.lines(page.put, words, rows.time, curves, symbol, title, marked=marked, mark=mark)


def states(rows: Table) -> dict[str, int]:
    """How many intervals are measured, estimated, corrected, inside a gap, or unknown."""
    if not len(rows):
        return {}
    state = rows.fields["state"].astype(np.float64)
    unknown = np.isnan(rows.fields["amount"].astype(np.float64))
    counts = {s.name.lower(): int(np.sum((state == s) & ~unknown)) for s in State}
    return {k: n for k, n in {**counts, "unknown": int(unknown.sum())}.items() if n}


@router.post("/meters/{meter}/swaps")
def swap(
    page: Corrects,
    meter: str,
    at: Annotated[str, Form()],
    new_start: Annotated[float, Form()],
    old_end: Annotated[str, Form()] = "",
    new_ratio: Annotated[str, Form()] = "",
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """Note an exchange of the device; the figures are computed again."""
    here = page.scope.meter(meter)
    row = {
        "meter": meter,
        "time": moment(page, at, here.institution).isoformat(),
        "old_end": old_end,
        "new_start": new_start,
        "new_ratio": new_ratio,
        "note": note or f"{page.user}",
    }
    page.ctx.registry.import_sheets({"swaps": [row]})
    return page.go(f"/meters/{meter}", "swap")


def moment(page: Page, text: str, institution: str) -> datetime:
    """What a `datetime-local` field says, in the institution's time zone."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Problem(422, "request not valid", f"time: expected like 2026-03-01T14:30, came {text[:40]!r}") from exc
    return local if local.tzinfo else local.replace(tzinfo=ZoneInfo(page.ctx.zone_of(institution)))
