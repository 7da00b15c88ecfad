from __future__ import annotations

import numpy as np
import pytest

from analytics.register_profiles import RegisterProfile, fit_register_profile, has_outgrown
from analytics.registers import Verdict

HOUR = 3600


def test_a_profile_needs_two_days_of_increments() -> None:
    time = np.arange(48, dtype=np.int64) * HOUR
    assert fit_register_profile(time, 2.0 * np.arange(48), gap_s=5400) is None
    time = np.arange(49, dtype=np.int64) * HOUR
    found = fit_register_profile(time, 2.0 * np.arange(49), ratio=10, gap_s=5400)
    assert found is not None
    assert (found.per_hour, found.stuck_s, found.n_increments) == (20.0, 6 * HOUR, 48)


def test_a_register_that_rests_every_night_is_not_stuck_at_night() -> None:
    day = [0.0] * 10 + [3.0] * 14
    value = np.concatenate(([0.0], np.cumsum(day * 20)))
    found = fit_register_profile(np.arange(len(value), dtype=np.int64) * HOUR, value, gap_s=5400)
    assert found is not None
    assert found.stuck_s == 20 * HOUR


def test_power_of_a_quarter_hour_counts_as_four_in_the_hour() -> None:
    time = np.arange(100, dtype=np.int64) * 900
    found = fit_register_profile(time, 2.0 * np.arange(100), gap_s=1350)
    assert found is not None
    assert found.per_hour == 8.0


def test_with_another_ratio_the_same_display_means_other_amounts() -> None:
    assert RegisterProfile(per_hour=20.0, stuck_s=6.0 * HOUR, n_increments=48, ratio=10.0).per_hour_at(30.0) == 60.0
    assert RegisterProfile(per_hour=20.0, stuck_s=6.0 * HOUR, n_increments=48).per_hour_at(30.0) == 20.0


@pytest.mark.parametrize(
    ("n_refused", "n_falls", "n_rollovers", "is_too_small"),
    [(3, 0, 0, False), (4, 0, 0, True), (4, 1, 0, False), (10, 1, 0, True), (10, 2, 0, False), (4, 0, 5, True)],
)
def test_a_profile_is_outgrown_by_four_refused_rises_with_a_tenth_of_falls(
    n_refused: int, n_falls: int, n_rollovers: int, is_too_small: bool
) -> None:
    advance = np.repeat([9.0, -5.0, -5.0, 1.0], [n_refused, n_falls, n_rollovers, 20])
    verdicts = [Verdict.EXCHANGE, Verdict.GLITCH, Verdict.ROLLOVER, Verdict.ACCEPTED]
    verdict = np.repeat(np.array(verdicts, np.uint8), [n_refused, n_falls, n_rollovers, 20])
    assert has_outgrown(advance, verdict) is is_too_small
