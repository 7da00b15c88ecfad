"""The ingest process's own HTTP port: health, metrics, parked messages, and readings pushed over HTTP.

`GET /livez`, `/readyz`, `/metrics`; `GET /api/v1/balance`: what became of each meter's readings by day;
`GET /api/v1/parked`, `/api/v1/parked/{id}`, `POST /api/v1/parked/replay`;
`POST /api/v1/readings?gateway=ID`: the body of an MQTT message, answered 202 when the disk has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.access import Authorize
from collector.health import Health
from collector.ledger import DayCount
from collector.metrics import exposition
from collector.parked import Parked
from collector.pipeline import Pipeline
from collector.source import Delivery
from collector.spool import SpoolReader
from energy.errors import SettingsError
from energy.model import is_id
from energy.topics import Topic

_BODY_TIMEOUT_S: Final = 10.0
_COMMIT_TIMEOUT_S: Final = 20.0
_MOST_LISTED: Final = 1000
_MOST_BALANCES: Final = 100_000
_REPLAY_BODY: Final = 65_536


class _Refused(Exception):
    """A request that gets a problem for an answer."""

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail


class _Reply:
    """Acknowledges one pushed message by waking its request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.code: asyncio.Future[int] = self._loop.create_future()

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Called by the commit thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            self._loop.call_soon_threadsafe(self._finish, codes[0])

    def _finish(self, code: int) -> None:
        if not self.code.done():
            self.code.set_result(code)


class IngestHttp:
    """The routes; one object a process."""

    def __init__(self, ingest: Pipeline, health: Health, authorize: Authorize) -> None:
        self._ingest = ingest
        self._health = health
        self._authorize = authorize

    def app(self) -> Starlette:
        """The application to serve."""
        routes = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route("/api/v1/readings", self._push, methods=["POST"]),
            Route("/api/v1/balance", self._balance),
            Route("/api/v1/parked", self._parked),
            Route("/api/v1/parked/replay", self._replay, methods=["POST"]),
            Route("/api/v1/parked/{id:int}", self._one_parked),
        ]
        return Starlette(routes=routes, exception_handlers={_Refused: _problem})

    async def _livez(self, _: Request) -> Response:
        return _verdict(self._health.live())

    async def _readyz(self, _: Request) -> Response:
        return _verdict(await asyncio.to_thread(self._health.ready))

    async def _metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(exposition, self._ingest, self._health)
        return Response(text, media_type="text/plain; version=1.0.0; charset=utf-8")

    async def _push(self, request: Request) -> Response:
        gateway = request.query_params.get("gateway", "")
        if not is_id(gateway):
            raise _Refused(422, "gateway is missing", "expected ?gateway=ID, the id the registry gives the gateway")
        self._require(request, "push", gateway)
        known = self._ingest.lookup.gateways.get(gateway)
        if known is None:
            raise _Refused(404, "no such gateway")
        if self._ingest.is_full:
            raise _Refused(503, "readings cannot be taken at the moment", self._ingest.trouble)
        body = await _body(request, self._ingest.settings.ingest.max_message_bytes)
        reply = _Reply()
        topic = str(Topic(known.institution, gateway)).encode()
        self._ingest.put([Delivery(topic, body, 1, reply, gateway=gateway)])
        try:
            code = await asyncio.wait_for(reply.code, _COMMIT_TIMEOUT_S)
        except TimeoutError as exc:
            raise _Refused(
                503, "the disk has not taken the readings yet", "send them again: nothing counts twice"
            ) from exc
        return _json({"taken": True, "parked": code >= 0x80, "code": code}, 202)

    async def _parked(self, request: Request) -> Response:
        self._require(request, "parked", request.query_params.get("gateway", ""))
        rows = await asyncio.to_thread(self._find, request.query_params)
        return _json({"parked": [_shown(row, body=False) for row in rows], "next": rows[-1].id if rows else None})

    async def _one_parked(self, request: Request) -> Response:
        rows = await asyncio.to_thread(self._by_ids, [request.path_params["id"]])
        self._require(request, "parked", rows[0].gateway if rows else "")
        if not rows:
            raise _Refused(404, "nothing is parked under this id")
        return _json(_shown(rows[0], body=True))

    async def _balance(self, request: Request) -> Response:
        """The balance of each meter and day; `?meter=ID` (may be repeated) asks for some, `?open=1` for the unequal."""
        self._require(request, "parked", "")
        wanted = set(request.query_params.getlist("meter")) or None
        rows = await asyncio.to_thread(self._balance_of, wanted)
        if request.query_params.get("open"):
            rows = [row for row in rows if row.unaccounted]
        return _json({"balance": [{**asdict(row), "unaccounted": row.unaccounted} for row in rows[:_MOST_BALANCES]]})

    async def _replay(self, request: Request) -> Response:
        self._require(request, "parked", "")
        wanted = _replay_wish(await _body(request, _REPLAY_BODY))
        if wanted.ids is not None:
            rows = await asyncio.to_thread(self._by_ids, wanted.ids)
        else:
            rows = await asyncio.to_thread(self._all, wanted.reason, wanted.gateway)
        ready = [row for row in rows if row.is_replayable]
        count = await asyncio.wrap_future(self._ingest.replay(ready))
        return _json({"replayed": len(ready), "readings": count, "without_body": len(rows) - len(ready)})

    def _require(self, request: Request, action: str, gateway: str) -> None:
        if not self._authorize(request.headers.get("authorization"), action, gateway):
            raise _Refused(401, "not authorised")

    def _find(self, query: Mapping[str, str]) -> list[Parked]:
        with contextlib.closing(SpoolReader(self._ingest.spool.path)) as reader:
            return reader.parked(
                reason=query.get("reason"),
                gateway=query.get("gateway"),
                after=_number(query.get("after", "0")),
                limit=min(_number(query.get("limit", "100")), _MOST_LISTED),
            )

    def _balance_of(self, meters: set[str] | None) -> list[DayCount]:
        with contextlib.closing(SpoolReader(self._ingest.spool.path)) as reader:
            return reader.balance(meters)

    def _by_ids(self, ids: Sequence[int]) -> list[Parked]:
        with contextlib.closing(SpoolReader(self._ingest.spool.path)) as reader:
            return reader.parked(ids=ids)

    def _all(self, reason: str | None, gateway: str | None) -> list[Parked]:
        with contextlib.closing(SpoolReader(self._ingest.spool.path)) as reader:
            return reader.parked(reason=reason, gateway=gateway, limit=_MOST_LISTED)


