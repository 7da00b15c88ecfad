"""The console's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from api.console.words import WORDS
from api.context import Ctx

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(Path(__file__).parent / "templates")
Language = Annotated[Literal["zh", "en"], Query(alias="lang")]


@router.get("/", response_class=HTMLResponse)
def home(request: Request, ctx: Ctx, language: Language = "zh") -> HTMLResponse:
    """Institutions, daily consumption by category, completeness, collector health."""
    snapshot = ctx.snapshot()
    institutions = sorted(snapshot.institutions.values(), key=lambda i: (i.region, i.id))
    words = WORDS[language]
    return _templates.TemplateResponse(
        request,
        "home.html",
        {"institutions": institutions, "regions": snapshot.regions, "w": words, "lang": language},
    )
