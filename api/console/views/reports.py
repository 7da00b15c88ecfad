"""Papers and files that can be taken away, what is entered for them by hand, and what was made public (公示)."""

from __future__ import annotations

from typing import Annotated, Final, get_args

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from api import reports as papers
from api.answers import Wish
from api.console import tree
from api.console.frame import Approves, Bills, ConsoleRoute, Page, Reads, checked
from api.reports.survey import TITLES, FormName, columns, version_of
from api.routes import reports as noun

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_FORMS: Final[tuple[FormName, ...]] = get_args(FormName)


@router.get("/reports", response_class=HTMLResponse)
def reports(page: Reads, institution: str = "", year: int | None = None) -> HTMLResponse:
    """Where each paper and file is: of one institution and year, and of the regions."""
    today = page.ctx.today()
    chosen = year if year is not None and 1990 <= year <= today.year else today.year
    here = page.scope.institution(institution) if institution else None
    n_months = today.month if chosen == today.year else 12
    return page.show(
        "reports.html",
        here=here,
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        year=chosen,
        years=range(today.year - 3, today.year + 1),
        months=[f"{chosen}-{month:02d}" for month in range(n_months, 0, -1)],
        quarters=range(1, (n_months - 1) // 3 + 2),
        ended=range(4 if chosen < today.year else (today.month - 1) // 3, 0, -1),
        forms=_FORMS,
        fields={form: columns(form, version_of(chosen)) for form in _FORMS} if here else {},
        published=_published(page, here.id) if here else [],
        regions=[(depth, page.scope.region(code)) for depth, code, _ in tree.regions(page)],
        kinds=papers.FORMATS,
        summaries=papers.SUMMARIES,
        titles=TITLES,
    )


def _published(page: Page, institution: str) -> list[noun.PublicationOut]:
    found = page.ctx.registry.reporting.publications(institution=institution)
    return [noun.shown(page.ctx, page.scope, _wish(page), one) for one in found]


def _wish(page: Page) -> Wish:
    return Wish("json", "en" if page.language == "en" else "zh", "")


@router.post("/reports/{institution}/publications")
def publish(page: Approves, institution: str, quarter: Annotated[str, Form()]) -> RedirectResponse:
    """Approve the figures of a quarter as they are now; they stay so."""
    noun.publish_quarter(page.ctx, page.scope, _wish(page), institution, checked(noun.PublishIn, {"quarter": quarter}))
    return page.go(f"/reports?institution={institution}&year={quarter[:4]}#published", "published")


@router.post("/reports/{institution}/publications/{quarter}/notes")
def note(page: Approves, institution: str, quarter: str, text: Annotated[str, Form()]) -> RedirectResponse:
    """Add a note under published figures; the figures stay."""
    noun.note_publication(page.ctx, page.scope, institution, quarter, checked(noun.NoteIn, {"text": text.strip()}))
    return page.go(f"/reports?institution={institution}&year={quarter[:4]}#published", "noted")


@router.post("/reports/{institution}/entries")
def enter(
    page: Bills,
    institution: str,
    field: Annotated[str, Form()],
    year: Annotated[int, Form()],
    quarter: Annotated[int, Form()] = 0,
    value: Annotated[str, Form(max_length=4000)] = "",
    note: Annotated[str, Form(max_length=4000)] = "",
) -> RedirectResponse:
    """State a cell of a statutory form; `field` is `form/key`, an empty value takes back what was entered."""
    form, _, key = field.partition("/")
    page.scope.institution(institution)
    has_unit = any(column.unit for column in columns(form, version_of(year)) if column.key == key)
    stated: dict[str, object] = {"number": page.number("value", value)} if has_unit and value else {"text": value}
    given = {"form": form, "field": key, "year": year, "quarter": quarter, "note": note, **stated}
    noun.enter_form_value(page.ctx, page.scope, institution, checked(noun.EntryIn, given))
    return page.go(f"/reports?institution={institution}&year={year}#entries", "entered")
