"""公示: the figures of a quarter that an institution publishes, fixed when they are approved.

What was published never moves. When data change afterwards, the difference becomes a note under the published figures,
written by a person who looked at it.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Final

from api.context import Context
from api.reports.document import Cell, Column, Document, Heading, Language, Paragraph, TableBlock
from api.reports.figures import Figures
from api.reports.naming import caliber_text, indicator_names, indicator_unit, plain_unit
from api.reports.survey import Span
from api.reports.words import Words
from api.scope import Action, Scope
from energy.errors import NotInRegistry, RegistryError
from energy.intervals import LocalCalendar
from energy.registry import Publication, PublicationNote

_FIELDS: Final = ("amount", "cost_yuan", "last_year", "coverage", "estimated_share", "n_expected", "n_reporting")
_CALIBER: Final = "gb2589_equivalent_value"
_SAME: Final = 5e-4
"""Figures that differ by less than half a thousandth need no note; a convention of ours."""
_LONGEST_ID: Final = 64


def figures_of(ctx: Context, scope: Scope, institution: str, span: Span) -> dict[str, Any]:
    """The figures as they are now, ready to be fixed."""
    figures = Figures(ctx, scope, institution, span.first, span.last)
    rows = [
        {"category": total.category.value, "unit": total.unit}
        | {name: _plain(getattr(total, name)) for name in _FIELDS}
        for total in figures.totals("month").values()
    ]
    own = scope.institution(institution)
    return {
        "names": {"zh": own.name_zh, "en": own.name_en},
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "revision": scope.snapshot.revision,
        "totals": rows,
        "indicators": _indicators(figures),
    }


def publish(ctx: Context, scope: Scope, institution: str, span: Span) -> Publication:
    """Approve the figures of a quarter as they are now; they stay so for ever. RegistryError before it is over."""
    scope.require(Action.APPROVE)
    if not Figures(ctx, scope, institution, span.first, span.last).is_over:
        raise RegistryError(f"{institution!r}: expected a quarter that is over, {span.year}Q{span.quarter} is not")
    content = figures_of(ctx, scope, institution, span)
    publication = Publication(
        id=identity(institution, span),
        institution=institution,
        year=span.year,
        quarter=span.quarter,
        figures=json.dumps(content, ensure_ascii=False),
        approved_by=scope.user,
        approved=ctx.now(),
    )
    ctx.registry.reporting.publish(publication)
    return publication


def identity(institution: str, span: Span) -> str:
    """The id of a quarter's publication; of a long name a part and its fingerprint, since others may begin like it."""
    tail = f"-{span.year}Q{span.quarter}"
    if len(institution) + len(tail) <= _LONGEST_ID:
        return institution + tail
    mark = "." + hashlib.sha256(institution.encode()).hexdigest()[:12]
    return institution[: _LONGEST_ID - len(tail) - len(mark)] + mark + tail


def find(ctx: Context, scope: Scope, institution: str, span: Span) -> Publication:
    """What was published; NotInRegistry where nothing was, or where the caller does not see the institution."""
    scope.institution(institution)
    found = ctx.registry.reporting.publications(institution=institution)
    mine = [p for p in found if (p.year, p.quarter) == (span.year, span.quarter)]
    if not mine:
        raise NotInRegistry(f"{institution!r} has published nothing of {span.year} quarter {span.quarter}")
    return mine[0]


def differences(ctx: Context, scope: Scope, publication: Publication, language: Language = "zh") -> list[str]:
    """What would be published otherwise now: old and new amount and cost of each category."""
    w = Words(language)
    span = Span(publication.year, publication.quarter)
    now = {row["category"]: row for row in figures_of(ctx, scope, publication.institution, span)["totals"]}
    then = {row["category"]: row for row in json.loads(publication.figures)["totals"]}
    found = []
    for category in dict.fromkeys([*then, *now]):
        unit = (now.get(category) or then[category])["unit"]
        for field, name, counted in (
            ("amount", w(category), unit),
            ("cost_yuan", w("f_cost", category=w(category)), "yuan"),
        ):
            old, new = (rows.get(category, {}).get(field) for rows in (then, now))
            if not _is_same(old, new):
                found.append(f"{name} {_shown(old)} → {_shown(new)} {plain_unit(counted, w)}")
    return found


