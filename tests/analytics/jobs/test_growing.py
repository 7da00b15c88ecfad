"""A fault that goes on is one finding that grows, from the night it is told to the day after its end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

FIRST = "2025-01-01T00:00:00"
FAULT, OVER = instant("2026-02-10T00:00:00"), instant("2026-03-02T00:00:00")
LAST = instant("2026-03-08T00:00:00")


def used(step: int) -> np.ndarray:
    """Use of each step of a place open every day, 20 kWh an hour by day and 4 at night, 8 more during the fault."""
    times = np.arange(instant(FIRST), LAST, step)
    hour = (times - instant(FIRST)) // HOUR % 24
    rows = np.where((hour >= 8) & (hour < 18), 20.0, 4.0)
    rows *= 1 + 0.05 * np.random.default_rng(1).standard_normal(len(times))
    rows[(times >= FAULT) & (times < OVER)] += 8.0
    return np.round(rows * step / HOUR, 3)


def of_fault(works: Works) -> list[Finding]:
    return [f for f in works.registry.findings.rows() if (f.end or f.start) > FAULT]


@pytest.mark.parametrize("step", [HOUR, 900])
def test_a_fault_that_goes_on_is_one_finding_that_grows_day_by_day(works: Works, step: int) -> None:
    works.estate(meter("e1", interval_s=step))
    register = np.concatenate(([0.0], np.cumsum(used(step))))
    times = instant(FIRST) + step * np.arange(len(register))
    sent, excess = 0, []
    for now in range(FAULT, LAST + 1, DAY):
        n = int(np.searchsorted(times, now, side="right"))
        works.read("e1", times[sent:n].tolist(), register[sent:n].tolist())
        sent = n
        works.run(np.datetime_as_string(np.datetime64(now + 8 * HOUR, "s")))
        told = of_fault(works)
        assert len(told) <= 1, now
        excess += [f.excess or 0.0 for f in told]
    [row] = of_fault(works)
    assert row.state == "open"
    assert json.loads(row.evidence)["seen"] <= FAULT + 2 * DAY
    assert (row.start, row.end) == (pytest.approx(FAULT, abs=DAY), pytest.approx(OVER, abs=DAY))
    assert row.excess == pytest.approx(8 * 24 * 20, rel=0.1)
    assert excess[0] < 0.2 * excess[-1]
