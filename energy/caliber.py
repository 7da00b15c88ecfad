"""Calibers (口径): which coefficients turn amounts into standard coal or CO2, and what is counted.

A figure without its caliber says nothing: electricity at 0.1229 or at 0.31 kgce/kWh differs by a factor of 2.5.
Figures of different calibers are therefore never compared (`require_same`).

References
----------
GB/T 2589-2020 综合能耗计算通则: 1 kgce = 29,307 kJ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import add
from types import MappingProxyType
from typing import TypeVar

from energy.errors import CaliberMismatch, MissingReference
from energy.model import Category
from energy.reference import CaliberRow, Confidence, caliber_row, carbon_factor, coefficient
from energy.series import FloatArray
from energy.units import CANONICAL, linear

Amount = TypeVar("Amount", float, FloatArray)


@dataclass(frozen=True, slots=True)
class Caliber:
    """One caliber, resolved to numbers.

    Attributes
    ----------
    key : str
        The value of the tag `caliber`.
    unit : str
        What amounts become: "kgce", "kgCO2", or "" for physical amounts.
    coefficients : mapping of Category to float
        `unit` per canonical unit of the category (`energy.units.CANONICAL`). A category that is missing has no
        coefficient in this caliber.
    water_counted, vehicle_oil_counted : bool
        Whether water, and the fuel of official vehicles, belong to the total.
    """

    key: str
    name_zh: str
    name_en: str
    unit: str
    standard: str
    year: int | None
    water_counted: bool
    vehicle_oil_counted: bool
    source: str
    confidence: Confidence
    coefficients: Mapping[Category, float] = field(hash=False)

    def is_counted(self, category: Category) -> bool:
        """False only for water where the caliber leaves it out."""
        return self.water_counted or category is not Category.WATER

    def convert(self, category: Category, amount: Amount) -> Amount:
        """Standard coal or CO2 of an amount in the category's canonical unit; NaN stays NaN. [`unit`]"""
        if category not in self.coefficients:
            raise MissingReference(f"caliber {self.key!r} has no coefficient for {category}")
        return amount * self.coefficients[category]

    def total(
        self, amounts: Mapping[Category, Amount], *, vehicle: Mapping[Category, Amount] | None = None
    ) -> Amount | float:
        """Total of what this caliber counts; one unknown part makes the total unknown (NaN). [`unit`]

        Parameters
        ----------
        amounts : mapping
            Amount by category in canonical units, without the fuel of official vehicles.
        vehicle : mapping, optional
            Fuel of official vehicles by category, in canonical units.
        """
        parts = [self.convert(category, amount) for category, amount in amounts.items() if self.is_counted(category)]
        if vehicle is not None and self.vehicle_oil_counted:
            parts += [self.convert(category, amount) for category, amount in vehicle.items()]
        return reduce(add, parts) if parts else math.nan


@cache
def caliber(key: str) -> Caliber:
    """The caliber of a key; MissingReference names the nearest known one."""
    row = caliber_row(key)
    carriers = {category: getattr(row, category, None) for category in Category}
    return Caliber(
        key=row.key,
        name_zh=row.name_zh,
        name_en=row.name_en,
        unit=row.unit,
        standard=row.standard,
        year=row.year,
        water_counted=row.water_counted,
        vehicle_oil_counted=row.vehicle_oil_counted,
        source=row.source,
        confidence=row.confidence,
        coefficients=MappingProxyType({c: _per_canonical(row, c, name) for c, name in carriers.items() if name}),
    )


def require_same(left: str, right: str) -> str:
    """The one caliber of two figures that are about to be compared or added; CaliberMismatch if they differ."""
    if left != right:
        raise CaliberMismatch(left, right)
    return left


def _per_canonical(row: CaliberRow, category: Category, name: str) -> float:
    """The coefficient per canonical unit: tables speak of MJ of heat and kg of fuel, analytics of GJ and L."""
    if row.kind == "carbon":
        factor = carbon_factor(name)
        value, unit = factor.value, factor.unit.partition("/")[2]
    else:
        coal = coefficient(name)
        if coal.coefficient is None:
            raise MissingReference(f"caliber {row.key!r}: coefficient {name!r} is a yearly parameter without a value")
        value, unit = coal.coefficient, coal.physical_unit
    return value * linear(CANONICAL[category], unit)[0]
