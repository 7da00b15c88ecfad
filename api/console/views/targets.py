"""Targets of the year, from proposal (建议值) to issue with its document, and the quota book behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from analytics.jobs.proposals import missing_targets
from api import proofs
from api.console import acts, figures, paging
from api.console.frame import Approves, ConsoleRoute, Corrects, Page, Reads, checked
from api.routes import targets as noun
from energy.model import Scope as Level
from energy.reference import CaliberRow, Indicator, table
from energy.registry import Subject, Target

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
INDICATORS: Final = tuple(row for row in table("indicators", Indicator))
State = Literal["all", "proposed", "issued", "warned"]
CALIBERS: Final = tuple(row for row in table("calibers", CaliberRow))


@dataclass(frozen=True, slots=True)
class Line:
    """One target: what was proposed, what was issued, how the year stands."""

    proposed: Target | None
    issued: Target | None
    state: figures.TargetState | None

    @property
    def any(self) -> Target:
        """Whichever there is, the issued one first."""
        found = self.issued or self.proposed
        assert found is not None  # a line is made from at least one of them
        return found


@router.get("/targets", response_class=HTMLResponse)
def targets(
    page: Reads,
    year: int | None = None,
    q: Annotated[str, Query(max_length=80)] = "",
    state: State = "all",
    part: int = 1,
) -> HTMLResponse:
    """All targets of a year with their progress, what keeps others from being proposed, and the quotas."""
    today, seen = page.ctx.today(), page.scope.institutions
    chosen = year if year is not None and 1990 <= year <= 2200 else today.year
    warned = acts.warned(page) if chosen == today.year else []
    issued = acts.pairs(page, chosen, words=q).counts("issued")
    return page.show(
        "targets.html",
        part=_part(page, chosen, q, state, part, warned),
        q=q,
        state=state,
        counts={"all": issued.total(), "proposed": issued[0], "issued": issued[1], "warned": len(warned)},
        year=chosen,
        years=range(today.year - 2, today.year + 2),
        lacks=[one for one in missing_targets(page.ctx.registry) if one.year == chosen and one.institution in seen],
        quotas=page.ctx.registry.quotas.rows(),
        name=lambda target: acts.place_name(page, target.scope, target.id),
        kinds=",".join(proofs.KINDS),
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        quota_classes=sorted({c for i in seen if (c := page.scope.institution(i).quota_class)}),
        indicators=INDICATORS,
        calibers=CALIBERS,
    )


def _part(
    page: Page, year: int, words: str, state: State, number: int, warned: Sequence[figures.TargetState]
) -> paging.Part[Line]:
    """One page of targets: those that warn by how far they are over, all others those that wait first."""
    if state == "warned":
        found = paging.matching(warned, words, lambda one: acts.place_name(page, one.scope, one.id))
        shown: paging.Part[Subject] = paging.part([_followed(one, year) for one in found], number)
    else:
        wanted = {} if state == "all" else {"issued": int(state == "issued")}
        shown = paging.stored(acts.pairs(page, year, words=words, **wanted), number).of(Subject.of)
    stored = _stored(page, year, shown.rows)
    states = standing_states(page, year, shown.rows)
    return shown.of(lambda one: Line(stored.get((one, "proposed")), stored.get((one, "issued")), states.get(one)))


def _stored(page: Page, year: int, subjects: Sequence[Subject]) -> dict[tuple[Subject, str], Target]:
    found = acts.targets(page, year=year, id=sorted({one.id for one in subjects})) if subjects else []
    return {(Subject.of(target), target.state): target for target in found}


def standing_states(page: Page, year: int, subjects: Sequence[Subject]) -> dict[Subject, figures.TargetState]:
    """How the year of each stands, this year."""
    if year != page.ctx.today().year:
        return {}
    found: dict[Subject, figures.TargetState] = {}
    for level in (Level.REGION, Level.INSTITUTION, Level.BUILDING):
        ids = sorted({one.id for one in subjects if one.scope == level.value})
        found |= {_followed(state, year): state for state in figures.target_states(page, level, ids)}
    return found


def _followed(state: figures.TargetState, year: int) -> Subject:
    return Subject(state.scope, state.id, year, state.indicator, state.caliber)


def stated_key(
    id: Annotated[str, Form()],  # noqa: A002 -- the name of the column
    year: Annotated[int, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    scope: Annotated[str, Form()] = "institution",
) -> dict[str, object]:
    """Whose target of what a form speaks of."""
    return {"scope": scope, "id": id, "year": year, "indicator": indicator, "caliber": caliber}


KeyForm = Annotated[dict[str, object], Depends(stated_key)]


@router.post("/targets/proposals")
def propose(
    page: Corrects,
    key: KeyForm,
    value: Annotated[float, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """State a proposal (建议值)."""
    noun.propose_target(page.ctx, page.scope, checked(noun.ProposalIn, key | {"value": value, "note": note}))
    return page.go(f"/targets?year={key['year']}", "target_proposed")


@router.post("/targets")
def issue(
    page: Approves,
    key: KeyForm,
    value: Annotated[float, Form()],
    document: Annotated[str, Form()],
    issued_on: Annotated[date, Form()],
    file: UploadFile | None = None,
) -> RedirectResponse:
    """Issue a target with its document number (文号), date and, if there is one, the paper itself."""
    body = checked(noun.IssueIn, key | {"value": value, "document": document.strip(), "date": issued_on})
    noun.issue_target(page.ctx, page.scope, body)
    if file is not None and file.filename:
        noun.attach(page.ctx, body, file.filename, file.file.read(proofs.MOST_BYTES + 1))
    return page.go(f"/targets?year={body.year}", "issued")


@router.get("/targets/{level}/{id}/{year}/{indicator}/{caliber}/paper")
def read_paper(page: Reads, key: noun.Named) -> FileResponse:
    """The paper of an issued target, to be saved."""
    return noun.read_target_paper(page.ctx, page.scope, key)


@router.post("/quotas")
def approve_quota(
    page: Approves,
    region: Annotated[str, Form()],
    standard: Annotated[str, Form()],
    institution_type: Annotated[str, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    valid_from: Annotated[date, Form()],
    source: Annotated[str, Form()],
    tier: Annotated[str, Form()] = "",
    climate_zone: Annotated[str, Form()] = "",
    constraint: Annotated[str, Form()] = "",
    baseline: Annotated[str, Form()] = "",
    guide: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Take a quota of a standard into the book."""
    stated = {"constraint": constraint, "baseline": baseline, "guide": guide}
    levels = {name: page.number(name, text) for name, text in stated.items() if text}
    given = {
        "region": region, "standard": standard.strip(), "institution_type": institution_type, "indicator": indicator,
        "caliber": caliber, "valid_from": valid_from, "source": source.strip(), "tier": tier.strip(),
        "climate_zone": climate_zone.strip(), **levels,
    }  # fmt: skip
    noun.approve_quota(page.ctx, page.scope, checked(noun.QuotaIn, given))
    return page.go("/targets#quotas", "quota")
