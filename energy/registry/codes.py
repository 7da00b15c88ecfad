"""Cells that hold official codes, judged by the reference tables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache

from energy.model import Category
from energy.reference import CaliberRow, Code, Indicator, table
from energy.registry.cells import BadCell, Kind, clean_text


@cache
def known(*levels: str) -> Mapping[str, Code]:
    """Official codes of some levels of the table `energy_categories`."""
    return {row.code: row for row in table("energy_categories", Code) if row.level in levels}


@cache
def _categories() -> Mapping[str, str]:
    coded = {row.code: row.category.value for row in known("class").values() if row.category is not None}
    return {category.value: category.value for category in Category} | coded


def is_item(code: str) -> bool:
    """True for an end-use code (分项) of electricity."""
    return code in known("item", "sub1", "sub2")


def official(level: str) -> Kind:
    """A code of one level."""

    def read(raw: object) -> str:
        value = clean_text(raw)
        if value not in known(level):
            raise BadCell("one of " + ", ".join(known(level)))
        return value

    return Kind(f"a code of {level}", read)


def _read_category(raw: object) -> str:
    found = _categories().get(clean_text(raw))
    if found is None:
        raise BadCell("one of " + ", ".join(_categories()))
    return found


CATEGORY = Kind("an energy category", _read_category)
"""A category by its name or its official class code; kept by its name."""


def key_of(name: str, row_type: type[CaliberRow] | type[Indicator]) -> Kind:
    """A key of a reference table."""

    def read(raw: object) -> str:
        value = clean_text(raw)
        keys = [row.key for row in table(name, row_type)]
        if value not in keys:
            near = difflib.get_close_matches(value, keys, 1)
            raise BadCell(f"a key of the table of {name}" + (f", {near[0]}?" if near else ""))
        return value

    return Kind(f"a key of the table of {name}", read)


INDICATOR = key_of("indicators", Indicator)
CALIBER = key_of("calibers", CaliberRow)
