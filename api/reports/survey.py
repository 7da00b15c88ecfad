"""The statutory forms 基1 to 基4 of an institution, filled from registry, meters, bills and what people entered.

The columns of each version are data (`energy/reference/survey_columns.csv`): another version is another list, not
other code. What nobody knows is listed as 待补充, and a value that was entered against the meters by more than the
tolerance has to be explained before the form can be submitted.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from api.context import Context
from api.reports.document import Block, Cell, Column, Document, Language, Paragraph, TableBlock
from api.reports.figures import Figures, Total
from api.reports.naming import plain_unit
from api.reports.words import Words
from api.scope import Scope
from energy.errors import NotInRegistry
from energy.model import Category, MeterKind, UsedBy
from energy.reference import SurveyColumn, table
from energy.registry import SurveyEntry
from energy.units import CANONICAL, linear

FormName = Literal["base1", "base2", "base3", "base4"]
VERSIONS: Final = (2015, 2022, 2025)
TOLERANCE: Final = 0.02
"""Relative difference between entered and metered that needs no word; a convention, no official text fixes it."""
TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "base1": ("公共机构基本信息（基1）", "Institution (form 1)"),
    "base2": ("公共机构能源资源消费状况（基2）", "Energy and water (form 2)"),
    "base3": ("公共机构数据中心机房能源消费状况（基3）", "Data centres (form 3)"),
    "base4": ("公共机构采暖能源资源消费状况（基4）", "Heating (form 4)"),
    "summary1": ("公共机构能源资源消费部门汇总（综1）", "Summary by department (summary form 1)"),
    "summary2": ("公共机构能源资源消费行政区域汇总（综2）", "Summary by region (summary form 2)"),
    "summary3": ("公共机构能源资源消费分类汇总（综3）", "Summary by class (summary form 3)"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A year (quarter 0) or one quarter of it."""

    year: int
    quarter: int = 0

    @property
    def first(self) -> date:
        """First day."""
        return date(self.year, 1 if self.quarter == 0 else 3 * self.quarter - 2, 1)

    @property
    def last(self) -> date:
        """Last day."""
        month = 12 if self.quarter == 0 else 3 * self.quarter
        return date(self.year, month, monthrange(self.year, month)[1])

    def words(self, language: Language) -> str:
        """The span as people say it."""
        if language == "en":
            return str(self.year) + (f" Q{self.quarter}" if self.quarter else "")
        return f"{self.year}年" + (f"第{self.quarter}季度" if self.quarter else "度")


@dataclass(frozen=True, slots=True)
class Filled:
    """A cell of a form: its value (None = nobody knows), where it comes from, and what was metered beside it."""

    column: SurveyColumn
    value: Cell = None
    source: str = ""  # key of `words`
    metered: float = math.nan
    note: str = ""
    coverage: float = math.nan

    @property
    def is_missing(self) -> bool:
        """True if a required value is not known."""
        return self.column.required == "yes" and self.value in (None, "")

    @property
    def is_open(self) -> bool:
        """True if a value that is required where there is any is not known."""
        return self.column.required == "if_any" and self.value in (None, "")

    @property
    def difference(self) -> float:
        """Entered against metered, relative; NaN where there are not both."""
        if self.source != "from_entry" or not isinstance(self.value, float) or not self.metered > 0:
            return math.nan
        return self.value / self.metered - 1

    @property
    def is_unexplained(self) -> bool:
        """True if somebody has to say why the entered value differs."""
        return abs(self.difference) > TOLERANCE and not self.note  # NaN is not greater


@dataclass(frozen=True, slots=True)
class Form:
    """One form of one institution, filled."""

    name: str
    version: int
    institution: str
    span: Span
    cells: tuple[Filled, ...]

    @property
    def missing(self) -> list[SurveyColumn]:
        """Required columns without a value (待补充)."""
        return [cell.column for cell in self.cells if cell.is_missing]

    @property
    def open(self) -> list[SurveyColumn]:
        """Columns without a value that are required only where there is any: nobody said whether there is."""
        return [cell.column for cell in self.cells if cell.is_open]

    @property
    def unexplained(self) -> list[Filled]:
        """Entered values that differ from the meters without a word."""
        return [cell for cell in self.cells if cell.is_unexplained]

    @property
    def is_submittable(self) -> bool:
        """True if something is stated, nothing required is missing and every difference is explained."""
        return len(self.open) < len(self.cells) and not self.missing and not self.unexplained


