"""The record of runs in the registry: what ran, when, with which versions, what came of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Final

from analytics.anomalies import VERSION as DETECTOR
from analytics.expected import VERSION as EXPECTED
from energy.registry import Registry
from energy.registry.decisions import Run

JOB: Final = "analyse"
_WRITE_EVERY_S: Final = 1.0


@dataclass(slots=True)
class Record:
    """What is told of one run: how far it is while it runs, what came of it when it is done."""

    registry: Registry
    run: Run
    counts: dict[str, object]
    error: str = ""
    """What went wrong with parts of the run that came to its end."""
    written_at: float = 0.0

    def tell(self, **counts: object) -> None:
        """Have these counts in the record of the finished run."""
        self.counts.update(counts)

    def so_far(self, computed: int) -> None:
        """So many of the institutions are computed; at most once a second it is written down for whoever waits."""
        if time.monotonic() - self.written_at >= _WRITE_EVERY_S:
            self.written_at = time.monotonic()
            self._put(counts=json.dumps(self.counts | {"computed": computed}, sort_keys=True))

    def end(self, state: str, **fields: str) -> None:
        """The run is over."""
        self._put(state=state, ended=int(time.time()), **fields)

    def _put(self, **fields: Any) -> None:
        if self.counts["institutions"]:
            self.registry.runs.put([replace(self.run, **fields)])


@contextmanager
def recorded(registry: Registry, *, institutions: int) -> Iterator[Record]:
    """A run with its record: running, then done or failed, wholly or in part. One that was killed stays `running`.

    A run that found nothing to do leaves no record.
    """
    run = Run(uuid.uuid4().hex, JOB, int(time.time()), version=_versions())
    record = Record(registry, run, {"institutions": institutions})
    record.so_far(0)
    try:
        yield record
    except BaseException as exc:
        record.end("failed", error=f"{type(exc).__name__}: {exc}")
        raise
    state = "failed" if record.error else "done"
    record.end(state, counts=json.dumps(record.counts, sort_keys=True), error=record.error)


def _versions() -> str:
    """Versions of the program, of the expected use and of the detector."""
    return f"jieneng {version('jieneng')}, {EXPECTED}, {DETECTOR}"
