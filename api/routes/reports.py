"""Reports as files, figures people enter for the statutory forms, and what institutions publish (公示)."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Depends, Query, Response
from pydantic import Field

from api import reports
from api.answers import Pages, Wants, Wish, answers, listed, sought
from api.callers import Sees, may
from api.context import Context, Ctx
from api.problems import wrong
from api.reports.document import Language
from api.reports.publishing import find
from api.reports.survey import FormName, columns
from api.schemas import Asked, Body, Text
from api.scope import Action, Scope
from api.strict import noun
from api.times import Instant
from energy.registry import Publication, SurveyEntry

router = noun("reports", "/reports")
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_QUARTER: Final = re.compile(r"(\d{4})Q([1-4])")
_FIRST_YEAR, _LAST_YEAR = 1990, 2199
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report as a file",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in reports.MEDIA_TYPES.values()},
    }
}

Tongue = Annotated[Language | None, Query(alias="language", description="for links: wins over Accept-Language")]
Kind = Annotated[reports.Format, Query(alias="file", description="kind of file")]
Year = Annotated[int, Query(ge=_FIRST_YEAR, le=_LAST_YEAR)]
Version = Annotated[Literal["2015", "2022", "2025"] | None, Query(description="version of the form; that of the year")]
By = Annotated[reports.Grouping, Query(description="parts of the sum: department (综1), region (综2), type (综3)")]
Quarter = Annotated[Literal["1", "2", "3", "4"] | None, Query(description="left out: the whole year")]


class EntryIn(Asked):
    """A cell of a statutory form; without number and text it takes back what was entered."""

    form: FormName
    field: Annotated[str, Field(max_length=64, examples=["heated_area"])]
    year: Annotated[int, Field(ge=_FIRST_YEAR, le=_LAST_YEAR)]
    quarter: Annotated[int, Field(ge=0, le=4, description="0 = the whole year")] = 0
    number: float | None = None
    text: Text = ""
    note: Annotated[Text, Field(description="explains a difference from the meters")] = ""


class EntryOut(Body):
    """What was entered."""

    institution: str
    field: str
    year: int
    quarter: int
    number: float | None
    text: str
    note: str
    author: str
    time: Instant


class PublishIn(Asked):
    """The quarter whose figures are to be fixed as they are now."""

    quarter: Annotated[str, Field(pattern=_QUARTER.pattern, examples=["2026Q1"])]


class NoteIn(Asked):
    """What turned out to be otherwise after the publication."""

    text: Annotated[Text, Field(min_length=1)]


class NoteOut(Body):
    """A note under published figures."""

    number: int
    time: Instant
    author: str
    text: str


class PublicationOut(Body):
    """What was published of a quarter, and what changed since."""

    institution: str
    quarter: str
    approved_by: str
    approved: Instant
    figures: dict[str, Any] = Field(description="fixed when approved; null = unknown")
    notes: list[NoteOut]
    differences: list[str] = Field(description="what would be published otherwise now, and may need a note")


@router.get("/monthly/{institution}", operation_id="read_monthly_report", response_class=Response, responses=_FILES)
def read_monthly_report(
    ctx: Ctx, scope: Sees, wish: Wants, institution: str, month: Annotated[str, Query(examples=["2026-01"])],
    kind: Kind = "pdf", tongue: Tongue = None,
) -> Response:  # fmt: skip
    """What an institution used in a month, as XLSX, DOCX or PDF."""
    scope.institution(institution)
    first = _month(month)
    content = reports.monthly(ctx, scope, institution, first, kind, tongue or wish.language)
    return _file(content, f"{institution}-{month}", kind)


@router.get("/yearly/{institution}", operation_id="read_yearly_report", response_class=Response, responses=_FILES)
def read_yearly_report(
    ctx: Ctx, scope: Sees, wish: Wants, institution: str, year: Year, kind: Kind = "pdf", tongue: Tongue = None
) -> Response:
    """What an institution used in a year, how it is judged and what was done about it."""
    content = reports.yearly(ctx, scope, institution, year, kind, tongue or wish.language)
    return _file(content, f"{institution}-{year}", kind)


@router.get("/forms/{form}/{institution}", operation_id="read_form", response_class=Response, responses=_FILES)
def read_form(
    ctx: Ctx, scope: Sees, wish: Wants, form: FormName, institution: str, year: Year, quarter: Quarter = None,
    version: Version = None, kind: Kind = "xlsx", tongue: Tongue = None,
) -> Response:  # fmt: skip
    """A statutory form (基1 to 基4), filled as far as is known; no official form."""
    span = reports.Span(year, int(quarter or 0))
    content = reports.form(
        ctx, scope, form, institution, span, kind, tongue or wish.language, version=int(version) if version else None
    )
    return _file(content, f"{institution}-{form}-{year}" + (f"Q{quarter}" if quarter else ""), kind)


@router.get("/summaries/{region}", operation_id="read_summary", response_class=Response, responses=_FILES)
def read_summary(
    ctx: Ctx, scope: Sees, wish: Wants, region: str, year: Year, by: By = "region", quarter: Quarter = None,
    version: Version = None, kind: Kind = "xlsx", tongue: Tongue = None,
) -> Response:  # fmt: skip
    """综1, 综2 or 综3: the forms of a region's institutions added up; no official form."""
    span = reports.Span(year, int(quarter or 0))
    content = reports.summary(
        ctx, scope, region, span, kind, tongue or wish.language, by=by, version=int(version) if version else None
    )
    return _file(content, f"{region}-{reports.SUMMARIES[by]}-{year}" + (f"Q{quarter}" if quarter else ""), kind)


