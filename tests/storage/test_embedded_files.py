"""What only files can do: die with their process, be read by another, be damaged, be old."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from energy.errors import SchemaOutdated, StorageForbidden, StorageUnavailable
from energy.series import Readings
from energy.storage.embedded import EmbeddedStore
from tests.storage.contract import DAY, HOUR, T0, reading, rows, table, total

METERS = tuple(f"m{number}" for number in range(20))


def batch(number: int) -> Readings:
    """One reading of each meter at the hour `number`; the value tells both."""
    n = len(METERS)
    return Readings(
        METERS,
        np.arange(n, dtype=np.int32),
        np.full(n, T0 + number * HOUR, np.int64),
        number + np.arange(n) / 100,
        np.zeros(n, np.uint8),
        np.full(n, T0 + number * HOUR + 1, np.int64),
    )


def is_whole(store: EmbeddedStore, n_batches: int) -> bool:
    found = store.matrix(METERS, T0, T0 + n_batches * HOUR, HOUR).values
    expected = np.arange(n_batches)[None, :] + np.arange(len(METERS))[:, None] / 100
    return bool(np.array_equal(found, expected))


def test_small_batches_are_joined_and_read_in_order(tmp_path: Path) -> None:
    writer = EmbeddedStore(tmp_path, writes_readings=True)
    for number in range(300):
        writer.write_readings(batch(number))
        assert number % 50 or is_whole(writer, number + 1)
    writer.close()
    reader = EmbeddedStore(tmp_path, writes_readings=False)
    assert is_whole(reader, 300)
    reader.close()
    with sqlite3.connect(tmp_path / "readings.db") as connection:
        n_batches = connection.execute("SELECT count(*) FROM hot").fetchone()[0]
    connection.close()
    assert n_batches < 130  # 64 may wait, and few are left of those joined


def test_enough_readings_are_sealed_without_being_asked(tmp_path: Path) -> None:
    writer = EmbeddedStore(tmp_path, writes_readings=True, seal_readings=100)
    for number in range(100):
        writer.write_readings(batch(number))  # 20 readings each, never more than four hundred wait for the sealing
    assert is_whole(writer, 100)
    writer.close()
    with sqlite3.connect(tmp_path / "readings.db") as connection:
        waiting = connection.execute("SELECT coalesce(sum(readings), 0) FROM hot").fetchone()[0]
    connection.close()
    assert waiting < 8 * 4 * 100


@pytest.mark.parametrize("sealed", [False, True], ids=["fresh", "sealed"])
def test_of_two_values_for_one_instant_the_first_stays(tmp_path: Path, sealed: bool) -> None:
    store = EmbeddedStore(tmp_path, writes_readings=True)
    store.write_readings(Readings.of([reading("a", T0, 1.0), reading("a", T0, 2.0)]))
    if sealed:
        store.seal()
    store.write_readings(Readings.of([reading("a", T0, 3.0), reading("a", T0 + HOUR, 4.0)]))
    for _ in range(2):
        assert_array_equal(store.readings(["a"], T0, T0 + DAY)["a"].value, [1, 4])
        assert_array_equal(store.matrix(["a"], T0, T0 + 2 * HOUR, HOUR).values, [[1, 4]])
        assert_array_equal(store.values_at(["a"], np.array([T0])), [1])
        assert store.earliest_after(["a"], T0) == {"a": (T0, 1.0)}
        store.seal()
    store.close()


Step = st.one_of(
    st.just("seal"),
    st.just("reopen"),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 120), st.integers(-5, 5)), min_size=1, max_size=8
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(Step, max_size=12))
def test_the_store_behaves_like_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | list[tuple[str, int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("model")
    store = EmbeddedStore(folder, writes_readings=True)
    other = EmbeddedStore(folder, writes_readings=False)
    model: dict[tuple[str, int], float] = {}
    for step in steps:
        if step == "seal":
            store.seal()
        elif step == "reopen":
            store.close()
            store = EmbeddedStore(folder, writes_readings=True)
        else:
            new = [(meter, T0 + day * DAY, value / 4) for meter, day, value in step]
            store.write_readings(Readings.of([reading(*row) for row in new]))
            for meter, time, value in new:
                model.setdefault((meter, time), value)
        assert_same(other, model)
    assert_same(store, model)
    store.close()
    other.close()


def assert_same(store: EmbeddedStore, model: dict[tuple[str, int], float]) -> None:
    for meter in "abc":
        expected = sorted((time, value) for (name, time), value in model.items() if name == meter)
        found = store.readings([meter], T0, T0 + 200 * DAY)[meter]
        assert list(zip(found.time.tolist(), found.value.tolist(), strict=True)) == expected
        assert store.latest([meter]) == ({meter: expected[-1]} if expected else {})
        after = [point for point in expected if point[0] >= T0 + 60 * DAY]
        assert store.earliest_after([meter], T0 + 60 * DAY) == ({meter: after[0]} if after else {})
        values = store.matrix([meter], T0, T0 + 130 * DAY, DAY).values[0]
        by_day = dict(expected)
        assert_array_equal(values, [by_day.get(T0 + day * DAY, np.nan) for day in range(130)])
    keys = list(model)
    found_at = store.values_at([meter for meter, _ in keys], np.array([time for _, time in keys], np.int64))
    assert_array_equal(found_at, list(model.values()))


def write_for_ever(folder: str, first: int, pipe: int) -> None:
    """In a child: write batch after batch, telling each one that is confirmed."""
    store = EmbeddedStore(Path(folder), writes_readings=True, seal_readings=300)
    number = first
    while True:
        store.write_readings(batch(number))
        number += 1
        os.write(pipe, number.to_bytes(4, "little"))


def test_kill_9_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    chance = random.Random(20260101)
    confirmed = 0
    for _ in range(4):
        receive, send = os.pipe()
        call = f"write_for_ever({str(tmp_path)!r}, {confirmed}, {send})"
        code = f"from tests.storage.test_embedded_files import write_for_ever; {call}"
        child = subprocess.Popen([sys.executable, "-c", code], pass_fds=[send])
        os.close(send)
        for _ in range(chance.randint(20, 90)):
            confirmed = int.from_bytes(os.read(receive, 4), "little")
        child.send_signal(signal.SIGKILL)
        child.wait()
        while rest := os.read(receive, 4):
            confirmed = int.from_bytes(rest, "little")
        os.close(receive)
        store = EmbeddedStore(tmp_path, writes_readings=True)
        assert is_whole(store, confirmed)
        # the batch that was on its way may be there, but whole
        n_beyond = len(store.readings([METERS[0]], T0 + confirmed * HOUR, T0 + 10_000 * HOUR)[METERS[0]])
        store.close()
        confirmed += n_beyond
        assert n_beyond <= 1


def test_another_process_reads_a_whole_prefix_while_batches_are_written(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from energy.storage.embedded import EmbeddedStore
from tests.storage.test_embedded_files import METERS, T0, HOUR, is_whole
store = EmbeddedStore(Path({str(tmp_path)!r}), writes_readings=False)
seen = 0
while seen < 200:
    latest = store.latest(METERS)
    newest = max((time for time, _ in latest.values()), default=T0 - HOUR)
    now = (newest - T0) // HOUR + 1
    assert now >= seen and len(latest) in (0, len(METERS)), (now, seen, len(latest))
    assert is_whole(store, now), now
    seen = now
store.close()
"""
    writer = EmbeddedStore(tmp_path, writes_readings=True, seal_readings=500)
    reader = subprocess.Popen([sys.executable, "-c", code])
    try:
        for number in range(200):
            writer.write_readings(batch(number))
        assert reader.wait(60) == 0
    finally:
        reader.kill()
        reader.wait()
        writer.close()


