"""Spikes of interval data stand alone; use does not."""

from __future__ import annotations

import numpy as np

from analytics.spikes import interval_spikes

DAY = np.repeat(np.arange(5), 24)
OFFICE = np.tile(np.where(np.isin(np.arange(24), np.arange(8, 18)), 20.0, 4.0), 5)


def spikes(value: np.ndarray) -> list[int]:
    return np.flatnonzero(interval_spikes(value, DAY)).tolist()


def test_a_value_far_above_the_third_highest_around_it_is_a_spike() -> None:
    value = OFFICE.copy()
    value[60] = 61.0  # (61 - 20) / 20 = 2.05 > 1.8; mean 10.7, deviation 7.9: z = 6.4
    assert spikes(value) == [60]
    value[60] = 55.0  # (55 - 20) / 20 = 1.75
    assert spikes(value) == []


def test_two_beside_each_other_are_spikes_and_three_are_use() -> None:
    value = OFFICE.copy()
    value[60:62] = 90.0
    assert spikes(value) == [60, 61]
    value[62] = 90.0
    assert spikes(value) == []


def test_an_hour_of_every_day_is_use() -> None:
    value = np.full(120, 1.0)
    value[12::24] = 20.0
    assert spikes(value) == []


def test_where_nothing_is_used_nothing_is_judged_and_unknown_hours_do_not_count() -> None:
    value = np.zeros(120)
    value[60] = 5.0
    assert spikes(value) == []
    value = OFFICE.copy()
    value[48:72:2] = np.nan
    value[61] = 61.0
    assert spikes(value) == [61]
    assert not interval_spikes(np.zeros(0), np.zeros(0, np.int64)).any()
