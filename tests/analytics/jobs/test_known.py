"""Of every meter it is said what its expectation rests on, and whether its hours are judged."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.jobs.known import Known, known_of
from energy.intervals import LocalCalendar
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

NOW = "2026-03-20T00:00:00"


def known(works: Works, since: str, **sheets: list[dict[str, object]]) -> Known:
    """Of a meter read from a day on."""
    n = (instant(NOW) - instant(since)) // HOUR
    works.estate(meter("e1"), **sheets)
    works.hourly("e1", since, (4.0 + np.arange(n) % 24).tolist())
    works.run(NOW)
    return known_of(works.registry, "e1", LocalCalendar("Asia/Shanghai"), instant(NOW))


def test_a_whole_year_without_temperature_is_enough_and_says_what_is_missing(works: Works) -> None:
    told = known(works, "2025-01-01T00:00:00")
    assert told.period is not None
    assert (told.has_weather, told.uses_weather, told.is_watched, told.lacking) == (False, False, True, ())
    assert (told.days, told.lowest_month) == (1.0, 1.0)
    assert told.cv_rmse == pytest.approx(0.0, abs=1e-3)


def test_half_a_year_is_watched_and_called_short(works: Works) -> None:
    told = known(works, "2025-06-25T00:00:00")
    assert told.is_watched
    assert "period" in told.lacking


def test_less_than_half_of_the_year_before_is_expected_by_itself_and_not_watched(works: Works) -> None:
    told = known(works, "2025-12-01T00:00:00")
    assert told.period is not None
    assert (told.is_watched, told.lacking) == (False, ("period",))


def test_of_a_few_days_nothing_is_expected(works: Works) -> None:
    told = known(works, "2026-03-01T00:00:00")
    assert (told.period, told.is_watched, told.lacking) == (None, False, ("period",))


def test_a_temperature_that_is_known_is_named(works: Works) -> None:
    sensor = {"id": "wx", "institution": "school", "quantity": "temperature", "unit": "degC", "interval_s": HOUR}
    times = np.arange(instant("2025-01-01T00:00:00"), instant(NOW), HOUR)
    works.estate(meter("e1"), sensors=[{**sensor, "place": "region:990101"}])
    works.read("wx", times.tolist(), (15 - 12 * np.cos(2 * np.pi * (times - times[0]) / (365 * DAY))).tolist())
    assert known(works, "2025-01-01T00:00:00").has_weather
