"""Collector and system: whether readings arrive, are stored, and how much waits."""

from __future__ import annotations

from dashboards import looks
from dashboards.board import Board, Section
from dashboards.boards.quality import PARKED, lag
from dashboards.panels import Panel, colour, course, joined, lines, look, only, rows, sorted_by, stat, steps, table
from dashboards.queries import RANGE, STEP, Column, Select, Where, among, equal, select
from dashboards.words import Words
from energy.storage.schema import INGEST

_LATE = steps((None, looks.GOOD), (60, looks.NEAR), (600, looks.OVER))


def board(w: Words) -> Board:
    """The dashboard."""
    return Board(
        "collector",
        (),
        (
            Section("standing", _figures(w)),
            Section("flow", (_flow(w), _set_aside(w))),
            Section("system", (lag(w).sized(8, 8), _spool(w), _collectors(w))),
        ),
        since="now-24h",
        refresh="1m",
    )


def _figures(w: Words) -> tuple[Panel, ...]:
    stored = select(INGEST, Column("sum({readings})", "n"), where=(equal("reason", "stored"),))
    again = select(INGEST, Column("sum({readings})", "n"), where=(equal("reason", "duplicate"),))
    parked = select(INGEST, Column("sum({readings})", "n"), where=(PARKED,))
    return (
        stat("collector.stored", *rows(stored), width=5, unit="short", shade=looks.MEASURED),
        stat("collector.duplicate", *rows(again), width=5, unit="short", shade=looks.EXPECTED, absent=w("none")),
        stat("collector.parked", *rows(parked), width=5, unit="short", limits=looks.FEW, absent=w("none")),
        stat("collector.lag", *lines(select(INGEST, Column.newest("lag_s"))), width=5, unit="s", limits=_LATE),
        stat(
            "collector.spool",
            *lines(select(INGEST, Column.newest("spool_bytes"))),
            width=4,
            unit="decbytes",
            shade=looks.MEASURED,
        ),
    )


def _per_minute(*where: Where) -> Select:
    """Readings a minute by reason: the mean of each collector's minutes, added over collectors."""
    each = select(INGEST, Column("mean({readings})", "n"), where=where, group=("collector", "reason"), every=STEP)
    return select(each, Column("sum({n})", "n"), span=RANGE, group=("reason",), every=STEP)


def _flow(w: Words) -> Panel:
    query = _per_minute(among("reason", "stored", "duplicate"))
    return course(
        "collector.flow",
        *lines(query, alias="$tag_reason"),
        width=14,
        unit="short",
        stacked=True,
        fill=25,
        overrides=looks.reasons(w),
    )


def _set_aside(w: Words) -> Panel:
    query = _per_minute(PARKED)
    return course(
        "collector.set_aside",
        *lines(query, alias="$tag_reason"),
        width=10,
        unit="short",
        bars=True,
        stacked=True,
        overrides=looks.reasons(w),
    )


def _spool(w: Words) -> Panel:
    query = select(INGEST, Column("max({spool_bytes})", "spool"), every=STEP)
    return course(
        "collector.spool_course",
        *lines(query),
        width=8,
        unit="decbytes",
        overrides=(look("spool", w("spool"), color=colour(looks.MEASURED)),),
    )


def _collectors(w: Words) -> Panel:
    newest = select(INGEST, Column.newest("lag_s"), Column.newest("spool_bytes"), group=("collector",))
    stored = select(INGEST, Column("sum({readings})", "n"), where=(equal("reason", "stored"),), group=("collector",))
    return table(
        "collector.collectors",
        *rows(newest, stored),
        width=8,
        height=8,
        overrides=(
            look("collector", w("collector")),
            look("n", w("reason.stored"), unit="short"),
            look("lag_s", w("lag"), unit="s"),
            look("spool_bytes", w("spool"), unit="decbytes"),
        ),
        transformations=(
            joined("collector"),
            only("collector", "n", "lag_s", "spool_bytes"),
            sorted_by("collector", falling=False),
        ),
    )
