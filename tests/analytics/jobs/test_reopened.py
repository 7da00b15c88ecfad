"""What was closed and goes on: people hear of it again, unless they said that it is known or no fault."""

from __future__ import annotations

import numpy as np
import pytest

from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.test_breaches import offices

MONTHS = ("2026-01-01T00:00:00", "2026-02-01T00:00:00", "2026-03-01T00:00:00", "2026-04-01T00:00:00")


def month_of(works: Works, place: int, more: float) -> Finding:
    """One more month of six offices, the fourth of which uses more; the only finding there is."""
    start, end = instant(MONTHS[place]), instant(MONTHS[place + 1])
    for i in range(6):
        used = [10.0 + 0.1 * i + (more if i == 3 else 0.0)] * ((end - start) // 3600)
        shown = works.store.latest([f"o{i}.e"]).get(f"o{i}.e", (0, 0.0))[1]
        works.hourly(f"o{i}.e", MONTHS[place], used, start=shown)
    works.run(f"{MONTHS[place + 1][:9]}2T00:00:00")
    [row] = works.registry.findings.rows()
    return row


def close(works: Works, row: Finding, when: str, verdict: str | None = None) -> None:
    works.registry.findings.decide(
        row.id, author="li", time=instant(when), state="closed", verdict=verdict, comment="已调整时间表"
    )


@pytest.mark.parametrize("verdict", [None, "confirmed"])
def test_a_building_still_above_its_sisters_a_whole_month_after_it_was_closed_is_open_again(
    works: Works, verdict: str | None
) -> None:
    offices(works)
    first = month_of(works, 0, 20.0)
    close(works, first, "2026-02-10T00:00:00", verdict)
    assert month_of(works, 1, 20.0).state == "closed"  # February began before anybody could have changed anything
    again = month_of(works, 2, 20.0)
    assert (again.id, again.state, again.verdict) == (first.id, "open", verdict)
    assert again.end == instant("2026-04-01T00:00:00")
    event = works.registry.findings.history(first.id)[-1]
    assert (event.author, event.state) == ("jieneng", "open")
    assert "2026-02-10" in event.comment
    assert works.rows("finding", institution="o3").fields["open"].tolist() == [1.0]


def test_a_building_that_is_above_its_sisters_again_after_a_quiet_month_is_open_again(works: Works) -> None:
    offices(works)
    close(works, month_of(works, 0, 20.0), "2026-02-01T00:00:00")
    assert month_of(works, 1, 0.0).state == "closed"
    assert month_of(works, 2, 20.0).state == "open"


@pytest.mark.parametrize("verdict", ["known", "false_alarm"])
def test_what_people_know_of_or_called_no_fault_stays_closed(works: Works, verdict: str) -> None:
    offices(works)
    close(works, month_of(works, 0, 20.0), "2026-02-01T00:00:00", verdict)
    month_of(works, 1, 20.0)
    assert month_of(works, 2, 20.0).state == "closed"


def test_a_silence_that_goes_on_for_a_week_after_it_was_closed_is_open_again(works: Works) -> None:
    works.estate(meter("e1", gateway="g1", local="a"), gateways=[{"id": "g1", "institution": "school"}])
    works.hourly("e1", "2026-02-01T00:00:00", np.full(24 * 10, 2.0).tolist())
    works.run("2026-02-12T06:00:00")
    [row] = works.registry.findings.rows()
    close(works, row, "2026-02-12T12:00:00")
    states = []
    for day in range(13, 22):
        works.run(f"2026-02-{day}T06:00:00")
        states += [found.state for found in works.registry.findings.rows()]
    assert states == ["closed"] * 7 + ["open"] * 2
    close(works, row, "2026-02-21T12:00:00", "known")
    works.run("2026-02-24T06:00:00")
    assert [found.state for found in works.registry.findings.rows()] == ["closed"]
    assert len(works.registry.findings.history(row.id)) == 3