def version_of(year: int) -> int:
    """The version in force for a year."""
    return max((v for v in VERSIONS if v <= year), default=VERSIONS[0])


def columns(form: str, version: int) -> list[SurveyColumn]:
    """Columns of a form in a version, in their order; NotInRegistry for a version that is not known."""
    if version not in VERSIONS:
        raise NotInRegistry(f"form version {version}: expected one of {', '.join(map(str, VERSIONS))}")
    rows = [row for row in table("survey_columns", SurveyColumn) if row.form == form]
    return [row for row in rows if (row.since or 0) <= version <= (row.until or 9999)]


def fill(
    ctx: Context, scope: Scope, form: FormName, institution: str, span: Span, *, version: int | None = None
) -> Form:
    """The form of an institution the caller sees."""
    figures = Figures(ctx, scope, institution, span.first, span.last)
    wanted = columns(form, version or version_of(span.year))
    is_metered = any(column.fill.startswith(("total:", "cost:")) for column in wanted)  # 基1 asks the store nothing
    found = figures.totals("month") if is_metered else {}
    totals = {category: total for (category, _), total in found.items()}
    entries = {
        e.field: e for e in ctx.registry.reporting.entries([institution], span.year) if e.quarter == span.quarter
    }
    filler = _Filler(figures, totals, entries)
    cells = tuple(filler.cell(column) for column in wanted)
    return Form(form, version or version_of(span.year), institution, span, cells)


class _Filler:
    """Finds the value of each column of one institution."""

    def __init__(self, figures: Figures, totals: Mapping[Category, Total], entries: Mapping[str, SurveyEntry]) -> None:
        self._figures = figures
        self._totals = totals
        self._entries = entries

    def cell(self, column: SurveyColumn) -> Filled:
        """The entered value if there is one, else what the platform knows."""
        known = self._known(column)
        entry = self._entries.get(column.key)
        if entry is None:
            return known
        value: Cell = entry.number if entry.number is not None else entry.text
        metered = known.value if isinstance(known.value, float) else math.nan
        return Filled(column, value, "from_entry", metered, entry.note, known.coverage)

    def _known(self, column: SurveyColumn) -> Filled:
        kind, _, name = column.fill.partition(":")
        match kind:
            case "institution":
                return self._stated(column, name)
            case "denominator":
                row = self._figures.scope.snapshot.denominator_on(
                    "institution", self._figures.institution, name, self._figures.last
                )
                return Filled(column) if row is None else Filled(column, float(row.value), "from_registry")
            case "total" | "cost":
                return self._used(column, kind, Category(name))
            case _:
                return Filled(column)

    def _stated(self, column: SurveyColumn, name: str) -> Filled:
        figures = self._figures
        own = figures.scope.institution(figures.institution)
        value = (
            figures.scope.snapshot.department_of(own.id, figures.last) if name == "department" else getattr(own, name)
        )
        return Filled(column, value, "from_registry") if value else Filled(column)

    def _used(self, column: SurveyColumn, kind: str, category: Category) -> Filled:
        total = self._totals.get(category)
        if total is None:
            return Filled(column)
        factor = linear(CANONICAL[category], column.unit)[0] if kind == "total" else 1.0
        value = total.cost_yuan if kind == "cost" else total.amount * factor
        if math.isnan(value):
            return Filled(column, coverage=total.coverage)
        return Filled(column, value, self._origin(category), coverage=total.coverage)

    def _origin(self, category: Category) -> str:
        snapshot = self._figures.scope.snapshot
        mine = [snapshot.meters[name] for name in snapshot.meters_of(self._figures.institution)]
        own = [meter for meter in mine if meter.place is None and meter.used_by is UsedBy.SELF]
        kinds = {meter.kind for meter in own if meter.category is category}
        return "from_bill" if kinds == {MeterKind.MANUAL} else "from_meter"


