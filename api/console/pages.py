"""The console's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from api.callers import Known, Sees
from api.console.words import WORDS

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(Path(__file__).parent / "templates")
Language = Annotated[Literal["zh", "en"], Query(alias="lang")]


@router.get("/", response_class=HTMLResponse)
def home(request: Request, scope: Sees, language: Language = "zh") -> HTMLResponse:
    """Institutions, daily consumption by category, completeness, collector health."""
    institutions = sorted(map(scope.institution, scope.institutions), key=lambda i: (i.region, i.id))
    words = WORDS[language]
    return _templates.TemplateResponse(
        request,
        "home.html",
        {"institutions": institutions, "regions": scope.snapshot.regions, "w": words, "lang": language},
    )


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in(request: Request, language: Language = "zh", failed: str = "", seconds: int = 0) -> HTMLResponse:
    """The only page for those who are not signed in."""
    shown = {"w": WORDS[language], "lang": language, "failed": failed, "seconds": seconds}
    return _templates.TemplateResponse(request, "sign_in.html", shown, 200 if not failed else 401)


@router.get("/password", response_class=HTMLResponse)
def password(request: Request, caller: Known, language: Language = "zh", failed: bool = False) -> HTMLResponse:
    """Where a user sets a password, at the first visit without the old one."""
    csrf = caller.session.csrf if caller.session else ""
    first = caller.user.must_set_password
    shown = {"w": WORDS[language], "lang": language, "failed": failed, "csrf": csrf, "first": first}
    return _templates.TemplateResponse(request, "password.html", shown)
