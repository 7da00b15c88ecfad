"""Rows of what people decide and what the jobs hand to them. Fields are the columns of the sheet of that name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says about a meter in [start, end); kind: discard, reading (register at start), amount."""

    meter: str
    start: int
    end: int
    kind: str
    author: str
    time: int
    reason: str
    value: float | None = None
    state: str = "active"  # proposed | active | refused | withdrawn
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of a meter of kind manual; both days belong to it."""

    meter: str
    first_day: date
    last_day: date
    amount: float
    unit: str
    yuan: float | None = None
    document: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One price of a tariff in [valid_from, valid_to)."""

    tariff: str
    component: str  # energy | demand | capacity | fixed
    price_yuan: float
    unit: str
    source: str
    band: str = "all"
    months: str = "1-12"
    days: str = "all"  # words of energy.holidays.DAY_WORDS
    hours: str = "00:00-24:00"
    tier_from: float = 0.0
    tier_period: Literal["month", "year"] = "month"
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class TariffUse:
    """Which tariff an institution or one meter pays in [valid_from, valid_to)."""

    scope: str
    id: str
    category: str
    tariff: str
    valid_from: date | None = None
    valid_to: date | None = None
    capacity_kva: float | None = None  # installed behind it; asked for by tariffs with a charge per kVA


@dataclass(frozen=True, slots=True)
class CalorificValue:
    """How much heat a cubic metre of gas gives in [valid_from, valid_to); an institution's own before its region's."""

    scope: str  # institution | region
    id: str
    value: float
    unit: str  # kWh/m3 | MJ/m3
    source: str
    confidence: str
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class HeatingSeason:
    """From which to which day a place is heated, of seasons that begin in [valid_from, valid_to)."""

    scope: str  # institution | region
    id: str
    begins: str  # MM-DD of autumn
    ends: str  # MM-DD of the spring after; both days belong to it
    source: str
    confidence: str
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovedQuota:
    """A quota (定额) that was imported with its approval, in [valid_from, valid_to)."""

    region: str
    standard: str
    institution_type: str
    indicator: str
    unit: str
    caliber: str
    source: str
    confidence: str
    approved_by: str
    tier: str = ""
    climate_zone: str = ""
    kind: str = "three_level"
    constraint: float | None = None
    baseline: float | None = None
    guide: float | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a year: proposed (建议值) by `rule`, or issued by `document` (文号)."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str
    state: str  # proposed | issued
    value: float
    unit: str = ""
    document: str = ""
    date: date | None = None
    file: str = ""
    rule: str = ""
    approved_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TargetRule:
    """The rule chosen for an institution in [valid_from, valid_to); a rate that is not stated is the rule's own."""

    institution: str
    indicator: str
    caliber: str
    rule: str  # four_branches | five_year_path | own_history | towards_peers
    cut: float | None = None
    cut_above_baseline: float | None = None
    rise: float | None = None
    base_year: int | None = None
    n_years: int | None = None
    source: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as computed, and what people made of it (`state` .. `assignee`)."""

    id: str
    institution: str
    kind: str
    start: int
    end: int | None = None
    meter: str | None = None
    severity: float = 0.0
    certainty: float | None = None
    excess: float | None = None
    unit: str = ""
    excess_yuan: float | None = None
    title_zh: str = ""
    title_en: str = ""
    text_zh: str = ""
    text_en: str = ""
    evidence: str = ""  # JSON
    state: str = "open"  # open | waiting | closed | withdrawn
    verdict: str | None = None  # confirmed | false_alarm | known
    comment: str = ""
    assignee: str = ""

    @property
    def rank(self) -> tuple[float, int, str]:
        """Where it stands among others: by money x certainty, whichever its sign; newer before older."""
        return -self.severity, -self.start, self.id


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """One act of a person on a finding, and how it stood afterwards."""

    finding: str
    number: int
    time: int
    author: str
    state: str
    verdict: str | None = None
    comment: str = ""
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a target that was reached at `raised`; `withdrawn` when a correction undid it."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str
    stage: float
    raised: int
    used: float
    target: float
    withdrawn: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job; `counts` is JSON."""

    id: str
    job: str
    started: int
    state: str = "running"  # running | done | failed
    ended: int | None = None
    version: str = ""
    counts: str = ""
    error: str = ""
