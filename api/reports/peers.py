"""The part of a report that holds an institution's figures against limits among its peers."""

from __future__ import annotations

import math

from api.peers import Adjustment, Limit
from api.reports.document import Block, Cell, Column, TableBlock
from api.reports.figures import Compared
from api.reports.naming import caliber_name, indicator_names, indicator_unit, place_of
from api.reports.parts import Numbered
from api.reports.words import Words


def among_peers(given: Numbered) -> list[Block]:
    """Limits with their intervals, and whose they are; nothing where none hold or none may be told."""
    found = sorted(given.figures.among_peers(), key=lambda one: (place_of(one.indicator), one.caliber))
    return [_limits(given, found), _groups(given, found)] if found else []


def _limits(given: Numbered, found: list[Compared]) -> TableBlock:
    w = given.words
    columns = (
        Column(w("indicator"), width=2), Column(w("span"), width=1.2), Column(w("unit"), width=1.4),
        Column(w("value"), "number", 2),
        *(
            column
            for limit in found[0].peers.limits
            for column in (Column(w(limit.name), "number", 2), Column(w("interval")))
        ),
    )  # fmt: skip
    rows = tuple((*_named(one, w), one.value, *_with_ends(one.peers.limits)) for one in found)
    return TableBlock(given.table("t_peers"), columns, rows, (w("n_peers"),))


def _named(one: Compared, w: Words) -> tuple[str, str, str]:
    when = w(f"of_{one.period}", month=one.since.strftime("%Y-%m"))
    return w.name(*indicator_names(one.indicator)), when, indicator_unit(one.indicator, one.period, w)


def _with_ends(limits: tuple[Limit, ...]) -> list[Cell]:
    return [cell for one in limits for cell in (one.value, f"{one.low:.6g} – {one.high:.6g}")]


def _groups(given: Numbered, found: list[Compared]) -> TableBlock:
    w = given.words
    columns = (
        Column(w("indicator"), width=2), Column(w("caliber"), width=2), Column(w("peer_group"), width=2.4),
        Column(w("peer_members"), "count", width=0.8),
        *(Column(w.name(*one.driver), "number", 2) for one in found[0].peers.adjustments),
        Column(w("unit"), width=1.4),
    )  # fmt: skip
    rows = tuple(
        (
            w.name(*indicator_names(one.indicator)), caliber_name(one.caliber, w), _group(one, w), one.peers.n_members,
            *(_part(part, w) for part in one.peers.adjustments), indicator_unit(one.indicator, one.period, w),
        )
        for one in found
    )  # fmt: skip
    return TableBlock(given.table("t_peer_groups"), columns, rows, (w("n_adjusted"),))


def _group(one: Compared, w: Words) -> str:
    opened, closed = ("（", "）") if w.language == "zh" else (" (", ")")
    note = "" if one.peers.note is None else opened + w.name(*one.peers.note) + closed
    return w.name(*one.peers.group) + note


def _part(one: Adjustment, w: Words) -> Cell:
    return w("not_adjusted") if math.isnan(one.part) else one.part