def test_only_one_process_writes_readings(tmp_path: Path) -> None:
    first = EmbeddedStore(tmp_path, writes_readings=True)
    with pytest.raises(StorageForbidden, match="another process writes"):
        EmbeddedStore(tmp_path, writes_readings=True)
    first.close()
    EmbeddedStore(tmp_path, writes_readings=True).close()


def test_a_reader_may_come_before_the_writer_and_may_not_write(tmp_path: Path) -> None:
    reader = EmbeddedStore(tmp_path, writes_readings=False, writes_results=False)
    assert reader.latest(["a"]) == {}
    reader.check()
    with pytest.raises(StorageForbidden, match="ingest"):
        reader.write_readings(Readings.of([reading("a", T0, 1.0)]))
    with pytest.raises(StorageForbidden, match="only reads"):
        reader.replace(table("total", []), where={}, start=T0, end=T0 + 1)
    writer = EmbeddedStore(tmp_path, writes_readings=True)
    writer.write_readings(Readings.of([reading("a", T0, 1.0)]))
    assert reader.latest(["a"]) == {"a": (T0, 1.0)}
    writer.close()
    reader.close()


def test_results_of_two_writers_meet_in_one_file(tmp_path: Path) -> None:
    one, two = (EmbeddedStore(tmp_path, writes_readings=False) for _ in range(2))
    for day in range(5):
        for store, name in ((one, "i1"), (two, "i2")):
            new = table("total", [total(name, T0 + day * DAY, day)])
            store.replace(new, where={"id": [name]}, start=T0 + day * DAY, end=T0 + (day + 1) * DAY)
    found = one.results("total", where={}, start=T0, end=T0 + 9 * DAY)
    assert len(rows(found)) == 10
    one.close()
    two.close()


