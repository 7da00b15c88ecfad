"""综1, 综2 and 综3: the figures of a region's institutions added up by department, by region, or by class.

A sum counts what is known and says of how many institutions that is; it is unknown where nobody's figure is known.
Sums come from the forms of the institutions, so that entered values count as they do there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from api.context import Context
from api.reports.document import Cell, Column, Document, Language, Paragraph, TableBlock
from api.reports.naming import caliber_text, plain_unit, type_name
from api.reports.survey import TITLES, Form, Span, columns, fill, signers, version_of
from api.reports.words import Words
from api.scope import Scope
from energy.caliber import caliber
from energy.model import Category
from energy.reference import SurveyColumn
from energy.units import CANONICAL, convert

Grouping = Literal["department", "region", "type"]
SUMMARIES: Final[dict[Grouping, str]] = {"department": "summary1", "region": "summary2", "type": "summary3"}
WHOLE: Final = ""
"""Key of the line that adds up all."""
_UNSTATED: Final = "?"
_MOST_NAMED: Final = 20
_MOST_FIELDS: Final = 5
"""Named of what forms lack, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Line:
    """The sums of one part of the region."""

    key: str  # code of a region or class, name of a department
    forms: tuple[tuple[Form, Form], ...]  # base1 and base2 of each institution

    def value(self, column: SurveyColumn) -> float:
        """The sum of one column over the institutions whose figure is known; NaN where none is."""
        if column.fill == "count":
            return float(len(self.forms))
        if column.fill == "reported":
            return float(sum(not base1.missing and not base2.missing for base1, base2 in self.forms))
        return _sum([_known(base1, base2, column) for base1, base2 in self.forms])

    def n_known(self, column: SurveyColumn) -> int:
        """Of how many institutions the sum of a column is."""
        if column.fill in ("count", "reported"):
            return len(self.forms)
        return sum(math.isfinite(_known(base1, base2, column)) for base1, base2 in self.forms)


def lines(
    ctx: Context, scope: Scope, region: str, span: Span, *, by: Grouping = "region", version: int | None = None
) -> list[Line]:
    """One line for each part of the region, and one for all."""
    scope.region(region)
    parts = _by_region(scope, region) if by == "region" else _by_kind(scope, region, span, by)
    made = [(key, _forms(ctx, scope, sorted(ids), span, version)) for key, ids in parts.items()]
    whole = tuple(form for _, forms in made for form in forms)
    return [*(Line(key, forms) for key, forms in made), Line(WHOLE, whole)]


def _by_region(scope: Scope, region: str) -> dict[str, list[str]]:
    """The region's own institutions, and those of each region directly below."""
    snapshot = scope.snapshot
    below = sorted(r.code for r in snapshot.regions.values() if r.parent == region)
    own = [i.id for i in snapshot.institutions.values() if i.region == region]
    return {region: own, **{code: list(snapshot.institutions_below(code)) for code in below}}


def _by_kind(scope: Scope, region: str, span: Span, by: Grouping) -> dict[str, list[str]]:
    snapshot = scope.snapshot
    found: dict[str, list[str]] = {}
    for name in snapshot.institutions_below(region):
        own = snapshot.institutions[name]
        key = own.type if by == "type" else snapshot.department_of(name, span.last)
        found.setdefault(key or _UNSTATED, []).append(name)
    return dict(sorted(found.items()))


def _forms(
    ctx: Context, scope: Scope, ids: Sequence[str], span: Span, version: int | None
) -> tuple[tuple[Form, Form], ...]:
    return tuple(
        (
            fill(ctx, scope, "base1", name, Span(span.year), version=version),
            fill(ctx, scope, "base2", name, span, version=version),
        )
        for name in ids
        if name in scope.institutions
    )


