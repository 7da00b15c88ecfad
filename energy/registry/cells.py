"""What one cell of a sheet may hold: reading it into a value, and showing a value as a cell again.

Spreadsheets hand over text, numbers, booleans and dates; a folder of csv hands over text alone. Both mean the same.
A kind is strict where a guess could be wrong: `1` is not the type code `01`, a fraction is not a whole number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from energy.errors import UnitError
from energy.model import is_id
from energy.units import unit

Value = str | int | float | date | None
Cell = str | int | float | None
MAX_TEXT: Final = 4000


class BadCell(ValueError):
    """A cell that is not of its kind; the text says what was expected."""


def _same(value: Value) -> Cell:
    assert not isinstance(value, date)  # kinds with dates bring their own way to show them
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """How to read one sort of cell (BadCell if it is another) and how to show it."""

    name: str
    read: Callable[[object], Value]
    show: Callable[[Value], Cell] = _same


def clean_text(raw: object, most: int = MAX_TEXT) -> str:
    """The text of a cell without blanks around it; a whole number from a spreadsheet loses its `.0`."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | date):
        raise BadCell("text")
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        raw = int(raw)
    text = str(raw).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > most:
        raise BadCell(f"at most {most} characters")
    if any(not (c.isprintable() or c in "\n\t\u3000\u00a0") for c in text):
        raise BadCell("text without control characters")
    return text


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise BadCell("a number")
    try:
        # Python would also take 1_000, which no spreadsheet means as a number.
        value = float(raw) if not isinstance(raw, str) or "_" not in raw else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise BadCell("a finite number without unit or thousands separator")
    return value


def number(
    *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf, below: float = math.inf
) -> Kind:
    """A finite number, greater than `above`, at least `least`, at most `most` and less than `below`."""
    bounds = {"greater than": above, "at least": least, "at most": most, "less than": below}
    told = [f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound)]
    expected = f"a number {' and '.join(told)}" if told else "a number"

    def read(raw: object) -> float:
        value = _number(raw)
        if not (above < value < below and least <= value <= most):
            raise BadCell(expected)
        return value + 0.0  # turns -0.0 into 0.0

    return Kind(expected, read)


def whole(least: int, most: int) -> Kind:
    """A whole number between two bounds, both allowed."""
    expected = f"a whole number from {least} to {most}"

    def read(raw: object) -> int:
        value = _number(raw)
        if not value.is_integer() or not least <= value <= most:
            raise BadCell(expected)
        return int(value)

    return Kind(expected, read)


def choice(*allowed: str) -> Kind:
    """One of a few words."""
    expected = "one of " + ", ".join(allowed)

    def read(raw: object) -> str:
        value = clean_text(raw)
        if value not in allowed:
            raise BadCell(expected)
        return value

    return Kind(expected, read)


def _read_id(raw: object) -> str:
    value = clean_text(raw)
    if not is_id(value):
        raise BadCell("an id: 1 to 64 of A-Z a-z 0-9 _ . -")
    return value


def _read_date(raw: object) -> date:
    if isinstance(raw, datetime):  # a spreadsheet's date cell
        if raw.time() != datetime.min.time():
            raise BadCell("a date without a time")
        return raw.date()
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(clean_text(raw))
    except ValueError:
        raise BadCell("a date like 2026-01-31") from None


def _show_date(value: Value) -> Cell:
    return value.isoformat() if isinstance(value, date) else None


def _read_instant(raw: object) -> int:
    expected = "a time with offset like 2026-01-31T08:00:00+08:00"
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(clean_text(raw))
        except ValueError:
            raise BadCell(expected) from None
    if not isinstance(raw, datetime) or raw.tzinfo is None:
        raise BadCell(expected)
    return math.floor(raw.timestamp())


def _show_instant(value: Value) -> Cell:
    if not isinstance(value, int):
        return None
    return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")


def _read_zone(raw: object) -> str:
    value = clean_text(raw)
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # what it raises depends on how the name is wrong
        raise BadCell("a time zone like Asia/Shanghai") from None
    return value


def _read_unit(raw: object) -> str:
    try:
        return unit(clean_text(raw)).symbol
    except UnitError as exc:
        raise BadCell(f"a unit: {exc}") from None


TEXT = Kind("text", clean_text)


def text(most: int) -> Kind:
    """Text of at most so many characters."""
    return Kind("text", lambda raw: clean_text(raw, most))


ID = Kind("an id", _read_id)
DATE = Kind("a date", _read_date, _show_date)
INSTANT = Kind("an instant", _read_instant, _show_instant)
ZONE = Kind("a time zone", _read_zone)
UNIT = Kind("a unit", _read_unit)


def pattern(expected: str, matches: Callable[[str], object]) -> Kind:
    """Text of which `matches` holds."""

    def read(raw: object) -> str:
        value = clean_text(raw)
        if not matches(value):
            raise BadCell(expected)
        return value

    return Kind(expected, read)
