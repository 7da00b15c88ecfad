"""Taking sheets in: read every cell, lay the rows over what is stored, check the whole, write what differs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, select

from energy.errors import ImportRefused
from energy.registry.book import Book, Problem
from energy.registry.cells import BadCell, Value
from energy.registry.checks import check
from energy.registry.columns import Column, Key, Record, Sheet, is_empty
from energy.registry.sheets import SHEETS

Sheets = Mapping[str, Sequence[Mapping[str, object]]]
_CHUNK = 500  # values in one IN list; both databases take more, the planner likes less
FIRST_ROW = 2  # as people see it in their spreadsheet: row 1 is the header


@dataclass(frozen=True, slots=True)
class Change:
    """One row that the import adds (`before` is None) or alters."""

    sheet: str
    key: Key
    before: Record | None
    after: Record


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: rows added, changed and left as they were, by sheet; and the revision after it."""

    revision: int
    added: Mapping[str, int]
    changed: Mapping[str, int]
    unchanged: Mapping[str, int]

    def __str__(self) -> str:
        parts = {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}
        return "; ".join(f"{_counted(rows)} {word}" for word, rows in parts.items())


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a file: the cells that were given. A column the file does not have is not among them."""

    row: int
    key: Key
    given: Record


def _counted(rows: Mapping[str, int]) -> str:
    names = ", ".join(f"{name} {n}" for name, n in rows.items() if n)
    return f"{sum(rows.values())} rows" + (f" ({names})" if names else "")


def merge(connection: Connection, sheets: Sheets) -> tuple[list[Change], Counter[str]]:
    """What the sheets would change, and how many rows of each they leave alone; ImportRefused with every problem.

    A column that a file leaves out stays as it is, an empty cell empties it, a row left out stays.
    """
    book = Book({sheet.name: _load_for(connection, sheet, sheets) for sheet in SHEETS.values()})
    changes: list[Change] = []
    same: Counter[str] = Counter()
    for name, rows in sheets.items():
        sheet = SHEETS.get(name)
        if sheet is None:
            book.problems.append(Problem(name, 1, "-", "a sheet called " + ", ".join(SHEETS), name))
            continue
        for entry in _entries(book, sheet, rows):
            change = _lay_over(book, sheet, entry)
            if change is None:
                continue
            if change.before == change.after:
                same[name] += 1
            else:
                changes.append(change)
    check(book)
    if book.problems:
        raise ImportRefused(book.messages())
    return changes, same


def load(
    connection: Connection, sheet: Sheet, only: Iterable[Value] | None = None, part: str = ""
) -> dict[Key, Record]:
    """The stored rows of a sheet, of the sheet's columns; all, or `only` those with these values of column `part`."""
    columns = [sheet.table.c[column.name] for column in sheet.columns]
    names = [column.name for column in sheet.columns]
    statement = select(*columns)
    if only is None:
        rows: Iterable[Sequence[Any]] = connection.execute(statement)
    else:
        chunks = _chunks(list(only))
        rows = (row for some in chunks for row in connection.execute(statement.where(sheet.table.c[part].in_(some))))
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return {sheet.key_of(record): record for record in records}


def _load_for(connection: Connection, sheet: Sheet, sheets: Sheets) -> dict[Key, Record]:
    """What an import has to know of a sheet: everything, or of a long sheet what its rows touch or name."""
    if sheet.part is None:
        return load(connection, sheet)
    wanted = _values(sheets, sheet, sheet.part)
    for other in SHEETS.values():
        for column in other.columns:
            if column.refers == sheet.name:
                wanted |= _values(sheets, other, column.name)
    return load(connection, sheet, wanted, sheet.part)


def _values(sheets: Sheets, sheet: Sheet, column: str) -> set[Value]:
    cells = (row.get(column) for row in sheets.get(sheet.name, ()))
    return {str(cell).strip() for cell in cells if not is_empty(cell)}


def _chunks(values: list[Value]) -> Iterable[list[Value]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))


