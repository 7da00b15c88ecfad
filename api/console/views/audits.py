"""Bills held against the tariff that they follow and the meters that measured the same."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import paging
from api.console.frame import ConsoleRoute, Reads
from api.routes import bills as noun
from energy.units import CANONICAL

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/audits", response_class=HTMLResponse)
def audits(page: Reads, institution: str = "", doubtful: bool = False, part: int = 1) -> HTMLResponse:
    """The bills of one institution, newest first."""
    here = page.scope.institution(institution) if institution else None
    found = noun.judged(page.ctx, page.scope, institution) if here else []
    shown = [one for one in found if one.needs_explanation or not doubtful]
    return page.show(
        "audits.html",
        here=here,
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        n=len(found),
        n_doubtful=sum(one.needs_explanation for one in found),
        doubtful=doubtful,
        part=paging.part(sorted(shown, key=lambda one: (-one.bill.end_day, one.meter)), part),
        days=noun.days_of,
        unit=lambda meter: page.put.unit(CANONICAL[page.scope.meter(meter).category]),
    )
