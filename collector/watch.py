"""What the ingest process looks after by itself: a changed registry, the store's answers, a sample each minute."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from collector import audit, clocks
from collector.audit import Auditor
from collector.clocks import ClockWatch
from collector.pipeline import Pipeline
from collector.spool import Group, SpoolReader
from energy.errors import RegistryError, StorageError
from energy.registry import Snapshot

_log = logging.getLogger(__name__)
_REGISTRY_EVERY_S: Final = 1.0
_CANARY_EVERY_S: Final = 5.0
_SAMPLE_EVERY_S: Final = 60.0
_SAMPLED: Final = ("taken", "stored", "duplicate", "qos0", "implausible", "seq_gap", "unknown_fields", "replayed")


class Watch:
    """A thread for each task, so that a store that hangs delays no change of the registry."""

    def __init__(self, ingest: Pipeline) -> None:
        self._ingest = ingest
        self.auditor, self.clocks = Auditor(ingest), ClockWatch(ingest)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._every, args=(seconds, action), name=name, daemon=True)
            for name, seconds, action in (
                ("registry", _REGISTRY_EVERY_S, self.look_at_registry),
                ("canary", _CANARY_EVERY_S, self.try_store),
                ("sample", _SAMPLE_EVERY_S, self.sample),
                ("audit", audit.EVERY_S, self.auditor.audit),
                ("clocks", clocks.EVERY_S, self.clocks.look),
            )
        ]
        self._sampled: Counter[str] = Counter()
        self.canary_ok_at: float | None = None
        """Monotonic time at which the store last took a point and gave it back."""
        self.canary_began_at: float | None = None
        """Monotonic time at which the try under way began."""
        self.canary_trouble = "the store has not been tried yet"

    def start(self) -> None:
        """Begin to watch."""
        self._sampled = Counter(self._ingest.counters)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a try of the store under way is not waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(0.2)

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                action()
            except (RegistryError, StorageError) as exc:
                _log.error("%s: %s", threading.current_thread().name, exc)
            except Exception:  # the outermost loop of this thread: watching must go on
                _log.exception("%s failed", threading.current_thread().name)
            self._stop.wait(seconds)

    def look_at_registry(self) -> None:
        """Take over a changed registry, and ask the store about meters of which nothing is known yet."""
        ingest = self._ingest
        if ingest.registry.revision() != ingest.lookup.revision:
            self._adopt(ingest.registry.snapshot())
        elif unknown := ingest.unknown():
            answer = ingest.ask(unknown)
            ingest.do(lambda: ingest.learn(answer))

    def _adopt(self, snapshot: Snapshot) -> None:
        ingest = self._ingest
        known = set(ingest.lookup.ids)
        latest = ingest.ask(name for name in snapshot.meters if name not in known)
        done = threading.Event()

        def adopt() -> None:
            ingest.adopt(snapshot, latest)
            done.set()

        ingest.do(adopt)
        while not done.wait(0.1) and not self._stop.is_set():
            pass
        _log.info("registry revision %d: %d meters", snapshot.revision, len(snapshot.meters))

    def try_store(self) -> None:
        """Write a point and read it back."""
        self.canary_began_at = time.monotonic()
        try:
            self._ingest.store.check()
        except StorageError as exc:
            self.canary_trouble = str(exc)
        else:
            self.canary_ok_at, self.canary_trouble = time.monotonic(), ""
        finally:
            self.canary_began_at = None

    def sample(self) -> None:
        """Put what was counted since the last sample on the disk, as a row of the `ingest` measurement."""
        ingest = self._ingest
        now = int(time.time())
        counters = Counter(ingest.counters)
        names = [*_SAMPLED, *(name for name in counters if name.startswith("parked:"))]
        fields = {"lag_s": float(lag_s(ingest, now)), "spool_bytes": float(ingest.spool_bytes)}
        rows = {
            name.removeprefix("parked:"): {"readings": float(counters[name] - self._sampled[name]), **fields}
            for name in names
        }
        self._sampled = counters
        if self.auditor.last is not None:
            found = asdict(self.auditor.last)
            rows |= {name: {"readings": float(n), **fields} for name, n in found.items()}
        ingest.ride(Group(samples=[(now, json.dumps(rows))]))


def lag_s(ingest: Pipeline, now: int) -> int:
    """How long the oldest reading in the spool has been waiting."""
    reader = SpoolReader(ingest.spool.path)
    try:
        oldest = reader.oldest()
    finally:
        reader.close()
    return 0 if oldest is None else max(now - oldest, 0)
