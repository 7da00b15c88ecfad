"""Reports: documents made of figures, as XLSX, DOCX or PDF. Every function takes the scope of who asks.

`monthly`, `yearly`, `form`, `summary` and `publication` give the bytes of a file; `publish` fixes a quarter's figures,
`correct` adds a note to what was published.
"""

from api.reports.documents import FORMATS, MEDIA_TYPES, Format, form, monthly, publication, summary, written, yearly
from api.reports.publishing import correct, differences, publish
from api.reports.summary import SUMMARIES, Grouping
from api.reports.survey import VERSIONS, Form, Span, fill

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "SUMMARIES",
    "VERSIONS",
    "Form",
    "Format",
    "Grouping",
    "Span",
    "correct",
    "differences",
    "fill",
    "form",
    "monthly",
    "publication",
    "publish",
    "summary",
    "written",
    "yearly",
]
