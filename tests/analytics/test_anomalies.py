"""The detector equals its slow twin, finds what was put in, looks no further than a day, and keeps its budget."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics import anomalies as an
from analytics.calendars import calendar_rows
from analytics.design import Design, Weather, build_design, choose_terms
from analytics.detection.alarms import drop_repeats
from analytics.detection.kinds import Kind
from analytics.detection.thresholds import lowest_threshold
from analytics.detection.weights import INTERCEPTS
from energy.intervals import HOUR, LocalCalendar
from tests.analytics import naive_anomalies as naive

LONDON, SHANGHAI = LocalCalendar("Europe/London"), LocalCalendar("Asia/Shanghai")
HISTORY = 140 * 24


def design(n_days: int, zone: LocalCalendar = SHANGHAI) -> tuple[Design, an.HourGrid]:
    start = zone.start_of(date(2022, 1, 1))
    times = start + HOUR * np.arange(n_days * 24, dtype=np.int64)
    calendar = calendar_rows(times, HOUR, zone)
    return build_design(choose_terms(calendar, Weather()), calendar, Weather()), an.HourGrid.of(start, calendar)


def offices(n_meters: int, grid: an.HourGrid, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Use and what is usual: 40 at rest, 100 while busy, noise of 5 %."""
    generator = np.random.default_rng(seed)
    usual = np.tile((40 + 60 * grid.busy).astype(np.float32), (n_meters, 1))
    return (usual * generator.normal(1, 0.05, usual.shape)).astype(np.float32), usual


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.05, 0.4]),
    constant=st.booleans(),
    zone=st.sampled_from([LONDON, SHANGHAI]),
)
def test_scores_equal_the_slow_twin(seed: int, missing: float, constant: bool, zone: LocalCalendar) -> None:
    _, grid = design(100, zone)
    values, usual = offices(2, grid, seed)
    generator = np.random.default_rng(seed)
    if constant:
        values[0] = 40.0
    at = int(generator.integers(0, 90 * 24))
    values[1, at : at + 30] *= 1.8
    values[generator.random(values.shape) < missing] = np.nan
    n_history = 75 * 24
    judged = an.judge_as_seen(values, usual, grid, n_history)[1]
    for i in range(2):
        lasting, sudden, restless, _ = naive.log_odds(naive.terms(values[i], usual[i], grid, n_history))
        expected = np.maximum(np.maximum.reduce([lasting, sudden, restless]) - INTERCEPTS[0], 0)[n_history:]
        assert_allclose(judged.score[i], expected, rtol=2e-3, atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 300), budget=st.sampled_from([0.0, 1.0, 2.5]), ties=st.booleans())
def test_the_lowest_threshold_equals_trying_every_value(seed: int, n: int, budget: float, ties: bool) -> None:
    odds = np.random.default_rng(seed).normal(0, 1, n).astype(np.float32)
    if ties:
        odds = np.round(odds).astype(np.float32)
    found = lowest_threshold(odds, budget)
    expected = naive.lowest_threshold(odds, budget)
    if np.isinf(expected):
        assert found > odds.max()
    else:
        assert found == pytest.approx(expected, abs=1e-5)


FAULTS = {
    Kind.SPIKE: lambda v: v * 4,
    Kind.ZERO: lambda v: v * 0,
    Kind.STUCK: lambda v: np.full_like(v, v[0]),
    Kind.SCALE: lambda v: v * 10,
    Kind.LEVEL: lambda v: v + 30,
    Kind.LOW: lambda v: v - 25,
    Kind.GAP_CATCHUP: lambda v: np.r_[np.zeros(len(v) - 1), v.sum()],
    Kind.OFF_HOURS: lambda v: np.maximum(v, 90 + v / 50),
}
LENGTHS = {Kind.SPIKE: 2, Kind.ZERO: 30, Kind.STUCK: 40, Kind.SCALE: 72, Kind.LEVEL: 200, Kind.LOW: 200,
           Kind.GAP_CATCHUP: 20, Kind.OFF_HOURS: 60}  # fmt: skip


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_fault_is_found_named_and_measured(kind: Kind) -> None:
    rows, grid = design(240)
    values, _ = offices(1, grid, 11)
    first = 190 * 24 + 9
    span = slice(first, first + LENGTHS[kind])
    honest = values[0, span].copy()
    values[0, span] = FAULTS[kind](honest)
    usual = an.usual_use(values[:, :HISTORY], *_split(rows))
    alarms = an.judge_as_seen(values, usual, grid, HISTORY)[1].alarms
    start, end = grid.start + HOUR * span.start, grid.start + HOUR * span.stop
    touching = [i for i in range(len(alarms)) if alarms.start[i] < end and alarms.end[i] > start]
    assert touching
    assert kind in {Kind(str(alarms.kind[i])) for i in touching}
    if kind is not Kind.STUCK:
        best = max(touching, key=lambda i: abs(alarms.excess[i]))
        wrong = float((values[0, span] - honest).sum())
        assert alarms.excess[best] == pytest.approx(wrong, rel=0.35, abs=60)
        assert alarms.strongest(best)[0][1] > 0


