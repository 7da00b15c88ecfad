"""What alarms sent, to whom and when; what waits and what was given up. For who looks after the installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from api.alarms.delivery import MOST_ATTEMPTS
from api.console import paging
from api.console.frame import ConsoleRoute, Operates
from api.routes import outbox as noun

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/alarms/outbox", response_class=HTMLResponse)
def outbox(page: Operates, state: noun.State | None = None, part: int = 1) -> HTMLResponse:
    """Messages in one state (where something failed, at first those), the newest first."""
    found = noun.outbox(page.ctx, page.scope).counts("state")
    counts: dict[noun.State, int] = {name: found[name] for name in get_args(noun.State)}
    chosen = state or _most_urgent(counts)
    return page.show(
        "outbox.html",
        part=paging.stored(noun.outbox(page.ctx, page.scope, chosen), part),
        counts=counts,
        state=chosen,
        most=MOST_ATTEMPTS,
        subject=noun.subject_of,
    )


def _most_urgent(counts: Mapping[noun.State, int]) -> noun.State:
    if counts["failed"]:
        return "failed"
    return "waiting" if counts["waiting"] else "sent"


@router.post("/alarms/outbox/retry")
def retry(page: Operates) -> RedirectResponse:
    """Give everything that was given up another chance."""
    noun.retry_outbox(page.ctx, page.scope)
    return page.go("/alarms/outbox?state=waiting", "retried")
