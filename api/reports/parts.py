"""The parts that reports are made of: each turns figures into blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from analytics.levels import GRADE_WORDS, Grade, Levels, grade
from analytics.quotas import OFFICE_CORRECTED
from api.offices import OfficeCorrection
from api.reports.document import Block, Cell, Chart, Column, Heading, Line, Paragraph, Role, TableBlock
from api.reports.figures import Figures, Point, Total, share
from api.reports.naming import (
    caliber_name,
    caliber_text,
    indicator_names,
    indicator_unit,
    item_name,
    place_of,
    plain_unit,
    type_name,
)
from api.reports.words import Words
from energy.intervals import Period
from energy.model import Category

FULL: Final = 0.95
"""Below this completeness a total is named among what is missing."""
_COMPARED: Final[tuple[tuple[Role, str], ...]] = (("expected", "expected"), ("last_year", "last"))
"""What a chart shows beside the measured: its field, and what it is called."""
Totals = dict[tuple[Category, str], Total]


class Numbered:
    """Numbers of the tables and figures of one report, and what all its parts share."""

    def __init__(self, figures: Figures, words: Words, period: Period) -> None:
        self.figures = figures
        self.words = words
        self.period = period
        self.span = words("span_of", first=figures.first.isoformat(), last=figures.last.isoformat())
        self.totals: Totals = figures.totals(period)
        self._tables = 0
        self._charts = 0

    def table(self, key: str, **parts: object) -> str:
        """The caption of the next table."""
        self._tables += 1
        return self.words(key, n=self._tables, **parts)

    def chart(self, key: str, **parts: object) -> str:
        """The caption of the next figure."""
        self._charts += 1
        return self.words(key, n=self._charts, **parts)


def facts(given: Numbered) -> tuple[tuple[str, str], ...]:
    """What stands under the title."""
    figures, w = given.figures, given.words
    snapshot, own = figures.scope.snapshot, figures.scope.institution(figures.institution)
    region = snapshot.regions.get(own.region)
    rows = [
        ("institution", w.name(own.name_zh, own.name_en)),
        ("credit_code", own.credit_code or w("not_stated")),
        ("region", f"{w.name(region.name_zh, region.name_en)} {own.region}" if region else own.region),
        ("type", type_name(own.type, w)),
        ("span", given.span),
        ("area", _stated(given, "floor_area", "m²")),
        ("users", _stated(given, "users", "人" if w.language == "zh" else "persons")),
        ("made", figures.ctx.today().isoformat()),
    ]
    return tuple((w(name), value) for name, value in rows)


def _stated(given: Numbered, kind: str, unit: str) -> str:
    figures = given.figures
    row = figures.scope.snapshot.denominator_on("institution", figures.institution, kind, figures.last)
    return given.words("not_stated") if row is None else f"{row.value:,.12g} {unit}"


def overview(given: Numbered) -> list[Block]:
    """The sentence and the table of all categories."""
    w, whole = given.words, list(given.totals.values())
    return [Heading(w("h_overview")), Paragraph(_sentence(given, whole)), _totals(given, whole)]


def _sentence(given: Numbered, whole: Sequence[Total]) -> str:
    w = given.words
    parts = []
    for total in whole:
        if math.isfinite(total.amount):
            text = w(
                "part", category=w(total.category.value), amount=f"{total.amount:,.0f}", unit=plain_unit(total.unit, w)
            )
            if math.isfinite(total.change):
                text += w("part_change", change=f"{total.change:+.1%}".replace("-", "−"))  # lines break at a hyphen
            parts.append(text)
    return w(
        "overview",
        span=given.span,
        parts=("消耗" if w.language == "zh" and parts else "") + (w.stop.join(parts) or w("no_figures")),
        coverage=_share(coverage(whole)),
        expected=_count([t.n_expected for t in whole]),
        reporting=_count([t.n_reporting for t in whole]),
    )


def coverage(whole: Sequence[Total]) -> float:
    """The completeness of the least complete category; NaN where none is known."""
    known = [total.coverage for total in whole if math.isfinite(total.coverage)]
    return min(known, default=math.nan)


def _share(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.1%}"


def _count(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    return f"{sum(known):.0f}" if known else "—"


def _totals(given: Numbered, whole: Sequence[Total]) -> TableBlock:
    w = given.words
    columns = (
        Column(w("category"), width=1.1), Column(w("unit"), width=0.7), Column(w("amount"), "number", 1, 1.3),
        Column(w("cost"), "number", 2, 1.4), Column(w("last_year"), "number", 1, 1.3), Column(w("change"), "change"),
        Column(w("expected"), "number", 1, 1.3), Column(w("excess"), "change"),
        Column(w("coverage"), "share"), Column(w("estimated"), "share"), Column(w("reported"), width=1.1),
    )  # fmt: skip
    rows = tuple(
        (
            w(t.category.value), plain_unit(t.unit, w), t.amount, t.cost_yuan, t.last_year, t.change, t.expected,
            t.excess, t.coverage, t.estimated_share, f"{_count([t.n_expected])}/{_count([t.n_reporting])}",
        )
        for t in whole
    )  # fmt: skip
    caption = given.table("t_totals", span=given.span)
    return TableBlock(caption, columns, rows, (w("n_totals"),), w("no_figures"))


def judged(given: Numbered, period: str) -> list[Block]:
    """Indicators beside their quota, each with its caliber."""
    w = given.words
    points = [p for p in given.figures.points(period) if math.isfinite(p.value)]
    points.sort(key=lambda p: (place_of(p.indicator), p.caliber))
    columns = (
        Column(w("indicator"), width=2.3), Column(w("unit"), width=1.5), Column(w("value"), "number", 2, 1.4),
        Column(w("caliber"), width=2.2), Column(w("constraint"), "number", 1, 0.9),
        Column(w("baseline"), "number", 1, 0.9), Column(w("guide"), "number", 1, 0.9),
        Column(w("judgement")), Column(w("coverage"), "share", width=0.9),
    )  # fmt: skip
    rows = tuple(
        (
            w.name(*indicator_names(p.indicator)), indicator_unit(p.indicator, period, w), p.value,
            caliber_name(p.caliber, w), p.constraint, p.baseline, p.guide,
            grade_of(p, w), p.coverage,
        )
        for p in points
    )  # fmt: skip
    named = sorted({p.caliber for p in points})
    calibers = [w("n_calibers", list=w.stop.join(caliber_text(key, w) for key in named))] if named else []
    notes = (*calibers, *_office_notes(points, w))
    caption = given.table("t_indicators", span=given.span)
    return [Heading(w("h_indicators")), TableBlock(caption, columns, rows, notes, w("no_indicators"))]


def _office_notes(points: Sequence[Point], w: Words) -> Iterator[str]:
    """How the indicator of an office was corrected, or why it is not known."""
    own = {p.indicator: p for p in points}
    corrected = own.get(OFFICE_CORRECTED)
    told = OfficeCorrection.of({key: p.value for key, p in own.items()}, None if corrected is None else corrected.group)
    if told is not None:
        yield f"{w.name(*indicator_names(OFFICE_CORRECTED))}: {w.name(*told.words)}"


def grade_of(point: Point, w: Words) -> str:
    """The grade by the quota's levels; at a limit the better one. Empty where no quota holds."""
    found = Grade(int(grade(point.value, Levels.of(point.constraint, point.baseline, point.guide))))
    return w.name(*GRADE_WORDS[found]) if found else ""


