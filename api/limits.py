"""What one request may cost: bytes received and seconds taken, counted, not believed.

Pure ASGI: nothing is read ahead of the application, and an answer can be streamed.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 2_000_000
MOST_BYTES_OF_IMPORT: Final = 50_000_000
MOST_BYTES_OF_PROOF: Final = 11_000_000
_MOST: Final = (
    ("/api/v1/imports", MOST_BYTES_OF_IMPORT),
    ("/ledger", MOST_BYTES_OF_IMPORT),
    ("/tasks/", MOST_BYTES_OF_PROOF),
    ("/targets", MOST_BYTES_OF_PROOF),
    ("/api/v1/targets/", MOST_BYTES_OF_PROOF),
)
"""Paths that take files, and how much."""
RECEIVE_S: Final = 20.0
ANSWER_S: Final = 60.0
STREAM_S: Final = 600.0
_LONGEST_TARGET: Final = 8_192
_MOST_HEADER_BYTES: Final = 32_768


# HTTPException, since frameworks let it pass on its way out of a body being read.
class _TooLarge(HTTPException):
    """More bytes came than this path takes."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"expected a body of at most {most} bytes")


class _TooSlow(HTTPException):
    """The body did not arrive in time."""

    def __init__(self, within_s: float) -> None:
        super().__init__(408, f"expected the whole body within {within_s:g} s")


class Limits:
    """Refuses what is too long (414, 431), too large (413), never arrives (408) or takes for ever (503)."""

    def __init__(self, app: ASGIApp, *, receive_s: float = RECEIVE_S, answer_s: float = ANSWER_S) -> None:
        self._app = app
        self._receive_s = receive_s
        self._answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted and its time limited."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _Guarded(scope, receive, send, self._receive_s)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADER_BYTES:
            await guarded.refuse(431, "too large", f"expected headers of at most {_MOST_HEADER_BYTES} bytes")
            return
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            await guarded.refuse(414, "too large", f"expected a path and query of at most {_LONGEST_TARGET} bytes")
            return
        try:
            async with asyncio.timeout(self._answer_s) as timer:
                guarded.timer = timer
                await self._app(scope, guarded.receive, guarded.send)
        except HTTPException as exc:
            await guarded.refuse(exc.status_code, "refused", exc.detail)
        except TimeoutError:
            await guarded.refuse(503, "took too long", "ask for less at once: a shorter period, fewer things")


class _Guarded:
    """One request: its bytes counted on the way in, its answer watched on the way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, receive_s: float) -> None:
        self.most = next((most for path, most in _MOST if scope["path"].startswith(path)), MOST_BYTES)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._bytes = 0
        self._is_whole = False
        self._has_begun = False
        self._receive_s = receive_s
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + receive_s
        self.timer: asyncio.Timeout | None = None

    async def receive(self) -> Message:
        """The next part of the body; _TooLarge or _TooSlow instead of too much of it."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise _TooSlow(self._receive_s) from None
        self._bytes += len(message.get("body", b""))
        if self._bytes > self.most:
            raise _TooLarge(self.most)
        self._is_whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on; once it has begun, a long answer may take its time."""
        if not self._has_begun and self.timer is not None:
            self.timer.reschedule(self._loop.time() + STREAM_S)
        self._has_begun = True
        await self._send(message)

    async def refuse(self, status: int, title: str, detail: str) -> None:
        """Answer with a problem; an answer that began can only be broken off."""
        if self._has_begun:
            raise ConnectionAbortedError(detail)
        body = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": self._scope["path"],
            "request_id": self._scope.get("state", {}).get("request_id", ""),
            "faults": [],
        }
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": json.dumps(body).encode()})
