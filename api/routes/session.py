"""Signing in and out; the one-time link."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.accounts import NodeOut, node_out
from api.callers import COOKIE, Caller, Known, address_of, drop_cookie, set_cookie
from api.context import Context, Ctx
from api.problems import Problem
from api.schemas import Asked, Body, Secret, UserName
from api.strict import noun
from energy.errors import RegistryError, SignInDelayed, SignInRefused
from energy.registry import User

router = noun("session", "/session")
pages = APIRouter(include_in_schema=False)


class SignIn(Asked):
    """Name and password (or the one-time secret of `jieneng admin create`)."""

    name: UserName
    password: Secret


class NewPassword(Asked):
    """A password to be set; the old one, unless the session came from a one-time secret."""

    password: Secret
    old: Secret | None = None


class SessionOut(Body):
    """Who is signed in, and what that allows."""

    user: str
    display: str
    role: str
    node: NodeOut
    department: str | None
    actions: list[str]
    must_set_password: bool
    csrf: str | None
    """Header `X-CSRF-Token` of every change this browser asks for; null for tokens, which need none."""


@router.post("", status_code=201, operation_id="sign_in")
def sign_in(request: Request, response: Response, ctx: Ctx, body: SignIn) -> SessionOut:
    """Sign in; the session's cookie comes with the answer."""
    _require_same_site(request)
    user = ctx.registry.accounts.sign_in(body.name, body.password, address=address_of(request), now=ctx.now())
    return _opened(request, response, ctx, user)


@router.get("", operation_id="read_session")
def read_session(caller: Known) -> SessionOut:
    """Who the caller is, and what the caller may do."""
    return _out(caller)


@router.delete("", status_code=204, operation_id="sign_out")
def sign_out(request: Request, response: Response, ctx: Ctx, caller: Known) -> None:
    """Sign out: the cookie is void from now on. A token stays as it is; revoke it by /tokens."""
    cookie = request.cookies.get(COOKIE)
    if caller.session is not None and cookie:
        ctx.registry.sessions.close(cookie)
    drop_cookie(response, ctx)


@router.put("/password", operation_id="set_password")
def set_password(request: Request, response: Response, ctx: Ctx, caller: Known, body: NewPassword) -> SessionOut:
    """Set one's own password; every other session of the user ends, this one goes on with a new cookie."""
    if caller.session is None:
        raise Problem(403, "not allowed", "a token cannot set a password: sign in")
    accounts, name = ctx.registry.accounts, caller.user.name
    if not caller.user.must_set_password:
        accounts.sign_in(name, body.old or "", address=address_of(request), now=ctx.now())
    accounts.set_password(name, body.password)
    return _opened(request, response, ctx, accounts.user(name))


@pages.get("/enter/{secret}")
def enter(request: Request, ctx: Ctx, secret: str) -> Response:
    """A one-time link: signs its user in, once, and leads to the home page."""
    user = ctx.registry.accounts.enter(secret, now=ctx.now())
    if user is None:
        return RedirectResponse("/sign-in?failed=link", 303)
    answer = RedirectResponse("/", 303)
    _open(request, answer, ctx, user)
    return answer


@pages.post("/sign-in")
def sign_in_by_form(
    request: Request, ctx: Ctx, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """What the sign-in page sends."""
    _require_same_site(request)
    try:
        user = ctx.registry.accounts.sign_in(name[:64], password, address=address_of(request), now=ctx.now())
    except SignInRefused:
        return RedirectResponse("/sign-in?failed=password", 303)
    except SignInDelayed as exc:
        return RedirectResponse(f"/sign-in?failed=wait&seconds={exc.retry_after_s}", 303)
    answer = RedirectResponse("/", 303)
    _open(request, answer, ctx, user)
    return answer


@pages.post("/sign-out")
def sign_out_by_form(request: Request, ctx: Ctx, caller: Known) -> Response:
    """What the sign-out button sends (with the session's `csrf`)."""
    answer = RedirectResponse("/sign-in", 303)
    sign_out(request, answer, ctx, caller)
    return answer


@pages.post("/password")
def set_password_by_form(
    request: Request,
    ctx: Ctx,
    caller: Known,
    password: Annotated[str, Form()] = "",
    old: Annotated[str, Form()] = "",
) -> Response:
    """What the password page sends (with the session's `csrf`)."""
    answer = RedirectResponse("/", 303)
    try:
        set_password(request, answer, ctx, caller, NewPassword(password=password[:200] or " ", old=old[:200] or None))
    except RegistryError:
        return RedirectResponse("/password?failed=1", 303)
    return answer


def _opened(request: Request, response: Response, ctx: Context, user: User) -> SessionOut:
    cookie = _open(request, response, ctx, user)
    session = ctx.registry.sessions.find(cookie, now=ctx.now())
    if session is None:
        raise Problem(401, "sign-in needed", "the account was removed meanwhile")
    return _out(Caller.of(ctx, session))


def _open(request: Request, response: Response, ctx: Context, user: User) -> str:
    cookie = ctx.registry.sessions.open(user.name, now=ctx.now(), instead_of=request.cookies.get(COOKIE))
    set_cookie(response, ctx, cookie)
    return cookie


def _out(caller: Caller) -> SessionOut:
    user = caller.user
    return SessionOut(
        user=user.name,
        display=user.display,
        role=user.role.value,
        node=node_out(caller.scope.node),
        department=user.department,
        actions=sorted(caller.scope.actions),
        must_set_password=user.must_set_password,
        csrf=caller.session.csrf if caller.session else None,
    )


def _require_same_site(request: Request) -> None:
    """A page of somebody else must not sign a browser in as somebody else."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Problem(403, "not allowed", "expected a request of this site's own page")
