"""Corrections: proposed with a look at before and after, approved by somebody else, undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Literal

import numpy as np
from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console import acts, charts, figures, paging
from api.console.frame import Approves, ConsoleRoute, Corrects, Page, Reads
from api.console.views.meter import moment
from api.problems import Problem
from api.routes import corrections as noun
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Meter, ValueKind
from energy.registry import Correction
from energy.series import FloatArray, IntArray

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Kind = Literal["discard", "reading", "amount"]
_STATES: Final[tuple[noun.State, ...]] = ("proposed", "active", "refused", "withdrawn")


@router.get("/corrections", response_class=HTMLResponse)
def corrections(page: Reads, state: noun.State | None = None, part: int = 1) -> HTMLResponse:
    """Corrections in one state (at first what waits for approval, if there is any), newest first."""
    found = acts.corrections(page).counts("state")
    counts = {name: found[name] for name in _STATES}
    chosen = state or next((name for name in _STATES if counts[name]), "proposed")
    return page.show(
        "corrections.html",
        part=paging.stored(acts.corrections(page, state=chosen), part),
        counts=counts,
        state=chosen,
        identity=identity,
    )


def identity(one: Correction) -> str:
    """What names a correction in an address."""
    return f"{one.meter}~{one.start}~{one.kind}~{one.time}"


@router.get("/corrections/new", response_class=HTMLResponse)
def new(
    page: Corrects,
    meter: str,
    kind: Kind = "discard",
    start: str = "",
    end: str = "",
    value: str = "",
    reason: str = "",
) -> HTMLResponse:
    """The form, with the chart of before and after once a span is given."""
    here = page.scope.meter(meter)
    page = page.at(here.institution)
    calendar = LocalCalendar(page.ctx.zone_of(here.institution))
    today = calendar.date_of(page.ctx.now())
    span = (_instant(page, start, here), _instant(page, end, here)) if start and end else None
    number = page.number("value", value) if kind != "discard" and value else None
    if span and span[1] <= span[0]:
        raise Problem(422, "request not valid", f"end: expected a time after {start}, came {end}")
    return page.show(
        "correction_new.html",
        here=here,
        chart=_before_after(page, here, kind, *span, number) if span else None,
        given={"kind": kind, "start": start, "end": end, "value": value, "reason": reason},
        is_ready=span is not None and (kind == "discard" or number is not None),
        yesterday=today - timedelta(days=1),
    )


@router.post("/corrections")
def propose(
    page: Corrects,
    meter: Annotated[str, Form()],
    kind: Annotated[Kind, Form()],
    start: Annotated[str, Form()],
    end: Annotated[str, Form()],
    reason: Annotated[str, Form(min_length=1, max_length=4000)],
    value: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Propose it; no figure changes before somebody approves."""
    here = page.scope.meter(meter)
    body = noun.CorrectionIn.model_construct(
        meter=meter, start=_instant(page, start, here), end=_instant(page, end, here), kind=kind,
        value=page.number("value", value) if kind != "discard" else None, reason=reason.strip(),
    )  # fmt: skip
    noun.propose_correction(page.ctx, page.scope, body)
    return page.go("/corrections", "proposed")


@router.post("/corrections/{correction}/{act}")
def decide(page: Approves, correction: str, act: Literal["approve", "refuse", "undo"]) -> RedirectResponse:
    """Approve, refuse or undo; totals follow within seconds."""
    noun.decide_correction(page.ctx, page.scope, correction, act)
    return page.go("/corrections", act)


def _instant(page: Page, text: str, meter: Meter) -> int:
    return int(moment(page, text, meter.institution).timestamp())


def _before_after(page: Page, meter: Meter, kind: Kind, start: int, end: int, value: float | None) -> charts.Chart:
    """What was read, and what stands after the correction, around the span."""
    margin = max(DAY // 2, min(3 * DAY, end - start))
    readings = figures.readings(page, meter.id, Window(start - margin, end + margin))
    after = _after(kind, readings.time, readings.value, start, end, value)
    words = page.words
    curves = [(words["before"], readings.value, "var(--last-year)"), (words["after"], after, "var(--measured)")]
    is_register = meter.value_kind is ValueKind.REGISTER
    return charts.lines(
        page.put, words, readings.time, curves, meter.unit, words["before_after"], marked=(start, end),
        mark=words["span"], step=is_register,
    )  # fmt: skip


def _after(kind: Kind, time: IntArray, before: FloatArray, start: int, end: int, value: float | None) -> FloatArray:
    """Readings as they count afterwards. A stated amount replaces what happened inside: no reading counts there."""
    inside = (time >= start) & (time < end)
    if kind == "reading" and value is not None:
        at = int(np.searchsorted(time, start))
        return np.where(np.arange(len(time)) == at, value, before)
    return np.where(inside, np.nan, before)
