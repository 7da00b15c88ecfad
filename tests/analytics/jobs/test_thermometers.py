"""A thermometer that dies must neither freeze the weather nor silence the meters that look at it."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.jobs.estate import estates
from analytics.jobs.surroundings import Surroundings
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

FIRST, NOW = instant("2025-01-01T00:00:00"), "2026-07-10T00:00:00"
TIMES = np.arange(FIRST, instant(NOW), HOUR)
OUTSIDE = 14 - 14 * np.cos(2 * np.pi * (TIMES - FIRST) / (365.25 * DAY)) + 4 * np.sin(2 * np.pi * TIMES / DAY)
DIES = instant("2026-03-01T00:00:00")
SENSOR = {"institution": "school", "quantity": "temperature", "unit": "degC", "interval_s": HOUR}


def cooled(works: Works, *, second: bool) -> None:
    """A meter that cools above 18 degrees, and a thermometer that dies in March; perhaps another one further away."""
    sensors = [{**SENSOR, "id": "near", "place": "region:990101"}, {**SENSOR, "id": "far", "place": "region:990000"}]
    works.estate(meter("e1"), sensors=sensors)
    alive = TIMES < DIES
    works.read("near", TIMES[alive].tolist(), OUTSIDE[alive].tolist())
    if second:
        works.read("far", TIMES.tolist(), (OUTSIDE + 1).tolist())
    used = 10 + 1.5 * np.maximum(OUTSIDE - 18, 0)
    used *= 1 + 0.04 * np.random.default_rng(4).standard_normal(len(TIMES))
    works.hourly("e1", "2025-01-01T00:00:00", np.round(used, 2).tolist())
    works.run(NOW)


@pytest.mark.parametrize("second", [False, True])
def test_a_summer_without_the_thermometer_is_no_fault(works: Works, second: bool) -> None:
    cooled(works, second=second)
    late = [f.kind for f in works.registry.findings.rows(state=["open", "waiting"]) if f.start > DIES]
    assert late == []


def test_where_the_nearest_is_silent_for_days_the_next_speaks(works: Works) -> None:
    cooled(works, second=True)
    (estate,) = estates(works.registry.snapshot(), ["school"], "Asia/Shanghai")
    n = 20 * 24
    felt = Surroundings(works.store, estate).weather(DIES - 10 * DAY, n, HOUR).temperature
    assert felt is not None
    place = (DIES - 10 * DAY - FIRST) // HOUR
    off = felt - OUTSIDE[place : place + n]
    assert np.mean(off[:216]) == pytest.approx(0.0, abs=0.1)
    assert np.mean(off[-216:]) == pytest.approx(1.0, abs=0.1)  # what the further one shows
