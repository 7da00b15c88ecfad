"""One frozen row type for each reference table. Every row says where it comes from and how sure we are.

Field names are the column names of the csv file; an empty cell means not stated, never zero.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from energy.model import Category

_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)
_OF_A_YEAR: Final = re.compile(r"/\((\w+)·a\)")
Positive = Annotated[float, Field(gt=0)]
Year = Annotated[int, Field(ge=1980, le=2100)]


class Confidence(StrEnum):
    """How far a value may be trusted."""

    SEEN = "seen"  # read in a published text or public file
    SURE = "sure"  # well-known content, text not read again
    UNSURE = "unsure"  # must be checked in the official text; never shown as official


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Sourced:
    """What every row ends with."""

    source: Annotated[str, Field(min_length=1)]
    confidence: Confidence

    @property
    def is_official(self) -> bool:
        """False where screens and papers must mark the value as not yet checked (待核实)."""
        return self.confidence is not Confidence.UNSURE


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Coefficient(Sourced):
    """Standard coal per physical unit (折标系数)."""

    key: str
    name_zh: str
    name_en: str
    physical_unit: str
    coefficient: Positive | None = None
    coefficient_unit: str
    lhv: str = ""
    caliber: str = ""
    counted_in_total: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class CarbonFactor(Sourced):
    """CO2 per unit of energy (排放因子): of a year, a place and a kind."""

    key: str
    name_zh: str
    carrier: str
    kind: Literal["average", "residual", "fossil", "enterprise_reporting", "default"]
    place: Annotated[str, Field(pattern=r"^(national|(region|province):.+)$")]
    year: Year | None = None
    value: Positive
    unit: Annotated[str, Field(pattern=r"^kgCO2/")]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class CaliberRow(Sourced):
    """A caliber (口径): which coefficient counts for which category, by key; empty = this caliber has none."""

    key: str
    name_zh: str
    name_en: str
    kind: Literal["energy", "carbon", "physical"]
    unit: Literal["kgce", "kgCO2", ""] = ""
    standard: str = ""
    year: Year | None = None
    electricity: str | None = None
    gas: str | None = None
    heat: str | None = None
    cooling: str | None = None
    coal: str | None = None
    lpg: str | None = None
    gasoline: str | None = None
    diesel: str | None = None
    water_counted: bool
    vehicle_oil_counted: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Indicator(Sourced):
    """An indicator that institutions are judged by: formula, unit, denominator."""

    key: str
    name_zh: str
    name_en: str
    unit: str
    kind: Literal["energy", "carbon", "physical", "money"]
    denominator: str = ""
    formula: str
    standard: str = ""
    year: Year | None = None
    note: str = ""

    @property
    def adds_up(self) -> bool:
        """True for an amount, which a target can divide among parts; false for what is per area, person or price."""
        return not self.denominator and "/" not in self.unit

    def unit_of(self, period: str) -> str:
        """Unit of a value of this period: the year stands in it only where the value is of a year (or of a season)."""
        return self.unit if period in ("year", "rolling12", "season") else _OF_A_YEAR.sub(r"/\1", self.unit)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Quota(Sourced):
    """A quota (定额), or a published mean where `kind` is "mean": never show a mean as a quota.

    Kinds: three_level = 约束值, 基准值, 引导值; two_level = 约束值, 引导值; water = 通用值 (in `constraint`) and
    先进值 (in `guide`); mean = a statistic, in `baseline`.
    """

    region: str
    standard: str
    institution_type: str
    tier: str = ""
    climate_zone: str = ""
    indicator: str
    indicator_zh: str
    kind: Literal["three_level", "two_level", "water", "mean"]
    constraint: Positive | None = None
    baseline: Positive | None = None
    guide: Positive | None = None
    unit: str
    caliber: str
    note: str = ""

    def __post_init__(self) -> None:
        levels = [v for v in (self.constraint, self.baseline, self.guide) if v is not None]
        if not levels:
            raise ValueError("columns constraint, baseline, guide: at least one value expected")
        if levels != sorted(levels, reverse=True):
            raise ValueError(
                f"columns constraint, baseline, guide: expected constraint >= baseline >= guide, got {levels}"
            )
        if self.kind == "mean" and (self.baseline is None or len(levels) > 1):
            raise ValueError("column kind: a mean has its value in baseline and no other level")


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class SetPoint(Sourced):
    """What a room of a public building may be cooled or heated to, by season and validity."""

    season: Literal["summer", "winter"]
    value_c: float
    valid_from: dt.date
    valid_to: dt.date | None = None
    place: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class ClimateZone(Sourced):
    """Climate zone, degree days and heating season of a city, by its GB/T 2260 code."""

    region: Annotated[str, Field(pattern=r"^\d{6}$")]
    city: str
    zone: Literal["寒冷A", "寒冷B"]
    hdd18: Positive
    cdd26: Positive
    heating_days: Annotated[int, Field(gt=0, lt=366)]
    heating_period: Annotated[str, Field(pattern=r"^\d\d-\d\d\.\.\d\d-\d\d$")]

    def __post_init__(self) -> None:
        try:
            self.heating_season(2024)
        except ValueError as exc:
            raise ValueError(f"column heating_period: {exc}") from exc

    def heating_season(self, year: int) -> tuple[dt.date, dt.date]:
        """First and last day of the heating season that begins in autumn of `year`."""
        first, last = self.heating_period.split("..")
        return dt.date.fromisoformat(f"{year}-{first}"), dt.date.fromisoformat(f"{year + 1}-{last}")


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Code(Sourced):
    """An official code: energy class 分类 and item 分项, building 建筑类别, institution 单位性质."""

    level: Literal["class", "item", "sub1", "sub2", "building", "institution"]
    code: str
    parent: str | None = None
    category: Category | None = None
    name_zh: str
    name_en: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class SurveyField(Sourced):
    """A field of the statutory statistics forms."""

    form: str
    field_zh: str
    field_en: str
    unit: str = ""
    period: str
    required: Literal["yes", "if_any", ""] = ""
    version_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class SurveyColumn(Sourced):
    """A column of a statutory form in the versions `since` .. `until` (both included, empty = open); what fills it."""

    form: Literal["base1", "base2", "base3", "base4", "summary"]
    number: int
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name_zh: str
    name_en: str
    unit: str = ""
    required: Literal["yes", "if_any", ""] = ""
    since: int | None = None
    until: int | None = None
    fill: Annotated[
        str, Field(pattern=r"^(entry|count|reported|(institution|denominator|total|cost|energy):[a-z0-9_]+)$")
    ]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class ScoringItem(Sourced):
    """An item of a scoring table; chapters and items overlap, so the points of all rows never add up."""

    scheme: str
    unit_or_item: str
    points: Positive
    rule: str = ""
    mandatory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Holiday(Sourced):
    """A day that differs from its weekday: off by a published notice, or a weekend day worked instead (调休)."""

    date: dt.date
    kind: Literal["holiday", "workday"]
    name_zh: str
    name_en: str
