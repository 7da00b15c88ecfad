"""Registers with faults put in: that the labels tell what was changed, and how finding them is counted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.register_faults import APART, LABELLED, OTHERS, Register, RegisterFault, hourly_times, put_in
from benchmarks.vee import KINDS, REACH, runs_of, score, touching
from energy.intervals import HOUR
from energy.series import FloatArray

EVERY = {**LABELLED, **OTHERS}
N_HOURS = 120 * 24


def use(seed: int) -> FloatArray:
    """A building by day and night, one decimal."""
    hour = np.arange(N_HOURS) % 24
    made: FloatArray = np.round(np.random.default_rng(seed).normal(20, 2, N_HOURS) + 30 * ((hour > 7) & (hour < 19)), 1)
    return made


def honest(register: Register) -> FloatArray:
    """Advances of the readings that touch no fault, and are not the first after one."""
    time, value = register.time, register.value
    far = np.ones(len(time), np.bool_)
    for fault in register.faults:
        far &= (time < fault.first) | (time > fault.last + HOUR)
    advance: FloatArray = np.diff(value)[far[1:] & (np.diff(time) == HOUR)]
    return advance


@pytest.mark.parametrize("kind", EVERY)
def test_a_fault_changes_the_readings_that_its_label_names_and_no_other(kind: str) -> None:
    times, amounts = hourly_times(0, N_HOURS), use(1)
    register = put_in("b", times, amounts, {kind: EVERY[kind]}, np.random.default_rng(3), rate=8)
    assert register.faults
    assert {fault.kind for fault in register.faults} == {kind}
    assert (honest(register) > 0).all()
    assert np.isin(np.round(honest(register), 1), amounts).all()
    first = np.array([fault.first for fault in register.faults])
    assert np.diff(np.sort(first)).min(initial=N_HOURS * HOUR) > APART * HOUR


def test_a_register_rolls_over_once_and_only_where_its_label_says() -> None:
    for seed in range(20):
        register = put_in("b", hourly_times(0, N_HOURS), use(seed), LABELLED, np.random.default_rng(seed), rate=10)
        rolls = [fault for fault in register.faults if fault.kind == "rollover"]
        if rolls:
            assert len(rolls) == 1
            at = int(np.searchsorted(register.time, rolls[0].first))
            assert register.value[at] < 100 < 10**register.digits - 100 < register.value[at - 1]
            assert "meter_exchange" not in {fault.kind for fault in register.faults}


def test_runs_and_what_they_touch() -> None:
    flagged = np.zeros(20, np.bool_)
    flagged[[0, 1, 7, 19]] = True
    assert runs_of(flagged) == [(0, 1), (7, 7), (19, 19)]
    assert runs_of(np.zeros(3, np.bool_)) == []
    times = hourly_times(0, 20)
    assert touching([(7, 7)], times, RegisterFault("x", int(times[7 + REACH]), int(times[12]))) == [(7, 7)]
    assert touching([(7, 7)], times, RegisterFault("x", int(times[8 + REACH]), int(times[12]))) == []
    assert touching([(7, 7)], times, RegisterFault("x", int(times[2]), int(times[7 - REACH]))) == [(7, 7)]
    assert touching([(7, 7)], times, RegisterFault("x", int(times[2]), int(times[6 - REACH]))) == []


def test_the_score_counts_faults_found_and_named_and_flags_that_touch_none() -> None:
    times, amounts = hourly_times(0, 400), np.full(400, 5.0)
    value = 1000 + np.cumsum(amounts)
    value[100] = 3.0  # a glitch that is labelled
    value[200] = 3.0  # one that is not
    faults = (
        RegisterFault("glitch_low", int(times[100]), int(times[100])),
        RegisterFault("stuck", int(times[300]), int(times[310])),  # nothing is there
    )
    found = score([Register("b", times, value, 6, faults)])
    assert found.total == {"glitch_low": 1, "stuck": 1}
    assert (found.found["glitch_low"], found.found["stuck"], found.named.total()) == (1, 0, 1)
    assert (found.runs, found.touching) == (2, 1)
    assert found.figures()["recall"] == 0.5
    assert found.figures()["precision"] == 0.5


def test_every_kind_of_fault_is_found_and_named() -> None:
    """As measured on recorded buildings; only the share is less strict here than there."""
    registers = [
        put_in(f"b{seed}", hourly_times(0, N_HOURS), use(seed), EVERY, np.random.default_rng(seed), rate=8)
        for seed in range(30)
    ]
    found = score(registers)
    assert set(found.total) == set(KINDS)
    assert found.found == found.total
    assert found.named == found.total
    assert found.touching == found.runs
