"""How the indicator of GB/T 51161 came about: measured value, factors with their inputs, and what is not stated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analytics.quotas import (
    GB_T_51161,
    OFFICE_AREA,
    OFFICE_CORRECTED,
    OFFICE_HOURS,
    OFFICE_MEASURED,
    Factor,
    office_corrections,
)
from energy.reference import indicator

KEYS: Final = (OFFICE_CORRECTED, OFFICE_MEASURED, OFFICE_HOURS, OFFICE_AREA)
"""Indicators of one period that belong together."""
_LACKS: Final = {
    OFFICE_HOURS: ("未知：未填写年使用时间", "unknown: operating hours not stated"),
    OFFICE_AREA: ("未知：未填写用能人数", "unknown: energy users not stated"),
}
_NO_LIMITS: Final = (
    "限值未知：未填写机械通风（A类0，B类1）或气候区",
    "limits unknown: mechanical ventilation (0 class A, 1 class B) or climate zone not stated",
)


@dataclass(frozen=True, slots=True)
class OfficeCorrection:
    """One period of an office: NaN where nobody states it."""

    measured: float
    hours: float
    area_per_person: float
    group: str | None
    """Whose limits stand beside the corrected value."""

    @classmethod
    def of(cls, values: Mapping[str, float], group: str | None) -> OfficeCorrection | None:
        """From the indicators of one period; None where the standard's is not measured."""
        if OFFICE_MEASURED not in values:
            return None
        hours, area = (values.get(key, math.nan) for key in (OFFICE_HOURS, OFFICE_AREA))
        return cls(values[OFFICE_MEASURED], hours, area, group)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The corrections, γ1 and γ2; none while an input is not stated."""
        return () if self.lacks else office_corrections(self.hours, self.area_per_person)

    @property
    def lacks(self) -> tuple[tuple[str, str], ...]:
        """Why the corrected value is not known, Chinese and English."""
        stated = {OFFICE_HOURS: self.hours, OFFICE_AREA: self.area_per_person}
        return tuple(_LACKS[key] for key, value in stated.items() if math.isnan(value))

    @property
    def words(self) -> tuple[str, str]:
        """The computation, or what is missing, Chinese and English."""
        said = self.lacks or (self._computation,)
        if not self.lacks and not (self.group or "").startswith(GB_T_51161):
            said = (*said, _NO_LIMITS)
        return "；".join(zh for zh, _ in said), "; ".join(en for _, en in said)

    @property
    def _computation(self) -> tuple[str, str]:
        hours, density = self.factors
        sure = indicator(OFFICE_CORRECTED).confidence
        numbers = f"{self.measured:.2f} × γ1 {hours.value:.4f} (T = {self.hours:g} h) × γ2 {density.value:.4f} (S = "
        numbers += f"{self.area_per_person:.4g} m²)"
        return (
            f"实测{numbers}：{hours.name_zh}、{density.name_zh}修正，{GB_T_51161}（{sure}）",
            f"measured {numbers}: corrected for {hours.name_en} and {density.name_en}, {GB_T_51161} ({sure})",
        )
