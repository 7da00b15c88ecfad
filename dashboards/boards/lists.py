"""Tables that several dashboards show."""

from __future__ import annotations

from typing import Literal

from dashboards import looks
from dashboards.board import to_board
from dashboards.boards import asked
from dashboards.panels import (
    Json,
    Panel,
    joined,
    lines,
    look,
    named,
    only,
    rows,
    sorted_by,
    stat,
    steps,
    table,
)
from dashboards.queries import Column, Select, Where, among, at_least, equal, fits
from dashboards.words import Words
from energy.storage.schema import FINDING, TARGET

_MEMBERS = (equal("scope", "institution"), among("id", "$members"))


def institution_link(w: Words) -> Json:
    """The column `name` that leads to the institution of its row."""
    url = to_board("institution", w, institution="${__data.fields.id}", region="${region}")
    return look("name", w("institution"), links=[{"title": w("open_board"), "url": url}], custom__minWidth=170)


def amounts_panel(w: Words, places: tuple[Where, ...], *, width: int) -> Panel:
    """What was used in the range, by category, side by side."""
    query = asked.totals(places, "amount", group=("category",))
    return stat(
        "amounts",
        *lines(query, alias="$tag_category"),
        width=width,
        reduce="sum",
        overrides=looks.amounts(w),
        beside=True,
    )


def leading(w: Words, board: str) -> list[Json]:
    """From the id in a cell to the dashboard of what it names."""
    return [{"title": w("open_board"), "url": to_board(board, w, **{board: "${__value.raw}"})}]


def known(name: str) -> Json:
    """Only rows in which this column has a value."""
    test = {"fieldName": name, "config": {"id": "isNotNull", "options": {}}}
    return {"id": "filterByValue", "options": {"type": "include", "match": "all", "filters": [test]}}


def ranking_table(w: Words, key: str = "overview.ranking", *, ids: str = "$members", width: int = 12) -> Panel:
    """Institutions by energy per floor area over twelve months; the rank is that within their group."""
    there = (equal("scope", "institution"), among("id", ids))
    newest = (Column.newest("value"), Column.newest("rank"), Column.newest("rank_of"), Column.newest("constraint"))
    figures = asked.indicator(there, *newest, key="energy_per_area", period="rolling12", group=("id",))
    return table(
        key,
        *rows(asked.names(w, "institution"), figures),
        width=width,
        overrides=(
            institution_link(w),
            looks.gauge_cell(
                "value", w("per_area"), limits=steps((None, looks.MEASURED)), unit="suffix: kgce/(m²·a)", decimals=1
            ),
            look("rank", w("rank"), decimals=0, custom__width=80),
            look("rank_of", w("rank_of"), decimals=0, custom__width=80),
            look("constraint", w("constraint"), decimals=1, custom__width=110),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id"),
            known("value"),
            only("id", "name", "value", "constraint", "rank", "rank_of"),
            sorted_by("value"),
        ),
    )


def progress_table(w: Words, key: str = "overview.progress", *, width: int = 12, height: int = 10) -> Panel:
    """How far each institution is in its target, with stage, outlook and the day on which it would be passed."""
    newest = ("used_share", "expected_share", "stage", "outlook", "breach_ms")
    where = (*_MEMBERS, fits("indicator", "$indicator")) if key.startswith("targets") else _MEMBERS
    extra = ("indicator",) if key.startswith("targets") else ()
    more: tuple[Column, ...] = ()
    if extra:
        more = (Column("last({forecast}) / last({target})", "forecast_share"), Column.newest("target"))
    figures = Select(TARGET, (*map(Column.newest, newest), *more), where, asked.RECENT, ("id", *extra))
    names = asked.names(w, "institution", asked.in_region())
    return table(
        key,
        *rows(figures, names),
        width=width,
        height=height,
        overrides=(
            institution_link(w),
            look("indicator", w("indicator"), mappings=looks.indicator_names(w), custom__minWidth=200),
            look("target", w("target"), decimals=1, custom__width=90),
            looks.gauge_cell("used_share", w("used_share"), limits=looks.USED, unit="percentunit", top=1.2, decimals=1),
            look("expected_share", w("expected_share"), unit="percentunit", decimals=1, custom__width=110),
            look("forecast_share", w("forecast_share"), unit="percentunit", decimals=1, custom__width=110),
            looks.painted("stage", w("stage"), looks.stages(w), width=90),
            looks.painted("outlook", w("outlook"), looks.outlooks(w), width=150),
            look("breach_ms", w("breach_day"), unit="time:YYYY-MM-DD", custom__width=120, noValue="-"),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id", mode="outerTabular"),
            known("used_share"),
            known("name"),
            only(
                "id",
                "name",
                *extra,
                "used_share",
                "expected_share",
                *(column.name for column in more),
                "stage",
                "outlook",
                "breach_ms",
            ),
            sorted_by("used_share"),
        ),
    )


def findings_table(
    w: Words,
    key: str,
    places: tuple[Where, ...],
    *,
    by: Literal["worth", "time"] = "worth",
    institutions: Select | None = None,
    meters: Select | None = None,
    width: int = 24,
    height: int = 10,
) -> Panel:
    """Findings with the names that the two queries give; a click opens the finding in the console.

    `by` worth: the open ones, in the order of `energy.registry.decisions.Finding.rank`, as everywhere; by time: a
    timeline of all of them, newest first.
    """
    found = Select(
        FINDING,
        (
            Column("{id}", "finding"),
            Column.of("institution"),
            Column.of("meter"),
            Column(f"{{title_{w.language}}}", "title"),
            Column(f"{{text_{w.language}}}", "text"),
            Column.of("severity"),
            Column.of("excess_yuan"),
            Column.of("open"),
        ),
        (*places, at_least("open", 1)) if by == "worth" else places,
    )
    names = {name: query for name, query in (("institution", institutions), ("meter", meters)) if query is not None}
    url = f"${{console}}/findings/${{__data.fields.finding}}?lang={w.language}"
    told = (*names, "title", "text", "excess_yuan")
    shown = ("severity", *told, "Time") if by == "worth" else ("Time", *told, "open")
    return table(
        key,
        *rows(found, *names.values()),
        width=width,
        height=height,
        absent=w("none"),
        overrides=(
            look("Time", w("since"), unit="time:YYYY-MM-DD HH:mm", custom__width=150),
            look("institution", w("institution"), links=leading(w, "institution"), custom__width=220),
            look("meter", w("meter"), links=leading(w, "meter"), custom__width=140),
            look(
                "title",
                w("finding"),
                custom__minWidth=140,
                links=[{"title": w("act_in_console"), "url": url, "targetBlank": True}],
            ),
            look("text", w("explanation"), custom__minWidth=120),
            look("severity", w("worth"), unit="prefix:¥", decimals=0, custom__width=130),
            look("excess_yuan", w("yuan"), unit="prefix:¥", decimals=0, custom__width=110),
            looks.painted("open", w("state"), looks.open_or_closed(w), width=90),
            *looks.hidden("finding"),
        ),
        transformations=(
            *(named(*names) if names else ()),
            only(*shown, "finding"),
            *((sorted_by("finding", falling=False),) if by == "worth" else ()),
            sorted_by("Time"),
            *((sorted_by("severity"),) if by == "worth" else ()),
        ),
    )
