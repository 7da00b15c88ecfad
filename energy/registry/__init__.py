"""Who and where, in SQL: institutions, buildings, gateways, meters and what people state about them."""

from energy.registry.credentials import is_secret_of
from energy.registry.decisions import (
    ApprovedQuota,
    Bill,
    Correction,
    Finding,
    FindingEvent,
    Run,
    Stage,
    Target,
    Tariff,
    TariffUse,
)
from energy.registry.fitted import FittedModel
from energy.registry.importing import ImportResult
from energy.registry.registry import Registry
from energy.registry.rows import (
    Building,
    CalendarSpan,
    Denominator,
    Department,
    Gateway,
    Institution,
    Region,
    Site,
)
from energy.registry.snapshot import Snapshot
from energy.registry.spreadsheet import read_sheets, write_sheets
from energy.registry.touched import Touched, merged

__all__ = [
    "ApprovedQuota",
    "Bill",
    "Building",
    "CalendarSpan",
    "Correction",
    "Denominator",
    "Department",
    "Finding",
    "FindingEvent",
    "FittedModel",
    "Gateway",
    "ImportResult",
    "Institution",
    "Region",
    "Registry",
    "Run",
    "Site",
    "Snapshot",
    "Stage",
    "Target",
    "Tariff",
    "TariffUse",
    "Touched",
    "is_secret_of",
    "merged",
    "read_sheets",
    "write_sheets",
]
