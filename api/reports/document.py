"""What a report says, apart from how it is set: one document, written as XLSX, DOCX or PDF.

A number travels as a number with its unit and digits; unknown is NaN and shown as a dash, never as zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Cell = str | float | int | None
Kind = Literal["text", "number", "share", "change", "count"]
Language = Literal["zh", "en"]
UNKNOWN = "—"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `digits` after the point, `width` as a share of the others."""

    head: str
    kind: Kind = "text"
    digits: int = 0
    width: float = 1.0

    def shown(self, cell: Cell) -> str:
        """A cell as people read it."""
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return UNKNOWN if self.kind != "text" else ""
        if isinstance(cell, str):
            return cell
        if self.kind == "share":
            return f"{cell:.{self.digits or 1}%}"
        if self.kind == "change":
            return f"{cell:+.1%}"
        return f"{cell:,.{self.digits}f}"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table with a caption that names what it holds, and notes below it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    empty: str = ""  # what to say where there are no rows

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.caption!r}: expected {len(self.columns)} cells, came {len(row)}")


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart; `role` fixes its colour and form in every report."""

    name: str
    values: tuple[float, ...]
    role: Literal["measured", "expected", "last_year"] = "measured"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of what was measured, lines of what it is compared with; NaN leaves a gap."""

    caption: str
    unit: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the first or second level."""

    text: str
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


Block = Heading | Paragraph | TableBlock | Chart


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    issuer: str
    day: date
    language: Language
    facts: tuple[tuple[str, str], ...]  # what stands under the title: name and value
    blocks: tuple[Block, ...]
    foot: str = ""  # on every page
    banner: str = ""  # 非正式样表 and the like, where people cannot miss it
    subject: str = field(default="")

    @property
    def tables(self) -> list[TableBlock]:
        """All tables in their order."""
        return [block for block in self.blocks if isinstance(block, TableBlock)]


def day_words(day: date, language: Language) -> str:
    """A date as official papers write it."""
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.strftime("%d %B %Y").lstrip("0")
