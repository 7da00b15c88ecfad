"""Whole sheets in and out: what a spreadsheet program or another installation exchanges with this one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Body as RawBody
from fastapi import Path as PathPart
from fastapi import Query, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from api import ownership
from api.answers import BINARY, XLSX, Wants, answers, file, json_answer
from api.callers import Sees
from api.context import Context, Ctx
from api.problems import Problem
from api.schemas import Asked, Body
from api.scope import Scope
from api.strict import noun
from energy.registry import read_sheets, write_sheets
from energy.registry.sheets import SHEETS

router = noun("exchange")
MOST_UNPACKED_BYTES: Final = 200_000_000
"""Less than the command takes, since many may send files at once."""
Cell = str | int | float | None
DryRun = Annotated[bool, Query(description="say what would happen, and keep nothing")]
SheetName = Annotated[str, PathPart(max_length=64, json_schema_extra={"enum": sorted(SHEETS)}, examples=["meters"])]


class ImportIn(Asked):
    """Rows by sheet; the columns are those of the export. An empty cell means not stated, never zero."""

    sheets: dict[str, list[dict[str, Cell]]] = Field(
        examples=[{"buildings": [{"id": "jd-zf-b9", "institution": "jd-zf", "name_zh": "九号楼"}]}]
    )


class ImportOut(Body):
    """What an import did: rows by sheet."""

    revision: int = Field(description="of the registry, afterwards")
    dry_run: bool
    added: dict[str, int]
    changed: dict[str, int]
    unchanged: dict[str, int]


class SheetOut(Body):
    """All rows of a sheet that you see."""

    sheet: str
    rows: list[dict[str, Cell]]


@router.post("/imports", operation_id="import_sheets")
def import_sheets(ctx: Ctx, scope: Sees, body: ImportIn, dry_run: DryRun = False) -> ImportOut:
    """Take all rows or none; a refusal lists every problem. The same rows again change nothing."""
    return _take(ctx, scope, body.sheets, dry_run)


@router.post("/imports/file", operation_id="import_file")
def import_file(
    ctx: Ctx, scope: Sees, content: Annotated[bytes, RawBody(media_type=XLSX)], dry_run: DryRun = False
) -> ImportOut:
    """The same from an xlsx file sent as the body."""
    with tempfile.TemporaryDirectory(prefix="jieneng-import-") as folder:
        path = Path(folder) / "import.xlsx"
        path.write_bytes(content)
        sheets = read_sheets(path, most_unpacked=MOST_UNPACKED_BYTES)
    return _take(ctx, scope, sheets, dry_run)


@router.get("/exports/{sheet}", operation_id="export_sheet", responses=answers(SheetOut, paged=False))
def export_sheet(ctx: Ctx, scope: Sees, wish: Wants, sheet: SheetName) -> Response:
    """One sheet, as JSON, CSV or XLSX; an import takes it back unchanged."""
    if sheet not in SHEETS:
        raise Problem(404, "not found", f"expected one of {', '.join(sorted(SHEETS))}, came {sheet!r}")
    rows = _visible(ctx, scope, sheet)
    if wish.format == "json":
        return json_answer(wish, {"sheet": sheet, "rows": rows})
    columns = [column.name for column in SHEETS[sheet].columns]
    return file(wish, sheet, columns, ([row[name] for name in columns] for row in rows))


@router.get(
    "/exports",
    operation_id="export_all",
    response_class=StreamingResponse,
    responses={200: {"content": {XLSX: {"schema": BINARY}}, "description": "A workbook"}},
)
def export_all(ctx: Ctx, scope: Sees) -> Response:
    """Everything you see in one xlsx file, one sheet a noun."""
    sheets = {name: _visible(ctx, scope, name) for name in SHEETS}
    with tempfile.TemporaryDirectory(prefix="jieneng-export-") as folder:
        path = Path(folder) / "jieneng.xlsx"
        write_sheets(sheets, path)
        content = path.read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="jieneng.xlsx"', "Cache-Control": "private, no-store"}
    return Response(content, headers=headers, media_type=XLSX)


def _visible(ctx: Context, scope: Scope, sheet: str) -> list[dict[str, Any]]:
    rows = ctx.registry.export_sheets(sheet)[sheet]
    return [row for row in rows if ownership.is_visible(scope, sheet, row)]


def _take(ctx: Context, scope: Scope, sheets: Mapping[str, Any], dry_run: bool) -> ImportOut:
    ownership.require_may_import(scope, sheets)
    result = ctx.registry.import_sheets(sheets, dry_run=dry_run)
    return ImportOut(
        revision=result.revision,
        dry_run=dry_run,
        added=dict(result.added),
        changed=dict(result.changed),
        unchanged=dict(result.unchanged),
    )
