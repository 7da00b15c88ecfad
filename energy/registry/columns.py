"""What a sheet is: columns of one kind of cell each, a key, and the table behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Table

from energy.registry.cells import DATE, ID, TEXT, Cell, Kind, Value, pattern
from energy.registry.tables import ALWAYS, Base

Key = tuple[Value, ...]
Record = dict[str, Any]
"""One row by column, cells read: text, numbers, dates and None, exactly as the table holds them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds, whether it must be given, and what an empty cell means where it need not."""

    name: str
    kind: Kind
    needed: bool = False
    empty: Value = None
    refers: str | None = None  # the sheet whose row it names
    hidden: Value = None  # a stored value that is shown as an empty cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """One noun: its table, the columns that make a row what it is (`key`), and all columns.

    Of a long sheet an import looks only at the rows that share the value of column `part` with a row it brings.
    """

    name: str
    table: Table
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    part: str | None = None

    def key_of(self, record: Mapping[str, Any]) -> Key:
        """What tells this row from all others of its sheet."""
        return tuple(record[name] for name in self.key)

    def show(self, record: Mapping[str, Any]) -> dict[str, Cell]:
        """A row as cells."""
        return {
            column.name: None if record[column.name] in (None, column.hidden) else column.kind.show(record[column.name])
            for column in self.columns
        }


def table_of(row: type[Base]) -> Table:
    """The table of a row class."""
    table = row.__table__
    assert isinstance(table, Table)  # every row class maps one table
    return table


def names(*, needed: bool = True) -> tuple[Column, Column]:
    """The two name columns; the Chinese one is the official one."""
    return Column("name_zh", TEXT, needed=needed, empty=""), Column("name_en", TEXT, empty="")


def ref(name: str, sheet: str, *, needed: bool = False) -> Column:
    """A column that names a row of a sheet."""
    return Column(name, ID, needed=needed, refers=sheet)


VALID_FROM = Column("valid_from", DATE, empty=ALWAYS, hidden=ALWAYS)
VALID_TO = Column("valid_to", DATE)
NOTE = Column("note", TEXT, empty="")
WORD = pattern("a word of a-z, 0-9 and _", re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch)


def is_empty(raw: object) -> bool:
    """True for a cell in which nothing was stated."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def overlaps(a_from: date, a_to: date | None, b_from: date, b_to: date | None) -> bool:
    """True if two half-open validities share a day; None = open end."""
    return (b_to is None or a_from < b_to) and (a_to is None or b_from < a_to)
