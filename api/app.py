"""The web application of one installation."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api.console import pages
from api.context import Context
from api.routes import collector, consumption, institutions
from api.security import SecurityHeaders
from energy.registry import Registry
from energy.storage.base import Store

_STATIC = Path(__file__).parent / "console" / "static"


def create_app(registry: Registry, store: Store, *, zone: str) -> FastAPI:
    """API and console over a registry and a store."""
    app = FastAPI(
        title="Jieneng 节能",
        summary="Energy platform of public institutions",
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=1024)],
    )
    app.state.context = Context(registry, store, zone)
    for module in (institutions, consumption, collector, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")

    @app.get("/livez", include_in_schema=False)
    def livez() -> dict[str, str]:
        return {"status": "ok"}

    return app
