"""What a snapshot holds: one frozen row a noun of the registry (meters and swaps live in `energy.model`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Region:
    """An administrative area (GB/T 2260 code), part of its parent."""

    code: str
    name_zh: str
    name_en: str = ""
    parent: str | None = None
    climate_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Institution:
    """A public institution; `type` is its statistics code (01, 021 .. 026, 03)."""

    id: str
    name_zh: str
    region: str
    type: str
    name_en: str = ""
    parent: str | None = None
    department: str | None = None  # 主管部门 where no dated row says otherwise
    credit_code: str | None = None
    tier: str | None = None
    quota_class: str | None = None
    climate_zone: str | None = None  # where it differs from the region's


@dataclass(frozen=True, slots=True)
class Department:
    """The department (主管部门) an institution answers to in [valid_from, valid_to); None = open."""

    institution: str
    department: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place of an institution, with the time zone its days are counted in."""

    id: str
    institution: str
    name_zh: str
    timezone: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Building:
    """A building; `letter` is the type letter A .. H of the 住建部 guide."""

    id: str
    institution: str
    name_zh: str
    name_en: str = ""
    site: str | None = None
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """What sends readings; `secret_sha256` is the hash of its credential, None before one was issued."""

    id: str
    institution: str
    name_zh: str = ""
    name_en: str = ""
    profile: str = "jieneng"
    secret_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Denominator:
    """What consumption is divided by (floor area, users, bed-days ...) in [valid_from, valid_to); None = open."""

    scope: str
    id: str
    kind: str
    value: float
    unit: str
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CalendarSpan:
    """Days on which an institution differs from the public calendar; both ends belong to the span."""

    institution: str
    first: date
    last: date
    kind: str  # vacation | closed | workday
    name: str = ""


def is_valid(on: date, valid_from: date | None, valid_to: date | None) -> bool:
    """True if the day lies in [valid_from, valid_to); None = open."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)
