"""The web application of one installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import openapi, problems
from api.access_log import AccessLog
from api.console import pages
from api.context import Context, Leads, Parked
from api.limits import Limits
from api.routes import NOUNS, PAGES
from api.security import SecurityHeaders
from energy.registry import Registry
from energy.settings import AlarmSettings
from energy.storage.base import Store

_STATIC = Path(__file__).parent / "console" / "static"
_DOCS = Path(__file__).parent / "static"


def create_app(
    registry: Registry,
    store: Store,
    *,
    zone: str,
    is_https: bool = False,
    home: Path | None = None,
    ingest_url: str | None = None,
    clock: Callable[[], float] = time.time,
    alarms: AlarmSettings | None = None,
    parked: Parked = lambda _since: [],
    leads: Leads = lambda _since: {},
    certificates: Mapping[str, Path] | None = None,
) -> FastAPI:
    """API and console over a registry and a store; `is_https` where browsers reach it by https (cookies say so).

    `home` keeps files that people bring; `ingest_url` leads to the collector's own pages of parked messages;
    `clock` tells the time (a test may hold it); `alarms` says by which channels people can be told; `parked` counts
    what the collector has set aside, `leads` tells of gateways it refused for their clock; `certificates` are files by
    the setting that names them.
    """
    app = FastAPI(
        title="Jieneng 节能",
        version="1",
        summary="Energy platform of public institutions",
        description=openapi.INTRODUCTION,
        openapi_tags=openapi.TAGS,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own page loads its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(AccessLog),
            Middleware(SecurityHeaders, is_https=is_https),
            # The highest level (the default) takes fifteen times as long for an answer a sixth smaller.
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1),
            Middleware(Limits),
        ],
    )
    app.state.context = Context(
        registry,
        store,
        zone,
        is_https,
        home,
        ingest_url,
        clock,
        alarms or AlarmSettings(),
        parked,
        leads,
        certificates or {},
    )
    problems.install(app)
    for router in (*NOUNS, PAGES, *pages.VIEWS):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount("/docs", StaticFiles(directory=_DOCS, html=True), name="docs")

    @app.get("/livez", include_in_schema=False)
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    return app
