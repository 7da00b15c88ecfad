"""Progress of a loading: sent, taken to the store, computed; bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from collector.spool import SpoolReader
from energy.registry import Registry
from energy.settings import Settings

_POLL_S: Final = 0.5
_PLAIN_S: Final = 10.0


def counters(settings: Settings) -> dict[str, int]:
    """What the collector has counted since its spool was made; nothing before it ran for the first time."""
    path = settings.home / "spool" / "spool.db"
    if not path.is_file():
        return {}
    reader = SpoolReader(path)
    try:
        return reader.counters()
    finally:
        reader.close()


def settled(counts: dict[str, int]) -> int:
    """Readings that have reached their end: stored, duplicate or parked."""
    parked = sum(n for name, n in counts.items() if name.startswith("parked:"))
    return counts.get("stored", 0) + counts.get("duplicate", 0) + parked


class Watcher:
    """Shows how far a loading is; a context manager around it."""

    def __init__(self, settings: Settings, console: Console, before: dict[str, int]) -> None:
        self._settings = settings
        self._console = console
        self._before = settled(before)
        self._sent = 0
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._bars = [
            self._progress.add_task(name, total=None) for name in ("sent     发送", "settled  入库", "computed 计算")
        ]
        self._registry = Registry.open(settings.registry_url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._progress.start()
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._progress.stop()
        self._registry.close()

    def add_sent(self, n: int) -> None:
        """Count readings whose acknowledgement has come."""
        self._sent += n

    def wait_quiet(self, total: int, stop: threading.Event) -> None:
        """Wait until everything sent has reached its end and every touched window is computed."""
        self._progress.update(self._bars[0], total=total)
        self._progress.update(self._bars[1], total=total)
        self.wait_computed(total, stop)

    def wait_computed(self, sent: int, stop: threading.Event) -> None:
        """Wait until what was sent so far has reached its end and every touched window is computed."""
        while not stop.wait(_POLL_S):
            if self._settled() >= sent and self._registry.touched_pending() == 0:
                return

    def _settled(self) -> int:
        return settled(counters(self._settings)) - self._before

    def _computed(self) -> tuple[int, int | None]:
        """Institutions that the run under way has computed, and of how many; (0, None) while none runs."""
        running = self._registry.runs.rows(state="running")
        counts = json.loads(max(running, key=lambda run: run.started).counts) if running else {}
        return counts.get("computed", 0), counts.get("institutions")

    def _watch(self) -> None:
        spoken = time.monotonic()
        while not self._over.wait(_POLL_S):
            settled_now, (computed, of) = self._settled(), self._computed()
            self._progress.update(self._bars[0], completed=self._sent)
            self._progress.update(self._bars[1], completed=settled_now)
            self._progress.update(self._bars[2], completed=computed, total=of)
            if not self._console.is_terminal and time.monotonic() - spoken > _PLAIN_S:
                spoken = time.monotonic()
                run = f", computed {computed} of {of} institutions" if of else ""
                self._console.print(f"sent {self._sent:,}, settled {settled_now:,} readings{run}")