def _split(rows: Design) -> tuple[Design, Design]:
    cut = HISTORY
    whole = rows.calendar
    parts = []
    for where in (slice(0, cut), slice(cut, None)):
        arrays = {n: getattr(whole, n)[where] for n in ("slot", "part", "hour", "kind", "vacation", "day", "occupied")}
        parts.append(
            Design(
                type(whole)(whole.step, **arrays),
                rows.rows[:, where].copy(),
                rows.ahead[:, where].copy(),
                rows.n_calendar,
                0.0,
            )
        )
    return parts[0], parts[1]


def test_quiet_meters_raise_few_alarms() -> None:
    rows, grid = design(300)
    values, _ = offices(20, grid, 5)
    usual = an.usual_use(values[:, :HISTORY], *_split(rows))
    judged = an.judge_as_seen(values, usual, grid, HISTORY)[1]
    assert len(judged.alarms) <= 12 * 20 * (300 * 24 - HISTORY) / 8760


def test_a_day_is_judged_with_data_up_to_the_end_of_the_next() -> None:
    _, grid = design(200)
    values, usual = offices(3, grid, 9)
    values[0, 170 * 24 : 176 * 24] += 40
    judged = an.judge_as_seen(values, usual, grid, HISTORY)[1]
    today = 172 * 24 - HISTORY
    later = values.copy()
    later[:, 174 * 24 :] = 7.0  # everything after the end of the day after day 172
    changed = an.judge_as_seen(later, usual, grid, HISTORY)[1]
    assert_array_equal(judged.score[:, : today + 24], changed.score[:, : today + 24])
    assert_array_equal(judged.flagged[:, : today + 24], changed.flagged[:, : today + 24])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n_days=st.integers(1, 90), usual=st.sampled_from([0.3, 0.02, 0.002]))
def test_alarms_of_a_meter_that_raised_others_must_be_surer_as_in_the_slow_twin(
    seed: int, n_days: int, usual: float
) -> None:
    generator = np.random.default_rng(seed)
    _, grid = design(n_days)
    odds = generator.normal(-1, 0.5, (4, len(grid))).astype(np.float32)
    begun = generator.random(odds.shape) < usual
    odds[begun] = generator.exponential(1, begun.sum())
    thresholds = np.array([0.1, 0.2, 0.0, 0.3], np.float32)
    margin = (odds - thresholds[:, None]).max(axis=0)
    flags = (margin >= 0).astype(np.int32)
    expected = naive.without_repeats(flags > 0, margin, grid.day_end)
    drop_repeats(np.flatnonzero(flags), flags, odds, thresholds, grid.day_end)
    assert_array_equal(flags > 0, expected)


