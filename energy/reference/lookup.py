"""Questions to the reference tables. No row, no answer: MissingReference, never a default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from energy.errors import MissingReference
from energy.model import Category
from energy.reference.rows import (
    CaliberRow,
    CarbonFactor,
    ClimateZone,
    Code,
    Coefficient,
    Indicator,
    Quota,
    SetPoint,
)
from energy.reference.tables import table

Keyed = TypeVar("Keyed", Coefficient, CarbonFactor, CaliberRow, Indicator)


def _one(name: str, row_type: type[Keyed], key: str) -> Keyed:
    rows = table(name, row_type)
    for row in rows:
        if row.key == key:
            return row
    near = difflib.get_close_matches(key, [row.key for row in rows], 1)
    raise MissingReference(f"{name}: no row {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def coefficient(key: str) -> Coefficient:
    """The standard-coal coefficient of a key such as `electricity_eq`."""
    return _one("coefficients", Coefficient, key)


def carbon_factor(key: str) -> CarbonFactor:
    """The emission factor of a key such as `grid_cn_2023`; by year and place: `energy.carbon`."""
    return _one("carbon_factors", CarbonFactor, key)


def caliber_row(key: str) -> CaliberRow:
    """The row of a caliber; `energy.caliber.caliber` resolves it to numbers."""
    return _one("calibers", CaliberRow, key)


def indicator(key: str) -> Indicator:
    """An indicator by its key such as `energy_per_area`."""
    return _one("indicators", Indicator, key)


def indicators() -> Mapping[str, Indicator]:
    """All indicators by key: the one list behind the tag `indicator`."""
    return MappingProxyType({row.key: row for row in table("indicators", Indicator)})


def code(level: str, code: str) -> Code:
    """An official code of a level (`class`, `item`, `sub1`, `sub2`, `building`, `institution`)."""
    for row in table("energy_categories", Code):
        if (row.level, row.code) == (level, code):
            return row
    raise MissingReference(f"energy_categories: no code {code!r} of level {level!r}")


def category_code(category: Category) -> Code:
    """The official class (分类) of a category."""
    for row in table("energy_categories", Code):
        if row.category is category:
            return row
    raise MissingReference(f"energy_categories: category {category} has no official class")


def climate_zone(region: str) -> ClimateZone:
    """Climate of a GB/T 2260 code: of the city itself, or of the city a county belongs to."""
    for row in table("climate_shandong", ClimateZone):
        if region[:4] == row.region[:4] and len(region) == len(row.region):
            return row
    raise MissingReference(f"climate_shandong: no climate zone for region {region!r}")


def set_point(season: str, on: date, *, place: str = "CN") -> SetPoint:
    """The set-point of a season (summer: coolest, winter: warmest) in force on a day."""
    for row in table("set_points", SetPoint):
        if (
            (row.season, row.place) == (season, place)
            and row.valid_from <= on
            and (not row.valid_to or on < row.valid_to)
        ):
            return row
    raise MissingReference(f"set_points: none for {season!r} in {place!r} on {on}")


def quotas(*, indicator: str | None = None, standard: str | None = None) -> tuple[Quota, ...]:
    """The quotas (no means) of an indicator or standard, as they stand in the table."""
    return tuple(
        row
        for row in table("quota_reference", Quota)
        if row.kind != "mean" and indicator in (None, row.indicator) and standard in (None, row.standard)
    )


def quota(*, standard: str, institution_type: str, tier: str, climate_zone: str, indicator: str) -> Quota:
    """The quota of exactly this key: a sub-type, tier or zone without a row has no quota."""
    wanted = (institution_type, tier, climate_zone)
    for row in quotas(indicator=indicator, standard=standard):
        if (row.institution_type, row.tier, row.climate_zone) == wanted:
            return row
    raise MissingReference(f"quota_reference: {standard} has no {indicator} for {' / '.join(wanted)}")
