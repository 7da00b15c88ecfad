"""Who is asking: a browser with a session cookie, or a program with a bearer token; and what that lets them do.

Routes take `Sees` (any signed-in caller) or `Annotated[Scope, Depends(may(Action.X))]`. A change asked for by a
browser must carry the session's CSRF token, as header `X-CSRF-Token` or form field `csrf`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Self

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.concurrency import run_in_threadpool

from api.context import Context, Ctx
from api.problems import Problem
from api.scope import Action, Scope, scope_of
from energy.registry import ApiToken, Session, User
from energy.registry.sessions import LONGEST_S

COOKIE: Final = "jieneng_session"
_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")

# Declared so that the OpenAPI page says how to sign in; what comes is judged below.
_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="API token: `Authorization: Bearer jn_...`")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session", description="browser session")


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller; exactly one of `session` and `token` is there."""

    user: User
    scope: Scope
    session: Session | None = None
    token: ApiToken | None = None

    @classmethod
    def of(cls, ctx: Context, session: Session) -> Self:
        """The caller of a browser session."""
        return cls(session.user, scope_of(session.user, ctx.snapshot(), today=ctx.today()), session=session)


async def caller_of(
    request: Request,
    ctx: Ctx,
    _bearer: Annotated[object, Depends(_bearer)],
    _cookie: Annotated[object, Depends(_cookie)],
) -> Caller:
    """The caller; 401 if there is none, 403 if a browser's change lacks its CSRF token."""
    caller = await run_in_threadpool(_known, request, ctx)
    if caller.session is not None and request.method not in _SAFE:
        await _require_csrf(request, caller.session)
    request.state.user = caller.user.name
    return caller


def _known(request: Request, ctx: Context) -> Caller:
    header = request.headers.get("authorization")
    if header is not None:
        return _of_token(header, ctx)
    cookie = request.cookies.get(COOKIE)
    session = ctx.registry.sessions.find(cookie, now=ctx.now()) if cookie else None
    if session is None:
        raise Problem(
            401,
            "sign-in needed",
            "expected a session cookie or a bearer token, came none that is valid",
            page="/sign-in",
        )
    return Caller.of(ctx, session)


def _of_token(header: str, ctx: Context) -> Caller:
    kind, _, text = header.partition(" ")
    found = ctx.registry.tokens.find(text.strip(), now=ctx.now()) if kind.lower() == "bearer" else None
    if found is None:
        raise Problem(
            401, "token not valid", "expected `Authorization: Bearer jn_...` with a token that is not revoked"
        )
    token, user = found
    scope = scope_of(user, ctx.snapshot(), today=ctx.today()).narrowed(token.actions, token.node)
    return Caller(user, scope, token=token)


async def _require_csrf(request: Request, session: Session) -> None:
    given: object = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").startswith(_FORMS):
        given = (await request.form()).get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Problem(403, "form expired", "expected header X-CSRF-Token or form field csrf of this session: reload")


Known = Annotated[Caller, Depends(caller_of)]


def may(action: Action) -> Callable[[Caller], Scope]:
    """A dependency that hands out the caller's scope if the caller may do this."""

    def scope(caller: Known) -> Scope:
        if caller.user.must_set_password:
            raise Problem(
                403,
                "password needed",
                "you signed in by a one-time secret: PUT /api/v1/session/password first",
                page="/password",
            )
        caller.scope.require(action)
        return caller.scope

    scope.__name__ = f"may_{action.value}"
    scope.__dict__["action"] = action
    return scope


Sees = Annotated[Scope, Depends(may(Action.READ))]


def set_cookie(response: Response, ctx: Context, cookie: str) -> None:
    """Hand a session's cookie to the browser."""
    response.set_cookie(COOKIE, cookie, max_age=LONGEST_S, path="/", httponly=True, samesite="lax", secure=ctx.is_https)


def drop_cookie(response: Response, ctx: Context) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=ctx.is_https)


def address_of(request: Request) -> str:
    """Where a request comes from, as the server (behind a proxy: uvicorn, by its own setting) tells."""
    return request.client.host if request.client else "unknown"
