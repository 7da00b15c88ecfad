"""taken = stored + duplicate + parked + in spool, for every meter and day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import ledger
from collector.batch import Batch
from collector.spool import Group, Spool, SpoolReader
from energy.errors import StorageUnavailable
from energy.registry import Registry
from energy.settings import IngestSettings
from energy.storage import open_store
from tests.collector.test_pipeline import Moody, send
from tests.collector.world import T0, is_drained, message, running, settings_for, until

DAY_OF_T0 = T0 // 86_400


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=5), max_size=200))
def test_pages_add_up_whatever_was_folded(groups: list[list[tuple[int, int]]]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(ledger.SCHEMA)
    expected: dict[tuple[int, int], list[int]] = {}
    for group in groups:
        meter = np.array([row[0] for row in group], np.int32)
        time = np.array([row[1] for row in group], np.int64) * 86_400
        ledger.write(connection, [ledger.page(taken=[(meter, time)], stored=[(meter[:1], time[:1])])])
        for place, row in enumerate(group):
            sums = expected.setdefault(row, [0, 0, 0, 0])
            sums[0] += 1
            sums[1] += place == 0
    counts = ledger.read(connection)
    got = {(key >> 20, key & 0xFFFFF): n for key, n in zip(counts.key.tolist(), counts.count.tolist(), strict=True)}
    assert got == expected
    assert connection.execute("SELECT count(*) FROM ledger").fetchone()[0] < 64 + 64
    connection.close()


def test_arrays_and_rows_of_a_tally_say_the_same_and_miss_nothing_that_waits() -> None:
    def page(*rows: tuple[int, int, int, int, int]) -> ledger.Page:
        return ledger.Page(np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], np.int32))

    tally = ledger.tally(page((7, 5, 2, 1, 1), (9, 3, 3, 0, 1)), page((7, 1, 0, 0, 0), (8, 2, 0, 0, 0)))
    assert tally.unaccounted.tolist() == [0, -2, -1]  # 5-2-1-1-1, waits but was never counted, 3-3-1
    assert [row.unaccounted for row in tally.rows({})] == [0, -2, -1]
    assert [(row.day, row.stored) for row in tally.rows({0: "m"}, np.array([2]))] == [(9, 3)]
    assert ledger.tally(ledger.page(), ledger.page()).unaccounted.tolist() == []


def test_the_balance_of_each_meter_and_day_is_answered(tmp_path: Path, registry: Registry) -> None:
    config = settings_for(tmp_path)
    store = Moody(open_store(config, role="ingest"))
    with running(config, registry, store) as (pipeline, _, _deaths):  # type: ignore[arg-type]
        send(pipeline, message(("e-main", T0, 1.0), ("e-main", T0 + 86_400, 2.0), ("w-main", T0, 3.0)))
        send(pipeline, message(("e-main", T0, 1.0), ("e-main", T0, 9.0), ("e-main", T0 + 1, -1.0)))
        until(lambda: is_drained(pipeline))
        reader = SpoolReader(pipeline.spool.path)
        rows = {(row.meter, row.day - DAY_OF_T0): row for row in reader.balance()}
        first = rows["e1", 0]
        assert (first.taken, first.stored, first.duplicate, first.parked, first.in_spool) == (4, 1, 1, 2, 0)
        assert (rows["e1", 1].taken, rows["e1", 1].stored) == (1, 1)
        assert not any(row.unaccounted for row in rows.values())
        store.trouble = StorageUnavailable("down")
        send(pipeline, message(("w-main", T0 + 60, 4.0)))
        (water,) = reader.balance({"w1"})
        assert (water.taken, water.stored, water.in_spool, water.unaccounted) == (2, 1, 1, 0)
        store.trouble = None
        reader.close()
    store.close()  # type: ignore[operator]


def test_what_was_taken_is_counted_once_whenever_the_process_ends(tmp_path: Path) -> None:
    def spooled(spool: Spool) -> Batch:
        batch = Batch(
            np.array([0, 1], np.int32),
            np.full(2, T0),
            np.array([1.0, 2.0]),
            np.zeros(2, np.uint8),
            np.zeros(2, bool),
            T0,
        )
        spool.commit(Group(batches=[batch]))
        return batch

    def taken(path: Path) -> dict[str, tuple[int, int]]:
        with closing(SpoolReader(path)) as reader:
            return {row.meter: (row.taken, row.in_spool) for row in reader.balance()}

    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0))
    spool.number(["m0", "m1"])
    spooled(spool)
    assert taken(spool.path) == {"m0": (1, 1), "m1": (1, 1)}
    spool.close()  # not counted yet: the batch stands for itself
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0))
    spooled(spool)
    assert taken(spool.path) == {"m0": (2, 2), "m1": (2, 2)}
    spool.commit(Group(forget=[1]))
    assert taken(spool.path) == {"m0": (2, 1), "m1": (2, 1)}
    spool.close()  # counted, though one still waits
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0))
    spooled(spool)
    spool.commit(Group(forget=[2, 3]))
    assert taken(spool.path) == {"m0": (3, 0), "m1": (3, 0)}
    spool.close()


def test_a_batch_that_vanished_is_missed_once_it_was_counted(tmp_path: Path, registry: Registry) -> None:
    config = settings_for(tmp_path)
    store = Moody(open_store(config, role="ingest"))
    with running(config, registry, store) as (pipeline, _, _deaths):  # type: ignore[arg-type]
        send(pipeline, message(("e-main", T0, 1.0)))
        until(lambda: is_drained(pipeline))
        store.trouble = StorageUnavailable("down")
        send(pipeline, message(("e-main", T0 + 60, 4.0)))
        pipeline.ride(Group(forget=[10**6]))  # any forgetting counts what was taken
        path = pipeline.spool.path
        until(lambda: _n_uncounted(path) == 0)
    store.close()  # type: ignore[operator]
    with closing(sqlite3.connect(path)) as spool, spool:
        spool.execute("DELETE FROM batch")
    with closing(SpoolReader(path)) as reader:
        (row,) = reader.balance()
        assert (row.taken, row.stored, row.in_spool, row.unaccounted) == (2, 1, 0, 1)


def _n_uncounted(path: Path) -> int:
    with closing(SpoolReader(path)) as reader:
        _, counted = reader.ledger()
        return sum(identity > counted for identity, _ in reader.batches())
