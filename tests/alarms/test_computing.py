"""Runs of the jobs that fail again and again are told, and over with the first good one."""

from __future__ import annotations

from api.alarms import evaluate
from energy.registry import AlarmRule, Registry
from energy.registry.decisions import Run
from energy.storage.embedded import EmbeddedStore
from tests.alarms.province import NOW

HOUR = 3600


def ended(registry: Registry, state: str, started: int, error: str = "") -> None:
    registry.runs.put([Run(f"{state}{started}", "analyse", started, state, started + 10, error=error)])


def test_failing_is_told_after_an_hour_since_the_last_good_run(registry: Registry, store: EmbeddedStore) -> None:
    ended(registry, "done", NOW)
    ended(registry, "failed", NOW + 60, "institution court cannot be computed")
    assert evaluate(registry, store, NOW + HOUR) == []
    (notice,) = evaluate(registry, store, NOW + HOUR + 11)
    assert (notice.cause, notice.kind, notice.scope) == ("jobs/failing", "jobs", "root")
    assert "institution court cannot be computed" in notice.text_en
    ended(registry, "failed", NOW + 2 * HOUR, "institution court cannot be computed")
    assert evaluate(registry, store, NOW + 2 * HOUR + 60) == []
    ended(registry, "done", NOW + 3 * HOUR)
    evaluate(registry, store, NOW + 3 * HOUR + 60)
    assert registry.alarms.standing() == []


def test_an_installation_whose_jobs_never_ended_well_is_told_from_the_first_failure(
    registry: Registry, store: EmbeddedStore
) -> None:
    registry.alarms.set_rule(AlarmRule("jobs", "jobs", threshold=600))
    for minutes in (0, 5, 10):
        ended(registry, "failed", NOW + 60 * minutes, "no space")
    assert evaluate(registry, store, NOW + 600) == []
    assert [notice.kind for notice in evaluate(registry, store, NOW + 601)] == ["jobs"]


def test_a_run_that_is_under_way_or_none_is_no_failure(registry: Registry, store: EmbeddedStore) -> None:
    assert evaluate(registry, store, NOW) == []
    registry.runs.put([Run("now", "analyse", NOW)])
    assert evaluate(registry, store, NOW + 10 * HOUR) == []
