"""The monthly report and the yearly analysis of an institution."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from api.context import Context
from api.reports import parts
from api.reports.document import Block, Document, Language
from api.reports.figures import Figures
from api.reports.peers import among_peers
from api.reports.words import Words
from api.scope import Scope


def monthly_document(ctx: Context, scope: Scope, institution: str, month: date, language: Language) -> Document:
    """What an institution used in the month of a day, day by day."""
    first = month.replace(day=1)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    figures = Figures(ctx, scope, institution, first, last)
    given = parts.Numbered(figures, Words(language), "day")
    days = [str(day) for day in range(1, last.day + 1)]
    blocks = [
        *parts.overview(given),
        *parts.judged(given, "month"),
        *among_peers(given),
        *parts.items(given),
        *parts.course(given, days),
        *parts.targets(given),
        *parts.troubles(given),
        *parts.quality(given),
    ]
    return _document(given, "monthly", blocks, year=first.year, month=first.month)


def yearly_document(ctx: Context, scope: Scope, institution: str, year: int, language: Language) -> Document:
    """What an institution used in a year, month by month, and how it is judged."""
    figures = Figures(ctx, scope, institution, date(year, 1, 1), date(year, 12, 31))
    given = parts.Numbered(figures, Words(language), "month")
    months = [f"{n}月" if language == "zh" else date(year, n, 1).strftime("%b") for n in range(1, 13)]
    blocks = [
        *parts.overview(given),
        *parts.by_month(given, months),
        *parts.judged(given, "year"),
        *among_peers(given),
        *parts.items(given),
        *parts.course(given, months),
        *parts.targets(given),
        *parts.troubles(given),
        *parts.quality(given),
    ]
    return _document(given, "yearly", blocks, year=year)


def _document(given: parts.Numbered, key: str, blocks: list[Block], **when: int) -> Document:
    figures, w = given.figures, given.words
    own = figures.scope.institution(figures.institution)
    name = w.name(own.name_zh, own.name_en)
    return Document(
        title=w(key, name=name, **when),
        issuer=name,
        day=figures.ctx.today(),
        language=w.language,
        facts=parts.facts(given),
        blocks=tuple(blocks),
        foot=w("foot", name=name, span=given.span),
        subject=given.span,
    )
