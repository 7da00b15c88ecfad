"""Signing in and setting a password: the only pages for those who are not in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.callers import Known
from api.console.frame import ConsoleRoute, language_of, render

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in(request: Request, failed: str = "", seconds: int = 0) -> HTMLResponse:
    """The sign-in page; says what was wrong, never whether a user exists."""
    shown: dict[str, object] = {"failed": failed, "seconds": seconds}
    return render(request, "sign_in.html", shown, language=language_of(request), status=401 if failed else 200)


@router.get("/password", response_class=HTMLResponse)
def password(request: Request, caller: Known, failed: bool = False) -> HTMLResponse:
    """Where a user sets a password, at the first visit without the old one."""
    csrf = caller.session.csrf if caller.session else ""
    shown: dict[str, object] = {"failed": failed, "csrf": csrf, "first": caller.user.must_set_password}
    return render(request, "password.html", shown, language=language_of(request))