def test_what_happens_each_day_is_told_at_first_and_then_only_when_it_grows() -> None:
    _, grid = design(40)
    odds = np.full((1, len(grid)), -5, np.float32)
    noon = 24 * np.arange(40) + 12
    odds[0, noon] = 0.7  # an alarm a day: the second needs 0.3, the third 0.6, the fourth 0.9 above the threshold
    odds[0, noon[10]] = 1.0
    flags = (odds[0] > 0).astype(np.int32)
    drop_repeats(np.flatnonzero(flags), flags, odds, np.zeros(1, np.float32), grid.day_end)
    # four weeks after days 1, 2 and 10 only two others are left, which leaves room for one of 0.7
    assert (np.flatnonzero(flags) // 24).tolist() == [0, 1, 2, 10, 29, 30, 38]


def test_stored_yardsticks_judge_as_the_year_they_came_from() -> None:
    _, grid = design(260)
    values, usual = offices(3, grid, 21)
    values[1, 230 * 24 : 231 * 24] *= 3
    learnt, whole = an.judge_as_seen(values, usual, grid, HISTORY)
    stored = an.Yardsticks.from_dict(json.loads(json.dumps(learnt.to_dict())))
    first = HISTORY - 28 * 24
    short = an.HourGrid(
        grid.start + HOUR * first,
        grid.day[first:] - grid.day[first],
        grid.day_end[first:] - first,
        grid.group[first:],
        grid.night[first:],
        grid.busy[first:],
    )
    again = an.judge_period(values[:, first:], usual[:, first:], short, stored, 28 * 24)
    settled = an.LEAD_DAYS * 24  # the first days of the short run know less of the past
    assert_allclose(again.score[:, settled:], whole.score[:, settled:], rtol=1e-3, atol=1e-3)


def test_results_do_not_depend_on_batches_or_order() -> None:
    rows, grid = design(200)
    values, _ = offices(40, grid, 2)
    values[np.random.default_rng(0).random(values.shape) < 0.01] = np.nan
    usual = an.usual_use(values[:, :HISTORY], *_split(rows))
    whole = an.judge_as_seen(values, usual, grid, HISTORY)[1]
    order = np.random.default_rng(1).permutation(40)
    mixed_usual = an.usual_use(values[order, :HISTORY], *_split(rows))
    mixed = an.judge_as_seen(values[order], mixed_usual, grid, HISTORY)[1]
    assert_array_equal(mixed.score, whole.score[order])
    alone = an.judge_as_seen(values[3:4], usual[3:4], grid, HISTORY)[1]
    assert_array_equal(alone.flagged, whole.flagged[3:4])


@pytest.mark.parametrize("values", [np.nan, 0.0, 5.0])
def test_empty_zero_and_constant_meters_stay_silent(values: float) -> None:
    rows, grid = design(170)
    meters = np.full((2, 170 * 24), values, np.float32)
    usual = an.usual_use(meters[:, :HISTORY], *_split(rows))
    judged = an.judge_as_seen(meters, usual, grid, HISTORY)[1]
    assert len(judged.alarms) == 0
    assert np.isfinite(judged.score).all()


def test_no_meters_give_no_alarms() -> None:
    _, grid = design(10)
    none = np.zeros((0, 240), np.float32)
    assert len(an.judge_retrospective(none, none, grid).alarms) == 0


def test_only_hourly_data_are_judged() -> None:
    quarter = calendar_rows(900 * np.arange(96, dtype=np.int64), 900, SHANGHAI)
    with pytest.raises(ValueError, match="hourly"):
        an.HourGrid.of(0, quarter)


def test_a_month_of_more_use_is_one_alarm_told_whole_and_its_end_is_none() -> None:
    rows, grid = design(260)
    values, _ = offices(1, grid, 11)
    first, last = 190 * 24 + 9, 220 * 24 + 9  # longer than the 28 days that the level looks back
    values[0, first:last] += 15
    usual = an.usual_use(values[:, :HISTORY], *_split(rows))
    alarms = an.judge_as_seen(values, usual, grid, HISTORY)[1].alarms
    late = np.flatnonzero(alarms.end > grid.start + HOUR * first)
    assert [str(alarms.kind[i]) for i in late] == ["level"]
    assert alarms.end[late[0]] == pytest.approx(grid.start + HOUR * last, abs=24 * HOUR)
    assert alarms.excess[late[0]] == pytest.approx(15 * 24 * 30, rel=0.1)


def test_what_only_comes_back_from_a_month_that_nobody_was_told_of_is_none() -> None:
    rows, grid = design(260)
    values, _ = offices(1, grid, 11)
    first, last = 190 * 24, 216 * 24
    values[0, first:last] += np.repeat(np.linspace(1, 15, 26), 24).astype(np.float32)  # too slow for an alarm at first
    usual = an.usual_use(values[:, :HISTORY], *_split(rows))
    alarms = an.judge_as_seen(values, usual, grid, HISTORY)[1].alarms
    late = [str(alarms.kind[i]) for i in np.flatnonzero(alarms.start >= grid.start + HOUR * last)]
    assert late == []


def test_hours_that_nobody_knows_are_no_alarm() -> None:
    _, grid = design(200)
    values, usual = offices(1, grid, 9)
    values[0, 170 * 24 : 174 * 24] += 40
    values[0, 171 * 24 : 173 * 24] = np.nan
    alarms = an.judge_as_seen(values, usual, grid, HISTORY)[1].alarms
    assert len(alarms)
    assert np.isfinite(alarms.actual).all()
    assert (alarms.usual >= 0).all()
