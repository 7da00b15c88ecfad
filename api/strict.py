"""Requests read strictly: no JSON key twice, no NaN, no query parameter that nobody asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import openapi
from api.problems import wrong


class StrictRequest(Request):
    """A request whose JSON must mean one thing only."""

    async def json(self) -> Any:
        """The body; 422 for a key that comes twice, for NaN and infinities, and for too deep a nesting."""
        body = await self.body()
        try:
            return json.loads(body, object_pairs_hook=_once_each, parse_constant=_no_constant)
        except RecursionError:
            raise HTTPException(422, "body: expected JSON nested less deeply") from None
        except UnicodeDecodeError:
            raise HTTPException(422, "body: expected JSON in UTF-8, came other bytes") from None


class StrictRoute(APIRoute):
    """A route that reads its request strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, on a strict request with known parameters only."""
        handle = super().get_route_handler()
        known = _query_names(self.dependant)

        async def strictly(request: Request) -> Response:
            for name in request.query_params:
                if name not in known:
                    raise wrong(
                        f"query.{name[:64]}", f"one of {', '.join(sorted(known)) or 'no parameters'}", name[:64]
                    )
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


def noun(tag: str, prefix: str = "") -> APIRouter:
    """A router of the API: strict, and its errors described."""
    said = openapi.errors(401, 403, 404, 406, 409, 413, 422, 429, 503)
    return APIRouter(prefix=f"/api/v1{prefix}", tags=[tag], route_class=StrictRoute, responses=said)


def _query_names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise HTTPException(422, f"body: expected each key once, came {key[:64]!r} twice")
        found[key] = value
    return found


def _no_constant(text: str) -> NoReturn:
    raise HTTPException(422, f"body: expected finite numbers, came {text}")
