"""The first page: how things stand, and what needs the caller today."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.console import acts, charts, figures
from api.console.frame import ConsoleRoute, Reads
from api.scope import Action
from energy.intervals import LocalCalendar
from energy.model import Category
from energy.registry import Role

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_FIRST: Final = {
    Role.ENERGY_MANAGER: ("findings", "tasks", "targets", "data", "notices"),
    Role.STATISTICIAN: ("data", "tasks", "targets", "findings", "notices"),
    Role.APPROVER: ("approve", "targets", "tasks", "findings", "data", "notices"),
    Role.OPERATOR: ("notices", "data", "findings", "tasks", "targets"),
    Role.ADMINISTRATOR: ("findings", "targets", "notices", "tasks", "approve", "data"),
}
"""Which cards a role sees first."""
_NEVER: Final = 3
"""State of a meter that was never heard: one that is new, or whose gateway was not connected yet."""


@router.get("/", response_class=HTMLResponse)
def home(page: Reads) -> HTMLResponse:
    """What needs me today."""
    calendar = LocalCalendar(page.ctx.zone)
    level, ids = figures.cover(page)
    month = figures.this_month(page, calendar)
    sums = figures.by_category(figures.totals(page, level, ids, "month", month))
    days = figures.by_category(figures.totals(page, level, ids, "day", figures.last_days(page, calendar, 31)))
    daily = days.get(Category.ELECTRICITY)
    title = page.words["electricity_days"]
    order = _FIRST.get(page.caller.user.role, ("targets", "findings", "tasks", "data", "notices"))
    notices = acts.notices(page, "open", "acknowledged")
    today = acts.today(page)
    return page.show(
        "home.html",
        today=today,
        n_never=sum(status.state == _NEVER for status in today.silent.values()),
        is_computing=page.ctx.registry.touched_pending() > 0,
        month=month,
        sums=sums,
        chart=charts.consumption(page.put, page.words, daily, "day", title) if daily else None,
        cards=[c for c in order if c != "approve" or page.scope.may(Action.APPROVE)],
        notices=acts.few(notices),
        n_critical=notices.counts("severity")["critical"],
        counts=page.ctx.registry.tasks.counts(sorted(page.scope.institutions), today=page.ctx.today()),
    )