class _ReplayWish(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[int] | None = None
    reason: str | None = None
    gateway: str | None = None


def _replay_wish(body: bytes) -> _ReplayWish:
    try:
        wish = msgspec.json.decode(body, type=_ReplayWish)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _Refused(422, 'expected {"ids": [...]} or {"reason": ..., "gateway": ...}', str(exc)[:200]) from exc
    if wish.ids is None and wish.reason is None and wish.gateway is None:
        raise _Refused(422, "say what to send again: ids, a reason or a gateway")
    return wish


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise _Refused(422, f"expected a whole number, got {text[:20]!r}")
    return int(text)


async def _body(request: Request, most: int) -> bytes:
    """The body, counted as it comes: a length that the sender states is not believed."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _Refused(413, f"at most {most} bytes")
                parts.append(part)
    except TimeoutError as exc:
        raise _Refused(408, f"the body did not come within {_BODY_TIMEOUT_S:.0f} s") from exc
    except ClientDisconnect as exc:
        raise _Refused(400, "the connection ended within the body") from exc
    return b"".join(parts)


def _shown(row: Parked, *, body: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row.id, "reason": row.reason.value, "topic": row.topic, "gateway": row.gateway, "meter": row.meter,
        "readings": row.count, "detail": row.detail, "first": row.first, "last": row.last,
        "is_replayable": row.is_replayable,
    }  # fmt: skip
    if body:
        shown["body"] = None if row.body is None else row.body.decode("utf-8", "backslashreplace")
        shown["is_truncated"] = row.is_truncated
    return shown


def _verdict(checks: Mapping[str, str]) -> Response:
    return _json({"ok": not any(checks.values()), "checks": checks}, 503 if any(checks.values()) else 200)


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, {"cache-control": "no-store"}, media_type="application/json")


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    content = {"type": "about:blank", "title": error.title, "status": error.status, "detail": error.detail}
    return JSONResponse(content, error.status, {"cache-control": "no-store"}, media_type="application/problem+json")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, not to its HTTP port."""
        yield


class HttpPort:
    """Serves the routes in the running event loop."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        try:
            self._socket = socket.create_server((host, port), backlog=256)
        except OSError as exc:
            raise SettingsError(f"ingest.http_port: cannot listen on {host}:{port}: {exc.strerror}") from exc
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            limit_concurrency=100, timeout_keep_alive=5, timeout_graceful_shutdown=2, backlog=256,
        )  # fmt: skip
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def stop(self) -> None:
        """Finish the requests under way and close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
