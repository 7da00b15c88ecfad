"""Institution: what it uses, what was to be expected, how far its target has come, and what stands out."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section, to_board
from dashboards.boards import asked
from dashboards.boards.lists import amounts_panel, findings_table, known, ranking_table
from dashboards.panels import (
    Panel,
    Target,
    colour,
    columns,
    course,
    gauge,
    hour_map,
    joined,
    lines,
    look,
    only,
    rows,
    shares,
    sorted_by,
    stat,
    table,
)
from dashboards.queries import Column, Select, among, back, equal, select
from dashboards.words import Words
from energy.model import Category
from energy.storage.schema import DAY_PROFILE, TARGET

HERE = (equal("scope", "institution"), equal("id", "$institution"))
FINDINGS_HERE = (equal("institution", "$institution"),)
_ITEM = among("item", "A", "B", "C", "D", "unallocated")


def board(w: Words) -> Board:
    """The dashboard."""
    chosen = (
        variables.region(w),
        variables.institution(w),
        variables.category(w, looks.categories(w)),
        variables.own_type(w),
        variables.peers(w),
        variables.buildings(w),
    )
    return Board(
        "institution",
        chosen,
        (
            Section("standing", _figures(w)),
            Section("use", (expected_course(w), _items_shares(w), _items_days(w), _months(w))),
            Section(
                "target",
                (
                    _target(w),
                    _target_gauge(),
                    ranking_table(w, "institution.peers", ids="$peers", width=12).sized(10, 9),
                ),
            ),
            Section("rhythm", (_heat_season(w), _heating(w), _map("$category"))),
            Section(
                "where",
                (
                    _buildings(w),
                    findings_table(w, "institution.findings", FINDINGS_HERE, meters=_meters(w), width=14, height=9),
                ),
            ),
        ),
        findings=asked.findings_shown(w, *FINDINGS_HERE),
        console="/institutions/${institution}",
    )


def _meters(w: Words) -> Select:
    """Its meters by name; one without a building belongs to the institution itself."""
    return asked.names(w, "meter", among("parent", "$buildings", "$institution"))


def _figures(w: Words) -> tuple[Panel, ...]:
    per_area = asked.indicator(HERE, Column.newest("value"), key="energy_per_area", period="rolling12")
    return (
        amounts_panel(w, HERE, width=12),
        stat(
            "institution.per_area",
            *lines(per_area),
            width=4,
            unit="suffix: kgce/(m²·a)",
            decimals=1,
            shade=looks.MEASURED,
        ),
        stat("coverage", *lines(asked.coverage(HERE)), width=4, unit="percentunit", decimals=1, limits=looks.COVERAGE),
        stat(
            "open_findings",
            *rows(asked.findings(FINDINGS_HERE, Column("sum({open})", "n"), span=back(366))),
            width=4,
            limits=looks.FEW,
            absent=w("none"),
        ),
    )


def prefixed(*fields: str) -> tuple[Column, ...]:
    """Columns named after the chosen category, by which they get its unit."""
    return tuple(Column(f"{{{field}}}", f"${{category:raw}}.{field}") for field in fields)


def expected_course(w: Words) -> Panel:
    """Days as measured against the expected band, and last year."""
    fields = ("amount", "expected", "expected_low", "expected_high", "last_year")
    query = asked.totals(HERE, *prefixed(*fields), category="$category")
    return course(
        "institution.expected", *lines(query), width=16, height=9, gap_ms=looks.DAYS_APART, overrides=looks.compared(w)
    )


def _items_shares(w: Words) -> Panel:
    query = asked.totals(HERE, "amount", category=Category.ELECTRICITY, item=_ITEM, group=("item",))
    return shares(
        "institution.items", *lines(query, alias="$tag_item"), height=9, unit="kwatth", overrides=looks.items(w)
    )


def _items_days(w: Words) -> Panel:
    query = asked.totals(HERE, "amount", category=Category.ELECTRICITY, item=_ITEM, group=("item",))
    return course(
        "institution.items_days",
        *lines(query, alias="$tag_item"),
        unit="kwatth",
        bars=True,
        stacked=True,
        overrides=looks.items(w),
    )


def _months(w: Words) -> Panel:
    query = asked.totals(HERE, *prefixed("amount", "last_year"), category="$category", period="month", span=back(400))
    return columns("institution.months", *rows(query), overrides=looks.months(w))


def _target(w: Words) -> Panel:
    shown = ("used_share", "expected_share")
    forecast = Column("{forecast} / {target}", "forecast_share")
    query = select(TARGET, *shown, forecast, where=HERE)
    return course(
        "institution.target",
        *lines(query),
        width=10,
        height=9,
        unit="percentunit",
        fill=0,
        gap_ms=looks.DAYS_APART,
        overrides=(
            look("used_share", w("used_share"), color=colour(looks.MEASURED)),
            look(
                "expected_share",
                w("expected_share"),
                color=colour(looks.EXPECTED),
                custom__lineStyle={"fill": "dash", "dash": [8, 6]},
            ),
            look("forecast_share", w("forecast_share"), color=colour(looks.TARGET)),
        ),
    )


def _target_gauge() -> Panel:
    query = select(TARGET, Column.newest("used_share"), where=HERE, span=asked.RECENT)
    return gauge("institution.used", *lines(query), width=4, height=9, limits=looks.USED, top=1.2)


def _heat_season(w: Words) -> Panel:
    fields = (Column("{amount}", "heat.amount"), Column("{last_year}", "heat.last_year"))
    return course(
        "institution.season",
        *lines(asked.totals(HERE, *fields, category=Category.HEAT)),
        width=9,
        height=9,
        gap_ms=looks.DAYS_APART,
        overrides=looks.compared(w),
    )


def _heating(w: Words) -> Panel:
    seasons = asked.indicator(HERE, "value", key="heating_energy_per_heated_area", period="season", span=back(4 * 366))
    return columns(
        "institution.heating",
        *rows(seasons),
        width=5,
        height=9,
        decimals=1,
        overrides=(
            look("Time", unit="time:YYYY"),
            look("value", w("heating_season"), color=colour(looks.CATEGORY[Category.HEAT])),
        ),
    )


def hours() -> tuple[Column, ...]:
    """The 24 columns of a daily shape, called by their clock time."""
    return tuple(Column(f"{{{field}}}", f"{field[1:]}:00") for field in DAY_PROFILE.fields)


def _map(category: str) -> Panel:
    query = select(DAY_PROFILE, *hours(), where=(*HERE, equal("category", category)))
    return hour_map("institution.hours", Target(query, "table", ""), width=10)


def _buildings(w: Words) -> Panel:
    inside = (equal("scope", "building"), among("id", "$buildings"))
    figures = (
        asked.totals(inside, Column("sum({amount})", "electricity"), category=Category.ELECTRICITY, group=("id",)),
        asked.coverage(inside, group=("id",)),
    )
    names = asked.names(w, "building", equal("parent", "$institution"), more=("floor_area_m2",))
    url = to_board("meter", w, institution="${institution}", building="${__data.fields.id}")
    return table(
        "institution.buildings",
        *rows(names, *figures),
        width=10,
        overrides=(
            look("name", w("building"), links=[{"title": w("open_board"), "url": url}]),
            look("floor_area_m2", w("floor_area"), unit="suffix: m²", decimals=0),
            *looks.amounts(w),
            looks.gauge_cell("coverage", w("coverage"), limits=looks.COVERAGE, unit="percentunit", top=1, decimals=1),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id"),
            known("name"),
            only("id", "name", "floor_area_m2", "electricity", "coverage"),
            sorted_by("id", falling=False),
        ),
    )
