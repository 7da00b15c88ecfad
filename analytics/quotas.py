"""Indicators that quotas speak of: what counts and what does not, and corrections by name.

What may be left out of an indicator is left out only where it is metered separately; otherwise it stays in and the
figure says so. An unknown part makes the figure unknown. No figure without its caliber.

References
----------
DB11/T 1958-2022, 5.2.3 (left out only if metered separately); DB37/T 2671, 2672, 2673 (2019), indicators;
GB/T 51161-2016 民用建筑能耗标准 (kWh of a building; correction of offices by hours of use and density).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.caliber import Caliber
from energy.errors import MissingReference
from energy.model import Category
from energy.series import FloatArray

GB_T_51161: Final = "GB/T 51161-2016"
OFFICE_MEASURED: Final = "nonheating_kwh_measured_per_area"
OFFICE_CORRECTED: Final = "nonheating_kwh_per_area"
OFFICE_HOURS: Final = "office_hours"
OFFICE_AREA: Final = "office_area_per_person"
"""Keys of the indicator of GB/T 51161 as measured, as corrected, and of the two inputs of its correction."""
VEHICLE_FUEL: Final = (Category.GASOLINE, Category.DIESEL)


class Purpose(StrEnum):
    """What a separately named part of the use is for."""

    HEATING = "heating"  # 供暖; circulation pumps and fans too, where they are metered separately
    TRANSPORT = "transport"  # official vehicles: fuel, and charging of own electric ones
    SPECIAL = "special"  # 集中设置的信息中心、监控中心、档案室、政务大厅; 大型医疗设备, 厨房, 洗衣房
    LET = "let"  # parts let or lent, whose bills others pay
    CHARGING_OTHERS = "charging_others"  # charging of vehicles that are not the institution's


_OF_OTHERS: Final = frozenset({Purpose.LET, Purpose.CHARGING_OTHERS})


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of the use of one category.

    Attributes
    ----------
    name : str
        How papers call it.
    amount : float64, shape (n_periods,)
        Inside the whole of its category, in the canonical unit; NaN where unknown.
    is_metered : bool
        Whether a meter of its own says so; an estimate is not enough to leave it out.
    """

    name: str
    category: Category
    purpose: Purpose
    amount: FloatArray
    is_metered: bool


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """Everything an institution or building used in some periods: the whole of each category, and named parts."""

    whole: Mapping[Category, FloatArray]
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        homeless = [part.name for part in self.parts if part.category not in self.whole]
        if homeless:
            raise ValueError(f"account: parts of categories without a whole: {', '.join(homeless)}")


@dataclass(frozen=True, slots=True)
class IndicatorScope:
    """What an indicator counts.

    Attributes
    ----------
    without : frozenset of Purpose
        Left out where metered separately; use of others (let, charging of others' vehicles) always is.
    only : Purpose, optional
        Nothing but this purpose counts.
    categories : frozenset of Category, optional
        Nothing but these categories counts; None = all that the caliber counts.
    """

    indicator: str
    standard: str
    without: frozenset[Purpose] = frozenset()
    only: Purpose | None = None
    categories: frozenset[Category] | None = None


_ELECTRICITY: Final = frozenset({Category.ELECTRICITY})
_WATER: Final = frozenset({Category.WATER})
_ENERGY: Final = frozenset(Category) - _WATER
_NON_HEATING: Final = frozenset({Purpose.HEATING, Purpose.TRANSPORT})

