"""Notices: what people were or should be told of, and who looks after it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from pydantic import Field

from api import alarms
from api.answers import Pages, Wants, Wish, answers, one
from api.callers import Sees, may
from api.context import Context, Ctx
from api.schemas import Asked, Body, Text
from api.scope import Action, Scope
from api.strict import noun
from api.times import Instant
from energy.registry import Notice

router = noun("decisions", "/notices")
State = Literal["open", "acknowledged", "closed", "withdrawn"]


class NoticeOut(Body):
    """One cause."""

    id: str
    kind: str
    scope: str = Field(description="root, region or institution")
    node: str
    severity: Literal["info", "warning", "critical"]
    state: State
    opened: Instant
    ended: Instant | None = Field(description="null = the cause goes on")
    things: int = Field(description="how many meters or institutions are behind it")
    title: str
    text: str
    link: str
    acknowledged_by: str


class HappenedOut(Body):
    """What happened to a notice; no author where it happened by itself."""

    number: int
    time: Instant
    author: str
    event: str
    text: str


class NoticeDetail(NoticeOut):
    """A notice with its history."""

    history: list[HappenedOut]


class ActIn(Asked):
    """What you do about it."""

    act: Literal["acknowledge", "close"]
    text: Text = ""


@router.get("", operation_id="list_notices", responses=answers(NoticeOut))
def list_notices(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    state: Annotated[State | None, Query(description="left out: open and acknowledged ones")] = None,
) -> Response:
    """Your inbox, newest first."""
    mine = alarms.listing(ctx.registry, scope, *((state,) if state else ("open", "acknowledged")))
    return mine.answer(wish, paging, lambda notice: _out(wish, notice), NoticeOut)


@router.get("/{notice}", operation_id="read_notice", response_model=NoticeDetail)
def read_notice(ctx: Ctx, scope: Sees, wish: Wants, notice: str) -> Response:
    """One notice with its history."""
    return one(wish, _detail(ctx, scope, wish, alarms.find(ctx.registry, scope, notice)))


@router.post("/{notice}/acts", status_code=201, operation_id="act_on_notice")
def act_on_notice(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.JUDGE))], wish: Wants, notice: str, body: ActIn
) -> NoticeDetail:
    """Acknowledge a notice, or close it. A closed one is not raised again before its cause has ended once."""
    act = alarms.acknowledge if body.act == "acknowledge" else alarms.close
    return _detail(ctx, scope, wish, act(ctx.registry, scope, notice, now=ctx.now(), text=body.text))


def _detail(ctx: Context, scope: Scope, wish: Wish, notice: Notice) -> NoticeDetail:
    history = alarms.history(ctx.registry, scope, notice.id)
    happened = [HappenedOut(**{name: getattr(e, name) for name in HappenedOut.model_fields}) for e in history]
    return NoticeDetail(**_out(wish, notice).model_dump(mode="python"), history=happened)


def _out(wish: Wish, notice: Notice) -> NoticeOut:
    texts = {
        "title": wish.name(notice.title_zh, notice.title_en),
        "text": wish.name(notice.text_zh, notice.text_en),
    }
    same = NoticeOut.model_fields.keys() - texts.keys()
    return NoticeOut(**texts, **{name: getattr(notice, name) for name in same})