def items(given: Numbered) -> list[Block]:
    """Electricity by end use; what is not sub-metered is a row of its own."""
    w, electricity = given.words, Category.ELECTRICITY
    by_item = given.figures.totals(given.period, None)
    whole = by_item.get((electricity, "all"))
    mine = [t for (c, name), t in by_item.items() if c is electricity and (len(name) == 1 or name == "unallocated")]
    columns = (
        Column(w("item"), width=2), Column(w("amount"), "number", 1), Column(w("share"), "share"),
        Column(w("last_year"), "number", 1), Column(w("change"), "change"), Column(w("coverage"), "share"),
    )  # fmt: skip
    of = whole.amount if whole is not None else math.nan
    rows = tuple((item_name(t.item, w), t.amount, share(t.amount, of), t.last_year, t.change, t.coverage) for t in mine)
    return [
        Heading(w("h_items")),
        TableBlock(given.table("t_items", span=given.span), columns, rows, (), w("no_items")),
    ]


def course(given: Numbered, labels: Sequence[str]) -> list[Block]:
    """One chart a category: measured bars, what was expected, last year."""
    w, figures = given.words, given.figures
    blocks: list[Block] = [Heading(w("h_course"))]
    for category, _ in given.totals:
        lines = [Line(w("measured"), _values(figures, given.period, category, "amount"))]
        for role, key in _COMPARED:
            values = _values(figures, given.period, category, role)
            if any(math.isfinite(value) for value in values):
                lines.append(Line(w(key), values, role))
        unit = plain_unit(given.totals[category, "all"].unit, w)
        caption = given.chart("c_course", category=w(category.value), unit=unit)
        blocks.append(Chart(caption, unit, tuple(labels), tuple(lines)))
    return blocks


def _values(figures: Figures, period: Period, category: Category, field: str) -> tuple[float, ...]:
    return tuple(figures.series(period, category, field).tolist())