SCOPES: Final[Mapping[str, IndicatorScope]] = MappingProxyType(
    {
        scope.indicator: scope
        for scope in (
            IndicatorScope("energy", "GB/T 2589-2020"),
            IndicatorScope("energy_per_area", "GB/T 40498-2021"),
            IndicatorScope("energy_per_person", "GB/T 40498-2021"),
            IndicatorScope("co2", ""),
            IndicatorScope("co2_per_area", ""),
            IndicatorScope("co2_per_person", ""),
            IndicatorScope("nonheating_energy_per_area", "DB37/T 2672-2019", without=_NON_HEATING),
            IndicatorScope(
                "conventional_electricity_per_area",
                "DB37/T 2672-2019",
                without=frozenset({Purpose.HEATING, Purpose.SPECIAL}),
                categories=_ELECTRICITY,
            ),
            IndicatorScope("heating_energy_per_heated_area", "DB37/T 2672-2019", only=Purpose.HEATING),
            *(
                IndicatorScope(key, GB_T_51161, without=_NON_HEATING | frozenset({Purpose.SPECIAL}), categories=_ENERGY)
                for key in (OFFICE_MEASURED, OFFICE_CORRECTED)
            ),
            IndicatorScope("electricity_per_area", "", categories=_ELECTRICITY),
            IndicatorScope("water_per_area", "DB37/T 4452-2021", categories=_WATER),
            IndicatorScope("water_per_person", "DB37/T 4452-2021", categories=_WATER),
            IndicatorScope("water_per_bed_day", "DB37/T 4452-2021", categories=_WATER),
            IndicatorScope("water_per_university_person", "DB37/T 4452-2021", categories=_WATER),
            IndicatorScope("water_per_school_person", "DB37/T 4452-2021", categories=_WATER),
        )
    }
)
"""Scope of each indicator by the standard that defines it; another standard's own rule is passed instead."""

SCALE: Final = MappingProxyType({"water_per_bed_day": 1000.0})  # m3 -> L
"""What the amount of an indicator is multiplied by, where it is not stated in the canonical unit."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One correction of an indicator: multiplies it, inside its caps.

    Attributes
    ----------
    name_zh, name_en : str
        What is corrected for.
    value : float
        Already inside [least, most].
    source : str
        Standard and clause.
    """

    name_zh: str
    name_en: str
    value: float
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"correction {self.name_en!r}: expected a positive factor, got {self.value}")
        if not self.source:
            raise ValueError(f"correction {self.name_en!r}: a source is needed")

    @classmethod
    def capped(
        cls, name_zh: str, name_en: str, value: float, source: str, *, least: float = 0.0, most: float = math.inf
    ) -> Factor:
        """The factor inside the caps of its standard."""
        return cls(name_zh, name_en, min(max(value, least), most), source)


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """An indicator in consecutive periods with everything it depends on.

    Attributes
    ----------
    value : float64, shape (n_periods,)
        After corrections; NaN where unknown.
    left_out : tuple of str
        Parts that were metered separately and do not count.
    kept_in : tuple of str
        Parts that the rule would leave out but that are not metered separately: the value is an upper limit.
    factors : tuple of Factor
        Corrections, in the order they were applied.
    """

    indicator: str
    caliber: str
    standard: str
    value: FloatArray
    left_out: tuple[str, ...] = ()
    kept_in: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()

    def corrected(self, *factors: Factor) -> Figure:
        """The figure with further corrections, each by name."""
        value = self.value * math.prod(factor.value for factor in factors)
        return replace(self, value=value, factors=(*self.factors, *factors))


def scope_of(indicator: str) -> IndicatorScope:
    """The shipped scope of an indicator; MissingReference where none is known."""
    if indicator not in SCOPES:
        raise MissingReference(f"indicators: no scope rule for {indicator!r}; known: {', '.join(SCOPES)}")
    return SCOPES[indicator]