def form_document(ctx: Context, scope: Scope, form: Form, language: Language) -> Document:
    """A filled form as a document; its head says that it is no official form."""
    w = Words(language)
    own = scope.institution(form.institution)
    name, span = w.name(own.name_zh, own.name_en), form.span.words(language)
    is_ready = form.is_submittable and bool(own.credit_code)  # the head of every form needs it
    return Document(
        title=w.name(*TITLES[form.name]),
        issuer=name,
        day=ctx.today(),
        language=language,
        facts=(
            (w("institution"), name),
            (w("credit_code"), own.credit_code or w("not_stated")),
            (w("span"), span),
            (w("made"), ctx.today().isoformat()),
            (w("f_state"), w("f_ready" if is_ready else "f_not_ready")),
        ),
        blocks=tuple(_blocks(form, w, span, _left_out(scope, form, w))),
        foot=w("foot", name=name, span=span),
        banner=w("f_banner"),
        subject=span,
        signed_by=signers(w),
    )


def signers(w: Words) -> tuple[str, ...]:
    """Who signs a statistical form."""
    return w("signed_head"), w("signed_statistics"), w("signed_writer"), w("signed_phone")


def _left_out(scope: Scope, form: Form, w: Words) -> list[str]:
    """Which meters of others the amounts of the form do not hold."""
    if not any(cell.column.fill.startswith("total:") for cell in form.cells):
        return []
    snapshot = scope.snapshot
    others = [m for m in snapshot.meters_of(form.institution) if snapshot.meters[m].used_by is UsedBy.OTHERS]
    names = [w.name(*snapshot.meter_names[m]) or m for m in sorted(others)]
    return [w("n_others", list=w("s_stop").join(names))] if names else []


def _blocks(form: Form, w: Words, span: str, left_out: list[str]) -> list[Block]:
    heads = (
        Column(w("f_code"), width=0.7), Column(w("f_field"), width=3.2), Column(w("unit"), width=0.8),
        Column(w("f_value"), "number", 2, 2.7), Column(w("f_source")), Column(w("coverage"), "share"),
        Column(w("f_note"), width=1.6),
    )  # fmt: skip
    rows = tuple(_row(place, cell, w) for place, cell in enumerate(form.cells, 1))
    notes = [w("n_form", version=form.version, span=span), *left_out]
    if form.open:
        names = [w.name(column.name_zh, column.name_en) for column in form.open]
        notes.append(w("f_open", count=len(names), list=w("s_stop").join(names)))
    caption = f"{w.name(*TITLES[form.name])} {span}"
    return [TableBlock(caption, heads, rows, tuple(notes)), *(Paragraph(text) for text in remarks(form, w))]


def _row(place: int, cell: Filled, w: Words) -> tuple[Cell, ...]:
    marks = [w("f_unsure")] if not cell.column.is_official else []
    marks += [w("not_stated")] if cell.is_missing else []
    marks += [cell.note] if cell.note else []
    return (
        f"{place:02d}",
        w.name(cell.column.name_zh, cell.column.name_en),
        plain_unit(cell.column.unit, w),
        _counted(cell),
        w(cell.source) if cell.source else "",
        cell.coverage,
        w.stop.join(marks),
    )


def _counted(cell: Filled) -> Cell:
    """The value; people and things as whole numbers."""
    value = cell.value
    is_count = cell.column.unit in ("", "p") and isinstance(value, float) and value.is_integer()
    return int(value) if is_count and isinstance(value, float) else value


def remarks(form: Form, w: Words) -> list[str]:
    """What is missing, and what has to be explained."""
    names = [w.name(column.name_zh, column.name_en) for column in form.missing]
    out = [w("f_missing", count=len(names), list=w("s_stop").join(names)) if names else w("f_none_missing")]
    if form.unexplained:
        texts = [_differs(cell, w) for cell in form.unexplained]
        out.append(w("f_unexplained", tolerance=f"{TOLERANCE:.0%}", list=w("s_stop").join(texts)))
    explained = [cell for cell in form.cells if abs(cell.difference) > TOLERANCE and cell.note]
    if explained:
        texts = [w("f_because", differs=_differs(cell, w), note=cell.note) for cell in explained]
        out.append(w("f_explained", list=w("s_stop").join(texts)))
    return out


def _differs(cell: Filled, w: Words) -> str:
    return w(
        "f_differs",
        field=w.name(cell.column.name_zh, cell.column.name_en),
        unit=plain_unit(cell.column.unit, w),
        entered=f"{cell.value:,.2f}",
        metered=f"{cell.metered:,.2f}",
        difference=f"{cell.difference:+.1%}",
    )
