"""What alarms sent, to whom and when; what waits and what was given up. For who looks after the installation."""

from __future__ import annotations

import json
from typing import Final, Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from api.alarms.delivery import MOST_ATTEMPTS
from api.console import paging
from api.console.frame import ConsoleRoute, Operates, Page
from energy.errors import Forbidden
from energy.registry import OutMessage

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
State = Literal["waiting", "failed", "sent"]
_STATES: Final[tuple[State, ...]] = ("waiting", "failed", "sent")


@router.get("/alarms/outbox", response_class=HTMLResponse)
def outbox(page: Operates, state: State | None = None, part: int = 1) -> HTMLResponse:
    """Messages in one state (where something failed, at first those), the newest first."""
    _require_whole(page)
    found = page.ctx.registry.alarms.outbox()
    counts = {name: sum(message.state == name for message in found) for name in _STATES}
    chosen = state or next((name for name in ("failed", "waiting") if counts[name]), "sent")
    return page.show(
        "outbox.html",
        part=paging.part([one for one in reversed(found) if one.state == chosen], part),
        counts=counts,
        state=chosen,
        most=MOST_ATTEMPTS,
        subject=_subject,
    )


@router.post("/alarms/outbox/retry")
def retry(page: Operates) -> RedirectResponse:
    """Give everything that was given up another chance."""
    _require_whole(page)
    page.ctx.registry.alarms.retry(now=page.ctx.now())
    return page.go("/alarms/outbox?state=waiting", "retried")


def _require_whole(page: Page) -> None:
    if not page.scope.is_whole:
        raise Forbidden("the outbox holds messages of everybody: ask an operator of the whole installation")


def _subject(message: OutMessage) -> str:
    """What the message says in one line."""
    return str(json.loads(message.payload).get("subject", ""))
