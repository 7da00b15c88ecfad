"""Offices by GB/T 51161: who is one, whose limits hold, the measured indicator and the corrected one beside it.

Inputs that nobody states leave the corrected value unknown; the standard's own 2,500 h and 10 m2 are no default.

Notes
-----
The standard's zones are wider than the provinces': 严寒 and 寒冷 are one. South of them heating in winter is inside the
figure. Class A (windows can keep comfort) or B (mechanical ventilation, air conditioning) is a fact about the building
that no other column tells: it is stated as denominator `mechanical_ventilation`, 0 or 1.

References
----------
GB/T 51161-2016 民用建筑能耗标准 (clause numbers not verified).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from analytics.indicators import PHYSICAL, Amounts, Indicator
from analytics.jobs.official import scoped_or_unknown
from analytics.quotas import (
    OFFICE_AREA,
    OFFICE_CORRECTED,
    OFFICE_HOURS,
    OFFICE_MEASURED,
    SCOPES,
    Purpose,
    office_corrections,
)
from energy.caliber import caliber
from energy.model import Scope
from energy.registry import Snapshot
from energy.series import FloatArray

VENTILATION: Final = "mechanical_ventilation"
_CLASSES: Final = MappingProxyType(
    {"党政机关": "党政机关办公建筑", "党政机关办公建筑": "党政机关办公建筑", "商业办公建筑": "商业办公建筑"}
)
"""Class in the standard by the class in the quota book (`quota_class`)."""
_NORTH: Final = "严寒和寒冷"
_ZONES: Final = MappingProxyType(
    {"严寒": _NORTH, "寒冷": _NORTH, "夏热冬冷": "夏热冬冷", "夏热冬暖": "夏热冬暖", "温和": "温和"}
)
"""The standard's zone by how a climate zone begins: 寒冷A is 寒冷."""
_TIERS: Final = MappingProxyType({0.0: "A类(可自然通风)", 1.0: "B类(机械通风/空调)"})


def office_zone(snapshot: Snapshot, institution: str) -> str | None:
    """The standard's climate zone of an office; None for what is no office, "" where no zone is stated."""
    own = snapshot.institutions.get(institution)
    if own is None or own.quota_class not in _CLASSES:
        return None
    stated = snapshot.climate_zone_of(institution) or ""
    return next((zone for begin, zone in _ZONES.items() if stated.startswith(begin)), "")


def office_key(snapshot: Snapshot, institution: str, on: date) -> tuple[str, str, str] | None:
    """Class, tier and zone by which the standard's limits of an office are found; None where one is not stated."""
    zone = office_zone(snapshot, institution)
    row = snapshot.denominator_on(Scope.INSTITUTION.value, institution, VENTILATION, on)
    tier = None if row is None else _TIERS.get(row.value)
    if not zone or tier is None:
        return None
    return _CLASSES[snapshot.institutions[institution].quota_class or ""], tier, zone


def office_use(zone: str, amounts: Amounts, items: Mapping[str, FloatArray]) -> Indicator | None:
    """What the standard counts of an office in a zone, before it is divided by area and corrected. [kWh]"""
    scope = SCOPES[OFFICE_MEASURED]
    if zone != _NORTH:
        scope = replace(scope, without=scope.without - {Purpose.HEATING})
    return scoped_or_unknown(scope, caliber(PHYSICAL), amounts, items)


def office_indicators(measured: Indicator, hours: FloatArray, area_per_person: FloatArray) -> Iterator[Indicator]:
    """Measured and corrected indicator of consecutive periods, and the inputs of the correction.

    Parameters
    ----------
    measured : Indicator
        Per floor area, uncorrected. [kWh/(m2 a)]
    hours : float64, shape (n_periods,)
        Hours of use a year; NaN where not stated. [h]
    area_per_person : float64, shape (n_periods,)
        Floor area per person; NaN where not stated. [m2]
    """
    factor = [
        math.prod(f.value for f in office_corrections(t, s)) if t > 0 and s > 0 else math.nan
        for t, s in zip(hours.tolist(), area_per_person.tolist(), strict=True)
    ]
    yield measured
    yield replace(measured, key=OFFICE_CORRECTED, value=measured.value * np.array(factor))
    for key, value in ((OFFICE_HOURS, hours), (OFFICE_AREA, area_per_person)):
        yield replace(measured, key=key, value=np.where(value > 0, value, np.nan))
