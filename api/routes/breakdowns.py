"""Break-downs (分解) of issued targets: proposed with a reason by one person, approved by another, kept for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import Depends, Query, Response
from pydantic import Field

from api.answers import Pages, Wants, Wish, answers, listed, one
from api.callers import Sees, may
from api.context import Context, Ctx
from api.problems import Problem, wrong
from api.routes.targets import Amount, CaliberKey, IndicatorKey, Level, TargetKey, Year, unit_of
from api.schemas import Asked, Body, Identity, Text
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Instant
from energy.breakdown import Breakdown
from energy.errors import BreakdownRefused, NotInRegistry
from energy.reference import indicator as indicator_of
from energy.registry import Subject, Version
from energy.registry.breakdowns import exact

router = noun("decisions", "/breakdowns")
State = Literal["proposed", "active", "replaced", "refused"]
Act = Literal["approve", "refuse"]
RESERVE: Final = "reserve"
"""Stands where a row names no part, but what is kept back."""


class Said(Body):
    """Who proposed and who decided on a version, when and why."""

    number: int = Field(description="of the version, from 1")
    state: State
    author: str
    time: Instant
    reason: str
    decided_by: str
    decided: Instant | None


class BreakdownOut(Said):
    """One version of the break-down of a target."""

    id: str = Field(description="of the version")
    scope: str
    node: str = Field(description="whose target is divided")
    year: int
    indicator: str
    caliber: str
    unit: str
    base: int = Field(description="number of the version it was made from; 0 = the first")
    total: float
    reserve: float


class PartOut(Body):
    """What one part gets, and had in the version before; `reserve` is what is kept back."""

    scope: str = Field(description="region, institution, building, or reserve")
    id: str = Field(description="empty for the reserve and for what has left your part of the tree")
    name: str
    before: float | None = Field(description="null = no part of the version before")
    amount: float | None = Field(description="null = left out")


class BreakdownDetail(BreakdownOut):
    """A version with its parts; parts and reserve make the total."""

    parts: list[PartOut]


class ChangeOut(Said, PartOut):
    """What one version changed for one part."""


class PartIn(Asked):
    """What a part shall get."""

    scope: Level
    id: Identity
    amount: Amount


class BreakdownIn(TargetKey):
    """All parts of an issued target and the reserve; refused unless they make the whole."""

    parts: Annotated[list[PartIn], Field(max_length=5000)]
    reserve: Annotated[float, Field(ge=0, description="预留, not given to anyone yet")]
    reason: Text = Field(min_length=1, examples=["按上年用能占比分解"])


class ChangeIn(TargetKey):
    """Another amount for one part of the break-down that holds; the reserve gives or takes the difference."""

    part: PartIn
    reason: Text = Field(min_length=1, examples=["新食堂 7 月投用"])


@router.get("", operation_id="list_breakdowns", responses=answers(BreakdownOut))
def list_breakdowns(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    year: Annotated[int | None, Query(ge=1990, le=2200)] = None,
    node: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
) -> Response:
    """Versions of break-downs of what you see, newest first."""
    wanted = {"year": year, "id": node, "state": state}
    stated = {name: value for name, value in wanted.items() if value is not None}
    found = ctx.registry.breakdowns.listing(**stated)
    return Shown(found, ("scope", "id"), scope.sees).answer(wish, paging, _out, BreakdownOut)


@router.get("/changes", operation_id="list_breakdown_changes", responses=answers(ChangeOut))
def list_breakdown_changes(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    level: Level,
    node: Annotated[str, Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$")],
    year: Year,
    indicator: IndicatorKey,
    caliber: CaliberKey,
) -> Response:
    """What every version changed for every part: who, when, why, before and after."""
    scope.find(level, node)
    subject = Subject(level, node, year, indicator, caliber)
    rows = [
        ChangeOut(**part.model_dump(), **_said(version))
        for version, split, before in history(ctx, subject)
        for part in parts(scope, wish, split, before)
        if part.before != part.amount
    ]
    return listed(wish, paging, rows, lambda row: (row.number, row.scope, row.id, row.name), ChangeOut)


@router.get("/{breakdown}", operation_id="read_breakdown", response_model=BreakdownDetail)
def read_breakdown(ctx: Ctx, scope: Sees, wish: Wants, breakdown: str) -> Response:
    """One version with its parts."""
    version, split, before = _held(ctx, scope, breakdown)
    rows = list(parts(scope, wish, split, before))
    return one(wish, BreakdownDetail(parts=rows, **_out(version).model_dump(mode="python")))


@router.get("/{breakdown}/parts", operation_id="list_breakdown_parts", responses=answers(PartOut))
def list_breakdown_parts(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, breakdown: str) -> Response:
    """Parts and reserve of one version, also as a file."""
    _, split, before = _held(ctx, scope, breakdown)
    rows = list(parts(scope, wish, split, before))
    return listed(wish, paging, rows, lambda row: (row.scope == RESERVE, row.scope, row.id, row.name), PartOut)


@router.post("", status_code=201, operation_id="propose_breakdown")
def propose_breakdown(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.CORRECT))], body: BreakdownIn
) -> BreakdownOut:
    """Propose how an issued target is divided; nothing counts before somebody approves it."""
    named = [f"{part.scope}:{part.id}" for part in body.parts]
    if len(set(named)) < len(named):
        raise wrong("body.parts", "each part once", named)
    subject = subject_of(body)
    whole = issued_value(ctx, scope, subject)
    stated = {name: exact(part.amount) for name, part in zip(named, body.parts, strict=True)}
    return _propose(ctx, scope, subject, Breakdown(whole, stated, exact(body.reserve)), body.reason)


@router.post("/changes", status_code=201, operation_id="propose_breakdown_change")
def propose_breakdown_change(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.CORRECT))], body: ChangeIn
) -> BreakdownOut:
    """Propose another amount for one part; refused where it asks for more than the reserve holds."""
    subject = subject_of(body)
    scope.find(subject.scope, subject.id)
    version = active(ctx, subject)
    if version is None:
        raise BreakdownRefused("nothing is broken down yet: propose all parts first")
    split = ctx.registry.breakdowns.splits([version])[version.breakdown]
    after = split.changed(f"{body.part.scope}:{body.part.id}", exact(body.part.amount))
    return _propose(ctx, scope, subject, after, body.reason)


@router.post("/{breakdown}/{act}", operation_id="decide_breakdown")
def decide_breakdown(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.APPROVE))], breakdown: str, act: Act
) -> BreakdownOut:
    """Approve a proposed version, which issues its parts as targets, or refuse it.

    Nobody approves their own, except an administrator.
    """
    version = visible(ctx, scope, breakdown)
    if act == "approve" and version.author == scope.user and not scope.may(Action.ADMINISTER):
        raise Problem(403, "not allowed", "a break-down is approved by somebody else than its author")
    if version.state != "proposed":
        raise Problem(409, "not in this state", f"expected a break-down that is proposed, came {version.state}")
    known = ctx.registry.breakdowns
    return _out(known.decide(breakdown, act, author=scope.user, time=ctx.now(), today=ctx.today()))


def subject_of(key: TargetKey) -> Subject:
    """The target that a request names."""
    return Subject(key.scope, key.id, key.year, key.indicator, key.caliber)


def parts_of(scope: Scope, subject: Subject) -> list[str]:
    """What a target can be divided among: the next level of the tree, each thing under one whole only."""
    snapshot = scope.snapshot
    if subject.scope == "region":
        regions = [f"region:{r.code}" for r in snapshot.regions.values() if r.parent == subject.id]
        tops = (i for i in snapshot.institutions.values() if i.region == subject.id and i.parent is None)
        return sorted(regions) + sorted(f"institution:{i.id}" for i in tops)
    if subject.scope == "institution":
        below = [f"institution:{i.id}" for i in snapshot.institutions.values() if i.parent == subject.id]
        houses = [f"building:{b.id}" for b in snapshot.buildings.values() if b.institution == subject.id]
        return sorted(below) + sorted(houses)
    return []


def issued_value(ctx: Context, scope: Scope, subject: Subject) -> Decimal:
    """The issued target that is to be divided; an intensity cannot be, since it does not add up."""
    scope.find(subject.scope, subject.id)
    unit_of(subject.indicator)
    if not indicator_of(subject.indicator).adds_up:
        raise wrong("body.indicator", "an amount: what is per area or person does not add up", subject.indicator)
    same = {name: getattr(subject, name) for name in TargetKey.model_fields}
    found = ctx.registry.targets.rows(**same, state="issued")
    if not found:
        raise BreakdownRefused("only an issued target can be broken down, none is issued")
    return exact(found[0].value)


def active(ctx: Context, subject: Subject) -> Version | None:
    """The version that holds."""
    standing = ctx.registry.breakdowns.standing([subject.id], subject.year)
    return next((v for v in standing if v.state == "active" and Subject.of(v) == subject), None)


def history(ctx: Context, subject: Subject) -> list[tuple[Version, Breakdown, Mapping[str, Decimal]]]:
    """Every version, its split, and what the parts and the reserve had in the version it was made from."""
    versions = ctx.registry.breakdowns.history(subject)
    splits = ctx.registry.breakdowns.splits(versions)
    by_number = {version.number: splits[version.breakdown] for version in versions}
    return [(v, splits[v.breakdown], amounts(by_number.get(v.base))) for v in versions]


def amounts(split: Breakdown | None) -> dict[str, Decimal]:
    """Parts and reserve together."""
    return {} if split is None else {**split.parts, RESERVE: split.reserve}


def parts(scope: Scope, wish: Wish, split: Breakdown, before: Mapping[str, Decimal]) -> Iterator[PartOut]:
    """Each part and the reserve, with what it had."""
    now = amounts(split)
    for name in sorted({*before, *now}, key=lambda name: (name == RESERVE, name)):
        level, _, identity = name.partition(":")
        seen = name == RESERVE or scope.sees(level, identity)
        yield PartOut(
            scope=level,
            id=identity if seen else "",
            name=_name(scope, wish, level, identity) if seen else "",
            before=_number(before.get(name)),
            amount=_number(now.get(name)),
        )


def visible(ctx: Context, scope: Scope, breakdown: str) -> Version:
    """A version of the break-down of what the caller sees."""
    unknown = NotInRegistry(f"break-down {breakdown!r} is not known here")
    try:
        version = ctx.registry.breakdowns.one(breakdown)
    except NotInRegistry:
        raise unknown from None
    if not scope.sees(version.scope, version.id):
        raise unknown
    return version


def _held(ctx: Context, scope: Scope, breakdown: str) -> tuple[Version, Breakdown, Mapping[str, Decimal]]:
    version = visible(ctx, scope, breakdown)
    found: Sequence[tuple[Version, Breakdown, Mapping[str, Decimal]]] = history(ctx, Subject.of(version))
    return next(row for row in found if row[0] == version)


def _propose(ctx: Context, scope: Scope, subject: Subject, split: Breakdown, reason: str) -> BreakdownOut:
    foreign = sorted(split.parts.keys() - set(parts_of(scope, subject)))
    if foreign:
        raise wrong("body.parts", "regions, institutions or buildings right below the whole", foreign)
    proposed = ctx.registry.breakdowns.propose(subject, split, author=scope.user, time=ctx.now(), reason=reason)
    return _out(proposed)


def _out(version: Version) -> BreakdownOut:
    same = BreakdownOut.model_fields.keys() - {"id", "node", "unit", "total", "reserve"}
    return BreakdownOut(
        id=version.breakdown,
        node=version.id,
        unit=unit_of(version.indicator),
        total=float(version.total),
        reserve=float(version.reserve),
        **{name: getattr(version, name) for name in same},
    )


def _said(version: Version) -> dict[str, object]:
    return {name: getattr(version, name) for name in Said.model_fields}


def _name(scope: Scope, wish: Wish, level: str, identity: str) -> str:
    if level == RESERVE:
        return wish.name("预留", "reserve")
    place = scope.find(level, identity)
    return wish.name(getattr(place, "name_zh", ""), getattr(place, "name_en", "")) or identity


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
