"""Who is told of notices by which channel, and what deserves one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Response
from fastapi import Path as PathPart
from pydantic import Field

from api import alarms
from api.alarms import rules
from api.answers import Pages, Wants, answers, listed
from api.callers import Sees, may
from api.context import Context, Ctx
from api.schemas import Asked, Body, Identity
from api.scope import Action, Scope
from api.strict import noun
from energy.errors import Forbidden, NotInRegistry, SettingsError
from energy.registry import AlarmRule, Subscription
from energy.registry.alarms import KINDS

router = noun("decisions", "/alarms")
Severity = Literal["info", "warning", "critical"]
Kind = Literal[
    "stage", "outlook", "finding", "silent", "completeness", "clock", "collector", "balance", "lag", "spool", "disk",
    "certificate", "backup", "holidays", "jobs", "store",
]  # fmt: skip
Name = Annotated[Identity, PathPart(description="your own name for it, unique in the installation")]


class SubscriptionIn(Asked):
    """Who is told, of what, how."""

    channel: Literal["email", "webhook", "wecom"]
    address: Annotated[str, Field(min_length=1, max_length=500, examples=["duty@example.org"])]
    user: Annotated[str, Field(max_length=64, description="tells only what this user sees; you, if left out")] = ""
    role: Literal["", "viewer", "energy_manager", "statistician", "approver", "operator", "administrator"] = Field(
        "", description="instead of a user: what users of this role see; for administrators"
    )
    scope: Literal["root", "region", "institution"] = "root"
    node: Annotated[str, Field(max_length=64, description="code or id; empty for root")] = ""
    kinds: list[Kind] = Field(default_factory=list, max_length=len(KINDS), description="empty = all")
    severity: Severity = Field("info", description="this and above")
    mode: Literal["at_once", "digest"] = "at_once"
    language: Literal["zh", "en"] = "zh"


class SubscriptionOut(Body):
    """A subscription as it stands."""

    id: str
    channel: str
    address: str
    user: str
    role: str
    scope: str
    node: str
    kinds: list[str]
    severity: str
    mode: str
    language: str
    signing_secret: str | None = Field(None, description="of a webhook: what its receiver checks signatures with")


class TestOut(Body):
    """What came of a test."""

    is_taken: bool = Field(description="the receiver took the message")
    trouble: str = Field(description="what went wrong; empty if nothing did")


class RuleIn(Asked):
    """What changes of a rule; what is left out stays."""

    threshold: float | None = Field(None, ge=0, description="what it means: `note` of the rule")
    severity: Severity | None = None
    is_active: bool | None = None


class RuleOut(Body):
    """What deserves a notice."""

    id: str
    kind: str
    threshold: float | None
    severity: str
    quiet_s: int = Field(description="a cause that comes back within this time sends nothing")
    is_active: bool
    note: str = Field(description="what the threshold means")


@router.get("/subscriptions", operation_id="list_subscriptions", responses=answers(SubscriptionOut))
def list_subscriptions(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages) -> Response:
    """Your subscriptions; of an administrator all within the node."""
    rows = [_out(one) for one in alarms.subscriptions(ctx.registry, scope)]
    return listed(wish, paging, rows, lambda row: (row.id,), SubscriptionOut)


@router.put("/subscriptions/{subscription}", operation_id="put_subscription")
def put_subscription(ctx: Ctx, scope: Sees, subscription: Name, body: SubscriptionIn) -> SubscriptionOut:
    """Subscribe, or change your subscription of this name."""
    given = body.model_dump() | {"user": body.user or ("" if body.role else scope.user), "kinds": tuple(body.kinds)}
    stated = Subscription(subscription, author=scope.user, **given)
    alarms.subscribe(ctx.registry, scope, stated, ctx.alarms)
    return _out(stated, _secret(ctx, stated))


@router.delete("/subscriptions/{subscription}", status_code=204, operation_id="remove_subscription")
def remove_subscription(ctx: Ctx, scope: Sees, subscription: Name) -> None:
    """End a subscription; what still waits to be sent for it is dropped."""
    alarms.unsubscribe(ctx.registry, scope, subscription)


@router.post("/subscriptions/{subscription}/test", operation_id="test_subscription")
def test_subscription(ctx: Ctx, scope: Sees, subscription: Name) -> TestOut:
    """Send a test message by its channel, at once."""
    found = alarms.mine(ctx.registry, scope, subscription)
    trouble = alarms.test_message(ctx.registry, ctx.alarms, found.id, ctx.now())
    return TestOut(is_taken=not trouble, trouble=trouble)


@router.get("/rules", operation_id="list_rules", responses=answers(RuleOut))
def list_rules(ctx: Ctx, _scope: Sees, wish: Wants, paging: Pages) -> Response:
    """Every rule as it counts now."""
    rows = [RuleOut.model_validate(rule, from_attributes=True) for rule in rules.stated(ctx.registry.alarms.rules())]
    return listed(wish, paging, rows, lambda row: (row.id,), RuleOut)


@router.patch("/rules/{rule}", operation_id="change_rule")
def change_rule(
    ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.ADMINISTER))], rule: Name, body: RuleIn
) -> RuleOut:
    """Change a rule, which counts for everybody: for administrators of the whole installation."""
    if not scope.is_whole:
        raise Forbidden("the rules are shared by all: ask an administrator of the whole installation")
    found = {one.id: one for one in rules.stated(ctx.registry.alarms.rules())}.get(rule)
    if found is None:
        raise NotInRegistry(f"rule {rule!r} is not known here")
    changed: AlarmRule = replace(found, **body.model_dump(exclude_none=True))
    ctx.registry.alarms.set_rule(changed)
    return RuleOut.model_validate(changed, from_attributes=True)


def _out(one: Subscription, secret: str | None = None) -> SubscriptionOut:
    same = SubscriptionOut.model_fields.keys() - {"kinds", "signing_secret"}
    return SubscriptionOut(kinds=list(one.kinds), signing_secret=secret, **{name: getattr(one, name) for name in same})


def _secret(ctx: Context, one: Subscription) -> str | None:
    """The signing secret of a webhook, where the installation has a key for them."""
    try:
        return alarms.signing_secret(ctx.alarms, one.id) if one.channel == "webhook" else None
    except SettingsError:
        return None
