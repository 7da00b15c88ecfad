"""Findings from readings to registry and store."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from energy.registry.decisions import Correction, Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

DAYS = 365 + 80
NOW = "2026-03-22T00:00:00"
FAULT = instant("2026-02-10T00:00:00")


@cache
def busy_place(seed: int) -> np.ndarray:
    """Hourly use of a place open every day, 445 days from 1 January 2025: 4 kWh at night, 20 by day, 5 % noise."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * DAYS) % 24
    work = (hour >= 8) & (hour < 18)
    return np.round(np.where(work, 20.0, 4.0) * (1 + 0.05 * rng.standard_normal(24 * DAYS)), 2)


def at(when: int) -> int:
    return (when - instant("2025-01-01T00:00:00")) // HOUR


def with_fault(extra: float, days: int = 6) -> np.ndarray:
    used = busy_place(1).copy()
    used[at(FAULT) : at(FAULT) + 24 * days] += extra
    return used


def load(works: Works, *names: str, used: np.ndarray) -> None:
    for name in names:
        works.hourly(name, "2025-01-01T00:00:00", used.tolist())


def of_fault(works: Works, *states: str) -> list[Finding]:
    return [f for f in works.registry.findings.rows() if f.state in states and FAULT - DAY <= f.start < FAULT + 6 * DAY]


@pytest.fixture
def found(works: Works) -> Works:
    works.estate(
        meter("e1", building="b1", gateway="g1", local="a"),
        meter("e2", building="b1", gateway="g1", local="b", parent="e1"),
        gateways=[{"id": "g1", "institution": "school"}],
    )
    load(works, "e1", "e2", used=with_fault(15.0))
    works.run(NOW)
    return works


def test_a_load_left_on_is_one_finding_of_parent_and_child_with_its_numbers_and_words(found: Works) -> None:
    (row,) = of_fault(found, "open")
    assert row.institution == "school"
    assert row.kind in ("level", "off_hours")
    assert row.excess == pytest.approx(15 * 24 * 6, rel=0.15)
    evidence = json.loads(row.evidence)
    assert sorted([row.meter or "", *evidence["also"]]) == ["e1", "e2"]
    assert evidence["seen"] <= FAULT + 3 * DAY
    assert "kWh" in row.text_zh
    assert "kWh" in row.text_en
    shown = found.rows("finding", institution="school")
    place = list(shown.fields["id"]).index(row.id)
    assert shown.time[place] == row.start
    assert shown.fields["open"][place] == 1.0
    assert shown.fields["end_ms"][place] == (row.end or 0) * 1000


def test_what_a_finding_says_was_used_is_the_sum_of_the_curve_beside_it(found: Works) -> None:
    (row,) = of_fault(found, "open")
    assert row.meter is not None
    assert row.end is not None
    curve = found.rows("interval", meter=row.meter)
    used = float(curve.fields["amount"][(curve.time >= row.start) & (curve.time < row.end)].sum())
    assert json.loads(row.evidence)["actual"] == pytest.approx(used, rel=1e-6)
    assert f"{used:,.0f} kWh" in row.text_en


def test_what_a_person_said_outlives_the_next_run(found: Works) -> None:
    (row,) = of_fault(found, "open")
    found.registry.findings.decide(row.id, author="li", time=1, state="closed", verdict="confirmed", comment="空调")
    found.run(NOW, since=instant("2026-02-01T00:00:00"), institutions=["school"])
    (kept,) = [f for f in found.registry.findings.rows() if f.id == row.id]
    assert (kept.state, kept.verdict, kept.comment) == ("closed", "confirmed", "空调")


def test_a_finding_that_a_correction_explains_is_withdrawn_and_says_so(found: Works) -> None:
    (row,) = of_fault(found, "open")
    usual = busy_place(1)[at(FAULT) : at(FAULT) + 24 * 6].reshape(6, 24).sum(axis=1)
    for name in ("e1", "e2"):
        found.registry.corrections.put(
            [
                Correction(name, FAULT + d * DAY, FAULT + (d + 1) * DAY, "amount", "li", d, "误接", float(usual[d]))
                for d in range(6)
            ]
        )
    found.run(NOW)
    assert [f.id for f in of_fault(found, "withdrawn")] == [row.id]
    (event,) = found.registry.findings.history(row.id)
    assert (event.state, event.author) == ("withdrawn", "jieneng")
    shown = found.rows("finding", institution="school")
    assert row.id not in shown.fields["id"].tolist()  # a chart would call it closed


def test_a_second_run_finds_the_same_and_writes_nothing(found: Works) -> None:
    before = found.registry.findings.rows()
    record = found.run(NOW, since=instant("2026-01-01T00:00:00"), institutions=["school"])
    assert found.registry.findings.rows() == before
    assert record.written.get("finding", 0) == 0


