"""Users and tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import Depends, Response
from pydantic import Field

from api.accounts import NodeIn, NodeOut, UserOut, is_visible, node_out, require_can_give, require_visible, user_out
from api.answers import Pages, Wants, answers, listed, one
from api.callers import Known, Sees, may
from api.context import Context, Ctx
from api.problems import Problem, wrong
from api.schemas import Asked, Body, Text, UserName
from api.scope import Action, Scope
from api.strict import noun
from api.times import Instant
from energy.errors import NotInRegistry
from energy.registry import ApiToken, Role, User

router = noun("accounts")
Administers = Annotated[Scope, Depends(may(Action.ADMINISTER))]
RoleWord = Annotated[str, Field(json_schema_extra={"enum": list(Role)}, examples=["viewer"])]
_DAY_S: Final = 86_400


class UserIn(Asked):
    """A new user."""

    name: UserName
    role: RoleWord
    node: NodeIn
    department: Text | None = Field(None, description="主管部门: only institutions that answer to it")
    display: Text = ""


class UserChange(Asked):
    """What changes; what is left out stays. A change of rights ends the user's sessions."""

    role: RoleWord | None = None
    node: NodeIn | None = None
    department: Text | None = Field(None, description="empty = none")
    display: Text | None = None


class LinkOut(Body):
    """A one-time secret, shown once: open `path` in a browser, or type `secret` as the password."""

    user: str
    secret: str
    path: str
    expires: Instant


class TokenIn(Asked):
    """A new token; it may do no more than you."""

    label: Annotated[str, Field(min_length=1, max_length=100, examples=["monthly report"])]
    actions: Annotated[list[str], Field(min_length=1, max_length=20, examples=[["read"]])] = Field(default=["read"])
    node: NodeIn | None = Field(None, description="narrower than your own; your own if left out")
    valid_days: Annotated[int, Field(ge=1, le=366)] = 90


class TokenOut(Body):
    """A token without its secret."""

    id: str
    user: str
    label: str
    actions: list[str]
    node: NodeOut
    created: Instant
    expires: Instant
    last_used: Instant | None
    revoked: Instant | None


class NewTokenOut(TokenOut):
    """A new token; `secret` is shown this once."""

    secret: str = Field(description="send it as `Authorization: Bearer ...`")


@router.get("/users", operation_id="list_users", responses=answers(UserOut))
def list_users(ctx: Ctx, scope: Administers, wish: Wants, paging: Pages) -> Response:
    """Accounts of your node and below."""
    rows = [user_out(user) for user in ctx.registry.accounts.users() if is_visible(scope, user)]
    return listed(wish, paging, rows, lambda row: (row.name,), UserOut)


@router.post("/users", status_code=201, operation_id="create_user")
def create_user(ctx: Ctx, scope: Administers, body: UserIn) -> LinkOut:
    """Make an account at your node or below; hand its one-time secret to the owner."""
    user = User(
        body.name,
        _role(body.role),
        body.node.node(),
        department=body.department or None,
        display=body.display,
        must_set_password=True,
    )
    require_can_give(scope, user.role, user.node)
    ctx.registry.accounts.add(user, now=ctx.now())
    return _link(ctx, user.name)


@router.get("/users/{name}", operation_id="read_user", response_model=UserOut)
def read_user(ctx: Ctx, scope: Administers, wish: Wants, name: str) -> Response:
    """One account."""
    return one(wish, user_out(require_visible(scope, ctx.registry.accounts.user(name))))


@router.patch("/users/{name}", operation_id="change_user")
def change_user(ctx: Ctx, scope: Administers, name: str, body: UserChange) -> UserOut:
    """Change role, node, department or displayed name."""
    before = require_visible(scope, ctx.registry.accounts.user(name))
    after = replace(
        before,
        role=before.role if body.role is None else _role(body.role),
        node=before.node if body.node is None else body.node.node(),
        department=before.department if body.department is None else body.department or None,
        display=before.display if body.display is None else body.display,
    )
    require_can_give(scope, after.role, after.node)
    ctx.registry.accounts.change(after)
    return user_out(after)


