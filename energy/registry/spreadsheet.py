"""Sheets on disk: one xlsx file, or a folder of csv files, one a sheet. Both round-trip, and neither holds a formula.

A text that a spreadsheet program could take for a formula gets an apostrophe in front, which is taken off again on
reading (promise P-43).
"""

from __future__ import annotations

import csv
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from energy.errors import ImportRefused
from energy.registry.sheets import SHEETS

Rows = list[dict[str, object]]
# Full-width signs count too: Excel in Chinese or Japanese reads them as their narrow twins.
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARK: Final = "'"
MAX_UNPACKED_BYTES: Final = 1_000_000_000
"""An xlsx is a zip: one that would unpack to more than this is refused before it is opened."""
MAX_LINES: Final = 1_000_000
"""Lines of all sheets of a file: one cell far down makes a small file a long one."""


def neutral(cell: object) -> object:
    """The cell; text that could act with an apostrophe in front."""
    return neutral_text(cell) if isinstance(cell, str) else cell


def neutral_text(text: str) -> str:
    """The text, with an apostrophe in front if it could act."""
    return _MARK + text if text.startswith((*_DANGEROUS, _MARK)) else text


def original(cell: object) -> object:
    """The cell as it was before `neutral`."""
    if isinstance(cell, str) and cell.startswith(_MARK) and cell[1:].startswith((*_DANGEROUS, _MARK)):
        return cell[1:]
    return cell


def read_sheets(path: Path, *, most_unpacked: int = MAX_UNPACKED_BYTES) -> dict[str, Rows]:
    """Sheets of an xlsx file or of a folder of csv files; ImportRefused if it is neither.

    Blank rows are kept, so that row numbers in messages are those people see.
    """
    if path.is_dir():
        files = sorted(path.glob("*.csv"))
        if not files:
            raise ImportRefused([f"folder {path}: expected csv files like regions.csv, came none"])
        return {file.stem: _read_csv(file) for file in files}
    if not path.exists():
        raise ImportRefused([f"{path}: expected an xlsx file or a folder of csv files, came nothing"])
    if path.suffix.lower() == ".csv":
        return {path.stem: _read_csv(path)}
    return _read_xlsx(path, most_unpacked)


def write_sheets(sheets: Mapping[str, Sequence[Mapping[str, object]]], path: Path) -> None:
    """Write an xlsx file, or a folder of csv files if the path does not end in `.xlsx`."""
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(sheets, path)
        return
    path.mkdir(parents=True, exist_ok=True)
    for name, rows in sheets.items():
        # Excel takes a csv for Latin text unless it begins with this mark.
        with (path / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(_table(name, rows))


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> Iterable[list[object]]:
    known = (column.name for column in SHEETS[name].columns) if name in SHEETS else ()  # an empty sheet is a form
    columns = list(dict.fromkeys((*known, *(column for row in rows for column in row))))
    yield list(columns)
    for row in rows:
        yield [neutral(row.get(column)) for column in columns]


def _rows(table: Iterable[Sequence[object]], where: str) -> Rows:
    lines = iter(table)
    header = [str(name).strip() if name is not None else "" for name in next(lines, ())]
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise ImportRefused([f"{where}, row 1: expected each column once, came {', '.join(twice)} twice"])
    rows: Rows = []
    for number, line in enumerate(lines, 2):
        if any(cell not in (None, "") for cell in line[len(header) :]) or any(
            cell not in (None, "") for name, cell in zip(header, line, strict=False) if not name
        ):
            raise ImportRefused([f"{where}, row {number}: expected {len(header)} columns with a name, came more"])
        rows.append({name: original(cell) for name, cell in zip(header, line, strict=False) if name})
    while rows and all(cell in (None, "") for cell in rows[-1].values()):
        rows.pop()
    return rows


def _read_csv(file: Path) -> Rows:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel in China saves csv as GBK, which the second contains
        try:
            with file.open(encoding=encoding, newline="") as text:
                return _rows(csv.reader(text, strict=True), f"sheet {file.stem}")
        except UnicodeDecodeError:
            continue
        except csv.Error as exc:
            raise ImportRefused([f"{file}: expected comma separated values: {exc}"]) from exc
    raise ImportRefused([f"{file}: expected text in UTF-8 or GB 18030, came other bytes"])


def _read_xlsx(path: Path, most_unpacked: int) -> dict[str, Rows]:
    from openpyxl import load_workbook  # here, since the ingest process needs the registry but no spreadsheets
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > most_unpacked:
            raise ImportRefused([f"{path.name}: expected at most {most_unpacked} bytes unpacked, came {size}"])
        book = load_workbook(path, read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as exc:
        raise ImportRefused([f"{path}: expected an xlsx file or a folder of csv files: {exc}"]) from exc
    try:
        left = itertools.count(MAX_LINES, -1)
        return {sheet.title: _rows(_cells(sheet, left), f"sheet {sheet.title}") for sheet in book.worksheets}
    finally:
        book.close()


def _cells(sheet: Any, left: Iterator[int]) -> Iterable[list[object]]:
    formulas: list[str] = []
    sheet.reset_dimensions()  # what the sheet says of its size is not believed: each row is as wide as its cells
    for line in sheet.iter_rows():
        if next(left) <= 0:
            raise ImportRefused([f"sheet {sheet.title}: expected at most {MAX_LINES} lines in all sheets, came more"])
        formulas += [f"{sheet.title}!{cell.coordinate}" for cell in line if cell.data_type in ("f", "e")]
        yield [cell.value for cell in line]
    if formulas:
        raise ImportRefused(
            [f"cell {where}: expected a value, came a formula or its error (paste it as a value)" for where in formulas]
        )


def _write_xlsx(sheets: Mapping[str, Sequence[Mapping[str, object]]], path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for line in _table(name, rows):
            sheet.append([_exact(cell) for cell in line])
    book.save(path)


def _exact(cell: object) -> object:
    """A number as text where the 16 digits of an xlsx number would change it."""
    return repr(cell) if isinstance(cell, float) and float(f"{cell:.16g}") != cell else cell
