"""The ledger (台账): who and where, in and out as a workbook, with every problem of a file in one list."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import HTMLResponse

from api import ownership
from api.console.frame import ConsoleRoute, Imports, Page
from api.problems import Problem
from energy.errors import ImportRefused
from energy.registry import ImportResult, read_sheets

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_MOST_BYTES = 50_000_000


@router.get("/ledger", response_class=HTMLResponse)
def ledger(page: Imports) -> HTMLResponse:
    """How much is in the ledger, and the form."""
    return _shown(page)


@router.post("/ledger", response_class=HTMLResponse)
def take(page: Imports, file: UploadFile, keep: Annotated[bool, Form()] = False) -> HTMLResponse:
    """Check a workbook; take all of it or nothing."""
    try:
        sheets = _read(file)
        ownership.require_may_import(page.scope, sheets)
        result = page.ctx.registry.import_sheets(sheets, dry_run=not keep)
    except ImportRefused as exc:
        return _shown(page, status=422, problems=exc.problems, name=file.filename)
    return _shown(page, result=result, is_kept=keep, name=file.filename)


def _read(file: UploadFile) -> dict[str, Any]:
    content = file.file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise Problem(413, "too large", f"expected a file of at most {_MOST_BYTES // 1_000_000} MB")
    ending = Path(file.filename or "").suffix.lower()
    stem = Path(file.filename or "").stem
    if ending not in (".xlsx", ".csv") or (ending == ".csv" and not stem.isidentifier()):
        raise ImportRefused(["expected an .xlsx workbook, or a .csv file named like its sheet (meters.csv)"])
    with tempfile.TemporaryDirectory(prefix="jieneng-ledger-") as folder:
        path = Path(folder) / (f"{stem}.csv" if ending == ".csv" else "ledger.xlsx")
        path.write_bytes(content)
        return dict(read_sheets(path))


def _shown(page: Page, status: int = 200, **more: object) -> HTMLResponse:
    snapshot, scope = page.scope.snapshot, page.scope
    counts = {
        "regions": len(scope.regions),
        "institutions": len(scope.institutions),
        "buildings": len(scope.buildings()),
        "meters": len(scope.meters()),
        "gateways": sum(g.institution in scope.institutions for g in snapshot.gateways.values()),
    }
    nothing: dict[str, object] = {"problems": [], "result": ImportResult(0, {}, {}, {}), "is_kept": None, "name": ""}
    answer = page.show("ledger.html", counts=counts, **(nothing | more))
    answer.status_code = status
    return answer