@router.delete("/users/{name}", status_code=204, operation_id="remove_user")
def remove_user(ctx: Ctx, scope: Administers, name: str) -> None:
    """Take an account away: sessions, tokens and links are void at once."""
    require_visible(scope, ctx.registry.accounts.user(name))
    if name == scope.user:
        raise Problem(409, "not yourself", "expected another administrator to take your account away")
    ctx.registry.accounts.remove(name)


@router.post("/users/{name}/link", status_code=201, operation_id="link_user")
def link_user(ctx: Ctx, scope: Administers, name: str) -> LinkOut:
    """A new one-time secret for somebody who cannot sign in."""
    require_visible(scope, ctx.registry.accounts.user(name))
    return _link(ctx, name)


@router.get("/tokens", operation_id="list_tokens", responses=answers(TokenOut))
def list_tokens(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages) -> Response:
    """Your tokens; an administrator sees those of the users below too."""
    rows = [_token(token) for token in ctx.registry.tokens.all(users=_owners(ctx, scope))]
    return listed(wish, paging, rows, lambda row: (row.created, row.id), TokenOut)


@router.post("/tokens", status_code=201, operation_id="create_token")
def create_token(ctx: Ctx, scope: Sees, caller: Known, body: TokenIn) -> NewTokenOut:
    """Make a token of yours; its secret is shown this once."""
    if caller.token is not None and not scope.may(Action.ADMINISTER):
        raise Problem(403, "not allowed", "expected a signed-in browser, or a token that may administer")
    unknown = sorted(set(body.actions) - set(Action))
    if unknown:
        raise wrong("body.actions", f"words of {', '.join(Action)}", unknown[0])
    for action in body.actions:
        scope.require(Action(action))
    node = body.node.node() if body.node else scope.node
    if node != scope.node and not scope.holds(node):
        raise NotInRegistry(f"{node.scope} {node.id!r} is not known here")
    actions, valid_s = tuple(dict.fromkeys(body.actions)), body.valid_days * _DAY_S
    token, secret = ctx.registry.tokens.issue(
        scope.user,
        body.label,
        actions=actions,
        node=node,
        now=ctx.now(),
        valid_s=valid_s,
    )
    return NewTokenOut(**_token(token).model_dump(), secret=secret)


@router.delete("/tokens/{id}", status_code=204, operation_id="revoke_token")
def revoke_token(ctx: Ctx, scope: Sees, id: str) -> None:  # noqa: A002 -- the name in the path
    """Void a token: its next request fails."""
    if all(token.id != id for token in ctx.registry.tokens.all(users=_owners(ctx, scope))):
        raise NotInRegistry(f"token {id!r} is not known")
    ctx.registry.tokens.revoke(id, now=ctx.now())


def _role(word: str) -> Role:
    if word not in list(Role):
        raise wrong("body.role", f"one of {', '.join(Role)}", word)
    return Role(word)


def _owners(ctx: Context, scope: Scope) -> set[str]:
    if not scope.may(Action.ADMINISTER):
        return {scope.user}
    return {user.name for user in ctx.registry.accounts.users() if is_visible(scope, user)} | {scope.user}


def _link(ctx: Context, name: str) -> LinkOut:
    now = ctx.now()
    secret = ctx.registry.accounts.one_time_link(name, now=now)
    return LinkOut(user=name, secret=secret, path=f"/enter/{secret}", expires=now + _DAY_S)


def _token(token: ApiToken) -> TokenOut:
    return TokenOut(
        id=token.id,
        user=token.user,
        label=token.label,
        actions=list(token.actions),
        node=node_out(token.node),
        created=token.created,
        expires=token.expires,
        last_used=token.last_used,
        revoked=token.revoked,
    )