def targets(given: Numbered) -> list[Block]:
    """How far the year's targets are used."""
    w = given.words
    found = given.figures.progress()
    columns = (
        Column(w("indicator"), width=2.2), Column(w("unit"), width=1.2), Column(w("caliber"), width=2),
        Column(w("target"), "number", 1, 1.2), Column(w("used"), "number", 1, 1.2), Column(w("used_share"), "share"),
        Column(w("should"), "share"), Column(w("forecast"), "number", 1, 1.2), Column(w("forecast_share"), "share"),
    )  # fmt: skip
    rows = tuple(
        (
            w.name(*indicator_names(p.indicator)), indicator_unit(p.indicator, "year", w), caliber_name(p.caliber, w),
            p.target, p.used, share(p.used, p.target), p.expected_share, p.forecast, share(p.forecast, p.target),
        )
        for p in found
    )  # fmt: skip
    on = max((p.on for p in found), default=given.figures.last).isoformat()
    table = TableBlock(given.table("t_targets", on=on), columns, rows, (), w("no_targets"))
    return [Heading(w("h_targets")), table]


def troubles(given: Numbered) -> list[Block]:
    """Findings and what was done about them."""
    w, figures = given.words, given.figures
    found, tasks = figures.findings(), figures.tasks()
    local = figures.calendar
    columns = (
        Column(w("finding"), width=3), Column(w("since"), width=1.3), Column(w("extra"), "number", 1),
        Column(w("unit"), width=0.7), Column(w("extra_yuan"), "number", 2), Column(w("state"), width=0.9),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            w.name(f.title_zh, f.title_en), local.date_of(f.start).isoformat(), f.excess, plain_unit(f.unit, w),
            f.excess_yuan, w(f"st_{f.state}"),
        )
        for f in found
    )  # fmt: skip
    asked = (
        Column(w("problem"), width=3), Column(w("measure"), width=2.4), Column(w("responsible")),
        Column(w("deadline"), width=1.2), Column(w("state")),
    )  # fmt: skip
    task_rows = tuple(
        (f"[{w(t.kind)}] {t.problem}", t.measure, t.responsible, t.deadline.isoformat(), w(f"st_{t.state}"))
        for t in tasks
        if t.state != "withdrawn"
    )
    return [
        Heading(w("h_findings")),
        TableBlock(given.table("t_findings", count=len(rows)), columns, rows, (), w("no_findings")),
        TableBlock(given.table("t_tasks", count=len(task_rows)), asked, task_rows, (), w("no_tasks")),
    ]


def quality(given: Numbered) -> list[Block]:
    """What is missing, and what the figures rest on."""
    w, figures = given.words, given.figures
    gaps = missing(given)
    text = w("missing", list=w.stop.join(gaps)) if gaps else w("nothing_missing")
    notes = w("notes", revision=figures.scope.snapshot.revision, now=_clock(figures))
    return [Heading(w("h_quality")), Paragraph(text), Paragraph(notes)]


def _clock(figures: Figures) -> str:
    local = datetime.fromtimestamp(figures.ctx.now(), ZoneInfo(figures.calendar.zone))
    return local.strftime("%Y-%m-%d %H:%M")


def missing(given: Numbered) -> list[str]:
    """What somebody has to add, or to explain, before the report is whole."""
    w = given.words
    is_over = given.figures.is_over
    gaps = [] if given.totals else [w("no_figures")]
    gaps += [] if is_over else [w("not_over")]
    for total in given.totals.values() if is_over else ():
        name = w(total.category.value)
        if math.isnan(total.amount):
            gaps.append(w("unknown_amount", category=name))
        elif total.coverage < FULL:
            gaps.append(w("poor", category=name, coverage=f"{total.coverage:.1%}"))
        if math.isnan(total.cost_yuan):
            gaps.append(w("no_cost", category=name))
        if math.isnan(total.last_year):
            gaps.append(w("no_last", category=name))
    gaps += [name for name, value in facts(given) if value == w("not_stated")]
    return gaps


def by_month(given: Numbered, labels: Sequence[str]) -> list[Block]:
    """All categories month by month, with the year's sum; a month that is not over says so."""
    w, figures = given.words, given.figures
    today = figures.calendar.date_of(figures.ctx.now())
    running = today.month - 1 if today.year == figures.first.year else None
    categories = [category for category, _ in given.totals]
    heads = (Column(w("month")), *(
        Column(f"{w(c.value)} ({plain_unit(given.totals[c, 'all'].unit, w)})", "number", 1, 1.3) for c in categories
    ))  # fmt: skip
    columns = [_values(figures, "month", category, "amount") for category in categories]
    names = [w("so_far", month=label) if i == running else label for i, label in enumerate(labels)]
    rows: list[tuple[Cell, ...]] = [(name, *(c[i] for c in columns)) for i, name in enumerate(names)]
    rows.append((w("whole_year"), *(given.totals[c, "all"].amount for c in categories)))
    return [TableBlock(given.table("t_months"), heads, tuple(rows), (), w("no_figures"))]
