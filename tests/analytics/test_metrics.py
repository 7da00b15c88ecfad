"""Metrics by hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics import metrics
from analytics.metrics import Span


def test_errors_of_a_hand_made_row() -> None:
    actual = np.array([[10.0, 20.0, np.nan, 30.0], [np.nan, np.nan, np.nan, np.nan]])
    expected = np.array([[12.0, 18.0, 5.0, 30.0], [1.0, 1.0, 1.0, 1.0]])
    assert_allclose(metrics.cv_rmse(actual, expected), [np.sqrt(8 / 3) / 20, np.nan])
    assert_allclose(metrics.nmbe(actual, expected + 1), [-3 / 60, np.nan])


def test_only_whole_days_are_summed() -> None:
    actual = np.ones((1, 72))
    actual[0, 30] = np.nan
    sums, expected = metrics.day_sums(actual, 2 * np.ones((1, 72)), np.repeat([5, 6, 7], 24))
    assert_array_equal(sums, [[24, np.nan, 24]])
    assert_array_equal(expected, [[48, np.nan, 48]])


def test_coverage_leaves_unknown_values_out() -> None:
    assert metrics.interval_coverage(np.array([1.0, 5.0, np.nan]), np.zeros(3), np.full(3, 2.0)) == 0.5
    assert np.isnan(metrics.interval_coverage(np.array([np.nan]), np.zeros(1), np.ones(1)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_ranking_equals_counting_pairs_and_steps(pairs: list[tuple[int, bool]]) -> None:
    score = np.array([float(s) for s, _ in pairs])
    truth = np.array([t for _, t in pairs])
    auc, precision = metrics.ranking(score, truth)
    positive, negative = score[truth], score[~truth]
    if not len(positive) or not len(negative):
        assert np.isnan(auc)
        return
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert auc == pytest.approx(wins / (len(positive) * len(negative)))
    by_steps, found = 0.0, 0
    for level in np.unique(score)[::-1]:
        taken = score >= level
        by_steps += (truth[taken].sum() - found) / truth.sum() * truth[taken].mean()
        found = truth[taken].sum()
    assert precision == pytest.approx(by_steps)


def test_hours_closer_than_six_make_one_alarm() -> None:
    flagged = np.zeros((2, 40), bool)
    flagged[0, [3, 8, 14]] = True  # 5 apart: one; 6 apart: two
    flagged[1, 39] = True
    assert metrics.merge_alarms(flagged) == [Span(0, 3, 8), Span(0, 14, 14), Span(1, 39, 39)]


def test_alarms_meet_events_by_touching() -> None:
    alarms = [Span(0, 0, 4), Span(0, 20, 22), Span(1, 3, 3)]
    events = [Span(0, 4, 9), Span(0, 30, 31), Span(2, 3, 3)]
    found = metrics.event_score(alarms, events)
    assert (found.n_alarms, found.n_events, found.hit) == (3, 3, (True, False, False))
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 3)
    assert np.isnan(metrics.event_score([], events).precision)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=40, max_size=40), min_size=1, max_size=3),
    st.floats(0, 6),
    st.sampled_from([0.05, 0.15, 1.0]),
)
def test_the_lowest_threshold_is_the_last_value_from_the_top_that_keeps_budget_and_share(
    rows: list[list[int]], budget: float, most: float
) -> None:
    score = np.array(rows, np.float32)
    score[score == 13] = np.nan
    kept = []
    for level in sorted(set(score[np.isfinite(score)].tolist()), reverse=True):
        flagged = score >= level
        if len(metrics.merge_alarms(flagged)) > budget * len(score) or flagged.sum() > most * score.size:
            break
        kept.append(level)
    threshold = metrics.lowest_threshold(score, budget, most=most)
    if kept:
        assert threshold == kept[-1]
    else:
        assert not (score >= threshold).any()


def test_an_event_as_long_as_the_year_is_met_by_chance_too() -> None:
    event = [Span(0, 0, 99)]
    assert metrics.chance_recall([Span(0, 5, 5)], event, 1, 100, np.random.default_rng(0)) == 1.0


def test_chance_grows_with_what_is_flagged() -> None:
    generator = np.random.default_rng(0)
    events = [Span(0, 100, 110)] * 50
    assert metrics.chance_recall([Span(0, 0, 999)], events, 1, 1000, generator) == 1.0
    assert metrics.chance_recall([Span(0, 0, 0)], events, 1, 1000, generator) < 0.1
