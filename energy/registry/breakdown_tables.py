"""The tables of break-downs (分解): each version of how a target is divided, and its parts."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from energy.registry.tables import Base, Key, refers


class BreakdownRow(Base):
    """One version of the break-down of one target; versions are never changed, only decided on and followed."""

    __tablename__ = "breakdowns"
    breakdown: Mapped[Key]
    scope: Mapped[str]
    id: Mapped[str]
    year: Mapped[int]
    indicator: Mapped[str]
    caliber: Mapped[str]
    number: Mapped[int]
    base: Mapped[int]
    total: Mapped[float]
    reserve: Mapped[float]
    state: Mapped[str]
    author: Mapped[str]
    time: Mapped[int]
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided: Mapped[int | None]
    __table_args__ = (Index(None, "scope", "id", "year", "indicator", "caliber", "number", unique=True),)


class BreakdownPartRow(Base):
    """What one part gets in one version."""

    __tablename__ = "breakdown_parts"
    breakdown: Mapped[str] = refers("breakdowns.breakdown", primary_key=True)
    scope: Mapped[Key]
    id: Mapped[Key]
    amount: Mapped[float]
    __table_args__ = (Index(None, "scope", "id"),)
