"""The outbox: what alarms sent, to whom and when, what waits and what failed. For who runs the whole installation."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import Depends, Response
from pydantic import Field

from api.answers import Pages, Wants, answers
from api.callers import may
from api.context import Context, Ctx
from api.schemas import Body
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Instant
from energy.errors import Forbidden
from energy.registry import OutMessage

router = noun("operation", "/alarms/outbox")
State = Literal["waiting", "failed", "sent"]
Operates = Annotated[Scope, Depends(may(Action.OPERATE))]


class MessageOut(Body):
    """One message; its receiver knows it by the same id."""

    id: str
    notice: str = Field(description="what caused it; empty for a digest")
    subscription: str
    channel: str
    address: str
    subject: str
    state: State
    attempts: int
    created: Instant
    due: Instant = Field(description="of one that waits: when it is tried next")
    sent: Instant | None
    error: str = Field(description="what the receiver answered last; empty if nothing went wrong")


class RetryOut(Body):
    """What a retry did."""

    messages: int = Field(description="how many that had failed wait again")


@router.get("", operation_id="list_outbox", responses=answers(MessageOut))
def list_outbox(ctx: Ctx, scope: Operates, wish: Wants, paging: Pages, state: State | None = None) -> Response:
    """Messages, newest first."""
    return outbox(ctx, scope, *((state,) if state else ())).answer(wish, paging, _out, MessageOut)


@router.post("/retry", operation_id="retry_outbox")
def retry_outbox(ctx: Ctx, scope: Operates) -> RetryOut:
    """Give everything that failed another chance."""
    _require_whole(scope)
    return RetryOut(messages=ctx.registry.alarms.retry(now=ctx.now()))


def outbox(ctx: Context, scope: Scope, *states: State) -> Shown[OutMessage]:
    """Messages in these states (all, if none is named), newest first."""
    _require_whole(scope)
    return Shown(ctx.registry.alarms.sent(*states), (), lambda: True)


def subject_of(message: OutMessage) -> str:
    """What the message says in one line."""
    return str(json.loads(message.payload).get("subject", ""))


def _require_whole(scope: Scope) -> None:
    if not scope.is_whole:
        raise Forbidden("the outbox holds messages of everybody: ask an operator of the whole installation")


def _out(message: OutMessage) -> MessageOut:
    same = MessageOut.model_fields.keys() - {"subject"}
    return MessageOut(subject=subject_of(message), **{name: getattr(message, name) for name in same})
