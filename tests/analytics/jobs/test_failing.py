"""One institution that cannot be computed: the others are, and it is as soon as it can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.jobs.due import Asked, Present, tasks_of
from analytics.jobs.limits import KIND
from analytics.jobs.units import attempt
from energy.errors import StorageUnavailable
from energy.intervals import DEFAULT_ZONE, LocalCalendar
from energy.registry import FittedModel
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.everything import everything


def two_institutions(works: Works) -> None:
    works.estate(meter("e1"), meter("c1", institution="court", building="b2"))
    for name in ("e1", "c1"):
        works.hourly(name, "2026-01-05T00:00:00", [2.0] * 24 * 35)
    works.run("2026-02-10T00:00:00")


def more_readings(works: Works) -> None:
    for name in ("e1", "c1"):
        works.hourly(name, "2026-02-10T00:00:00", [3.0] * 48, start=2.0 * 24 * 36)


def damaged(works: Works) -> FittedModel:
    """Put a damaged profile in place of the court's; the sound one."""
    sound = works.registry.models(KIND)["c1"]
    works.registry.save_models([FittedModel.of("c1", KIND, start=sound.start, end=sound.end, payload=b"{damaged")])
    return sound


def test_the_others_are_computed_and_the_run_says_who_is_not(works: Works, caplog: pytest.LogCaptureFixture) -> None:
    two_institutions(works)
    damaged(works)
    more_readings(works)
    record = works.run()
    assert record.institutions == ("school",)
    assert list(record.failed) == ["court"]
    assert "court" in record.trouble
    assert "JSONDecodeError" in record.trouble
    assert works.total("e1", "day", "2026-02-11T00:00:00")["amount"] == 72.0
    assert works.total("c1", "day", "2026-02-11T00:00:00") == {}
    [told] = works.registry.runs.rows(state="failed")
    assert told.error == record.trouble
    assert list(json.loads(told.counts)["failed"]) == ["court"]
    assert "institution court" in caplog.text


def test_it_is_computed_by_the_first_run_that_can_as_if_nothing_had_been(works: Works, tmp_path: Path) -> None:
    two_institutions(works)
    sound = damaged(works)
    more_readings(works)
    works.run()
    assert works.run().failed, "tried again"
    works.registry.save_models([sound])
    assert works.run().failed == {}
    (tmp_path / "whole").mkdir()
    whole = Works.open(tmp_path / "whole")
    two_institutions(whole)
    more_readings(whole)
    whole.run()
    assert everything(works) == everything(whole)
    whole.close()
    assert works.run().recomputed == ()


def test_a_store_that_is_gone_is_nobodys_own_trouble(works: Works) -> None:
    two_institutions(works)
    more_readings(works)
    present = Present.of(works.registry, LocalCalendar(DEFAULT_ZONE), instant("2026-03-01T00:00:00"))
    task = next(tasks_of(present, Asked(), works.registry.take_touched()[1]))
    works.store.close()
    with pytest.raises(StorageUnavailable):
        attempt(task, works.store, works.registry)
