"""The tables of what people decide and what the jobs hand to them: bills, quotas, targets, findings ..."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from energy.registry.tables import Base, Key, refers


class CorrectionRow(Base):
    """What a person says about the readings of a meter in [start, end); wins over what was metered."""

    __tablename__ = "corrections"
    meter: Mapped[str] = refers("meters.id", primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Key]
    time: Mapped[int] = mapped_column(primary_key=True)
    end: Mapped[int]
    value: Mapped[float | None]
    author: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    approved_by: Mapped[str]


class BillRow(Base):
    """A bill of a meter of kind manual; both days belong to it."""

    __tablename__ = "bills"
    meter: Mapped[str] = refers("meters.id", primary_key=True)
    first_day: Mapped[date] = mapped_column(primary_key=True)
    last_day: Mapped[date]
    amount: Mapped[float]
    unit: Mapped[str]
    yuan: Mapped[float | None]
    document: Mapped[str]
    note: Mapped[str]


class TariffRow(Base):
    """One price of a tariff, and when it holds."""

    __tablename__ = "tariffs"
    tariff: Mapped[Key]
    component: Mapped[Key]
    band: Mapped[Key]
    months: Mapped[Key]
    days: Mapped[Key]
    hours: Mapped[str] = mapped_column(primary_key=True)
    tier_from: Mapped[float] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    tier_period: Mapped[str]
    price_yuan: Mapped[float]
    unit: Mapped[str]
    source: Mapped[str]


class TariffUseRow(Base):
    """Which tariff an institution or one meter pays."""

    __tablename__ = "tariff_uses"
    scope: Mapped[Key]
    id: Mapped[Key]
    category: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    tariff: Mapped[str]
    capacity_kva: Mapped[float | None]


class CalorificValueRow(Base):
    """How much heat a cubic metre of gas gives in a region or at an institution, dated."""

    __tablename__ = "calorific_values"
    scope: Mapped[Key]
    id: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    value: Mapped[float]
    unit: Mapped[str]
    source: Mapped[str]
    confidence: Mapped[str]
    note: Mapped[str]


class HeatingSeasonRow(Base):
    """From which to which day of the year a region or an institution is heated, dated."""

    __tablename__ = "heating_seasons"
    scope: Mapped[Key]
    id: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    begins: Mapped[str]
    ends: Mapped[str]
    source: Mapped[str]
    confidence: Mapped[str]
    note: Mapped[str]


class QuotaRow(Base):
    """A quota (定额) that was imported with its approval."""

    __tablename__ = "quotas"
    standard: Mapped[str] = mapped_column(primary_key=True)
    institution_type: Mapped[str] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(primary_key=True)
    climate_zone: Mapped[str] = mapped_column(primary_key=True)
    indicator: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    region: Mapped[str]
    kind: Mapped[str]
    constraint: Mapped[float | None]
    baseline: Mapped[float | None]
    guide: Mapped[float | None]
    unit: Mapped[str]
    caliber: Mapped[str]
    source: Mapped[str]
    confidence: Mapped[str]
    approved_by: Mapped[str]
    note: Mapped[str]


class TargetRow(Base):
    """The target of a year: proposed (建议值) by a rule, or issued by a document."""

    __tablename__ = "targets"
    scope: Mapped[Key]
    id: Mapped[Key]
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    indicator: Mapped[Key]
    caliber: Mapped[Key]
    state: Mapped[Key]
    value: Mapped[float]
    unit: Mapped[str]
    document: Mapped[str]
    date: Mapped[date | None]
    file: Mapped[str]
    rule: Mapped[str]
    approved_by: Mapped[str]
    note: Mapped[str]


class TargetRuleRow(Base):
    """The rule chosen for an institution, by which the target of a year is proposed."""

    __tablename__ = "target_rules"
    institution: Mapped[str] = refers("institutions.id", primary_key=True)
    indicator: Mapped[Key]
    caliber: Mapped[Key]
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    valid_to: Mapped[date | None]
    rule: Mapped[str]
    cut: Mapped[float | None]
    cut_above_baseline: Mapped[float | None]
    rise: Mapped[float | None]
    base_year: Mapped[int | None]
    n_years: Mapped[int | None]
    source: Mapped[str]
    note: Mapped[str]


class FindingRow(Base):
    """A finding as the jobs computed it, and what people made of it."""

    __tablename__ = "findings"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id", index=True)
    meter: Mapped[str | None] = refers("meters.id")
    kind: Mapped[str]
    start: Mapped[int]
    end: Mapped[int | None]
    severity: Mapped[float]
    certainty: Mapped[float | None]
    excess: Mapped[float | None]
    unit: Mapped[str]
    excess_yuan: Mapped[float | None]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    evidence: Mapped[str]
    state: Mapped[str]
    verdict: Mapped[str | None]
    comment: Mapped[str]
    assignee: Mapped[str]
    __table_args__ = (Index(None, "state", "institution", "excess_yuan"),)


class FindingEventRow(Base):
    """One act of a person on a finding."""

    __tablename__ = "finding_events"
    finding: Mapped[str] = refers("findings.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[int]
    author: Mapped[str]
    state: Mapped[str]
    verdict: Mapped[str | None]
    comment: Mapped[str]
    assignee: Mapped[str]


class StageRow(Base):
    """A stage of a target that was reached; withdrawn visibly when a correction undoes it."""

    __tablename__ = "stages"
    scope: Mapped[Key]
    id: Mapped[Key]
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    indicator: Mapped[Key]
    caliber: Mapped[Key]
    stage: Mapped[float] = mapped_column(primary_key=True)
    raised: Mapped[int] = mapped_column(primary_key=True)
    withdrawn: Mapped[int | None]
    used: Mapped[float]
    target: Mapped[float]
    reason: Mapped[str]


class RunRow(Base):
    """One run of a job."""

    __tablename__ = "runs"
    id: Mapped[Key]
    job: Mapped[str]
    started: Mapped[int]
    ended: Mapped[int | None]
    state: Mapped[str]
    version: Mapped[str]
    counts: Mapped[str]
    error: Mapped[str]
    __table_args__ = (Index(None, "job", "started"),)