@router.get("/entries/{institution}", operation_id="list_form_values", responses=answers(EntryOut))
def list_form_values(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, institution: str, year: Year) -> Response:
    """What people entered for the forms of a year."""
    scope.institution(institution)
    found = ctx.registry.reporting.entries([institution], year)
    rows = [EntryOut.model_validate(entry, from_attributes=True) for entry in found]
    return listed(wish, paging, rows, lambda row: (row.field, row.quarter), EntryOut)


@router.put("/entries/{institution}", operation_id="enter_form_value")
def enter_form_value(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.BILL))], institution: str, body: EntryIn
) -> EntryOut:
    """State a value of a form that no meter knows, or against the meters with a note that explains it."""
    scope.institution(institution)
    known = {column.key for version in reports.VERSIONS for column in columns(body.form, version)}
    if body.field not in known:
        raise wrong("body.field", f"a field of {body.form}", body.field)
    entry = SurveyEntry(
        institution, body.year, body.quarter, body.field, scope.user, ctx.now(), body.number, body.text, body.note
    )
    ctx.registry.reporting.enter(entry)
    return EntryOut.model_validate(entry, from_attributes=True)


@router.get("/publications/{institution}", operation_id="list_publications", responses=answers(PublicationOut))
def list_publications(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, institution: str) -> Response:
    """What an institution published, newest first."""
    scope.institution(institution)
    found = ctx.registry.reporting.publications(institution=institution)
    return sought(
        wish, paging, found, lambda one: (-one.year, -one.quarter), lambda one: shown(ctx, scope, wish, one),
        PublicationOut,
    )  # fmt: skip


@router.post("/publications/{institution}", status_code=201, operation_id="publish_quarter")
def publish_quarter(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.APPROVE))], wish: Wants, institution: str, body: PublishIn
) -> PublicationOut:
    """Approve the figures of a quarter as they are now; they stay so."""
    scope.institution(institution)
    return shown(ctx, scope, wish, reports.publish(ctx, scope, institution, _quarter(body.quarter)))


@router.get(
    "/publications/{institution}/{quarter}", operation_id="read_publication", response_class=Response, responses=_FILES
)
def read_publication(
    ctx: Ctx, scope: Sees, wish: Wants, institution: str, quarter: str, kind: Kind = "pdf", tongue: Tongue = None
) -> Response:
    """What was published of a quarter (such as 2026Q1), with its notes."""
    scope.institution(institution)
    content = reports.publication(ctx, scope, institution, _quarter(quarter), kind, tongue or wish.language)
    return _file(content, f"{institution}-{quarter}", kind)


@router.post("/publications/{institution}/{quarter}/notes", status_code=201, operation_id="note_publication")
def note_publication(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.APPROVE))], institution: str, quarter: str, body: NoteIn
) -> NoteOut:
    """Add a note under published figures; the figures stay."""
    scope.institution(institution)
    published = find(ctx, scope, institution, _quarter(quarter))
    return NoteOut.model_validate(reports.correct(ctx, scope, published, body.text), from_attributes=True)


def shown(ctx: Context, scope: Scope, wish: Wish, one: Publication) -> PublicationOut:
    """A publication with its notes, and what would be published otherwise now."""
    notes = ctx.registry.reporting.notes(one.id)
    return PublicationOut(
        institution=one.institution,
        quarter=f"{one.year}Q{one.quarter}",
        approved_by=one.approved_by,
        approved=one.approved,
        figures=json.loads(one.figures),
        notes=[NoteOut.model_validate(note, from_attributes=True) for note in notes],
        differences=reports.differences(ctx, scope, one, wish.language),
    )


def _month(text: str) -> date:
    found = _MONTH.fullmatch(text)
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise wrong("query.month", "a month like 2026-01", text)
    return date(int(found[1]), int(found[2]), 1)


def _quarter(text: str) -> reports.Span:
    found = _QUARTER.fullmatch(text)
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise wrong("quarter", "a quarter like 2026Q1", text)
    return reports.Span(int(found[1]), int(found[2]))


def _file(content: bytes, name: str, kind: reports.Format) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename=\"{name}.{kind}\"; filename*=UTF-8''{quote(name)}.{kind}",
        "Cache-Control": "private, no-store",
        "Vary": "Accept-Language",
    }
    return Response(content, headers=headers, media_type=reports.MEDIA_TYPES[kind])
