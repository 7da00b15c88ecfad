"""Registers with faults put in: that the labels tell what was changed, and how finding them is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.register_faults import APART, LABELLED, OTHERS, Register, RegisterFault, hourly_times, put_in
from benchmarks.vee import KINDS, REACH, read_registers, runs_of, score, touching
from energy.errors import RecordingError
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


def recorded(folder: Path, readings: pd.DataFrame, kind: str = "glitch_high") -> Path:
    (folder / "anomaly").mkdir(exist_ok=True)
    readings.to_csv(folder / "anomaly" / "register_readings.csv.gz", index=False)
    at = "2016-01-09T08:00"
    (folder / "anomaly" / "register_events.csv").write_text(f"building,kind,first,last\n007,{kind},{at},{at}\n")
    return folder


def readings() -> pd.DataFrame:
    """A register that advances by 10 to 12 an hour and once shows twice as much."""
    time = pd.date_range("2016-01-01", periods=600, freq="h").strftime("%Y-%m-%dT%H:%M")
    shown = 5000.0 + np.cumsum(10 + np.arange(600) % 3)
    shown[200] *= 2
    return pd.DataFrame({"building": "007", "datetime_utc": time, "register_kwh": shown, "digits": 6})


def test_recorded_registers_are_judged_in_any_order_of_rows(tmp_path: Path) -> None:
    (register,) = read_registers(recorded(tmp_path, readings()))
    assert (register.name, register.digits, len(register.faults)) == ("007", 6, 1)
    found = score([register]).figures()
    assert (found["recall"], found["precision"], found["kind"]) == (1, 1, 1)
    (mixed,) = read_registers(recorded(tmp_path, readings().sample(frac=1, random_state=0)))
    np.testing.assert_array_equal(mixed.value, register.value)


def test_a_kind_that_nobody_here_knows_is_found_and_not_asked_for_by_name(tmp_path: Path) -> None:
    found = score(read_registers(recorded(tmp_path, readings(), "lightning"))).figures()
    assert found["recall"] == found["recall.lightning"] == 1
    assert np.isnan(found["kind"])


def test_registers_without_faults_have_no_recall(tmp_path: Path) -> None:
    recorded(tmp_path, readings().drop(200))
    (tmp_path / "anomaly" / "register_events.csv").write_text("building,kind,first,last\n")
    found = score(read_registers(tmp_path)).figures()
    assert np.isnan(found["recall"])
    assert found["events"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="digits"), "expected the column digits"),
        (lambda t: t.assign(digits=None), "expected the digits of the display"),
        (lambda t: t.assign(register_kwh=t["register_kwh"].where(t.index != 3)), "a reading .* in line 5"),
        (lambda t: t.assign(datetime_utc="yesterday"), "came 'yesterday' in line 2"),
    ],
)
def test_registers_that_cannot_be_read_are_refused(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(RecordingError, match=message):
        read_registers(recorded(tmp_path, change(readings())))
