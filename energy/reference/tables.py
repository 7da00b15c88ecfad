"""The one loader of the reference tables: checks columns, types and keys, and gives typed frozen rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from energy.errors import ReferenceTableError
from energy.reference.rows import (
    CaliberRow,
    CarbonFactor,
    ClimateZone,
    Code,
    Coefficient,
    Holiday,
    Indicator,
    Quota,
    ScoringItem,
    SetPoint,
    Sourced,
    SurveyColumn,
    SurveyField,
)

Row = TypeVar("Row", bound=Sourced)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table holds: its row type and the columns that name a row uniquely."""

    row: type[Sourced]
    key: tuple[str, ...]


TABLES: Final = MappingProxyType(
    {
        "coefficients": Shape(Coefficient, ("key",)),
        "carbon_factors": Shape(CarbonFactor, ("key",)),
        "calibers": Shape(CaliberRow, ("key",)),
        "indicators": Shape(Indicator, ("key",)),
        "quota_reference": Shape(
            Quota, ("region", "standard", "institution_type", "tier", "climate_zone", "indicator")
        ),
        "climate_shandong": Shape(ClimateZone, ("region",)),
        "energy_categories": Shape(Code, ("level", "code")),
        "survey_fields": Shape(SurveyField, ("form", "field_zh")),
        "survey_columns": Shape(SurveyColumn, ("form", "key")),
        "demonstration_scoring": Shape(ScoringItem, ("scheme", "unit_or_item")),
        "set_points": Shape(SetPoint, ("season", "place", "valid_from")),
        "holidays_cn": Shape(Holiday, ("date",)),
        "holidays_gb_eaw": Shape(Holiday, ("date",)),
    }
)
"""Every table by its file name without `.csv`."""


def table(name: str, row_type: type[Row]) -> tuple[Row, ...]:
    """All rows of a table that ships with the platform, in the order of the file."""
    if TABLES[name].row is not row_type:
        raise TypeError(f"table {name} holds {TABLES[name].row.__name__}, not {row_type.__name__}")
    return cast(tuple[Row, ...], _shipped(name))


@cache
def _shipped(name: str) -> tuple[Sourced, ...]:
    return read(files(__package__) / f"{name}.csv", TABLES[name].row, TABLES[name].key)


def read(path: Traversable, row_type: type[Row], key: tuple[str, ...]) -> tuple[Row, ...]:
    """All rows of one csv file; ReferenceTableError names file, row (line of the file) and column."""
    try:
        return tuple(_rows(path.name, io.StringIO(path.read_text(encoding="utf-8"), newline=""), row_type, key))
    except (OSError, UnicodeDecodeError) as exc:
        raise ReferenceTableError(f"{path.name}: expected a readable UTF-8 file: {exc}") from exc


def _rows(file: str, lines: Iterable[str], row_type: type[Row], key: tuple[str, ...]) -> Iterator[Row]:
    reader = csv.DictReader(lines, strict=True)
    _check_columns(file, reader.fieldnames or (), row_type)
    adapter = TypeAdapter(row_type)
    known: dict[tuple[object, ...], int] = {}
    for cells in reader:
        row = _row(f"{file} row {reader.line_num}", cells, adapter)
        name = tuple(getattr(row, column) for column in key)
        if name in known:
            raise ReferenceTableError(
                f"{file} row {reader.line_num} column {', '.join(key)}: "
                f"{' / '.join(map(str, name))} is already in row {known[name]}"
            )
        known[name] = reader.line_num
        yield row


def _check_columns(file: str, found: Iterable[str], row_type: type[Sourced]) -> None:
    expected = [field.name for field in fields(row_type)]
    missing, unknown = set(expected) - set(found), set(found) - set(expected)
    if missing or unknown:
        raise ReferenceTableError(
            f"{file} row 1: expected the columns {', '.join(expected)}; "
            f"missing: {', '.join(sorted(missing)) or 'none'}; unknown: {', '.join(sorted(unknown)) or 'none'}"
        )


def _row(where: str, cells: dict[str | Any, str | Any], adapter: TypeAdapter[Row]) -> Row:
    if None in cells or None in cells.values():
        raise ReferenceTableError(f"{where}: expected as many cells as row 1 has columns")
    try:
        return adapter.validate_python({column: cell for column, cell in cells.items() if cell != ""})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        column = ".".join(str(part) for part in first["loc"])
        named = f" column {column}" if column else ""
        got = f", got {cells[column]!r}" if column in cells else ""
        raise ReferenceTableError(f"{where}{named}: {first['msg']}{got}") from exc