def write(connection: Connection, changes: Iterable[Change]) -> None:
    """Bring the changes into the database, sheet by sheet."""
    for sheet in SHEETS.values():
        mine = [change for change in changes if change.sheet == sheet.name]
        added = [change.after for change in mine if change.before is None]
        altered = [change.after for change in mine if change.before is not None]
        if added:
            connection.execute(sheet.table.insert(), added)
        if altered:
            connection.execute(*_update(sheet, altered))


def _update(sheet: Sheet, records: list[Record]) -> tuple[Update, list[Record]]:
    rest = [column.name for column in sheet.columns if column.name not in sheet.key]
    statement = (
        sheet.table.update()
        .where(and_(*(sheet.table.c[name] == bindparam(f"key_{name}") for name in sheet.key)))
        .values({name: bindparam(f"new_{name}") for name in rest})
    )
    values = [
        {f"key_{name}": record[name] for name in sheet.key} | {f"new_{name}": record[name] for name in rest}
        for record in records
    ]
    return statement, values


def _entries(book: Book, sheet: Sheet, rows: Sequence[Mapping[str, object]]) -> Iterable[Entry]:
    columns = {column.name: column for column in sheet.columns}
    _refuse_unknown_columns(book, sheet, columns, rows)
    for number, row in enumerate(rows, FIRST_ROW):
        if all(is_empty(raw) for raw in row.values()):
            continue  # people leave blank lines
        entry = _read_row(book, sheet, number, {name: row[name] for name in columns if name in row})
        if entry is None:
            continue
        first = book.origin.setdefault((sheet.name, entry.key), number)
        if first != number:
            text = ", ".join(str(part) for part in entry.key)
            book.problems.append(Problem(sheet.name, number, sheet.key[0], f"each row once (row {first} is it)", text))
            continue
        yield entry


def _refuse_unknown_columns(
    book: Book, sheet: Sheet, columns: Mapping[str, Column], rows: Sequence[Mapping[str, object]]
) -> None:
    for name in dict.fromkeys(name for row in rows for name in row if name not in columns):
        near = difflib.get_close_matches(str(name), columns, 1)
        expected = f"column {near[0]}" if near else "one of the columns " + ", ".join(columns)
        book.problems.append(Problem(sheet.name, 1, str(name), expected, name))


def _read_row(book: Book, sheet: Sheet, number: int, cells: Mapping[str, object]) -> Entry | None:
    given: Record = {}
    faulty = False
    for column in sheet.columns:
        if column.name in cells:
            raw = cells[column.name]
            try:
                given[column.name] = _read_cell(column, raw)
            except BadCell as exc:
                faulty = True
                book.problems.append(Problem(sheet.name, number, column.name, str(exc), None if is_empty(raw) else raw))
        elif column.name in sheet.key and not column.needed:
            given[column.name] = column.empty
    absent = [name for name in sheet.key if name not in given]
    for name in absent:
        if name not in cells:
            book.problems.append(Problem(sheet.name, number, name, "a value", None))
    if absent:
        return None
    key = sheet.key_of(given)
    if faulty:
        book.broken.setdefault(sheet.name, set()).add(key)
        return None
    return Entry(number, key, given)


def _read_cell(column: Column, raw: object) -> object:
    if not is_empty(raw):
        return column.kind.read(raw)
    if column.needed:
        raise BadCell(column.kind.name)
    return column.empty


def _lay_over(book: Book, sheet: Sheet, entry: Entry) -> Change | None:
    rows = book.rows[sheet.name]
    before = rows.get(entry.key)
    if before is None:
        lacking = [column for column in sheet.columns if column.needed and column.name not in entry.given]
        for column in lacking:
            book.refuse(sheet.name, entry.key, column.name, column.kind.name, None)
        if lacking:
            book.broken.setdefault(sheet.name, set()).add(entry.key)
            return None
    base = before if before is not None else {column.name: column.empty for column in sheet.columns}
    after = {**base, **entry.given}
    rows[entry.key] = after
    return Change(sheet.name, entry.key, before, after)
