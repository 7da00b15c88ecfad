"""Data quality: whether the figures can be trusted, and which meter to call about."""

from __future__ import annotations

from dashboards import looks, variables
from dashboards.board import Board, Section
from dashboards.boards import asked
from dashboards.boards.lists import institution_link, known, leading
from dashboards.boards.overview import HEARD, heard_names
from dashboards.panels import (
    Panel,
    Target,
    course,
    joined,
    lines,
    look,
    named,
    only,
    rows,
    shares,
    sorted_by,
    stat,
    steps,
    table,
)
from dashboards.queries import Column, Where, among, at_least, equal, is_region, select
from dashboards.words import Words
from energy.model import Reason
from energy.storage.schema import INGEST

_REGION = (equal("scope", "region"), is_region("id", "$region"))
_MEMBERS = (equal("scope", "institution"), among("id", "$members"))
_METERS = among("institution", "$members")
PARKED: Where = among("reason", *(reason.value for reason in Reason))


def board(w: Words) -> Board:
    """The dashboard."""
    return Board(
        "quality",
        (variables.region(w), variables.institution_type(w), variables.members(w)),
        (
            Section("standing", _figures(w)),
            Section("completeness", (_course(w), _institutions(w))),
            Section("trouble", (_silent(w), _silent_by(w), _parked(w), lag(w))),
        ),
        console="/quality",
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    estimated = asked.totals(_REGION, Column("mean({estimated_share})", "estimated"))
    parked = select(INGEST, Column("sum({readings})", "n"), where=(PARKED,))
    return (
        stat(
            "coverage", *lines(asked.coverage(_REGION)), width=4, unit="percentunit", decimals=1, limits=looks.COVERAGE
        ),
        stat(
            "heard", *rows(asked.heard(_REGION)), width=4, named=True, overrides=heard_names(w), transformations=HEARD
        ),
        stat("quality.silent", *rows(asked.silent(_METERS)), width=4, limits=looks.FEW),
        stat(
            "quality.estimated",
            *lines(estimated),
            width=4,
            unit="percentunit",
            decimals=2,
            limits=steps((None, looks.GOOD), (0.02, looks.NEAR), (0.1, looks.OVER)),
        ),
        stat("quality.clocks", *rows(asked.clocks_off(_METERS)), width=4, limits=looks.FEW, absent=w("none")),
        stat("quality.parked", *rows(parked), width=4, unit="locale", limits=looks.FEW, absent=w("none")),
    )


def _course(w: Words) -> Panel:
    query = asked.totals(_REGION, "coverage", group=("category",))
    plain = tuple(
        look(key, text, unit="percentunit", decimals=1, color={"mode": "fixed", "fixedColor": looks.CATEGORY[key]})
        for key, text in ((c, looks.categories(w)[c.value]) for c in looks.CATEGORY)
    )
    return course(
        "quality.course",
        *lines(query, alias="$tag_category"),
        width=12,
        height=10,
        unit="percentunit",
        fill=0,
        low=None,
        high=1,
        gap_ms=looks.DAYS_APART,
        overrides=plain,
    )


def _institutions(w: Words) -> Panel:
    newest = asked.totals(
        _MEMBERS,
        Column.newest("n_reporting"),
        Column.newest("n_expected"),
        period="month",
        span=asked.MONTH,
        group=("id", "category"),
    )
    heard = select(
        newest, Column("sum({n_reporting})", "reporting"), Column("sum({n_expected})", "expected"), group=("id",)
    )
    estimated = asked.totals(_MEMBERS, Column("mean({estimated_share})", "estimated"), group=("id",))
    return table(
        "quality.institutions",
        *rows(
            asked.names(w, "institution", asked.in_region()), asked.coverage(_MEMBERS, group=("id",)), heard, estimated
        ),
        height=10,
        overrides=(
            institution_link(w),
            looks.gauge_cell("coverage", w("coverage"), limits=looks.COVERAGE, unit="percentunit", top=1, decimals=1),
            look("reporting", w("reporting"), custom__width=80),
            look("expected", w("due"), custom__width=80),
            look("estimated", w("estimated"), unit="percentunit", decimals=2, custom__width=100),
            *looks.hidden("id"),
        ),
        transformations=(
            joined("id"),
            known("name"),
            only("id", "name", "coverage", "reporting", "expected", "estimated"),
            sorted_by("coverage", falling=False),
        ),
    )


def _silent(w: Words) -> Panel:
    names = {scope: asked.names(w, scope, asked.in_region()) for scope in ("meter", "institution")}
    return table(
        "quality.meters",
        *rows(asked.quiet(1, _METERS), *names.values()),
        width=16,
        absent=w("none"),
        overrides=(
            look("meter", w("meter"), links=leading(w, "meter"), custom__minWidth=180),
            look("institution", w("institution"), links=leading(w, "institution"), custom__minWidth=150),
            look("seen", w("last_seen"), unit="time:YYYY-MM-DD HH:mm", custom__width=150),
            looks.painted("state", w("state"), looks.hearings(w), width=80),
            look("coverage_day", w("coverage_yesterday"), unit="percentunit", decimals=0, custom__width=110),
        ),
        transformations=(
            *named(*names),
            only("meter", "institution", "state", "seen", "coverage_day"),
            sorted_by("state"),
        ),
    )


def _silent_by(w: Words) -> Panel:
    count = {"fields": {"institution": {"aggregations": [], "operation": "groupby"}}}
    count["fields"]["meter"] = {"aggregations": ["count"], "operation": "aggregate"}
    return table(
        "quality.silent_by",
        *rows(asked.quiet(2, _METERS), asked.names(w, "institution", asked.in_region())),
        width=8,
        absent=w("none"),
        overrides=(
            look("institution", w("institution"), links=leading(w, "institution")),
            look("meter (count)", w("silent_meters"), decimals=0, custom__width=120),
        ),
        transformations=(
            *named("institution"),
            {"id": "groupBy", "options": count},
            sorted_by("meter (count)"),
        ),
    )


def _parked(w: Words) -> Panel:
    query = select(INGEST, Column("sum({readings})", "n"), where=(PARKED, at_least("readings", 1)), group=("reason",))
    return shares(
        "quality.reasons",
        Target(query, "time_series", "$tag_reason"),
        width=8,
        height=8,
        unit="locale",
        overrides=looks.reasons(w),
    )


def lag(w: Words) -> Panel:
    """How long the oldest reading has been waiting for the store."""
    query = select(INGEST, Column("max({lag_s})", "lag"), every="$__interval")
    return course(
        "quality.lag",
        *lines(query),
        width=16,
        unit="s",
        overrides=(look("lag", w("lag"), color={"mode": "fixed", "fixedColor": looks.CLOSE}),),
    )
