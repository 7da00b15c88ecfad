"""Papers and files that can be taken away."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console.frame import ConsoleRoute, Reads

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/reports", response_class=HTMLResponse)
def reports(page: Reads) -> HTMLResponse:
    """Where each paper and file is."""
    chosen = sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: (i.region, i.id))
    return page.show("reports.html", institutions=chosen, year=page.ctx.today().year)
