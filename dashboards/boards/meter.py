"""Building and meter: load, rhythm, register and state of the data, down to the single reading."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section
from dashboards.boards import asked
from dashboards.boards.institution import hours, prefixed
from dashboards.boards.lists import findings_table
from dashboards.panels import Panel, Target, colour, course, hour_map, lines, look, only, rows, stat, states
from dashboards.queries import STEP, Column, equal, select
from dashboards.words import Words
from energy.storage.schema import DAY_PROFILE, INTERVAL, METER_STATUS, READING

_METER = (equal("meter", "$meter"),)
_TOTAL = (equal("scope", "meter"), equal("id", "$meter"))


def board(w: Words) -> Board:
    """The dashboard."""
    chosen = (
        variables.region(w),
        variables.institution(w),
        variables.building(w),
        variables.meter(w),
        variables.meter_category(w),
    )
    return Board(
        "meter",
        chosen,
        (
            Section("standing", _figures(w)),
            Section("use", (_load(w), _days(w))),
            Section("rhythm", (_map(), _power(w))),
            Section(
                "data",
                (
                    _register(w),
                    _states(w),
                    findings_table(w, "meter.findings", _METER, by="time", width=24, height=7),
                ),
            ),
        ),
        since="now-14d/d",
        findings=asked.findings_shown(w, *_METER),
        console="/meters/${meter}",
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    contact = select(
        METER_STATUS,
        Column.newest("state"),
        Column("last({last_seen_s}) * 1000", "seen"),
        Column.newest("coverage_day"),
        where=_METER,
        span=asked.RECENT,
    )
    total = asked.totals(_TOTAL, *prefixed("amount"), category="$category")
    demand = select(INTERVAL, Column("max({power_kw})", "demand"), where=_METER)
    return (
        stat(
            "meter.total",
            *lines(total),
            reduce="sum",
            shade=looks.MEASURED,
            overrides=looks.units_by_prefix(),
        ),
        stat("meter.demand", *lines(demand), unit="kwatt", decimals=1, shade=looks.MEASURED),
        stat(
            "meter.register", *lines(select(READING, Column.newest("value"), where=_METER)), unit="locale", decimals=2
        ),
        stat(
            "meter.contact",
            *rows(contact),
            width=12,
            named=True,
            overrides=(
                look("state", w("state"), mappings=looks.hearings(w)),
                look("seen", w("last_seen"), unit="time:YYYY-MM-DD HH:mm"),
                look(
                    "coverage_day",
                    w("coverage_yesterday"),
                    unit="percentunit",
                    decimals=1,
                    thresholds=looks.COVERAGE,
                    color={"mode": "thresholds"},
                ),
            ),
            transformations=(only("state", "seen", "coverage_day"),),
        ),
    )


def _load(w: Words) -> Panel:
    query = select(INTERVAL, *prefixed("amount", "expected", "expected_low", "expected_high"), where=_METER)
    return course("meter.load", *lines(query), width=16, height=9, overrides=looks.compared(w))


def _days(w: Words) -> Panel:
    query = asked.totals(_TOTAL, *prefixed("amount"), category="$category")
    return course("meter.days", *lines(query), width=8, height=9, bars=True, overrides=looks.compared(w))


def _map() -> Panel:
    where = (equal("scope", "building"), equal("id", "$building"), equal("category", "electricity"))
    return hour_map("meter.hours", Target(select(DAY_PROFILE, *hours(), where=where), "table", ""))


def _power(w: Words) -> Panel:
    query = select(
        INTERVAL, Column("max({power_kw})", "most"), Column("min({power_kw})", "least"), where=_METER, every="1d"
    )
    return course(
        "meter.power",
        *lines(query),
        height=9,
        unit="kwatt",
        fill=0,
        gap_ms=looks.DAYS_APART,
        overrides=(
            look("most", w("peak"), color=colour(looks.MEASURED)),
            look("least", w("base_load"), color=colour(looks.EXPECTED)),
        ),
    )


def _register(w: Words) -> Panel:
    query = select(READING, "value", where=_METER)
    return course(
        "meter.readings",
        *lines(query),
        unit="locale",
        fill=0,
        low=None,
        overrides=(look("value", w("register"), color=colour(looks.MEASURED)),),
    )


def _states(w: Words) -> Panel:
    query = select(INTERVAL, Column("max({state})", "state"), where=_METER, every=STEP)
    return states(
        "meter.states",
        *lines(query),
        width=12,
        height=8,
        mappings=looks.interval_states(w),
        overrides=(look("state", w("data_state")),),
    )