@pytest.mark.parametrize("name", ["readings.db", "results.db"])
@pytest.mark.parametrize(("version", "mend"), [(99, "newer program"), (-1, "run `jieneng migrate`")])
def test_another_schema_version_is_refused(tmp_path: Path, name: str, version: int, mend: str) -> None:
    EmbeddedStore(tmp_path, writes_readings=True).close()
    connection = sqlite3.connect(tmp_path / name)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    with pytest.raises(SchemaOutdated, match=mend):
        EmbeddedStore(tmp_path, writes_readings=True)


def test_a_measurement_that_came_later_gets_its_tables(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path, writes_readings=False).close()
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("DROP TABLE total")
    connection.close()
    store = EmbeddedStore(tmp_path, writes_readings=False)
    assert len(store.results("total", where={}, start=T0, end=T0 + DAY)) == 0
    store.close()


def test_a_file_that_is_no_store_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "readings.db").write_bytes(b"these are the holiday pictures" * 1000)
    with pytest.raises(StorageForbidden, match=r"readings\.db"):
        EmbeddedStore(tmp_path, writes_readings=True)
    (tmp_path / "readings.db").unlink()
    EmbeddedStore(tmp_path, writes_readings=True).close()  # and the writer's lock was given back


def test_a_damaged_block_is_an_error_and_never_another_value(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, writes_readings=True)
    for number in range(50):
        store.write_readings(batch(number))
    store.seal()
    with sqlite3.connect(tmp_path / "readings.db") as connection:
        chunk, data = connection.execute("SELECT chunk, data FROM sealed LIMIT 1").fetchone()
        damaged = bytearray(data)
        damaged[len(damaged) // 2] ^= 0x10
        connection.execute("UPDATE sealed SET data = ? WHERE chunk = ?", (bytes(damaged), chunk))
    connection.close()
    with pytest.raises(StorageForbidden, match="damaged"):
        store.matrix(METERS, T0, T0 + 50 * HOUR, HOUR)
    store.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, writes_readings=True)
    store.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        store.latest(["a"])


def test_a_year_of_hours_takes_less_than_12_bytes_a_reading(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, writes_readings=True)
    chance = np.random.default_rng(7)
    n = 8760
    for meter in METERS:
        register = np.round(np.cumsum(chance.integers(0, 1 << 17, n)) / 1000, 3)
        time = T0 + HOUR * np.arange(n)
        arrival = time + chance.integers(1, 30, n)
        store.write_readings(Readings((meter,), np.zeros(n, np.int32), time, register, np.zeros(n, np.uint8), arrival))
    store.seal()
    store.close()
    size = sum(path.stat().st_size for path in tmp_path.glob("readings.db*"))
    assert size / (n * len(METERS)) < 12
