"""The registry as it would be after an import: every sheet's rows by key, and the problems found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from energy.registry.columns import Key, Record


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a sheet cannot be taken: where (a row number, or the key of a row that only the registry holds), and what."""

    sheet: str
    row: int | str
    column: str
    expected: str
    came: object

    def __str__(self) -> str:
        where = f"row {self.row}" if isinstance(self.row, int) else f"the registry's row {self.row}"
        came = "nothing" if self.came is None else repr(self.came)[:120]
        return f"sheet {self.sheet}, {where}, column {self.column}: expected {self.expected}, came {came}"


@dataclass(slots=True)
class Book:
    """All rows after the import, and where in the file each came from."""

    rows: dict[str, dict[Key, Record]] = field(default_factory=dict)
    origin: dict[tuple[str, Key], int] = field(default_factory=dict)
    broken: dict[str, set[Key]] = field(default_factory=dict)  # named in the file, but with bad cells
    problems: list[Problem] = field(default_factory=list)

    def sheet(self, name: str) -> Mapping[Key, Record]:
        """Rows of one sheet."""
        return self.rows.get(name, {})

    def one(self, name: str, identity: str | None) -> Mapping[str, Any] | None:
        """The row of a sheet with a single key column."""
        return None if identity is None else self.sheet(name).get((identity,))

    def knows(self, name: str, identity: str) -> bool:
        """True if the row exists, be it with bad cells (those are a problem of their own)."""
        return (identity,) in self.sheet(name) or (identity,) in self.broken.get(name, ())

    def refuse(self, sheet: str, key: Key, column: str, expected: str, came: object) -> None:
        """Note a problem of one row."""
        row = self.origin.get((sheet, key), ", ".join(str(part) for part in key))
        self.problems.append(Problem(sheet, row, column, expected, came))

    def messages(self) -> list[str]:
        """Every problem once, in the order of the file, those of other rows last."""
        ordered = sorted(self.problems, key=lambda p: (isinstance(p.row, str), p.sheet, p.row))
        return list(dict.fromkeys(str(problem) for problem in ordered))
