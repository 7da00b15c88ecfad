"""What people say of findings changes what is told of that meter and kind, and of no other."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.detection.kinds import Kind
from analytics.findings import Verdict
from analytics.jobs.notices import AUTHOR, TIRESOME
from analytics.jobs.outlook import SPEAKS_S, verdicts
from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

FIRST = instant("2025-01-01T00:00:00")
FAULTS = [instant(f"2026-{day}T00:00:00") for day in ("01-12", "02-09", "03-09", "04-13")]
"""Mondays."""
BEFORE, AFTER = "2026-04-05T00:00:00", "2026-04-20T00:00:00"
HOURS = (instant(AFTER) - FIRST) // HOUR


def used(seed: int) -> np.ndarray:
    """A place open every day, 20 kWh by day and 4 at night, with 15 more for three days from each fault on."""
    hour = np.arange(HOURS) % 24
    rows = np.where((hour >= 8) & (hour < 18), 20.0, 4.0)
    rows *= 1 + 0.05 * np.random.default_rng(seed).standard_normal(HOURS)
    for fault in FAULTS:
        rows[(fault - FIRST) // HOUR : (fault - FIRST) // HOUR + 72] += 15.0
    return np.round(rows, 2)


@pytest.fixture
def told(works: Works) -> Works:
    """Two meters beside each other, of which the first three faults were told."""
    works.estate(meter("e1"), meter("e2"))
    for name, seed in (("e1", 1), ("e2", 2)):
        whole = used(seed)
        n = (instant(BEFORE) - FIRST) // HOUR
        works.hourly(name, "2025-01-01T00:00:00", whole[:n].tolist())
    works.run(BEFORE)
    return works


def go_on(works: Works) -> None:
    for name, seed in (("e1", 1), ("e2", 2)):
        whole = used(seed)
        n = (instant(BEFORE) - FIRST) // HOUR
        works.hourly(name, BEFORE, whole[n:].tolist(), start=float(np.cumsum(whole)[n - 1]))
    works.run(AFTER)


def of(works: Works, name: str, fault: int) -> list[Finding]:
    rows = works.registry.findings.rows(meter=name)
    return [f for f in rows if FAULTS[fault] - DAY <= f.start < FAULTS[fault] + 3 * DAY]


def say(works: Works, verdict: str) -> None:
    for fault in range(3):
        (row,) = of(works, "e1", fault)
        assert row.kind == Kind.LEVEL
        works.registry.findings.decide(row.id, author="li", time=instant(BEFORE), verdict=verdict)


def test_false_verdicts_thin_out_what_is_told_of_that_meter_and_kind_alone_until_they_are_taken_back(
    told: Works,
) -> None:
    say(told, "false_alarm")
    go_on(told)
    assert of(told, "e1", 3) == []
    assert [(f.kind, f.state) for f in of(told, "e2", 3)] == [(Kind.LEVEL, "open")]
    assert [f.state for fault in range(3) for f in of(told, "e1", fault)] == ["open"] * 3  # what was told stays
    say(told, "none")
    told.run(AFTER, since=FAULTS[3], institutions=["school"])
    assert [(f.kind, f.state) for f in of(told, "e1", 3)] == [(Kind.LEVEL, "open")]


def test_what_waits_to_be_told_is_taken_from_the_list_and_says_why(told: Works) -> None:
    say(told, "known")
    go_on(told)
    (row,) = of(told, "e1", 3)
    told.registry.findings.decide(row.id, author="li", time=instant(AFTER), state="waiting")
    say(told, "false_alarm")
    told.run(AFTER, since=FAULTS[3], institutions=["school"])
    assert [f.state for f in of(told, "e1", 3)] == ["withdrawn"]
    last = told.registry.findings.history(row.id)[-1]
    assert (last.author, last.comment) == (AUTHOR, TIRESOME)


def test_a_verdict_counts_for_two_years_after_what_it_was_said_of(told: Works) -> None:
    say(told, "false_alarm")
    last = max(f.end or f.start for fault in range(3) for f in of(told, "e1", fault))
    assert verdicts(told.registry, "school", last) == [("e1", Kind.LEVEL, Verdict.FALSE)] * 3
    assert len(verdicts(told.registry, "school", last + SPEAKS_S - 1)) == 1
    assert verdicts(told.registry, "school", last + SPEAKS_S) == []
