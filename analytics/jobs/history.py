"""The record of runs in the registry: what ran, when, with which versions, what came of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version

from analytics.anomalies import VERSION as DETECTOR
from analytics.expected import VERSION as EXPECTED
from energy.registry import Registry
from energy.registry.decisions import Run

JOB = "analyse"

Counted = Callable[[Mapping[str, object]], None]
"""Takes what is to be told of the run when it is done."""


@contextmanager
def recorded(registry: Registry, *, institutions: int) -> Iterator[Counted]:
    """A run with its record: running, then done or failed. A run that was killed stays `running` for ever.

    A run that found nothing to do leaves no record.
    """
    counts: dict[str, object] = {"institutions": institutions}
    run = Run(uuid.uuid4().hex, JOB, int(time.time()), version=_versions())
    if institutions:
        registry.runs.put([run])
    try:
        yield counts.update
    except BaseException as exc:
        if institutions:
            failed = replace(run, state="failed", ended=int(time.time()), error=f"{type(exc).__name__}: {exc}")
            registry.runs.put([failed])
        raise
    if institutions:
        registry.runs.put(
            [replace(run, state="done", ended=int(time.time()), counts=json.dumps(counts, sort_keys=True))]
        )


def _versions() -> str:
    """Versions of the program, of the expected use and of the detector."""
    return f"jieneng {version('jieneng')}, {EXPECTED}, {DETECTOR}"