def correct(ctx: Context, scope: Scope, publication: Publication, text: str) -> PublicationNote:
    """Add a note to what was published; the figures stay."""
    scope.require(Action.APPROVE)
    scope.institution(publication.institution)
    return ctx.registry.reporting.add_note(publication.id, author=scope.user, time=ctx.now(), text=text)


def published_document(ctx: Context, scope: Scope, publication: Publication, language: Language) -> Document:
    """What was published, with the notes of what turned out otherwise: made of the fixed figures alone."""
    scope.institution(publication.institution)
    w = Words(language)
    content = json.loads(publication.figures)
    calendar = ctx.calendar_of(publication.institution)
    name = w.name(content["names"]["zh"], content["names"]["en"])
    span = w("span_of", first=content["first"], last=content["last"])
    day = calendar.date_of(publication.approved)
    notes = ctx.registry.reporting.notes(publication.id)
    approved = w("p_approved", author=publication.approved_by, day=day.isoformat())
    corrections = [Paragraph(_note(note, w, calendar)) for note in notes] or [Paragraph(w("no_corrections"))]
    return Document(
        title=w("publication", name=name, year=publication.year, quarter=publication.quarter),
        issuer=name,
        day=day,
        language=language,
        facts=((w("institution"), name), (w("span"), span)),
        blocks=(
            Heading(w("h_published")),
            _totals(content, w, span),
            _judged(content, w, span),
            Paragraph(approved),
            Heading(w("h_corrections")),
            *corrections,
        ),
        foot=w("foot", name=name, span=span),
        subject=span,
    )


def _indicators(figures: Figures) -> list[dict[str, Any]]:
    """Standard coal of the quarter from its months; unknown if a month is."""
    found: dict[tuple[str, str], float] = {}
    for month in range(3):
        first = figures.first.replace(month=figures.first.month + month)
        own = Figures(figures.ctx, figures.scope, figures.institution, first, first)
        values = {(p.indicator, p.caliber): p.value for p in own.points("month")}
        key = ("energy", _CALIBER)
        found[key] = found.get(key, 0.0) + values.get(key, math.nan)
    return [{"indicator": i, "caliber": c, "value": _plain(v)} for (i, c), v in found.items()]


def _totals(content: dict[str, Any], w: Words, span: str) -> TableBlock:
    columns = (
        Column(w("category"), width=1.2), Column(w("unit"), width=0.7), Column(w("amount"), "number", 1, 1.4),
        Column(w("cost"), "number", 2, 1.4), Column(w("last_year"), "number", 1, 1.4), Column(w("change"), "change"),
        Column(w("coverage"), "share"), Column(w("estimated"), "share"), Column(w("reported")),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            w(r["category"]), plain_unit(r["unit"], w), r["amount"], r["cost_yuan"], r["last_year"],
            r["amount"] / r["last_year"] - 1 if r["amount"] is not None and r["last_year"] else None, r["coverage"],
            r["estimated_share"], f"{_count(r['n_expected'])}/{_count(r['n_reporting'])}",
        )
        for r in content["totals"]
    )  # fmt: skip
    return TableBlock(w("t_totals", n=1, span=span), columns, rows, (w("n_unknown"),), w("no_figures"))


def _judged(content: dict[str, Any], w: Words, span: str) -> TableBlock:
    columns = (
        Column(w("indicator"), width=2), Column(w("unit")), Column(w("value"), "number", 1, 1.4),
        Column(w("caliber"), width=3),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (w.name(*indicator_names(r["indicator"])), indicator_unit(r["indicator"], "quarter", w), r["value"],
         caliber_text(r["caliber"], w))
        for r in content["indicators"]
    )  # fmt: skip
    return TableBlock(w("t_indicators", n=2, span=span), columns, rows, (), w("no_indicators"))


def _note(note: PublicationNote, w: Words, calendar: LocalCalendar) -> str:
    day = calendar.date_of(note.time).isoformat()
    return w("p_correction", n=note.number, day=day, author=note.author, text=note.text)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _count(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f}"


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:,.1f}"


def _is_same(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is new
    return math.isclose(old, new, rel_tol=_SAME)
