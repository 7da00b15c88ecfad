"""One table, four ways out: a page of JSON, CSV, XLSX, or "unchanged".

Files hold the whole table and no formulas (promise P-43); numbers stay numbers. A cursor names the last row seen, so a
page stays right while rows come and go.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import json
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from fastapi import Depends, Query, Request
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from api.problems import Problem, wrong
from api.schemas import Body
from energy.registry.spreadsheet import neutral

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS_OF_A_PAGE: Final = 1000
BINARY: Final = {"type": "string", "format": "binary"}
_MOST_ROWS_OF_SHEET: Final = 1_000_000
_NARROWEST: Final = 12  # of a column in XLSX, in characters
_LINES: Final = 2_000  # of CSV in one part of the answer
Format = Literal["json", "csv", "xlsx"]
Language = Literal["zh", "en"]
_TYPES: Final[dict[Format, str]] = {"json": "application/json", "csv": "text/csv", "xlsx": XLSX}
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Cells = Iterable[Sequence[object]]


class Page(Body, Generic[M]):
    """One page of a list."""

    items: list[M]
    next: str | None = Field(description="pass it as `cursor` for the next page; null at the end")
    total: int = Field(description="rows of all pages together")


@dataclass(frozen=True, slots=True)
class Wish:
    """How the caller wants an answer."""

    format: Format
    language: Language
    if_none_match: str

    def name(self, zh: str, en: str) -> str:
        """The name in the caller's language, the other one where it has none."""
        return (en or zh) if self.language == "en" else (zh or en)


def wish_of(
    request: Request,
    wanted: Annotated[
        Format | None, Query(alias="format", description="for links: wins over the header Accept")
    ] = None,
) -> Wish:
    """The wish of a request, by `?format=`, Accept and Accept-Language."""
    accept = request.headers.get("accept", "")
    return Wish(wanted or _accepted(accept), _spoken(request), request.headers.get("if-none-match", ""))


Wants = Annotated[Wish, Depends(wish_of)]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is wanted."""

    limit: int
    cursor: str | None


def paging_of(
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS_OF_A_PAGE, description="rows of one page")] = 100,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
) -> Paging:
    """The page a request asks for."""
    return Paging(limit, cursor)


Pages = Annotated[Paging, Depends(paging_of)]


def listed(
    wish: Wish, paging: Paging, rows: Iterable[M], key: Callable[[M], tuple[Any, ...]], model: type[M]
) -> Response:
    """A short list by page, or whole as a file. `key` orders the rows and tells each from all others."""
    return sought(wish, paging, rows, key, lambda row: row, model)


def sought(
    wish: Wish,
    paging: Paging,
    things: Iterable[T],
    key: Callable[[T], tuple[Any, ...]],
    show: Callable[[T], M],
    model: type[M],
) -> Response:
    """The same of things of which only those of the page are made into rows."""
    ordered = sorted(things, key=key)
    if wish.format != "json":
        return whole(wish, map(show, ordered), model)
    begin = (
        bisect_right(ordered, _after(paging.cursor, key, ordered), key=lambda thing: list(key(thing)))
        if paging.cursor
        else 0
    )
    page = ordered[begin : begin + paging.limit]
    has_more = bool(page) and begin + paging.limit < len(ordered)
    return page_of(wish, map(show, page), key(page[-1]) if has_more else None, len(ordered))


def page_of(wish: Wish, rows: Iterable[BaseModel], last: Sequence[Any] | None, total: int) -> Response:
    """One page; `last` is the key of its last row where more follow."""
    items = [row.model_dump(mode="json") for row in rows]
    return json_answer(wish, {"items": items, "next": None if last is None else _cursor(last), "total": total})


def whole(wish: Wish, rows: Iterable[BaseModel], model: type[BaseModel]) -> Response:
    """All rows of a list as a file."""
    return file(wish, model.__name__.removesuffix("Out").lower(), list(model.model_fields), _cells(rows))


def one(wish: Wish, row: BaseModel) -> Response:
    """One thing as JSON."""
    return json_answer(wish, row.model_dump(mode="json"))


def json_answer(wish: Wish, content: object) -> Response:
    """JSON with an ETag, or 304 if the caller has it already. What is not a finite number becomes null."""
    body = msgspec.json.encode(content)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, **_PRIVATE}
    # A proxy or browser that compressed the answer marks the tag as weak; it is the same content.
    if tag in {part.strip().removeprefix("W/") for part in wish.if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def file(wish: Wish, name: str, columns: Sequence[str], rows: Cells) -> Response:
    """A table as a file to be opened in a spreadsheet program, sent while it is made."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{wish.format}"', **_PRIVATE}
    parts = workbook(name, columns, rows) if wish.format == "xlsx" else _csv(columns, rows)
    kind = "text/csv; charset=utf-8" if wish.format == "csv" else XLSX
    return StreamingResponse(parts, headers=headers, media_type=kind)


