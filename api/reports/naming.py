"""How units, indicators, calibers, classes and end uses are written on paper."""

from __future__ import annotations

import re
from typing import Final

from api.reports.words import Words
from energy.caliber import caliber
from energy.errors import ReferenceTableError
from energy.reference import code, indicator, indicators

_PARTS_OF_UNITS: Final = re.compile(r"[A-Za-z]+[0-9]?")
_UNITS: Final = {"m2": "m²", "m3": "m³"}
_CHINESE_UNITS: Final = {"yuan": "元", "p": "人", "bed": "床", "d": "日"}


def plain_unit(unit: str, w: Words) -> str:
    """A unit as people write it."""
    words = _UNITS | (_CHINESE_UNITS if w.language == "zh" else {})
    return _PARTS_OF_UNITS.sub(lambda part: words.get(part[0], part[0]), unit)


def indicator_names(key: str) -> tuple[str, str]:
    """Names of an indicator."""
    try:
        found = indicator(key)
    except ReferenceTableError:  # written by a version with another list
        return key, key
    return found.name_zh, found.name_en


def indicator_unit(key: str, period: str, w: Words) -> str:
    """Unit of an indicator's value of this period."""
    try:
        return plain_unit(indicator(key).unit_of(period), w)
    except ReferenceTableError:
        return ""


def place_of(key: str) -> int:
    """Where an indicator stands in the list of all; behind it, if a version with another list wrote it."""
    known = list(indicators())
    return known.index(key) if key in known else len(known)


def caliber_name(key: str, w: Words) -> str:
    """Short name of a caliber."""
    try:
        found = caliber(key)
    except ReferenceTableError:
        return key
    return w.name(found.name_zh, found.name_en)


def caliber_text(key: str, w: Words) -> str:
    """Name, standard and year of a caliber."""
    try:
        found = caliber(key)
    except ReferenceTableError:
        return key
    more = [part for part in (found.standard, str(found.year) if found.year else "") if part]
    opened, closed = ("（", "）") if w.language == "zh" else (" (", ")")
    return w.name(found.name_zh, found.name_en) + (opened + ", ".join(more) + closed if more else "")


def type_name(key: str, w: Words) -> str:
    """Code and name of a class of institutions."""
    try:
        found = code("institution", key)
    except ReferenceTableError:
        return key
    return f"{key} {w.name(found.name_zh, found.name_en)}"


def item_name(key: str, w: Words) -> str:
    """Name of an end use of electricity."""
    if key == "unallocated":
        return w("unallocated")
    try:
        found = code("item", key)
    except ReferenceTableError:
        return key
    return f"{key} {w.name(found.name_zh, found.name_en)}"
