"""Targets of the year, from proposal (建议值) to issue with its document, and the quota book behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal, get_args

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from analytics.jobs.proposals import missing_targets
from api import proofs
from api.console import acts, figures, paging
from api.console.frame import Approves, ConsoleRoute, Corrects, Page, Reads, checked
from api.routes import targets as noun
from energy.model import Meter
from energy.model import Scope as Level
from energy.reference import CaliberRow, Indicator, table
from energy.registry import Target

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
INDICATORS: Final = tuple(row for row in table("indicators", Indicator))
State = Literal["all", "proposed", "issued"]
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

    def is_of(self, state: State) -> bool:
        """True if it is one of those issued, or of those that wait to be."""
        return state == "all" or (state == "issued") == (self.issued is not None)

    @property
    def order(self) -> tuple[bool, float]:
        """What waits for a decision first, then those furthest used."""
        used = self.state.used_share if self.state else math.nan
        return (self.issued is not None, -used if used == used else 1.0)


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
    lines = _lines(page, chosen)
    of_state = {name: [line for line in lines if line.is_of(name)] for name in get_args(State)}
    rows = paging.matching(of_state[state], q, lambda line: _name(page, line.any))
    return page.show(
        "targets.html",
        part=paging.part(sorted(rows, key=lambda line: line.order), part),
        q=q,
        state=state,
        counts={name: len(found) for name, found in of_state.items()},
        year=chosen,
        years=range(today.year - 2, today.year + 2),
        lacks=[one for one in missing_targets(page.ctx.registry) if one.year == chosen and one.institution in seen],
        quotas=page.ctx.registry.quotas.rows(),
        name=lambda target: _name(page, target),
        kinds=",".join(proofs.KINDS),
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        quota_classes=sorted({c for i in seen if (c := page.scope.institution(i).quota_class)}),
        indicators=INDICATORS,
        calibers=CALIBERS,
    )


def _lines(page: Page, year: int) -> list[Line]:
    found = acts.targets(page, year=year)
    states: dict[tuple[str, str, str, str], figures.TargetState] = {}
    if year == page.ctx.today().year:
        for level in (Level.REGION, Level.INSTITUTION, Level.BUILDING):
            ids = [t.id for t in found if t.scope == level.value]
            states |= {(s.scope, s.id, s.indicator, s.caliber): s for s in figures.target_states(page, level, ids)}
    pairs: dict[tuple[str, str, str, str], dict[str, Target]] = {}
    for target in found:
        pairs.setdefault((target.scope, target.id, target.indicator, target.caliber), {})[target.state] = target
    return [Line(pair.get("proposed"), pair.get("issued"), states.get(key)) for key, pair in pairs.items()]


def _name(page: Page, target: Target) -> str:
    place = page.scope.find(target.scope, target.id)
    assert not isinstance(place, Meter)  # a target is of a place
    return page.put.name(place, target.id)


@router.post("/targets/proposals")
def propose(
    page: Corrects,
    id: Annotated[str, Form()],  # noqa: A002 -- the name of the column
    year: Annotated[int, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    value: Annotated[float, Form()],
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """State a proposal (建议值) for an institution."""
    given = {
        "scope": "institution", "id": id, "year": year, "indicator": indicator, "caliber": caliber, "value": value,
        "note": note,
    }  # fmt: skip
    noun.propose_target(page.ctx, page.scope, checked(noun.ProposalIn, given))
    return page.go(f"/targets?year={year}", "target_proposed")


@router.post("/targets")
def issue(
    page: Approves,
    scope: Annotated[str, Form()],
    id: Annotated[str, Form()],  # noqa: A002 -- the name of the column
    year: Annotated[int, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    value: Annotated[float, Form()],
    document: Annotated[str, Form()],
    issued_on: Annotated[date, Form()],
    file: UploadFile | None = None,
) -> RedirectResponse:
    """Issue a target with its document number (文号), date and, if there is one, the paper itself."""
    given = {
        "scope": scope, "id": id, "year": year, "indicator": indicator, "caliber": caliber, "value": value,
        "document": document.strip(), "date": issued_on,
    }  # fmt: skip
    body = checked(noun.IssueIn, given)
    noun.issue_target(page.ctx, page.scope, body)
    if file is not None and file.filename:
        noun.attach(page.ctx, body, file.filename, file.file.read(proofs.MOST_BYTES + 1))
    return page.go(f"/targets?year={year}", "issued")


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