def summary_document(
    ctx: Context,
    scope: Scope,
    region: str,
    span: Span,
    language: Language,
    *,
    by: Grouping = "region",
    version: int | None = None,
) -> Document:
    """综1, 综2 or 综3 of a region as a document."""
    w = Words(language)
    version = version or version_of(span.year)
    wanted = columns("summary", version)
    found = lines(ctx, scope, region, span, by=by, version=version)
    own, title, words = scope.region(region), w.name(*TITLES[SUMMARIES[by]]), span.words(language)
    name, whole = w.name(own.name_zh, own.name_en), found[-1]
    rows: list[tuple[Cell, ...]] = [(_name(scope, line.key, region, by, w), *map(line.value, wanted)) for line in found]
    rows.append((w("n_known", n=len(whole.forms)), *map(whole.n_known, wanted)))
    notes = (w("n_form", version=version, span=words), *_notes(wanted, w))
    return Document(
        title=w("summary_of", name=name, title=title),
        issuer=name,
        day=ctx.today(),
        language=language,
        facts=((w("region"), f"{name} {region}"), (w("span"), words), (w("made"), ctx.today().isoformat())),
        blocks=(
            TableBlock(f"{title} {words}", _heads(w(by), wanted, w), tuple(rows), notes),
            Paragraph(_lacking(scope, whole, w)),
        ),
        foot=w("foot", name=name, span=words),
        banner=w("f_banner"),
        subject=words,
        signed_by=signers(w),
    )


def _heads(first: str, wanted: Sequence[SurveyColumn], w: Words) -> tuple[Column, ...]:
    sums = (Column(_head(c, w), "number", 2 if c.unit == "tce" else 0, 1.2) for c in wanted)
    return Column(first, width=1.6), *sums


def _notes(wanted: Sequence[SurveyColumn], w: Words) -> tuple[str, str]:
    unsure = w.stop.join(w.name(c.name_zh, c.name_en) for c in wanted if not c.is_official)
    return w("f_unsure_list", list=unsure), w("n_calibers", list=caliber_text("gb2589_equivalent_value", w))


def _lacking(scope: Scope, whole: Line, w: Words) -> str:
    """What the forms lack and how often, and whose they are: not all by name, since that would be pages."""
    lacks = {form.institution: [*form.missing, *base2.missing] for form, base2 in whole.forms}
    names = [name for name, missing in lacks.items() if missing]
    if not names:
        return w("f_none_missing")
    counts = Counter(w.name(column.name_zh, column.name_en) for missing in lacks.values() for column in missing)
    shown = w.stop.join(w.name(i.name_zh, i.name_en) for i in map(scope.institution, names[:_MOST_NAMED]))
    return w(
        "s_missing",
        count=len(names),
        fields=w("s_stop").join(w("s_field", field=field, n=n) for field, n in counts.most_common(_MOST_FIELDS)),
        names=shown + (w("s_more") if len(names) > _MOST_NAMED else ""),
    )


def _head(column: SurveyColumn, w: Words) -> str:
    name = w.name(column.name_zh, column.name_en)
    return f"{name} ({plain_unit(column.unit, w)})" if column.unit else name


def _name(scope: Scope, key: str, region: str, by: Grouping, w: Words) -> str:
    if key == WHOLE:
        return w("whole_region")
    if key == _UNSTATED:
        return w("not_stated")
    if by == "type":
        return type_name(key, w)
    if by == "department":
        return key
    if key == region:
        return w("own_level")
    found = scope.snapshot.regions[key]
    return w.name(found.name_zh, found.name_en)


def _known(base1: Form, base2: Form, column: SurveyColumn) -> float:
    for cell in (*base1.cells, *base2.cells):
        if cell.column.fill == column.fill and isinstance(cell.value, float):
            return cell.value if cell.column.unit == column.unit else convert(cell.value, cell.column.unit, column.unit)
    kind, _, name = column.fill.partition(":")
    if kind == "energy":
        return _coal(base2, name) / 1000  # tce
    return _amount(base2, Category(name)) if kind == "total" else math.nan


def _coal(base2: Form, key: str) -> float:
    """Standard coal of what is known, in kgce."""
    own = caliber(key)
    counted = [category for category in Category if own.is_counted(category) and category in own.coefficients]
    amounts = ((category, _amount(base2, category)) for category in counted)
    parts = [float(own.convert(category, amount)) for category, amount in amounts if math.isfinite(amount)]
    stated = [1000 * c.value for c in base2.cells if c.column.unit == "tce" and isinstance(c.value, float)]
    return _sum([*parts, *stated])


def _amount(base2: Form, category: Category) -> float:
    """Amount of a category in its canonical unit; vehicles' and other fuel added up."""
    names = {"gasoline": ("gasoline_vehicles", "gasoline_other"), "diesel": ("diesel_vehicles_oil", "diesel_other")}
    keys = names.get(category.value, ())
    cells = [c for c in base2.cells if c.column.fill == f"total:{category.value}" or c.column.key in keys]
    return _sum([convert(c.value, c.column.unit, CANONICAL[category]) for c in cells if isinstance(c.value, float)])


def _sum(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) if known else math.nan