def test_meters_of_a_gateway_that_fall_silent_together_are_one_finding(works: Works) -> None:
    works.estate(
        *(meter(f"e{i}", gateway="g1", local=f"m{i}") for i in range(3)),
        gateways=[{"id": "g1", "institution": "school"}],
    )
    start = instant("2026-02-01T00:00:00")
    for i in range(3):
        values = np.arange(24 * 30) * (1.0 + i)
        keep = np.ones(len(values), bool)
        keep[200:230] = False
        times = start + HOUR * np.arange(len(values))
        works.read(f"e{i}", times[keep].tolist(), values[keep].tolist())
    works.run("2026-03-04T12:00:00")
    kinds = {row.kind: row for row in works.registry.findings.rows()}
    assert set(kinds) == {"gap_catchup", "offline"}
    gap = kinds["gap_catchup"]
    assert (gap.start, gap.end) == (start + 199 * HOUR, start + 230 * HOUR)
    assert len(json.loads(gap.evidence)["also"]) == 2
    assert (gap.excess, gap.excess_yuan, json.loads(gap.evidence)["kgce"]) == (None, None, None)
    assert json.loads(gap.evidence)["actual"] == pytest.approx(31.0)  # what the register tells of the whole gap
    assert kinds["offline"].start == start + HOUR * (24 * 30 - 1)


def test_silence_that_ends_becomes_a_gap_under_the_same_id(works: Works) -> None:
    works.estate(meter("e1", gateway="g1", local="a"), gateways=[{"id": "g1", "institution": "school"}])
    start = instant("2026-02-01T00:00:00")
    times = start + HOUR * np.arange(24 * 30)
    works.read("e1", times[:400].tolist(), (2.0 * np.arange(400)).tolist())
    works.run("2026-02-18T12:00:00")
    (silent,) = works.registry.findings.rows()
    assert silent.kind == "offline"
    works.read("e1", times[450:].tolist(), (2.0 * np.arange(450, 720)).tolist())
    works.run("2026-03-03T00:00:00")
    (gap,) = works.registry.findings.rows()
    assert (gap.id, gap.kind, gap.state) == (silent.id, "gap_catchup", "open")


def test_runs_are_recorded_with_what_came_of_them(found: Works) -> None:
    (run,) = found.registry.runs.rows()
    counts = json.loads(run.counts)
    assert run.state == "done"
    assert counts["institutions"] == 2
    assert counts["written"]["interval"] == 2 * 24 * DAYS
    assert counts["findings"]["new"] >= 1
    found.run(NOW)
    assert len(found.registry.runs.rows()) == 1  # nothing to do leaves no record


def test_a_run_says_how_far_it_is_and_why_it_failed(works: Works) -> None:
    works.estate(meter("e1"))

    under_way: list[tuple[str, object]] = []

    def far_away(_work: object, _units: object) -> list[object]:
        (run,) = works.registry.runs.rows()
        under_way.append((run.state, json.loads(run.counts)))
        raise ConnectionError("scheduler is gone")

    with pytest.raises(ConnectionError):
        works.run(NOW, opener=lambda: (works.store, works.registry), mapper=far_away)
    assert under_way == [("running", {"computed": 0, "institutions": 2})]
    (run,) = works.registry.runs.rows()
    assert (run.state, run.error) == ("failed", "ConnectionError: scheduler is gone")


TEN, SEVEN, LAST = (instant(f"2026-01-0{time}:00:00") for time in ("5T10", "5T19", "6T22"))


def gap_cut_at_seven(works: Works) -> float:
    """A finding of a gap from TEN to LAST that goes on from SEVEN, as late readings tell; the register at SEVEN."""
    works.estate(meter("e1"))
    register = works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 10)
    works.hourly("e1", "2026-01-06T22:00:00", [2.0] * 40, start=float(register[-1]) + 72.0)
    works.run(NOW)
    morning = works.hourly("e1", "2026-01-05T11:00:00", [2.0] * 8, start=float(register[-1]) + 2.0)
    works.run(NOW)
    return float(morning[-1])


def test_a_gap_before_one_that_goes_on_is_another_finding_though_that_one_began_there(works: Works) -> None:
    gap_cut_at_seven(works)
    late = Correction("e1", TEN + HOUR, SEVEN, "discard", "li", 1, "补传有误")
    works.registry.corrections.put([late])
    works.run(NOW)
    assert sorted((f.start, f.end) for f in works.registry.findings.rows(state="open")) == [(TEN, SEVEN), (SEVEN, LAST)]


def test_a_gap_that_begins_where_one_that_is_gone_had_begun_is_told(works: Works) -> None:
    register = gap_cut_at_seven(works)
    works.hourly("e1", "2026-01-05T20:00:00", [2.0] * 25, start=register + 2.0)
    works.registry.corrections.put([Correction("e1", TEN + HOUR, SEVEN, "discard", "li", 1, "补传有误")])
    works.run(NOW)
    found = sorted((f.start, f.end, f.state) for f in works.registry.findings.rows())
    assert found == [(TEN, SEVEN, "open"), (SEVEN, LAST, "withdrawn")]
