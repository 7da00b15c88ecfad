"""Targets and warnings: who will pass the year's target, who has reached a stage, and how institutions are graded."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section
from dashboards.boards import asked
from dashboards.boards.lists import institution_link, known, progress_table
from dashboards.panels import Panel, colour, columns, first, joined, look, only, rows, sorted_by, stat, steps, table
from dashboards.queries import Column, among, equal, fits, select
from dashboards.words import Words
from energy.storage.schema import TARGET

_MEMBERS = (equal("scope", "institution"), among("id", "$members"))
_CHOSEN = (*_MEMBERS, fits("indicator", "$indicator"))


def board(w: Words) -> Board:
    """The dashboard."""
    chosen = (
        variables.region(w),
        variables.institution_type(w),
        variables.members(w),
        variables.indicator(w),
    )
    return Board(
        "targets",
        chosen,
        (
            Section("standing", _figures()),
            Section("progress", (progress_table(w, "targets.progress", width=24), _shares(w), _grades(w))),
        ),
        console="/targets",
    )


def _reaching(stage: float, shade: str) -> Panel:
    limits = steps((None, looks.GOOD), (1, shade))
    return stat(f"targets.stage{stage * 100:.0f}", *rows(asked.targets_at(stage, _CHOSEN)), width=5, limits=limits)


def _figures() -> tuple[Panel, ...]:
    newest = select(TARGET, Column.newest("target"), where=_CHOSEN, span=asked.RECENT, group=("id", "indicator"))
    over = asked.counted(TARGET, "outlook", "floor({newest} / 3)", *_CHOSEN, group=("id", "indicator"))
    return (
        stat("targets.issued", *rows(select(newest, Column("count({target})", "n"))), width=4, shade=looks.TARGET),
        *(_reaching(stage, shade) for stage, shade in ((0.8, looks.NEAR), (0.9, looks.CLOSE), (1.0, looks.OVER))),
        stat("targets.over", *rows(over), width=5, limits=steps((None, looks.GOOD), (1, looks.OVER))),
    )


def _shares(w: Words) -> Panel:
    newest = (Column.newest("used_share"), Column.newest("expected_share"))
    query = select(TARGET, *newest, where=_CHOSEN, span=asked.RECENT, group=("id",))
    return columns(
        "targets.shares",
        *rows(query, asked.names(w, "institution", asked.in_region())),
        x="name",
        unit="percentunit",
        height=10,
        horizontal=True,
        overrides=(
            look("used_share", w("used_share"), color=colour(looks.MEASURED)),
            look("expected_share", w("expected_share"), color=colour(looks.LAST_YEAR)),
        ),
        transformations=(
            joined("id"),
            known("used_share"),
            only("name", "used_share", "expected_share"),
            sorted_by("used_share"),
            first(20),
        ),
    )


def _grades(w: Words) -> Panel:
    fields = ("value", "constraint", "baseline", "guide")
    query = asked.indicator(
        _MEMBERS, *map(Column.newest, fields), key="energy_per_area", period="rolling12", group=("id",)
    )
    plain = {"decimals": 1, "custom__width": 110}
    return table(
        "targets.grades",
        *rows(query, asked.names(w, "institution", asked.in_region())),
        height=10,
        overrides=(
            institution_link(w),
            look("value", w("per_area"), unit="suffix: kgce/(m²·a)", decimals=1),
            look("constraint", w("constraint"), **plain),
            look("baseline", w("baseline"), **plain),
            look("guide", w("guide"), **plain),
            *looks.hidden("id"),
        ),
        transformations=(joined("id"), known("value"), only("id", "name", *fields), sorted_by("value")),
    )
