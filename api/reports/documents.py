"""From a question to the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal

from api.context import Context
from api.reports import docx, pdf, xlsx
from api.reports.document import Document, Language
from api.reports.periodic import monthly_document, yearly_document
from api.reports.publishing import find, published_document
from api.reports.summary import Grouping, summary_document
from api.reports.survey import FormName, Span, fill, form_document
from api.scope import Scope

Format = Literal["xlsx", "docx", "pdf"]
FORMATS: Final[tuple[Format, ...]] = ("xlsx", "docx", "pdf")
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
        "docx": f"{_OFFICE}.wordprocessingml.document",
        "pdf": "application/pdf",
    }
)


def written(document: Document, fmt: Format) -> bytes:
    """A document as a file."""
    return {"xlsx": xlsx.write, "docx": docx.write, "pdf": pdf.write}[fmt](_marked(document))


def _marked(part: Any) -> Any:
    """The document, or a part of it, with a geta mark (〓) for each sign that no file of these kinds can hold."""
    if isinstance(part, str):
        return _IMPOSSIBLE.sub("〓", part)
    if isinstance(part, tuple):
        return tuple(map(_marked, part))
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{field.name: _marked(getattr(part, field.name)) for field in fields(part)})
    return part


def monthly(ctx: Context, scope: Scope, institution: str, month: date, fmt: Format, language: Language = "zh") -> bytes:
    """The monthly report of an institution; NotInRegistry for one the caller does not see."""
    return written(monthly_document(ctx, scope, institution, month, language), fmt)


def yearly(ctx: Context, scope: Scope, institution: str, year: int, fmt: Format, language: Language = "zh") -> bytes:
    """The yearly analysis of an institution."""
    return written(yearly_document(ctx, scope, institution, year, language), fmt)


def form(
    ctx: Context,
    scope: Scope,
    name: FormName,
    institution: str,
    span: Span,
    fmt: Format,
    language: Language = "zh",
    *,
    version: int | None = None,
) -> bytes:
    """A statutory form of an institution; `version` 2015, 2022 or 2025, that of the year where it is not named."""
    filled = fill(ctx, scope, name, institution, span, version=version)
    return written(form_document(ctx, scope, filled, language), fmt)


def summary(
    ctx: Context,
    scope: Scope,
    region: str,
    span: Span,
    fmt: Format,
    language: Language = "zh",
    *,
    by: Grouping = "region",
    version: int | None = None,
) -> bytes:
    """综2 of a region whose sums the caller may see; 综1 by department, 综3 by class."""
    return written(summary_document(ctx, scope, region, span, language, by=by, version=version), fmt)


def publication(
    ctx: Context, scope: Scope, institution: str, span: Span, fmt: Format, language: Language = "zh"
) -> bytes:
    """What an institution published of a quarter; NotInRegistry where nothing was."""
    found = find(ctx, scope, institution, span)
    return written(published_document(ctx, scope, found, language), fmt)
