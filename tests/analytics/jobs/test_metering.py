"""When faults of metering are told: in the night in which they are long enough, or when they are over."""

from __future__ import annotations

import json

import pytest

from analytics.detection.kinds import Kind
from analytics.findings import Finding
from analytics.jobs.metering import told_at
from analytics.jobs.outlook import kind_of_use
from energy.intervals import LocalCalendar
from tests.analytics.jobs.conftest import HOUR, Works, instant, meter

CALENDAR = LocalCalendar("Asia/Shanghai")
TEN, NEXT, AFTER = (instant(f"2026-02-{t}") for t in ("10T10:00:00", "11T00:00:00", "12T00:00:00"))


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (TEN, TEN + 8 * HOUR, NEXT),  # over before midnight: told when the day has ended
        (TEN, TEN + 60 * HOUR, NEXT),  # 14 h long at midnight
        (TEN + 10 * HOUR, AFTER + 9 * HOUR, AFTER),  # 4 h long at the first midnight: the next one tells
        (TEN + 10 * HOUR, NEXT + 6 * HOUR, NEXT + 6 * HOUR),  # its end tells before that
    ],
)
def test_a_silence_is_told_in_the_first_night_that_can_know_it(start: int, end: int, told: int) -> None:
    assert told_at(CALENDAR, start, end) == told


@pytest.mark.parametrize(
    ("hours", "actual", "kind"), [(3, 130.0, Kind.SPIKE), (72, 130.0, Kind.LEVEL), (3, 70.0, Kind.LOW)]
)
def test_hours_that_caught_up_with_none_are_a_peak_only_where_they_are_few(
    hours: int, actual: float, kind: Kind
) -> None:
    assert kind_of_use(Finding("w1", Kind.GAP_CATCHUP, 0, hours * HOUR, actual, 100.0, "m3", 0.6)) is kind


def test_nightly_runs_tell_a_silence_when_its_finding_says_they_did(works: Works) -> None:
    works.estate(meter("e1", gateway="g1", local="a"), gateways=[{"id": "g1", "institution": "school"}])
    start = instant("2026-02-01T00:00:00")
    hours = range((TEN - start) // HOUR + 1)
    works.read("e1", [start + h * HOUR for h in hours], [2.0 * h for h in hours])
    works.run("2026-02-10T10:30:00")
    works.run("2026-02-10T23:00:00")
    assert works.registry.findings.rows() == []
    works.run("2026-02-11T00:05:00")
    [row] = works.registry.findings.rows()
    works.run("2026-02-12T00:05:00")
    [later] = works.registry.findings.rows()
    assert (row.id, json.loads(later.evidence)["seen"]) == (later.id, NEXT)
    assert later.end == instant("2026-02-12T00:05:00")
