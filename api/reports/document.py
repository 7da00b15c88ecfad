"""What a report says, apart from how it is set: one document, written as XLSX, DOCX or PDF.

A number travels as a number with its unit and digits; unknown is NaN and shown as a dash, never as zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Cell = str | float | int | None
Kind = Literal["text", "number", "share", "change", "count"]
Language = Literal["zh", "en"]
Role = Literal["measured", "expected", "last_year"]
UNKNOWN = "—"
_UNBROKEN: Final = re.compile(r"[!-~²³·]+")  # words, numbers and units of Latin writing; Chinese breaks anywhere
_WIDEST: Final = 0.3
"""No column gets more of the table only because a word in it is long."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `digits` after the point, `width` as a share of the others."""

    head: str
    kind: Kind = "text"
    digits: int = 0
    width: float = 1.0

    def is_words(self, cell: Cell) -> bool:
        """True for what stands at the left, also in a column of numbers."""
        return self.kind == "text" or (isinstance(cell, str) and cell != "")

    def shown(self, cell: Cell) -> str:
        """A cell as people read it."""
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return UNKNOWN if self.kind != "text" else ""
        if isinstance(cell, str):
            return cell
        if isinstance(cell, int):  # a count has no places after the point, whatever stands above and below it
            return f"{cell:,}"
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

    def widths(self, room: float, measure: Callable[[str], float]) -> list[float]:
        """Widths of the columns in this room: as asked for, but no word or number is broken in two if it can be helped.

        `measure` tells how much room an unbroken text needs, with its cell's padding.
        """
        least = [min(self._unbroken(place, measure), _WIDEST * room) for place in range(len(self.columns))]
        if sum(least) >= room:
            return [room * part / sum(least) for part in least]
        fixed: set[int] = set()
        while True:
            free = {place: column.width for place, column in enumerate(self.columns) if place not in fixed}
            unit = (room - sum(least[place] for place in fixed)) / sum(free.values())
            tight = {place for place, share in free.items() if unit * share < least[place]}
            if not tight:
                return [unit * free[place] if place in free else part for place, part in enumerate(least)]
            fixed |= tight

    def _unbroken(self, place: int, measure: Callable[[str], float]) -> float:
        column = self.columns[place]
        texts = [column.head, *(column.shown(row[place]) for row in self.rows)]
        return max((measure(run) for text in texts for run in _UNBROKEN.findall(text)), default=0.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart; `role` fixes its colour and form in every report."""

    name: str
    values: tuple[float, ...]
    role: Role = "measured"


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
    subject: str = ""
    signed_by: tuple[str, ...] = ()  # who signs by hand; empty where the issuer's name is enough

    def title_lines(self, ems: float) -> list[str]:
        """A title too wide for so many Chinese characters is broken behind the issuer, never inside a word."""
        if width(self.title) <= ems or not self.title.startswith(self.issuer):
            return [self.title]
        return [self.issuer, self.title.removeprefix(self.issuer).lstrip(": ")]

    @property
    def fact_lines(self) -> list[str]:
        """The facts as people read them."""
        colon = "：" if self.language == "zh" else ": "
        return [f"{name}{colon}{value}" for name, value in self.facts]

    @property
    def signature_line(self) -> str:
        """Room to sign for each who has to."""
        colon = "：" if self.language == "zh" else ":"
        return "  ".join(f"{who}{colon}________" for who in self.signed_by)

    @property
    def tables(self) -> list[TableBlock]:
        """All tables in their order."""
        return [block for block in self.blocks if isinstance(block, TableBlock)]


def width(text: str) -> float:
    """Width of a text in Chinese characters."""
    return sum(0.5 if character.isascii() else 1.0 for character in text)


def day_words(day: date, language: Language) -> str:
    """A date as official papers write it."""
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.strftime("%d %B %Y").lstrip("0")
