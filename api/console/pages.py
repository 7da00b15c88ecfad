"""All pages of the console."""

from __future__ import annotations

from fastapi import APIRouter

from api.console.views import (
    corrections,
    costs,
    entry,
    findings,
    home,
    institution,
    ledger,
    meter,
    places,
    quality,
    reports,
    session,
    targets,
    tasks,
)

router = APIRouter(include_in_schema=False)
for noun in (
    session,
    home,
    places,
    institution,
    meter,
    findings,
    tasks,
    corrections,
    quality,
    entry,
    ledger,
    costs,
    targets,
    reports,
):
    router.include_router(noun.router)
