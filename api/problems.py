"""Errors as problem+json (RFC 9457): what was expected, what came, where, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from energy.errors import (
    BreakdownRefused,
    EnergyError,
    Forbidden,
    ImportRefused,
    NotInRegistry,
    RegistryError,
    RegistryUnavailable,
    SendRefused,
    SendUnavailable,
    SignInDelayed,
    SignInRefused,
    StorageUnavailable,
    UnitError,
)

logger = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
_LONGEST_ECHO: Final = 80
_SECRETS: Final = {"password", "secret", "token"}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    where: str = Field(description="the part of the request", examples=["query.first"])
    expected: str = Field(examples=["a date like 2026-01-31"])
    came: str = Field(examples=["'yesterday'"])


class ProblemOut(BaseModel):
    """An error, as RFC 9457 wants it."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field("about:blank", description="always about:blank: the status says the kind")
    title: str = Field(examples=["request not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(description="what was expected, what came, what to do")
    instance: str = Field(description="path of the request")
    request_id: str = Field(description="name it when you ask for help: the server's log has it too")
    faults: list[Fault] = Field(default_factory=list)


class Problem(Exception):
    """A request that is answered with this (not an error of ours)."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        retry_after_s: int | None = None,
        page: str | None = None,
    ) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = faults
        self.retry_after_s = retry_after_s
        self.page = page  # where a person mends it


def wrong(where: str, expected: str, came: object) -> Problem:
    """422 for one part of a request."""
    fault = Fault(where=where, expected=expected, came=repr(came)[:_LONGEST_ECHO])
    return Problem(422, "request not valid", f"{where}: expected {expected}, came {fault.came}", faults=[fault])


def answer(request: Request, problem: Problem) -> Response:
    """The problem as an answer; a person who has to sign in is sent to the page for it."""
    if problem.page is not None and _is_person(request):
        return RedirectResponse(problem.page, 303)
    body = ProblemOut(
        type="about:blank",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=request.url.path,
        request_id=getattr(request.state, "request_id", ""),
        faults=list(problem.faults),
    )
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    return JSONResponse(body.model_dump(), problem.status, headers, MEDIA_TYPE)


def _is_person(request: Request) -> bool:
    is_api = request.url.path.startswith("/api/")
    return request.method == "GET" and not is_api and "text/html" in request.headers.get("accept", "")


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem."""

    def handled(convert: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handler(request: Request, exc: Exception) -> Response:
            return answer(request, convert(exc))

        return handler

    app.add_exception_handler(Problem, handled(lambda problem: problem))
    app.add_exception_handler(EnergyError, handled(_of_ours))
    app.add_exception_handler(RequestValidationError, handled(_of_validation))
    app.add_exception_handler(HTTPException, handled(_of_http))
    app.add_exception_handler(Exception, handled(_of_surprise))


def _of_ours(exc: EnergyError) -> Problem:
    match exc:
        case Forbidden():
            return Problem(403, "not allowed", str(exc))
        case NotInRegistry():
            return Problem(404, "not found", str(exc))
        case SignInRefused():
            return Problem(401, "sign-in refused", str(exc))
        case SignInDelayed():
            return Problem(429, "too many failed sign-ins", str(exc), retry_after_s=exc.retry_after_s)
        case ImportRefused():
            faults = [Fault(where="body", expected="rows that can be taken", came=p[:500]) for p in exc.problems[:200]]
            return Problem(422, "import refused", f"{len(exc.problems)} problem(s), nothing was taken", faults=faults)
        case SendUnavailable():
            return Problem(422, "refused", f"the receiver cannot be judged now, try again: {exc}")
        case RegistryUnavailable() | StorageUnavailable():
            return Problem(503, "not available now", "a database does not answer: try again soon", retry_after_s=5)
        case RegistryError() | UnitError() | BreakdownRefused() | SendRefused():
            return Problem(422, "refused", str(exc))
        case _:
            return _of_surprise(exc)


def _of_validation(exc: RequestValidationError) -> Problem:
    faults = [_fault(error) for error in exc.errors()]
    first = faults[0]
    detail = f"{first.where}: expected {first.expected}, came {first.came}"
    return Problem(422, "request not valid", detail, faults=faults)


def _fault(error: dict[str, Any]) -> Fault:
    path = [str(part) for part in error["loc"]]
    came = "(hidden)" if _SECRETS & set(path) or not _is_plain(error.get("input")) else repr(error["input"])
    expected = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if error["type"] == "missing":
        expected, came = "a value", "nothing"
    elif error["type"] == "extra_forbidden":
        expected, came = "no field of this name", "one"
    return Fault(where=".".join(path), expected=expected, came=came[:_LONGEST_ECHO])


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _of_http(exc: HTTPException) -> Problem:
    titles = {404: "not found", 405: "method not allowed", 413: "too large", 400: "request not valid"}
    return Problem(exc.status_code, titles.get(exc.status_code, "refused"), str(exc.detail))


def _of_surprise(exc: Exception) -> Problem:
    # The text of an unforeseen error may hold values: it goes to the log alone.
    logger.error("unforeseen error", exc_info=exc)
    return Problem(500, "our fault", "an error we did not foresee was logged: name the request id when you report it")
