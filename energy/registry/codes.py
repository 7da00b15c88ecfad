"""Cells that hold official codes, judged by the reference tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from energy.model import Category
from energy.reference import Code, table
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
