"""A name for every request, and one line about it in the log: who, what, how long. Never a secret, never a query."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("jieneng.access")
_GIVEN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET_PATHS: Final = ("/enter/",)  # what follows is a key


class AccessLog:
    """ASGI middleware: takes a request id or makes one, hands it back as `X-Request-ID`, and logs the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, named; log it when it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = name
        status = 0
        begun = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            took_ms = 1000 * (time.perf_counter() - begun)
            user = state.get("user", "-")
            logger.info(
                "%s %s %s %d %.0f ms user=%s", name, scope["method"], shown(scope["path"]), status, took_ms, user
            )


def shown(path: str) -> str:
    """The path without anything that opens a door, and on one line."""
    for secret in _SECRET_PATHS:
        if path.startswith(secret):
            return f"{secret}..."
    return path.encode("unicode_escape").decode()[:200]
