"""Corrections of what was metered: proposed by one person, approved by another, undone without a trace lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Response
from pydantic import Field

from api.answers import Pages, Wants, answers
from api.callers import Sees, may
from api.context import Context, Ctx
from api.problems import Problem, wrong
from api.schemas import Asked, Body, Identity, Text
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Instant
from energy.errors import NotInRegistry
from energy.registry import Correction

router = noun("decisions", "/corrections")
State = Literal["proposed", "active", "refused", "withdrawn"]
Kind = Literal["discard", "reading", "amount"]
_AFTER: dict[str, tuple[State, State]] = {
    "approve": ("proposed", "active"),
    "refuse": ("proposed", "refused"),
    "undo": ("active", "withdrawn"),
}
"""Of each act, the state it may be done in and the one it leads to."""


class CorrectionOut(Body):
    """A correction and how it stands; only an active one is computed with."""

    id: str
    meter: str
    start: Instant
    end: Instant
    kind: Kind
    value: float | None
    author: str
    time: Instant
    reason: str
    state: State
    approved_by: str


class CorrectionIn(Asked):
    """`discard`: readings in [start, end) are wrong; `reading`: the register at `start` was `value`; `amount`: [start,
    end) used `value`, in the meter's unit.
    """

    meter: Identity
    start: Instant
    end: Instant
    kind: Kind
    value: Annotated[float | None, Field(description="for reading and amount")] = None
    reason: Text = Field(min_length=1, examples=["抄表员核对现场照片"])


@router.get("", operation_id="list_corrections", responses=answers(CorrectionOut))
def list_corrections(
    ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, meter: str | None = None, state: State | None = None
) -> Response:
    """Corrections of the meters you see, newest first."""
    if meter is not None:
        scope.meter(meter)
    wanted = {"meter": meter, "state": state}
    stated = {name: value for name, value in wanted.items() if value is not None}
    found = ctx.registry.corrections.listing("-time", "meter", "start", "kind", **stated)
    mine = Shown(found, ("meter",), lambda name: scope.sees("meter", name))
    return mine.answer(wish, paging, _out, CorrectionOut)


@router.post("", status_code=201, operation_id="propose_correction")
def propose_correction(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.CORRECT))], body: CorrectionIn
) -> CorrectionOut:
    """Propose a correction; it changes no figure before somebody approves it."""
    scope.meter(body.meter)
    if body.end <= body.start:
        raise wrong("body.end", "a time after `start`", body.end)
    if (body.value is None) != (body.kind == "discard"):
        raise wrong("body.value", "a number for reading and amount, none for discard", body.value)
    proposed = Correction(
        meter=body.meter, start=body.start, end=body.end, kind=body.kind, author=scope.user, time=ctx.now(),
        reason=body.reason, value=body.value, state="proposed",
    )  # fmt: skip
    if ctx.registry.corrections.rows(meter=body.meter, start=body.start, kind=body.kind, time=proposed.time):
        raise Problem(409, "there already", "the same correction was proposed in this second")
    ctx.registry.corrections.put([proposed])
    return _out(proposed)


@router.post("/{id}/{act}", operation_id="decide_correction")
def decide_correction(
    ctx: Ctx,
    scope: Annotated[Scope, Depends(may(Action.APPROVE))],
    id: str,  # noqa: A002 -- the name in the path
    act: Literal["approve", "refuse", "undo"],
) -> CorrectionOut:
    """Approve or refuse a proposed correction, or undo an active one; totals follow within seconds.

    Nobody approves their own, except an administrator.
    """
    before = _found(ctx, scope, id)
    needed, after = _AFTER[act]
    if before.state != needed:
        raise Problem(
            409, "not in this state", f"expected a correction that is {needed} to {act} it, came {before.state}"
        )
    if act == "approve" and before.author == scope.user and not scope.may(Action.ADMINISTER):
        raise Problem(403, "not allowed", "a correction is approved by somebody else than its author")
    decided = replace(before, state=after, approved_by=scope.user if act != "undo" else before.approved_by)
    ctx.registry.corrections.put([decided])
    return _out(decided)


def _found(ctx: Context, scope: Scope, identity: str) -> Correction:
    parts = identity.split("~")
    unknown = NotInRegistry(f"correction {identity!r} is not known here")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[3].isdecimal()) or len(identity) > 120:
        raise unknown
    meter, start, kind, time = parts
    if not scope.sees("meter", meter):
        raise unknown
    found = ctx.registry.corrections.rows(meter=meter, start=int(start), kind=kind, time=int(time))
    if not found:
        raise unknown
    return found[0]


def _out(c: Correction) -> CorrectionOut:
    identity = f"{c.meter}~{c.start}~{c.kind}~{c.time}"
    same = CorrectionOut.model_fields.keys() - {"id"}
    return CorrectionOut(id=identity, **{name: getattr(c, name) for name in same})
