"""The processes of an installation, each made of parts that do not know one another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading

import uvicorn

from energy.certificates import certificate_files
from energy.errors import SpoolError
from energy.registry import Registry
from energy.settings import Settings
from energy.storage import open_store

logger = logging.getLogger(__name__)


async def run_collect(settings: Settings) -> None:
    """The ingest process: source, checks, spool, forwarder, its own HTTP port; ends on SIGTERM or SIGINT."""
    from collector.ingest import Ingest
    from collector.memory import share_one_arena
    from jieneng.operator import OperatorOrGateway
    from jieneng.sources import open_source

    share_one_arena()
    registry = Registry.open(settings.registry_url)
    store = open_store(settings, role="ingest")
    ingest = Ingest(settings, registry, store, authorize=OperatorOrGateway(settings, registry))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ingest.request_stop)
    try:
        await ingest.run(open_source(settings, registry))
    finally:
        store.close()
        registry.close()


def run_serve(settings: Settings, *, with_jobs: bool) -> None:
    """The work process: console and API, a thread that computes what was touched, and the alarms' two."""
    from api.alarms import Watcher
    from api.app import create_app
    from jieneng.tending import tend

    registry = Registry.open(settings.registry_url)
    store = open_store(settings, role="work")
    stopping = threading.Event()
    alarms = Watcher(settings, registry, store, leads=lambda since: _leads(settings, since))
    worker = threading.Thread(target=tend, args=(settings, stopping, alarms.wake), name="jobs")
    if with_jobs:
        worker.start()
        alarms.start()
    config = uvicorn.Config(
        create_app(
            registry,
            store,
            zone=settings.zone,
            is_https=settings.web.https,
            home=settings.home,
            ingest_url=f"http://{settings.ingest.http_host}:{settings.ingest.http_port}",
            alarms=settings.alarms,
            parked=lambda since: _parked(settings, since),
            certificates=certificate_files(settings),
            leads=lambda since: _leads(settings, since),
        ),
        host=settings.web.host,
        port=settings.web.port,
        log_level="warning",
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        stopping.set()
        if with_jobs:
            worker.join()
            alarms.stop()
        store.close()
        registry.close()


def _parked(settings: Settings, since: int) -> list[tuple[str, str, int]]:
    """(gateway, reason, readings) of what lies parked in this home; nothing where the collector keeps no spool here."""
    from collector.spool import SpoolReader

    path = settings.home / "spool" / "spool.db"
    if not path.is_file():
        return []
    try:
        with contextlib.closing(SpoolReader(path)) as reader:
            return reader.parked_counts(since)
    except SpoolError as exc:
        logger.warning("parked readings cannot be counted: %s", exc)
        return []


def _leads(settings: Settings, since: int) -> dict[str, float]:
    """Seconds by which gateways were ahead whose readings were parked for it; nothing where no spool is kept here."""
    from collector.clocks import leads

    path = settings.home / "spool" / "spool.db"
    try:
        return leads(path, since) if path.is_file() else {}
    except SpoolError as exc:
        logger.warning("clocks of refused readings cannot be told: %s", exc)
        return {}
