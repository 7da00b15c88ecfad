"""Water and night flow: when nobody is there, water that flows is mostly lost."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section
from dashboards.boards import asked
from dashboards.boards.institution import hours
from dashboards.boards.lists import institution_link, known
from dashboards.boards.overview import HEARD, heard_names
from dashboards.panels import (
    Panel,
    Target,
    colour,
    columns,
    course,
    first,
    hour_map,
    joined,
    lines,
    look,
    only,
    rows,
    sorted_by,
    stat,
    steps,
    table,
)
from dashboards.queries import Column, among, back, equal, is_region, select
from dashboards.words import Words
from energy.model import Category
from energy.storage.schema import DAY_PROFILE

_REGION = (equal("scope", "region"), is_region("id", "$region"))
_MEMBERS = (equal("scope", "institution"), among("id", "$members"))
_HERE = (equal("scope", "institution"), equal("id", "$institution"))
_WATER = equal("category", "water")
_NIGHT = "({h02} + {h03} + {h04}) / 3"
"""Mean flow between 02:00 and 05:00, the hours of the night-flow test. [m3/h]"""


def board(w: Words) -> Board:
    """The dashboard."""
    chosen = (variables.region(w), variables.institution_type(w), variables.members(w), variables.institution(w))
    return Board(
        "water",
        chosen,
        (
            Section("standing", _figures(w)),
            Section("who", (_institutions(w), _per_person(w))),
            Section("one", (_nights(w), _map(), _months(w))),
        ),
        findings=asked.findings_shown(w, equal("institution", "$institution"), equal("kind", "night_flow")),
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    nights = select(DAY_PROFILE, Column(f"{_NIGHT}", "flow"), where=(*_MEMBERS, _WATER))
    mean = select(nights, Column("mean({flow})", "flow"))
    return (
        stat(
            "water.total",
            *lines(asked.totals(_REGION, "amount", category=Category.WATER)),
            width=6,
            reduce="sum",
            unit=looks.unit(Category.WATER),
            decimals=0,
            shade=looks.CATEGORY[Category.WATER],
        ),
        stat("water.night", *rows(mean), width=6, unit="suffix: m³/h", decimals=2, shade=looks.CLOSE),
        stat(
            "coverage",
            *lines(asked.totals(_REGION, Column("mean({coverage})", "coverage"), category=Category.WATER)),
            width=6,
            unit="percentunit",
            decimals=1,
            limits=looks.COVERAGE,
        ),
        stat(
            "heard",
            *rows(asked.heard(_REGION, "water")),
            width=6,
            named=True,
            overrides=heard_names(w),
            transformations=HEARD,
        ),
    )


def _institutions(w: Words) -> Panel:
    flow = select(DAY_PROFILE, Column(_NIGHT, "flow"), where=(*_MEMBERS, _WATER), group=("id",))
    night = select(flow, Column("mean({flow})", "night"), Column("min({flow})", "least"), group=("id",))
    used = asked.totals(_MEMBERS, Column("mean({amount})", "day"), category=Category.WATER, group=("id",))
    share = {
        "id": "calculateField",
        "options": {
            "mode": "binary",
            "alias": "share",
            "replaceFields": False,
            "binary": {
                "left": {"matcher": {"id": "byName", "options": "night_day"}},
                "operator": "/",
                "right": {"matcher": {"id": "byName", "options": "day"}},
            },
        },
    }
    whole_day = select(flow, Column("mean({flow}) * 24", "night_day"), group=("id",))
    return table(
        "water.institutions",
        *rows(asked.names(w, "institution", asked.in_region()), used, night, whole_day),
        width=14,
        overrides=(
            institution_link(w),
            look("day", w("per_day"), unit="suffix: m³/d", decimals=1),
            look("night", w("night_flow"), unit="suffix: m³/h", decimals=2),
            look("least", w("least_night"), unit="suffix: m³/h", decimals=2),
            looks.gauge_cell(
                "share",
                w("night_share"),
                unit="percentunit",
                top=1,
                decimals=0,
                limits=steps((None, looks.GOOD), (0.3, looks.NEAR), (0.5, looks.CLOSE)),
            ),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id"),
            known("day"),
            share,
            only("id", "name", "day", "night", "least", "share"),
            sorted_by("share"),
        ),
    )


def _per_person(w: Words) -> Panel:
    query = asked.indicator(_MEMBERS, Column.newest("value"), key="water_per_person", period="rolling12", group=("id",))
    return columns(
        "water.per_person",
        *rows(query, asked.names(w, "institution", asked.in_region())),
        width=10,
        height=9,
        x="name",
        unit="suffix: m³/(p·a)",
        decimals=1,
        horizontal=True,
        overrides=(look("value", w("water_per_person"), color=colour(looks.CATEGORY[Category.WATER])),),
        transformations=(joined("id"), known("value"), only("name", "value"), sorted_by("value"), first(20)),
    )


def _nights(w: Words) -> Panel:
    query = select(DAY_PROFILE, Column(_NIGHT, "night"), where=(*_HERE, _WATER))
    return course(
        "water.nights",
        *lines(query),
        width=8,
        height=9,
        unit="suffix: m³/h",
        decimals=2,
        gap_ms=looks.DAYS_APART,
        overrides=(look("night", w("night_flow"), color=colour(looks.CATEGORY[Category.WATER])),),
    )


def _map() -> Panel:
    return hour_map("water.hours", Target(select(DAY_PROFILE, *hours(), where=(*_HERE, _WATER)), "table", ""), width=8)


def _months(w: Words) -> Panel:
    fields = (Column("{amount}", "water.amount"), Column("{last_year}", "water.last_year"))
    query = asked.totals(_HERE, *fields, category=Category.WATER, period="month", span=back(400))
    return columns(
        "water.months",
        *rows(query),
        width=8,
        height=9,
        overrides=looks.months(w),
    )
