"""Findings: what stands out, what it costs, and what has become of it."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section
from dashboards.boards import asked
from dashboards.boards.lists import findings_table, institution_link, known
from dashboards.panels import (
    Panel,
    colour,
    columns,
    course,
    joined,
    lines,
    look,
    only,
    rows,
    sorted_by,
    stat,
    table,
    words_for,
)
from dashboards.queries import Column, among, at_least, select
from dashboards.words import Words
from energy.storage.schema import FINDING

_HERE = (among("institution", "$members"),)
_TOO_MUCH = at_least("excess_yuan", 0)
"""What was used too little, or counted so, pays for nothing that was used too much."""


def board(w: Words) -> Board:
    """The dashboard."""
    return Board(
        "findings",
        (variables.region(w), variables.institution_type(w), variables.members(w)),
        (
            Section("standing", _figures(w)),
            Section("what", (_kinds(w), _days(w), _cost(w))),
            Section("list", _lists(w)),
        ),
        since="now-90d/d",
        console="/findings",
    )


def _lists(w: Words) -> tuple[Panel, ...]:
    institutions, meters = (asked.names(w, scope, asked.in_region()) for scope in ("institution", "meter"))
    return (
        findings_table(w, "findings.list", _HERE, institutions=institutions, meters=meters, height=14),
        findings_table(w, "findings.timeline", _HERE, by="time", institutions=institutions, meters=meters, height=10),
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    return (
        stat(
            "findings.open",
            *rows(asked.findings(_HERE, Column("sum({open})", "n"))),
            width=6,
            limits=looks.FEW,
            absent=w("none"),
        ),
        stat(
            "findings.all",
            *rows(asked.findings(_HERE, Column("count({open})", "n"))),
            width=6,
            shade=looks.MEASURED,
            absent=w("none"),
        ),
        stat(
            "findings.cost",
            *rows(asked.findings((*_HERE, _TOO_MUCH), Column("sum({excess_yuan})", "yuan"))),
            width=6,
            unit="prefix:¥",
            decimals=0,
            shade=looks.OVER,
            absent=w("none"),
        ),
        stat(
            "findings.worst",
            *rows(asked.findings(_HERE, Column("max({severity})", "severity"))),
            width=6,
            unit="prefix:¥",
            decimals=0,
            shade=looks.CLOSE,
            absent=w("none"),
        ),
    )


def _kinds(w: Words) -> Panel:
    query = asked.findings(_HERE, Column("count({open})", "n"), group=("kind",))
    names = {kind: (w(f"kind.{kind}"), None) for kind in w.starting("kind.")}
    return columns(
        "findings.kinds",
        *rows(query),
        width=8,
        x="kind",
        horizontal=True,
        decimals=0,
        absent=w("none"),
        overrides=(look("kind", mappings=words_for(names)), look("n", w("findings"), color=colour(looks.CLOSE))),
        transformations=(only("kind", "n"), sorted_by("n")),
    )


def _days(w: Words) -> Panel:
    by_day = select(FINDING, Column("count({open})", "n"), where=_HERE, every="1d")
    return course(
        "findings.days",
        *lines(by_day),
        width=8,
        bars=True,
        decimals=0,
        absent=w("none"),
        overrides=(look("n", w("findings"), color=colour(looks.CLOSE)),),
    )


def _cost(w: Words) -> Panel:
    by = ("institution",)
    count = asked.findings(_HERE, Column("count({open})", "n"), Column("sum({open})", "open"), group=by)
    cost = asked.findings((*_HERE, _TOO_MUCH), Column("sum({excess_yuan})", "yuan"), group=by)
    rename = {"id": "organize", "options": {"renameByName": {"institution": "id"}}}
    return table(
        "findings.cost_by",
        *rows(count, cost, asked.names(w, "institution", asked.in_region())),
        width=8,
        height=8,
        absent=w("none"),
        overrides=(
            institution_link(w),
            look("n", w("findings"), decimals=0, custom__width=85),
            look("open", w("open"), decimals=0, custom__width=70),
            look("yuan", w("yuan"), unit="prefix:¥", decimals=0, custom__width=100),
            *looks.hidden("id"),
        ),
        transformations=(rename, joined("id"), known("n"), only("id", "name", "n", "open", "yuan"), sorted_by("yuan")),
    )
