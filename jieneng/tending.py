"""Tending the jobs of an installation: look for what new readings touched, compute it, again and again."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from energy.registry import Registry
from energy.settings import Settings
from jieneng.analysing import compute, open_both

logger = logging.getLogger(__name__)
_PAUSE_S: Final = 1.5  # readings that flow are forwarded more often than this
_PATIENCE_S: Final = 30.0


def tend(settings: Settings, stopping: threading.Event, done: Callable[[], None]) -> None:
    """Look for touched windows until told to stop and say when any were done; a failure is logged and tried again.

    A look begins `work.every_s` after the last one began, or at once when that took longer.
    """
    from analytics import jobs

    store, registry = open_both(settings)
    with contextlib.closing(registry), contextlib.closing(store):
        is_new, pause = not registry.models(jobs.SHAPE), 0.0
        while not stopping.wait(pause):
            begun, pause = time.monotonic(), settings.work.every_s
            if is_new:
                let_arrive(registry, stopping)
            try:
                record = compute(settings, store, registry)
                is_new = is_new and not record.recomputed
                if record.institutions:
                    done()
                if record.trouble:
                    logger.error("%s", record.trouble)
                pause = max(0.0, begun + pause - time.monotonic())
            except Exception:
                logger.exception("jobs failed; the touched windows stay marked and are tried again")


def let_arrive(registry: Registry, stopping: threading.Event) -> None:
    """Wait until no more is being touched, not for ever.

    The first history of a new installation is computed when it has come: halfway, its meters would look silent.
    """
    limit = time.monotonic() + _PATIENCE_S
    before, waiting = -1, registry.touched_pending()
    while waiting != before and time.monotonic() < limit and not stopping.wait(_PAUSE_S):
        before, waiting = waiting, registry.touched_pending()
