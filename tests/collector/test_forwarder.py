"""What the forwarder owes jobs and spool: the marks first, then forgetting."""

from __future__ import annotations

from pathlib import Path

from energy.errors import RegistryUnavailable
from energy.registry import Registry, Spans, Touched
from tests.collector.test_pipeline import send, stored
from tests.collector.world import T0, is_drained, message, running, settings_for, until


class Reluctant:
    """A real registry that takes no marks for a while."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.is_away = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)

    def mark_spans(self, spans: Spans) -> None:
        if self.is_away:
            raise RegistryUnavailable("away")
        self._registry.mark_spans(spans)


def test_the_spool_forgets_only_what_the_jobs_will_find(tmp_path: Path, registry: Registry) -> None:
    reluctant = Reluctant(registry)
    with running(settings_for(tmp_path), reluctant) as (pipeline, store, _):  # type: ignore[arg-type]
        send(pipeline, message(("e-main", T0, 100.0)))
        until(lambda: stored(store, "e1") == [(T0, 100.0)])
        until(lambda: bool(pipeline.forwarder.trouble))
        send(pipeline, message(("e-main", T0 + 3600, 101.0)))
        assert pipeline.spool.readings == 2
        reluctant.is_away = False
        until(lambda: is_drained(pipeline))
    _, marks = registry.take_touched()
    assert Touched("e1", T0, T0 + 3600) in marks


def test_what_was_stored_is_marked_and_forgotten_on_the_way_out(tmp_path: Path, registry: Registry) -> None:
    n = 5
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        for number in range(n):
            send(pipeline, message(("e-main", T0 + 60 * number, 100.0 + number)))
        until(lambda: len(stored(store, "e1")) == n)
    _, marks = registry.take_touched()
    assert Touched("e1", T0, T0 + 60 * (n - 1)) in marks
    assert pipeline.spool.readings == 0
