"""Faults put into recorded use: that the labels tell what was changed, and nothing else was."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from analytics.calendars import CalendarRows, calendar_rows
from benchmarks.faults import (
    LABELLED,
    LEAST_CHANGE,
    OTHERS,
    QUIET,
    Fault,
    Place,
    Rule,
    Severity,
    catch_up,
    every_second_hour,
    put_in,
)
from energy.intervals import HOUR, LocalCalendar
from energy.series import Float32Array

EVERY = {**LABELLED, **OTHERS}
FIRST = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp())
N_HOURS = 365 * 24


def year() -> CalendarRows:
    return calendar_rows(FIRST + HOUR * np.arange(N_HOURS, dtype=np.int64), HOUR, LocalCalendar("UTC"))


def use(n: int, seed: int = 1) -> Float32Array:
    """Buildings with a day, a week and some noise; one decimal, as recorded."""
    rows = year()
    shape = 20.0 + 30.0 * rows.occupied + 5.0 * np.sin(np.arange(N_HOURS) / 24)
    noise = np.random.default_rng(seed).normal(1, 0.05, (n, N_HOURS))
    return np.round(shape * noise * np.linspace(1, 3, n)[:, None], 1).astype(np.float32)


def put(seed: int = 7) -> tuple[Float32Array, Float32Array, list[Fault]]:
    honest = use(12)
    changed, faults = put_in(honest, year(), EVERY, np.random.default_rng(seed))
    return honest, changed, faults


def test_only_labelled_hours_are_changed_and_by_the_size_that_the_label_says() -> None:
    honest, changed, faults = put()
    labelled = np.zeros(honest.shape, bool)
    for fault in faults:
        here = (fault.row, slice(fault.first, fault.last + 1))
        assert not labelled[here].any()
        labelled[here] = True
        change = np.abs(changed[here] - honest[here]).mean() / np.median(honest[fault.row])
        assert change == pytest.approx(fault.size, rel=1e-5)
        assert fault.size >= LEAST_CHANGE
    np.testing.assert_array_equal(changed[~labelled], honest[~labelled])
    assert len(faults) > 30


def test_the_honest_year_is_left_alone() -> None:
    honest, before = use(4), use(4)
    put_in(honest, year(), EVERY, np.random.default_rng(3))
    np.testing.assert_array_equal(honest, before)


def test_one_seed_gives_one_set_of_faults_and_another_gives_another() -> None:
    _, first, faults = put(seed=7)
    _, again, same = put(seed=7)
    _, _, others = put(seed=8)
    np.testing.assert_array_equal(first, again)
    assert faults == same
    assert faults != others


def test_faults_of_a_building_keep_apart_and_off_the_ends_of_the_year() -> None:
    _, _, faults = put()
    for fault in faults:
        assert fault.first >= 7 * 24
        assert fault.last < N_HOURS - 24
        for other in faults:
            if other is not fault and other.row == fault.row and other.first > fault.first:
                assert other.first - fault.last >= QUIET


def test_lengths_and_beginnings_are_those_of_the_kind() -> None:
    rows = year()
    _, _, faults = put()
    for fault in faults:
        rule, hours = EVERY[fault.kind], fault.last - fault.first + 1
        assert hours % rule.step == 0
        assert rule.shortest // rule.step * rule.step <= hours <= rule.longest
        weekday = rows.slot[fault.first] // 24
        began = {
            "any": True,
            "midnight": rows.hour[fault.first] == 0,
            "saturday": weekday == 5 and rows.hour[fault.first] == 0,
            "weekday": weekday < 4 and rows.hour[fault.first] == 0,
            "morning": rows.hour[fault.first] == 7 and weekday < 5,
            "work": rows.occupied[fault.first],
        }
        assert began[rule.begins], fault


def test_some_buildings_have_none_where_not_all_are_faulty() -> None:
    honest = use(12)
    _, none = put_in(honest, year(), LABELLED, np.random.default_rng(1), faulty=0.0)
    _, some = put_in(honest, year(), LABELLED, np.random.default_rng(1), faulty=0.5)
    assert none == []
    assert 0 < len({fault.row for fault in some}) < 12


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_can_be_put_in_and_leaves_use_that_a_meter_could_show(kind: str) -> None:
    changed, faults = put_in(use(4), year(), {kind: EVERY[kind]}, np.random.default_rng(5), faulty=1.0)
    assert {fault.kind for fault in faults} == {kind}
    assert np.isfinite(changed).all()
    assert (changed >= 0).all()


def test_the_kinds_of_the_labelled_year_are_none_of_the_others() -> None:
    assert not set(LABELLED) & set(OTHERS)


def changed_by(kind: str, values: list[float]) -> list[float]:
    """The rule on a few hours of a year of 10 everywhere else."""
    whole = np.full(N_HOURS, 10.0, np.float32)
    here = slice(240, 240 + len(values))
    whole[here] = values
    place = Place(whole, 240, np.zeros(len(values), bool), np.array(values, np.float32))
    return [float(v) for v in EVERY[kind].change(whole[here].copy(), place, np.random.default_rng(0))]


def test_rules_do_what_their_names_say() -> None:
    assert changed_by("zero", [5, 6]) == [0, 0]
    assert changed_by("stuck", [5, 6, 7]) == [5, 5, 5]
    assert changed_by("gap_catchup", [5, 6, 7]) == [0, 0, 18]
    assert changed_by("every_second_hour", [5, 6, 7, 8]) == [0, 11, 0, 15]
    assert changed_by("work_off", [5, 20]) == [5, 10]  # the low quantile of the year is 10
    assert changed_by("same_day_again", [1.0] * 24 + [2.0] * 24) == [1.0] * 48
    assert changed_by("flat_days", [0.0] * 12 + [2.0] * 12) == [1.0] * 24


def test_what_is_moved_in_time_is_not_lost() -> None:
    hours = np.array([3.0, 4.0, 5.0, 6.0], np.float32)
    assert catch_up(hours).sum() == every_second_hour(hours).sum() == hours.sum()


def test_a_fault_of_a_known_size_changes_the_hours_it_says_by_that_size() -> None:
    whole = np.full((1, N_HOURS), 10.0, np.float32)
    doubled = {"doubled": Rule(5, 5, lambda x, p, g: x * 2)}
    changed, faults = put_in(whole, year(), doubled, np.random.default_rng(1), faulty=1.0)
    assert faults
    for fault in faults:
        assert (fault.last - fault.first + 1, fault.size) == (5, 1.0)  # twice the median load is one more of it
        assert changed[0, fault.first - 1 : fault.last + 2].tolist() == [10, 20, 20, 20, 20, 20, 10]
    assert changed.sum() == 10 * N_HOURS + 50 * len(faults)


def test_severe_faults_change_more_and_last_longer() -> None:
    honest = use(12)
    _, faults = put_in(honest, year(), EVERY, np.random.default_rng(7), severity=Severity.of(3))
    assert len(faults) > 30
    for fault in faults:
        rule, hours = EVERY[fault.kind], fault.last - fault.first + 1
        assert fault.size >= 0.18  # three times 6 %
        fixed = rule.shortest == rule.longest
        assert (rule.shortest if fixed else 3 * rule.shortest // rule.step * rule.step) <= hours
        assert hours <= (rule.longest if fixed else 3 * rule.longest)


def test_a_fault_too_small_is_drawn_again_or_left_out() -> None:
    whole = np.full((4, N_HOURS), 10.0, np.float32)
    rules = {"nothing": Rule(5, 5, lambda x, p, g: x), "doubled": Rule(5, 5, lambda x, p, g: x * 2)}

    def put(draws: int) -> list[Fault]:
        severity = Severity(draws=draws)
        return put_in(whole, year(), rules, np.random.default_rng(2), faulty=1.0, rate=10, severity=severity)[1]

    assert {fault.kind for fault in put(20)} == {"doubled"}
    assert len(put(20)) > 1.5 * len(put(1))
