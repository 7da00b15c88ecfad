"""The sheets of what people decide and what the jobs hand to them."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Final

from energy.holidays import DAY_WORDS
from energy.registry import decision_tables as tables
from energy.registry.cells import DATE, ID, INSTANT, TEXT, UNIT, choice, number, pattern, text, whole
from energy.registry.codes import CALIBER, CATEGORY, INDICATOR
from energy.registry.columns import NOTE, VALID_FROM, VALID_TO, WORD, Column, Sheet, ref, table_of

_LONG = text(30_000)  # a cell of an xlsx file holds 32,767 characters
_YEAR = whole(1990, 2200)
_MONTH: Final = r"([1-9]|1[0-2])(-([1-9]|1[0-2]))?"
_MONTHS = pattern("months like 1-3,7,12", re.compile(rf"{_MONTH}(,{_MONTH})*").fullmatch)
_SPAN: Final = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"
_HOURS = pattern("spans of the day like 08:00-11:30,17:00-24:00", re.compile(rf"{_SPAN}(,{_SPAN})*").fullmatch)
_DAYS_LENGTH: Final = 64  # part of the table's key


def _are_days(text: str) -> bool:
    return len(text) <= _DAYS_LENGTH and set(text.split(",")) <= DAY_WORDS.keys()


_DAYS = pattern(f"days like holiday or spring_festival,weekend, of {', '.join(DAY_WORDS)}", _are_days)
_CONFIDENCE = choice("sure", "seen", "unsure")
_ANY_SCOPE = choice("meter", "building", "institution", "region")


def _is_day(text: str, *, months: range) -> bool:
    """Whether a text is a day of any year, MM-DD, in one of the months."""
    try:
        found = date.fromisoformat(f"2025-{text}")
    except ValueError:
        return False
    return found.month in months


CORRECTIONS = Sheet(
    "corrections",
    table_of(tables.CorrectionRow),
    ("meter", "start", "kind", "time"),
    (
        ref("meter", "meters", needed=True),
        Column("start", INSTANT, needed=True),
        Column("end", INSTANT, needed=True),
        # discard: readings in the span are wrong; reading: the register at `start` was `value`;
        # amount: the span used `value`, in the meter's unit
        Column("kind", choice("discard", "reading", "amount"), needed=True),
        Column("value", number()),
        Column("author", TEXT, needed=True),
        Column("time", INSTANT, needed=True),
        Column("reason", TEXT, needed=True),
        # only an active one is computed with
        Column("state", choice("proposed", "active", "refused", "withdrawn"), empty="active"),
        Column("approved_by", TEXT, empty=""),
    ),
    part="meter",
)
BILLS = Sheet(
    "bills",
    table_of(tables.BillRow),
    ("meter", "first_day"),
    (
        ref("meter", "meters", needed=True),
        Column("first_day", DATE, needed=True),
        Column("last_day", DATE, needed=True),
        Column("amount", number(), needed=True),
        Column("unit", UNIT, needed=True),
        Column("yuan", number()),
        Column("document", TEXT, empty=""),
        NOTE,
    ),
    part="meter",
)
TARIFFS = Sheet(
    "tariffs",
    table_of(tables.TariffRow),
    ("tariff", "component", "band", "months", "days", "hours", "tier_from", "valid_from"),
    (
        Column("tariff", ID, needed=True),
        # energy: per unit used; demand: per kW of the month's maximum; capacity: per kVA installed; fixed: per month
        Column("component", choice("energy", "demand", "capacity", "fixed"), needed=True),
        Column("band", choice("all", "sharp", "peak", "flat", "valley", "deep_valley"), empty="all"),
        Column("months", _MONTHS, empty="1-12"),
        Column("days", _DAYS, empty="all"),
        Column("hours", _HOURS, empty="00:00-24:00"),
        Column("tier_from", number(least=0), empty=0.0),
        Column("tier_period", choice("month", "year"), empty="month"),
        Column("price_yuan", number(), needed=True),
        Column("unit", TEXT, needed=True),
        VALID_FROM,
        VALID_TO,
        Column("source", TEXT, needed=True),
    ),
)
TARIFF_USES = Sheet(
    "tariff_uses",
    table_of(tables.TariffUseRow),
    ("scope", "id", "category", "valid_from"),
    (
        Column("scope", choice("meter", "institution"), needed=True),
        Column("id", ID, needed=True),
        Column("category", CATEGORY, needed=True),
        Column("tariff", ID, needed=True),
        VALID_FROM,
        VALID_TO,
        Column("capacity_kva", number(above=0)),
    ),
)
CALORIFIC_VALUES = Sheet(
    "calorific_values",
    table_of(tables.CalorificValueRow),
    ("scope", "id", "valid_from"),
    (
        Column("scope", choice("institution", "region"), needed=True),
        Column("id", ID, needed=True),
        Column("value", number(above=0), needed=True),
        Column("unit", choice("kWh/m3", "MJ/m3"), needed=True),
        VALID_FROM,
        VALID_TO,
        Column("source", TEXT, needed=True),
        Column("confidence", _CONFIDENCE, needed=True),
        NOTE,
    ),
)
HEATING_SEASONS = Sheet(
    "heating_seasons",
    table_of(tables.HeatingSeasonRow),
    ("scope", "id", "valid_from"),
    (
        Column("scope", choice("institution", "region"), needed=True),
        Column("id", ID, needed=True),
        # a row holds for the seasons whose first day lies in its validity
        Column("begins", pattern("a day from July on, like 11-15", partial(_is_day, months=range(7, 13))), needed=True),
        Column("ends", pattern("a day up to June, like 03-15", partial(_is_day, months=range(1, 7))), needed=True),
        VALID_FROM,
        VALID_TO,
        Column("source", TEXT, needed=True),
        Column("confidence", _CONFIDENCE, needed=True),
        NOTE,
    ),
)
QUOTAS = Sheet(
    "quotas",
    table_of(tables.QuotaRow),
    ("standard", "institution_type", "tier", "climate_zone", "indicator", "valid_from"),
    (
        Column("region", TEXT, needed=True),
        Column("standard", TEXT, needed=True),
        Column("institution_type", TEXT, needed=True),
        Column("tier", TEXT, empty=""),
        Column("climate_zone", TEXT, empty=""),
        Column("indicator", INDICATOR, needed=True),
        Column("kind", choice("three_level", "two_level", "water"), empty="three_level"),
        Column("constraint", number(above=0)),
        Column("baseline", number(above=0)),
        Column("guide", number(above=0)),
        Column("unit", TEXT, needed=True),
        Column("caliber", CALIBER, needed=True),
        VALID_FROM,
        VALID_TO,
        Column("source", TEXT, needed=True),
        Column("confidence", _CONFIDENCE, needed=True),
        Column("approved_by", TEXT, needed=True),
        NOTE,
    ),
)
TARGETS = Sheet(
    "targets",
    table_of(tables.TargetRow),
    ("scope", "id", "year", "indicator", "caliber", "state"),
    (
        Column("scope", choice("building", "institution", "region"), needed=True),
        Column("id", ID, needed=True),
        Column("year", _YEAR, needed=True),
        Column("indicator", INDICATOR, needed=True),
        Column("caliber", CALIBER, needed=True),
        Column("state", choice("proposed", "issued"), needed=True),
        Column("value", number(least=0), needed=True),
        Column("unit", TEXT, empty=""),
        Column("document", TEXT, empty=""),
        Column("date", DATE),
        Column("file", TEXT, empty=""),
        Column("rule", TEXT, empty=""),
        Column("approved_by", TEXT, empty=""),
        NOTE,
    ),
)
_RATE = number(least=0, below=1)
TARGET_RULES = Sheet(
    "target_rules",
    table_of(tables.TargetRuleRow),
    ("institution", "indicator", "caliber", "valid_from"),
    (
        ref("institution", "institutions", needed=True),
        Column("indicator", INDICATOR, needed=True),
        Column("caliber", CALIBER, needed=True),
        VALID_FROM,
        VALID_TO,
        Column("rule", choice("four_branches", "five_year_path", "own_history", "towards_peers"), needed=True),
        # of four_branches: above the constraint; of five_year_path: after its years; of towards_peers: most a year
        Column("cut", _RATE),
        Column("cut_above_baseline", _RATE),
        Column("rise", _RATE),
        Column("base_year", _YEAR),
        Column("n_years", whole(1, 30)),
        Column("source", TEXT, empty=""),
        NOTE,
    ),
)
_STATE = Column("state", choice("open", "waiting", "closed", "withdrawn"), empty="open")
_VERDICT = Column("verdict", choice("confirmed", "false_alarm", "known"))
_COMMENT = Column("comment", _LONG, empty="")
_ASSIGNEE = Column("assignee", TEXT, empty="")
DECISIONS: Final = ("state", "verdict", "comment", "assignee")
"""What of a finding belongs to people: the jobs set it once and never change it again."""

FINDINGS = Sheet(
    "findings",
    table_of(tables.FindingRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        ref("meter", "meters"),
        Column("kind", WORD, needed=True),
        Column("start", INSTANT, needed=True),
        Column("end", INSTANT),
        Column("severity", number(), empty=0.0),
        Column("certainty", number(least=0, most=1)),
        Column("excess", number()),
        Column("unit", TEXT, empty=""),
        Column("excess_yuan", number()),
        Column("title_zh", TEXT, empty=""),
        Column("title_en", TEXT, empty=""),
        Column("text_zh", _LONG, empty=""),
        Column("text_en", _LONG, empty=""),
        Column("evidence", _LONG, empty=""),
        _STATE,
        _VERDICT,
        _COMMENT,
        _ASSIGNEE,
    ),
    part="id",
)
FINDING_EVENTS = Sheet(
    "finding_events",
    table_of(tables.FindingEventRow),
    ("finding", "number"),
    (
        Column("finding", ID, needed=True, refers="findings"),
        Column("number", whole(1, 1_000_000), needed=True),
        Column("time", INSTANT, needed=True),
        Column("author", TEXT, needed=True),
        _STATE,
        _VERDICT,
        _COMMENT,
        _ASSIGNEE,
    ),
    part="finding",
)
STAGES = Sheet(
    "stages",
    table_of(tables.StageRow),
    ("scope", "id", "year", "indicator", "caliber", "stage", "raised"),
    (
        Column("scope", _ANY_SCOPE, needed=True),
        Column("id", ID, needed=True),
        Column("year", _YEAR, needed=True),
        Column("indicator", INDICATOR, needed=True),
        Column("caliber", CALIBER, needed=True),
        Column("stage", number(above=0), needed=True),
        Column("raised", INSTANT, needed=True),
        Column("withdrawn", INSTANT),
        Column("used", number(), needed=True),
        Column("target", number(), needed=True),
        Column("reason", TEXT, empty=""),
    ),
    part="id",
)
RUNS = Sheet(
    "runs",
    table_of(tables.RunRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        Column("job", WORD, needed=True),
        Column("started", INSTANT, needed=True),
        Column("ended", INSTANT),
        Column("state", choice("running", "done", "failed"), needed=True),
        Column("version", TEXT, empty=""),
        Column("counts", _LONG, empty=""),
        Column("error", _LONG, empty=""),
    ),
    part="id",
)

DECIDED = (
    CORRECTIONS, BILLS, TARIFFS, TARIFF_USES, CALORIFIC_VALUES, HEATING_SEASONS, QUOTAS, TARGETS, TARGET_RULES,
    FINDINGS, FINDING_EVENTS, STAGES, RUNS,
)  # fmt: skip