def answers(model: Any, *, paged: bool = True) -> dict[int | str, dict[str, Any]]:
    """`responses` of a table's route, for the OpenAPI page."""
    shape = Page[model] if paged else model
    return {
        200: {
            "model": shape,
            "content": {"text/csv": {"schema": {"type": "string"}}, XLSX: {"schema": BINARY}},
            "description": "The table",
        },
        304: {"description": "Unchanged since the ETag of `If-None-Match`"},
    }


_PRIVATE: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Language, Authorization, Cookie"}


def _accepted(accept: str) -> Format:
    """The format of an Accept header; 406 where it allows none that we have."""
    if not accept:
        return "json"
    weighed = []
    for place, part in enumerate(accept.split(",")[:20]):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weighed.append((-_weight(parameters), place, kind))
    for weight, _, kind in sorted(weighed):
        for name, offered in _TYPES.items():
            if weight < 0 and kind in (offered, "*/*", f"{offered.partition('/')[0]}/*", "text/html"):
                return name
    raise Problem(406, "format not offered", f"expected Accept to allow one of {', '.join(_TYPES.values())}")


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _spoken(request: Request) -> Language:
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        tag = part.split(";")[0].strip().lower()
        if tag.startswith(("zh", "en")):
            return "en" if tag.startswith("en") else "zh"
    return "zh"


def _cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")


def key_of(cursor: str) -> list[Any]:
    """The key a cursor names."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise wrong("query.cursor", "`next` of an earlier page", cursor) from None
    if not isinstance(found, list):
        raise wrong("query.cursor", "`next` of an earlier page of this list", cursor)
    return found


def _after(cursor: str, key: Callable[[T], tuple[Any, ...]], ordered: Sequence[T]) -> list[Any]:
    """The key a cursor names; refused unless it looks like the keys of this list."""
    found = key_of(cursor)
    like = list(key(ordered[0])) if ordered else found
    if [type(part) for part in found] != [type(part) for part in like]:
        raise wrong("query.cursor", "`next` of an earlier page of this list", cursor)
    return found


def _cells(rows: Iterable[BaseModel]) -> Iterator[list[object]]:
    for row in rows:
        values = row.model_dump(mode="json").values()
        yield [json.dumps(v, ensure_ascii=False) if isinstance(v, list | dict) else v for v in values]


def _csv(columns: Sequence[str], rows: Cells) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    yield b"\xef\xbb\xbf"  # Excel takes a csv for Latin text unless it begins with this mark
    for number, row in enumerate(rows, 1):
        writer.writerow([_shown(cell) for cell in row])
        if number % _LINES == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def workbook(
    name: str, columns: Sequence[str], rows: Cells, *, rows_of_sheet: int = _MOST_ROWS_OF_SHEET
) -> Iterator[bytes]:
    """A table as XLSX, in as many sheets as it needs: a sheet holds 1,048,576 rows."""
    book = Workbook(write_only=True)
    for place, row in enumerate(rows):
        if place % rows_of_sheet == 0:
            sheet = _sheet(book, name, place // rows_of_sheet + 1, columns)
        sheet.append([_shown(cell) for cell in row])
    if not book.worksheets:
        _sheet(book, name, 1, columns)
    with tempfile.TemporaryFile() as spool:
        book.save(spool)
        spool.seek(0)
        while part := spool.read(65_536):
            yield part


def _sheet(book: Workbook, name: str, number: int, columns: Sequence[str]) -> Any:
    """A sheet whose heads stay in sight."""
    sheet = book.create_sheet(name[:24] + (f" {number}" if number > 1 else ""))
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(place)].width = max(_NARROWEST, len(column) + 2)
    sheet.append(list(columns))
    return sheet


def _shown(cell: object) -> object:
    """What a file holds of a value: nothing for an unknown number, no text that could act."""
    if isinstance(cell, float) and cell != cell:
        return None
    return neutral(cell)
