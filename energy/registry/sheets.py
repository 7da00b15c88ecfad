"""Which sheets an import or export knows, which columns they have, and what each cell may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from energy.intervals import DEFAULT_ZONE
from energy.model import MeterKind, ValueKind
from energy.registry import tables
from energy.registry.cells import (
    DATE,
    ID,
    INSTANT,
    TEXT,
    UNIT,
    ZONE,
    Kind,
    Value,
    choice,
    number,
    pattern,
    whole,
)
from energy.registry.codes import CATEGORY, official

Key = tuple[Value, ...]
Record = dict[str, Any]
"""One row by column, cells read: text, numbers, dates and None, exactly as the table holds them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds, whether it must be given, what an empty cell of a new or old row means."""

    name: str
    kind: Kind
    needed: bool = False
    empty: Value = None
    refers: str | None = None  # the sheet whose row it names
    hidden: Value = None  # a stored value that is shown as an empty cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """One noun: its columns, the ones that make a row what it is (`key`), and its table."""

    name: str
    table: Table
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def key_of(self, record: Mapping[str, Any]) -> Key:
        """What tells this row from all others of its sheet."""
        return tuple(record[name] for name in self.key)


def _table(row: type[tables.Base]) -> Table:
    table = row.__table__
    assert isinstance(table, Table)  # every row class maps one table
    return table


def _names(zh_needed: bool = True) -> tuple[Column, Column]:
    return Column("name_zh", TEXT, needed=zh_needed, empty=""), Column("name_en", TEXT, empty="")


def _ref(name: str, sheet: str, *, needed: bool = False) -> Column:
    return Column(name, ID, needed=needed, refers=sheet)


VALID_FROM = Column("valid_from", DATE, empty=tables.ALWAYS, hidden=tables.ALWAYS)
VALID_TO = Column("valid_to", DATE)
NOTE = Column("note", TEXT, empty="")

_ITEM = pattern("an item code like A, B1 or B2A", re.compile(r"[A-Z]([0-9]([A-Z0-9])?)?").fullmatch)
_PLACE = pattern("building:ID, site:ID or region:CODE", re.compile(r"(building|site|region):[A-Za-z0-9_.-]+").fullmatch)
_WORD = pattern("a word of a-z, 0-9 and _", re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch)
# What a gateway calls its meters is its own affair: any text of moderate length.
_LOCAL = pattern("a local name of 1 to 256 characters", lambda text: 1 <= len(text) <= 256)
_CREDIT_CODE = pattern("18 characters of a 统一社会信用代码", re.compile(r"[0-9A-Z]{18}").fullmatch)

REGIONS = Sheet(
    "regions",
    _table(tables.RegionRow),
    ("code",),
    (
        Column("code", ID, needed=True),
        *_names(),
        _ref("parent", "regions"),
        Column("climate_zone", TEXT),
    ),
)
INSTITUTIONS = Sheet(
    "institutions",
    _table(tables.InstitutionRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        *_names(),
        _ref("region", "regions", needed=True),
        _ref("parent", "institutions"),
        Column("type", official("institution"), needed=True),
        Column("department", TEXT),
        Column("credit_code", _CREDIT_CODE),
        Column("tier", TEXT),
        Column("quota_class", TEXT),
        Column("climate_zone", TEXT),
    ),
)
DEPARTMENTS = Sheet(
    "departments",
    _table(tables.DepartmentRow),
    ("institution", "valid_from"),
    (
        _ref("institution", "institutions", needed=True),
        Column("department", TEXT, needed=True),
        VALID_FROM,
        VALID_TO,
    ),
)
SITES = Sheet(
    "sites",
    _table(tables.SiteRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        _ref("institution", "institutions", needed=True),
        *_names(),
        Column("timezone", ZONE, empty=DEFAULT_ZONE),
    ),
)
BUILDINGS = Sheet(
    "buildings",
    _table(tables.BuildingRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        _ref("institution", "institutions", needed=True),
        _ref("site", "sites"),
        *_names(),
        Column("letter", official("building")),
    ),
)
GATEWAYS = Sheet(
    "gateways",
    _table(tables.GatewayRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        _ref("institution", "institutions", needed=True),
        *_names(zh_needed=False),
        Column("profile", TEXT, empty="jieneng"),
    ),
)
METERS = Sheet(
    "meters",
    _table(tables.MeterRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        _ref("institution", "institutions", needed=True),
        _ref("building", "buildings"),
        _ref("gateway", "gateways"),
        Column("local", _LOCAL),
        *_names(zh_needed=False),
        Column("category", CATEGORY, needed=True),
        Column("item", _ITEM, empty=""),
        Column("kind", choice(*MeterKind), empty=MeterKind.PHYSICAL.value),
        Column("value_kind", choice(*ValueKind), empty=ValueKind.REGISTER.value),
        Column("unit", UNIT, needed=True),
        Column("digits", whole(1, 12)),
        Column("ct_ratio", number(above=0), empty=1.0),
        Column("pt_ratio", number(above=0), empty=1.0),
        Column("rated_kw", number(above=0)),
        Column("interval_s", whole(1, 31 * 86_400), empty=900),
        _ref("parent", "meters"),
        Column("formula", TEXT),
        Column("active_from", DATE),
        Column("active_to", DATE),
    ),
)
SENSORS = Sheet(
    "sensors",
    _table(tables.SensorRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        _ref("institution", "institutions", needed=True),
        _ref("gateway", "gateways"),
        Column("local", _LOCAL),
        *_names(zh_needed=False),
        Column("quantity", _WORD, needed=True),
        Column("unit", UNIT, empty=""),
        Column("interval_s", whole(1, 31 * 86_400), empty=900),
        Column("place", _PLACE, needed=True),
    ),
)
SWAPS = Sheet(
    "swaps",
    _table(tables.SwapRow),
    ("meter", "time"),
    (
        _ref("meter", "meters", needed=True),
        Column("time", INSTANT, needed=True),
        Column("old_end", number()),
        Column("new_start", number(), needed=True),
        Column("old_ratio", number(above=0)),
        Column("new_ratio", number(above=0)),
        NOTE,
    ),
)
DENOMINATORS = Sheet(
    "denominators",
    _table(tables.DenominatorRow),
    ("scope", "id", "kind", "valid_from"),
    (
        Column("scope", choice("building", "institution", "region"), needed=True),
        Column("id", ID, needed=True),
        Column("kind", _WORD, needed=True),
        Column("value", number(least=0), needed=True),
        Column("unit", TEXT, needed=True),
        VALID_FROM,
        VALID_TO,
        NOTE,
    ),
)
CALENDARS = Sheet(
    "calendars",
    _table(tables.CalendarRow),
    ("institution", "date_from", "kind"),
    (
        _ref("institution", "institutions", needed=True),
        Column("date_from", DATE, needed=True),
        Column("date_to", DATE, needed=True),
        Column("kind", choice("vacation", "closed", "workday"), needed=True),
        Column("name", TEXT, empty=""),
    ),
)

FOUNDATION = (
    REGIONS, INSTITUTIONS, DEPARTMENTS, SITES, BUILDINGS, GATEWAYS, METERS, SENSORS, SWAPS, DENOMINATORS, CALENDARS,
)  # fmt: skip
SHEETS: Mapping[str, Sheet] = MappingProxyType({sheet.name: sheet for sheet in FOUNDATION})
"""Every sheet by name, those that others refer to first."""


def show_record(sheet: Sheet, record: Mapping[str, Any]) -> dict[str, str | int | float | None]:
    """A row as cells."""
    return {
        column.name: None if record[column.name] in (None, column.hidden) else column.kind.show(record[column.name])
        for column in sheet.columns
    }


def is_empty(raw: object) -> bool:
    """True for a cell in which nothing was stated."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def overlaps(a_from: date, a_to: date | None, b_from: date, b_to: date | None) -> bool:
    """True if two half-open validities share a day; None = open end."""
    return (b_to is None or a_from < b_to) and (a_to is None or b_from < a_to)
