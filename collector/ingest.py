"""The ingest process: one source, the pipeline behind it, and its own HTTP port."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

from collector.access import Authorize, Trust
from collector.health import Health
from collector.http import HttpPort, IngestHttp
from collector.pipeline import Pipeline
from collector.source import Source
from collector.watch import Watch
from energy.registry import Registry
from energy.settings import Settings
from energy.storage.base import Store


class Ingest(Pipeline):
    """Takes messages of one source to the disk and on to the store, and says how it is."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        store: Store,
        *,
        authorize: Authorize | None = None,
        clock: Callable[[], float] = time.time,
        fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(settings, registry, store, clock=clock, fatal=fatal)
        self._authorize = authorize or Trust(settings, lambda: self.gateways)
        self._stop_requested = asyncio.Event()
        self.http_port = 0
        """Port of health, metrics and parked messages, once `run` has begun."""

    async def run(self, source: Source) -> None:
        """Serve one source until `request_stop` or cancellation; everything taken is committed on the way out."""
        watch = Watch(self)
        app = IngestHttp(self, Health(self, watch, source), self._authorize).app()
        port = HttpPort(app, self.settings.ingest.http_host, self.settings.ingest.http_port)
        self.http_port = port.port
        await asyncio.to_thread(self.start)
        gc.collect()
        gc.freeze()  # what the start made lives as long as the process: looking through it costs a tenth of the CPU
        try:
            watch.start()
            port.start()
            await source.start(self)
            await self._stop_requested.wait()
        finally:
            await source.stop()
            await port.stop()
            watch.stop()
            await asyncio.to_thread(self.stop)
            await source.close()

    def request_stop(self) -> None:
        """End `run` (from its own event loop, as a signal handler does)."""
        self._stop_requested.set()