def figure(account: Account, scope: IndicatorScope, caliber: Caliber, denominator: FloatArray | None = None) -> Figure:
    """The indicator of an account.

    Parameters
    ----------
    account : Account
        Use of whole years (or one heating season) in canonical units.
    scope : IndicatorScope
        What counts.
    caliber : Caliber
        Coefficients; "physical" for indicators of amounts.
    denominator : float64, shape (n_periods,), optional
        Weighted by time; NaN or 0 where it is not stated. Without it the whole is the indicator.

    Returns
    -------
    Figure
        MissingReference is raised where amounts of several categories would have to be added without coefficients.
    """
    out = [part for part in account.parts if scope.only is None and _is_out(part, scope, caliber)]
    left_out = [part for part in out if part.is_metered]
    amounts = dict(account.whole) if scope.only is None else _only(account, scope.only)
    for part in left_out:
        # What is wholly of this part leaves nothing, known or not: a gap in the heat hides no other use.
        is_all = part.amount is account.whole[part.category]
        amounts[part.category] = np.zeros_like(part.amount) if is_all else amounts[part.category] - part.amount
    counted = {c: amount for c, amount in amounts.items() if scope.categories is None or c in scope.categories}
    value = _total(scope, caliber, counted) * SCALE.get(scope.indicator, 1.0)
    value = np.broadcast_to(value, np.shape(next(iter(account.whole.values()), value)))  # where nothing counts, too
    if denominator is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(denominator > 0, value / denominator, np.nan)
    kept_in = tuple(part.name for part in out if not part.is_metered)
    names = tuple(part.name for part in left_out)
    return Figure(scope.indicator, caliber.key, scope.standard, np.asarray(value, np.float64), names, kept_in)


def _is_out(part: Part, scope: IndicatorScope, caliber: Caliber) -> bool:
    """Whether the rules leave a part out: the indicator's, and the caliber's for the fuel of official vehicles."""
    if scope.categories is not None and part.category not in scope.categories:
        return False
    is_vehicle_fuel = part.purpose is Purpose.TRANSPORT and part.category in VEHICLE_FUEL
    return (
        part.purpose in scope.without
        or part.purpose in _OF_OTHERS
        or (is_vehicle_fuel and not caliber.vehicle_oil_counted)
    )


def _only(account: Account, purpose: Purpose) -> dict[Category, FloatArray]:
    """Sum of the metered parts of one purpose by category: what nobody metered is not known."""
    found: dict[Category, FloatArray] = {}
    for part in account.parts:
        if part.purpose is purpose:
            amount = part.amount if part.is_metered else np.full_like(part.amount, np.nan)
            found[part.category] = found[part.category] + amount if part.category in found else amount
    return found


def _total(scope: IndicatorScope, caliber: Caliber, amounts: Mapping[Category, FloatArray]) -> FloatArray:
    if caliber.coefficients:
        return np.asarray(caliber.total(amounts), np.float64)
    counted = {c: a for c, a in amounts.items() if c is not Category.WATER or scope.categories == _WATER}
    used = [c for c, a in counted.items() if np.any(np.nan_to_num(a) != 0)]
    if len(used) > 1:
        names = ", ".join(sorted(used))
        raise MissingReference(f"{scope.indicator}: {scope.standard} gives no coefficient to add {names} as amounts")
    # All others are 0, which adds nothing, or unknown, which leaves the sum unknown.
    return np.asarray(sum(counted.values()) if counted else np.nan)


_HOURS: Final = 2500.0
_AREA: Final = 10.0


def office_corrections(hours: float, area_per_person: float) -> tuple[Factor, Factor]:
    """Corrections of an office building for longer hours and denser use than the standard's.

    Parameters
    ----------
    hours : float
        Hours of use a year. [h]
    area_per_person : float
        Floor area per person. [m2]

    Returns
    -------
    tuple of Factor
        γ1 = 0.3 + 0.7 · 2500/T and γ2 = 0.7 + 0.3 · S/10.

    Notes
    -----
    The standard corrects where hours or density *exceed* its own, so both factors are at most 1: short hours and
    empty rooms do not make the figure worse. Clause numbers are not verified.
    """
    if not (hours > 0 and area_per_person > 0):
        raise ValueError(f"office corrections: expected positive hours and area, got {hours}, {area_per_person}")
    return (
        Factor.capped("年使用时间", "hours of use", 0.3 + 0.7 * _HOURS / hours, f"{GB_T_51161}, γ1", most=1.0),
        Factor.capped(
            "人均建筑面积", "area per person", 0.7 + 0.3 * area_per_person / _AREA, f"{GB_T_51161}, γ2", most=1.0
        ),
    )
