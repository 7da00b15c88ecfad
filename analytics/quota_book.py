"""The quota book: which limits hold for whom, on which day. No row, no quota: never a default."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from analytics.levels import Levels
from energy.errors import MissingReference
from energy.reference import Quota


@dataclass(frozen=True, slots=True)
class QuotaKey:
    """What a quota is asked for: standard x institution type x tier x climate zone x indicator."""

    standard: str
    institution_type: str
    tier: str
    climate_zone: str
    indicator: str
    variant: str = ""
    """Kind of heating and the like, where the standard divides further."""

    def __str__(self) -> str:
        parts = (self.institution_type, self.tier, self.climate_zone, self.variant)
        return f"{self.standard}: {self.indicator} for {' / '.join(p for p in parts if p)}"


@dataclass(frozen=True, slots=True)
class QuotaEntry:
    """One row of the quota book, valid in [valid_from, valid_to); None = open.

    A row that was imported counts only when a person has approved it.
    """

    key: QuotaKey
    levels: Levels
    unit: str
    caliber: str
    source: str
    valid_from: date | None = None
    valid_to: date | None = None
    is_approved: bool = True
    is_official: bool = True
    """False where the value was not checked in the official text (待核实)."""

    def is_valid(self, on: date) -> bool:
        """Whether the row holds on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


ANY_TIER: Final = "不分级"
ANY_ZONE: Final = "不分气候区"
_STROKE: Final = re.compile(r"/(?![^(]*\))")


def entry_of(row: Quota) -> QuotaEntry:
    """The entry of a shipped reference row; ValueError for a mean, which is never a quota."""
    if row.kind == "mean":
        raise ValueError(f"{row.standard}: {row.indicator_zh} is a mean, not a quota")
    tier, variant = tier_and_variant(row.tier)
    key = QuotaKey(row.standard, row.institution_type, tier, row.climate_zone, row.indicator, variant)
    levels = Levels(row.constraint, row.baseline, row.guide)
    return QuotaEntry(key, levels, row.unit, row.caliber, row.source, is_official=row.is_official)


def tier_and_variant(text: str) -> tuple[str, str]:
    """The tier of a row, and what divides it further behind a stroke; in B类(机械通风/空调) it divides nothing."""
    found = _STROKE.search(text)
    return (text, "") if found is None else (text[: found.start()], text[found.end() :])


def quota_on(entries: Iterable[QuotaEntry], key: QuotaKey, on: date) -> QuotaEntry:
    """The approved entry that holds on a day for exactly this key.

    A row whose text says 不分级 or 不分气候区 holds for every tier or zone; one that does not state them holds for none
    but the unstated. Of several rows the more exact one counts. MissingReference names what was asked in vain.
    """
    found = [entry for entry in entries if _fits(entry.key, key) and entry.is_valid(on)]
    approved = [entry for entry in found if entry.is_approved]
    if not approved:
        waiting = "; an imported row waits for approval" if found else ""
        raise MissingReference(f"quota book: no row on {on} of {key}{waiting}")
    return max(approved, key=lambda entry: (_exactness(entry.key, key), entry.valid_from or date.min))


def _fits(row: QuotaKey, wanted: QuotaKey) -> bool:
    return (
        (row.standard, row.institution_type, row.indicator, row.variant)
        == (wanted.standard, wanted.institution_type, wanted.indicator, wanted.variant)
        and row.tier in (wanted.tier, ANY_TIER)
        and row.climate_zone in (wanted.climate_zone, ANY_ZONE)
    )


def _exactness(row: QuotaKey, wanted: QuotaKey) -> int:
    return (row.tier == wanted.tier) + (row.climate_zone == wanted.climate_zone)
