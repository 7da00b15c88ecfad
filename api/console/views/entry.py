"""Bills and readings by hand, each held against last year, its price and the meters before it is taken."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.console import figures, plausible
from api.console.frame import Bills, ConsoleRoute, Page
from api.console.views.meter import moment
from api.routes import bills as noun
from energy.intervals import LocalCalendar
from energy.model import Meter, MeterKind, ValueKind
from energy.model import Scope as Level
from energy.registry import Bill, Correction
from energy.units import linear

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/entry", response_class=HTMLResponse)
def entry(page: Bills, institution: str = "") -> HTMLResponse:
    """The forms, and the bills entered so far against what the meters counted."""
    return _shown(page, institution)


def _shown(page: Page, institution: str, **more: object) -> HTMLResponse:
    if institution:
        page.scope.institution(institution)
    meters = [m for m in page.scope.meters() if institution in ("", m.institution)]
    manual = [m for m in meters if m.kind is MeterKind.MANUAL]
    registers = [m for m in meters if m.kind is MeterKind.PHYSICAL and m.value_kind is ValueKind.REGISTER]
    bills = page.ctx.registry.bills.rows(meter=[m.id for m in manual]) if manual else []
    rows = sorted(bills, key=lambda b: (b.last_day, b.meter), reverse=True)[:60]
    return page.show(
        "entry.html",
        institution=institution,
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        manual=manual,
        registers=registers[:400] if institution else [],
        bills=[(b, _beside(page, b)) for b in rows],
        **({"doubts": [], "asked": {}} | more),
    )


def _beside(page: Page, bill: Bill) -> float | None:
    """What the meters counted in the days of a bill; None where there are none."""
    meter = page.scope.meter(bill.meter)
    return metered(page, meter, bill.first_day, bill.last_day) if _mains(page, meter) else None


def _mains(page: Page, meter: Meter) -> list[str]:
    """The physical main meters of the same institution and category."""
    snapshot = page.scope.snapshot
    peers = [snapshot.meters[m] for m in snapshot.meters_of(meter.institution)]
    return [m.id for m in peers if m.category is meter.category and m.parent is None and m.kind is MeterKind.PHYSICAL]


def metered(page: Page, meter: Meter, first: date, last: date) -> float:
    """What the physical main meters of the same institution and category counted in these days; NaN if unknown."""
    mains = _mains(page, meter)
    if not mains or last < first:
        return math.nan
    window = LocalCalendar(page.ctx.zone_of(meter.institution)).window(first, last)
    rows = figures.totals(page, Level.METER, mains, "day", window)
    found = figures.by_category(rows).get(meter.category)
    wanted = (last - first).days + 1
    return found.sum("amount") if found and len(found) == wanted and found.coverage > 0.95 else math.nan


@router.post("/entry/bills", response_model=None)
def enter_bill(
    page: Bills,
    meter: Annotated[str, Form()],
    first_day: Annotated[date, Form()],
    last_day: Annotated[date, Form()],
    amount: Annotated[float, Form()],
    unit: Annotated[str, Form(max_length=16)],
    yuan: Annotated[str, Form()] = "",
    document: Annotated[str, Form(max_length=200)] = "",
    note: Annotated[str, Form(max_length=500)] = "",
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    """Take a bill; one that looks wrong is shown again with the reasons, and taken when confirmed."""
    here = page.scope.meter(meter)
    money = page.number("yuan", yuan) if yuan else None
    bill = Bill(meter, first_day, last_day, amount, unit, money, document, note)
    if not confirmed and last_day >= first_day:
        found = _doubts(page, here, bill)
        if found:
            asked = {
                "meter": meter,
                "first_day": first_day,
                "last_day": last_day,
                "amount": amount,
                "unit": unit,
                "yuan": yuan,
                "document": document,
                "note": note,
            }
            return _shown(page, here.institution, doubts=found, asked=asked)
    body = noun.BillIn.model_validate(
        {
            "meter": meter,
            "first_day": first_day,
            "last_day": last_day,
            "amount": amount,
            "unit": unit,
            "yuan": money,
            "document": document,
            "note": note,
        }
    )
    noun.put_bill(page.ctx, page.scope, body)
    return page.go(f"/entry?institution={here.institution}", "bill")


def _doubts(page: Page, meter: Meter, bill: Bill) -> list[plausible.Doubt]:
    others = [b for b in page.ctx.registry.bills.rows(meter=meter.id) if b.first_day != bill.first_day]
    counted = metered(page, meter, bill.first_day, bill.last_day)
    factor, _ = linear(bill.unit, meter.unit)
    in_units = Bill(bill.meter, bill.first_day, bill.last_day, bill.amount * factor, meter.unit, bill.yuan)
    return list(plausible.doubts(in_units, others, meter.category, counted))


@router.post("/entry/readings")
def enter_reading(
    page: Bills,
    meter: Annotated[str, Form()],
    at: Annotated[str, Form()],
    value: Annotated[float, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """A register read by a person: it waits as a correction until somebody approves it."""
    here = page.scope.meter(meter)
    instant = int(moment(page, at, here.institution).timestamp())
    reason = f"{page.words['manual_reading']}: {note}" if note else page.words["manual_reading"]
    stated = Correction(
        meter=meter,
        start=instant,
        end=instant + 1,
        kind="reading",
        author=page.user,
        time=page.ctx.now(),
        reason=reason,
        value=value,
        state="proposed",
    )
    page.ctx.registry.corrections.put([stated])
    return page.go(f"/entry?institution={here.institution}", "reading")
