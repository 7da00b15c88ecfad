"""Overview: how a region stands today, and which of its institutions deserve a look."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section, to_board
from dashboards.boards import asked
from dashboards.boards.lists import amounts_panel, progress_table, ranking_table
from dashboards.panels import Panel, colour, columns, course, joined, lines, look, only, rows, sorted_by, stat, table
from dashboards.queries import Column, among, back, below, equal, is_region
from dashboards.words import Words
from energy.model import Category

_HERE = (equal("scope", "region"), is_region("id", "$region"))
HEARD = (only("reporting", "expected"),)
"""What the figure of meters shows of its answer."""
_MEMBERS = (equal("scope", "institution"), among("id", "$members"))


def board(w: Words) -> Board:
    """The dashboard."""
    return Board(
        "overview",
        (variables.region(w), variables.institution_type(w), variables.members(w)),
        (
            Section("standing", _figures(w)),
            Section("course", _courses(w)),
            Section("who", (_regions(w), ranking_table(w), progress_table(w, width=14, height=9), _completeness(w))),
        ),
        console="/places",
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    year = asked.indicator(_HERE, Column("last({value}) / 1000", "tce"), key="energy", period="year")
    return (
        stat("overview.energy_year", *lines(year), width=3, unit="suffix: tce", decimals=0, shade=looks.MEASURED),
        amounts_panel(w, _HERE, width=8),
        stat("coverage", *lines(asked.coverage(_HERE)), width=3, unit="percentunit", decimals=1, limits=looks.COVERAGE),
        stat("heard", *rows(asked.heard(_HERE)), width=3, named=True, overrides=heard_names(w), transformations=HEARD),
        stat("overview.stage80", *rows(asked.targets_at(0.8, _MEMBERS)), width=3, limits=looks.FEW),
        stat(
            "open_findings",
            *rows(asked.findings((among("institution", "$members"),), Column("sum({open})", "n"), span=back(366))),
            width=4,
            limits=looks.FEW,
            absent=w("none"),
        ),
    )


def heard_names(w: Words) -> tuple[dict[str, object], ...]:
    """Words for the two figures of meters."""
    return look("reporting", w("reporting")), look("expected", w("due"))


def _courses(w: Words) -> tuple[Panel, ...]:
    energy = asked.indicator(_HERE, Column("{value} / 1000", "tce"), key="energy", period="day", span="$timeFilter")
    electricity = asked.totals(
        _HERE,
        Column("{amount}", "electricity.amount"),
        Column("{last_year}", "electricity.last_year"),
        category=Category.ELECTRICITY,
    )
    months = asked.totals(
        _HERE,
        Column("{amount}", "electricity.amount"),
        Column("{last_year}", "electricity.last_year"),
        category=Category.ELECTRICITY,
        period="month",
        span=back(400),
    )
    return (
        course(
            "overview.energy_days",
            *lines(energy),
            width=8,
            unit="suffix: tce",
            decimals=1,
            bars=True,
            overrides=(look("tce", w("energy"), color=colour(looks.MEASURED)),),
        ),
        course(
            "overview.electricity_days",
            *lines(electricity),
            width=8,
            unit="kwatth",
            gap_ms=looks.DAYS_APART,
            overrides=looks.compared(w),
        ),
        columns(
            "overview.electricity_months",
            *rows(months),
            width=8,
            unit="kwatth",
            overrides=looks.months(w),
        ),
    )


def _regions(w: Words) -> Panel:
    here = (equal("scope", "region"), below("id", "$region"))
    figures = (
        asked.totals(here, Column("sum({amount})", "electricity"), category=Category.ELECTRICITY, group=("id",)),
        asked.totals(here, Column("sum({amount})", "water"), category=Category.WATER, group=("id",)),
        asked.indicator(here, Column("last({value}) / 1000", "tce"), key="energy", period="year", group=("id",)),
        asked.coverage(here, group=("id",)),
    )
    return table(
        "overview.regions",
        *rows(asked.names(w, "region", asked.in_region()), *figures),
        overrides=(
            look(
                "name",
                w("region"),
                links=[{"title": w("open_board"), "url": to_board("overview", w, region="${__data.fields.id}")}],
            ),
            *looks.amounts(w),
            look("tce", w("energy_year"), unit="suffix: tce", decimals=0),
            looks.gauge_cell("coverage", w("coverage"), limits=looks.COVERAGE, unit="percentunit", top=1, decimals=1),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id"),
            only("id", "name", "tce", "electricity", "water", "coverage"),
            sorted_by("id", falling=False),
        ),
    )


def _completeness(w: Words) -> Panel:
    return table(
        "overview.completeness",
        *rows(asked.names(w, "institution", asked.in_region()), asked.coverage(_MEMBERS, group=("id",))),
        width=10,
        overrides=(
            look("name", w("institution"), links=[{"title": w("open_board"), "url": to_board("quality", w)}]),
            looks.gauge_cell("coverage", w("coverage"), limits=looks.COVERAGE, unit="percentunit", top=1, decimals=1),
            *looks.hidden("id"),
        ),
        transformations=(joined("id"), only("id", "name", "coverage"), sorted_by("coverage", falling=False)),
    )
