"""The sheets of who and where: regions, institutions, gateways, meters and what is dated about them."""

from __future__ import annotations

import re

from energy.intervals import DEFAULT_ZONE
from energy.model import MeterKind, UsedBy, ValueKind
from energy.registry import tables
from energy.registry.cells import DATE, ID, INSTANT, TEXT, UNIT, ZONE, choice, number, pattern, whole
from energy.registry.codes import CATEGORY, official
from energy.registry.columns import NOTE, VALID_FROM, VALID_TO, WORD, Column, Sheet, names, ref, table_of

_ITEM = pattern("an item code like A, B1 or B2A", re.compile(r"[A-Z]([0-9]([A-Z0-9])?)?").fullmatch)
_PLACE = pattern("building:ID, site:ID or region:CODE", re.compile(r"(building|site|region):[A-Za-z0-9_.-]+").fullmatch)
# What a gateway calls its meters is its own affair: any text of moderate length.
_LOCAL = pattern("a local name of 1 to 256 characters", lambda text: 1 <= len(text) <= 256)
_CREDIT_CODE = pattern("18 characters of a 统一社会信用代码", re.compile(r"[0-9A-Z]{18}").fullmatch)

REGIONS = Sheet(
    "regions",
    table_of(tables.RegionRow),
    ("code",),
    (
        Column("code", ID, needed=True),
        *names(),
        ref("parent", "regions"),
        Column("climate_zone", TEXT),
    ),
)
INSTITUTIONS = Sheet(
    "institutions",
    table_of(tables.InstitutionRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        *names(),
        ref("region", "regions", needed=True),
        ref("parent", "institutions"),
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
    table_of(tables.DepartmentRow),
    ("institution", "valid_from"),
    (
        ref("institution", "institutions", needed=True),
        Column("department", TEXT, needed=True),
        VALID_FROM,
        VALID_TO,
    ),
)
SITES = Sheet(
    "sites",
    table_of(tables.SiteRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        *names(),
        Column("timezone", ZONE, empty=DEFAULT_ZONE),
    ),
)
BUILDINGS = Sheet(
    "buildings",
    table_of(tables.BuildingRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        ref("site", "sites"),
        *names(),
        Column("letter", official("building")),
    ),
)
GATEWAYS = Sheet(
    "gateways",
    table_of(tables.GatewayRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        *names(needed=False),
        Column("profile", TEXT, empty="jieneng"),
    ),
)
METERS = Sheet(
    "meters",
    table_of(tables.MeterRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        ref("building", "buildings"),
        ref("gateway", "gateways"),
        Column("local", _LOCAL),
        *names(needed=False),
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
        ref("parent", "meters"),
        Column("formula", TEXT),
        Column("used_by", choice(*UsedBy), empty=UsedBy.SELF.value),
        Column("active_from", DATE),
        Column("active_to", DATE),
    ),
)
SENSORS = Sheet(
    "sensors",
    table_of(tables.SensorRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        ref("gateway", "gateways"),
        Column("local", _LOCAL),
        *names(needed=False),
        Column("quantity", WORD, needed=True),
        Column("unit", UNIT, empty=""),
        Column("interval_s", whole(1, 31 * 86_400), empty=900),
        Column("place", _PLACE, needed=True),
    ),
)
SWAPS = Sheet(
    "swaps",
    table_of(tables.SwapRow),
    ("meter", "time"),
    (
        ref("meter", "meters", needed=True),
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
    table_of(tables.DenominatorRow),
    ("scope", "id", "kind", "valid_from"),
    (
        Column("scope", choice("building", "institution", "region"), needed=True),
        Column("id", ID, needed=True),
        Column("kind", WORD, needed=True),
        Column("value", number(least=0), needed=True),
        Column("unit", TEXT, needed=True),
        VALID_FROM,
        VALID_TO,
        NOTE,
    ),
)
CALENDARS = Sheet(
    "calendars",
    table_of(tables.CalendarRow),
    ("institution", "date_from", "kind"),
    (
        ref("institution", "institutions", needed=True),
        Column("date_from", DATE, needed=True),
        Column("date_to", DATE, needed=True),
        Column("kind", choice("vacation", "closed", "workday"), needed=True),
        Column("name", TEXT, empty=""),
    ),
)

FOUNDATION = (
    REGIONS, INSTITUTIONS, DEPARTMENTS, SITES, BUILDINGS, GATEWAYS, METERS, SENSORS, SWAPS, DENOMINATORS, CALENDARS,
)  # fmt: skip
