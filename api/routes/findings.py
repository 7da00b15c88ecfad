"""Findings: what the jobs found, what people made of it, and who did so when."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from pydantic import Field

from api.answers import Pages, Wants, Wish, answers, one
from api.callers import Sees, may
from api.context import Context, Ctx
from api.problems import wrong
from api.schemas import Asked, Body, Text
from api.scope import Action, Scope, scope_of
from api.stored import Shown
from api.strict import noun
from api.times import Instant
from energy.errors import NotInRegistry
from energy.registry import Finding

router = noun("decisions", "/findings")
State = Literal["open", "waiting", "closed", "withdrawn"]
Verdict = Literal["confirmed", "false_alarm", "known"]


class FindingOut(Body):
    """One finding."""

    id: str
    institution: str
    meter: str | None
    kind: str
    start: Instant
    end: Instant | None = Field(description="null = it goes on")
    severity: float
    certainty: float | None
    excess: float | None = Field(description="amount above what was expected, in `unit`; null = unknown")
    unit: str
    excess_yuan: float | None
    excess_kgce: float | None = Field(description="standard coal by the equivalent value of GB/T 2589; null = unknown")
    actual: float | None = Field(
        description="what was measured, in `unit`; of night flow as if it ran all day, "
        "of a balance what the head meter shows beyond its sub-meters"
    )
    expected: float | None = Field(description="what would have been usual, in `unit`")
    title: str
    text: str
    state: State
    verdict: Verdict | None
    comment: str
    assignee: str


class EventOut(Body):
    """What a person did with a finding, and how it stood afterwards."""

    number: int
    time: Instant
    author: str
    state: State
    verdict: Verdict | None
    comment: str
    assignee: str


class FindingDetail(FindingOut):
    """A finding with its evidence and its history."""

    evidence: dict[str, Any] = Field(description="the numbers it rests on")
    history: list[EventOut]


class DecisionIn(Asked):
    """What you decide; what is left out stays."""

    state: Literal["open", "waiting", "closed"] | None = None
    verdict: Verdict | Literal["none"] | None = Field(None, description="`none` takes the verdict back")
    comment: Text | None = Field(None, examples=["冷机夜间未关,已通知物业"])
    assignee: Annotated[str | None, Field(max_length=64, description="user name; empty = nobody")] = None


@router.get("", operation_id="list_findings", responses=answers(FindingOut))
def list_findings(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    institution: str | None = None,
    meter: str | None = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
    assignee: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Findings of what you see, the worthiest first: by yuan x certainty, whether too much was used or too little."""
    if institution is not None:
        scope.institution(institution)
    wanted = {"institution": institution, "meter": meter, "kind": kind, "state": state, "assignee": assignee}
    stated = {name: value for name, value in wanted.items() if value is not None}
    mine = Shown(ctx.registry.findings.worthiest(**stated), ("institution",), scope.institutions.__contains__)
    return mine.answer(wish, paging, lambda finding: FindingOut(**_shown(wish, finding)), FindingOut)


@router.get("/{finding}", operation_id="read_finding", response_model=FindingDetail)
def read_finding(ctx: Ctx, scope: Sees, wish: Wants, finding: str) -> Response:
    """One finding with its evidence and history."""
    return one(wish, _detail(ctx, wish, _visible(ctx, scope, finding)))


@router.post("/{finding}/decisions", status_code=201, operation_id="decide_finding")
def decide_finding(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.JUDGE))], wish: Wants, finding: str, body: DecisionIn
) -> FindingDetail:
    """Give a verdict or take it back, comment, assign, close. Every decision is kept with its author."""
    found = _visible(ctx, scope, finding)
    if body.assignee:
        _require_assignable(ctx, body.assignee, found.institution)
    after = ctx.registry.findings.decide(finding, author=scope.user, time=ctx.now(), **body.model_dump())
    return _detail(ctx, wish, after)


def _visible(ctx: Context, scope: Scope, finding: str) -> Finding:
    found = ctx.registry.findings.rows(id=finding)
    if not found or found[0].institution not in scope.institutions:
        raise NotInRegistry(f"finding {finding!r} is not known here")
    return found[0]


def _require_assignable(ctx: Context, name: str, institution: str) -> None:
    """Somebody who cannot see a finding cannot mend it."""
    users = {user.name: user for user in ctx.registry.accounts.users()}
    user = users.get(name)
    if user is None or institution not in scope_of(user, ctx.snapshot(), today=ctx.today()).institutions:
        raise wrong("body.assignee", "a user who sees this institution", name)


def _shown(wish: Wish, finding: Finding) -> dict[str, Any]:
    texts = {
        "title": wish.name(finding.title_zh, finding.title_en),
        "text": wish.name(finding.text_zh, finding.text_en),
    }
    told = _evidence(finding.evidence)
    numbers = {"excess_kgce": told.get("kgce"), "actual": told.get("actual"), "expected": told.get("usual")}
    same = FindingOut.model_fields.keys() - texts.keys() - numbers.keys()
    return texts | numbers | {name: getattr(finding, name) for name in same}


def _detail(ctx: Context, wish: Wish, finding: Finding) -> FindingDetail:
    history = ctx.registry.findings.history(finding.id)
    return FindingDetail(
        **_shown(wish, finding),
        evidence=_evidence(finding.evidence),
        history=[EventOut(**{name: getattr(event, name) for name in EventOut.model_fields}) for event in history],
    )


def _evidence(text: str) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {"values": found}
