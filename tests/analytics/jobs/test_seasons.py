"""Heat meters follow the heating season of their place, not what a leak taught them."""

from __future__ import annotations

import numpy as np

from tests.analytics.jobs.conftest import HOUR, Works, instant, meter

FIRST = "2025-01-01T00:00:00"
NOW = "2026-04-20T00:00:00"
SPRING = instant("2026-03-16T00:00:00")


def heat(works: Works, *, rests_from: str) -> None:
    """A heat meter used up to a day of 2025 and again from 15 November on; in 2026 up to 15 March."""
    times = instant(FIRST) + HOUR * np.arange((instant(NOW) - instant(FIRST)) // HOUR)
    off = (times >= instant(rests_from)) & (times < instant("2025-11-15T00:00:00")) | (times >= SPRING)
    used = 1.0 + 0.2 * np.random.default_rng(3).standard_normal(len(times))
    works.estate(meter("h", category="heat", unit="GJ"), meter("e"))
    works.hourly("h", FIRST, np.round(np.where(off, 0.0, used), 3).tolist())
    works.run(NOW)


def kinds(works: Works) -> list[str]:
    return [f.kind for f in works.registry.findings.rows(state="open") if (f.end or 0) > SPRING]


def test_heat_that_stops_with_its_season_is_no_fault_though_the_spring_before_it_went_on(works: Works) -> None:
    heat(works, rests_from="2025-05-20T00:00:00")
    assert kinds(works) == []


def test_heat_that_is_used_all_year_round_and_stops_is_one(works: Works) -> None:
    heat(works, rests_from="2025-11-15T00:00:00")
    assert kinds(works) == ["zero"]
