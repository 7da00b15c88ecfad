"""The spool keeps what it was given: across restarts, damage, a full quota and a full disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from collector.ballast import Ballast
from collector.batch import Batch, checksum_of
from collector.parked import Parked
from collector.rescue import open_or_rescue
from collector.source import Delivery
from collector.spool import VERSION, Group, Spool, SpoolReader
from energy.errors import SpoolCorrupt, SpoolError, SpoolFull
from energy.model import Reason
from energy.registry import Registry
from energy.settings import IngestSettings
from tests.collector.world import NOW, T0, TOPIC, Acks, is_drained, message, running, settings_for, until

SETTINGS = IngestSettings(spool_ballast_bytes=0)


def batch_of(n: int, start: int = 0) -> Batch:
    places = np.arange(start, start + n)
    return Batch(
        (places % 3).astype(np.int32), T0 + places.astype(np.int64), places * 0.5, np.zeros(n, np.uint8),
        places % 7 == 0, NOW,
    )  # fmt: skip


def values_in(path: Path) -> list[float]:
    reader = SpoolReader(path)
    values = [value for _, batch in reader.batches() for value in batch.value.tolist()]
    reader.close()
    return values


def filled(folder: Path, n_batches: int = 20) -> Path:
    spool = Spool.open(folder, SETTINGS)
    spool.number(["a", "b", "c"])
    for number in range(n_batches):
        spool.commit(Group(batches=[batch_of(100, 100 * number)], counts=Counter(taken=100)))
    spool.close()
    return spool.path


def test_a_batch_is_read_as_it_was_written(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SETTINGS)
    spool.commit(Group(batches=[batch_of(50)]))
    ((_, read),) = SpoolReader(spool.path).batches()
    for name in ("meter", "time", "value", "flag", "late"):
        np.testing.assert_array_equal(getattr(read, name), getattr(batch_of(50), name))
    assert read.received == NOW
    spool.close()


def test_any_changed_byte_of_a_batch_is_noticed() -> None:
    blob = batch_of(3).encode()
    for place in range(len(blob)):
        bad = bytearray(blob)
        bad[place] ^= 1
        with pytest.raises(SpoolCorrupt):
            Batch.decode(bytes(bad), NOW, checksum_of(blob, NOW))


def test_numbers_of_meters_stay_for_ever(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SETTINGS)
    spool.number(["b", "a"])
    spool.number(["c", "a"])
    spool.close()
    again = Spool.open(tmp_path, SETTINGS)
    assert dict(again.numbers) == {"b": 0, "a": 1, "c": 2}
    again.close()


def test_a_spool_of_a_newer_program_is_refused_by_name(tmp_path: Path) -> None:
    path = filled(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(SpoolError, match="newer program"):
        Spool.open(tmp_path, SETTINGS)


@pytest.mark.parametrize("seed", range(60))
def test_after_damage_it_starts_keeps_the_file_and_stores_no_wrong_value(tmp_path: Path, seed: int) -> None:
    path = filled(tmp_path)
    truth = values_in(path)
    chance = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    kind = seed % 4
    if kind == 0:
        for place in chance.integers(0, len(content), 20):
            content[place] ^= 0xFF
    elif kind == 1:
        del content[int(chance.integers(100, len(content))) :]
    elif kind == 2:
        page = int(chance.integers(0, len(content) // 8192)) * 8192
        content[page : page + 8192] = bytes(8192)
    else:
        content[int(chance.integers(0, len(content)))] ^= 1 << int(chance.integers(0, 8))
    path.write_bytes(bytes(content))
    spool, rescue = open_or_rescue(tmp_path, SETTINGS, NOW)
    saved = values_in(path)
    assert set(saved) <= set(truth)
    assert len(saved) == len(set(saved))
    if rescue is not None:
        assert (rescue.kept_at / "spool.db").exists()
        assert rescue.readings == len(saved)
    spool.commit(Group(batches=[batch_of(1)]))
    spool.close()


def test_one_damaged_batch_costs_only_itself(tmp_path: Path) -> None:
    path = filled(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE batch SET data = zeroblob(2100) WHERE id = 5")
    connection.commit()
    connection.close()
    spool, rescue = open_or_rescue(tmp_path, SETTINGS, NOW)
    assert rescue is not None
    assert (rescue.readings, rescue.lost_batches) == (1900, 1)
    assert SpoolReader(path).counters()["taken"] == 2000  # so that the loss shows in the balance
    spool.close()


def test_a_full_quota_refuses_and_takes_again_when_something_has_left(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0, spool_quota_bytes=1_000_000))
    n = 0
    while spool.bytes < 900_000:
        spool.commit(Group(batches=[batch_of(1000)]))
        n += 1
    with pytest.raises(SpoolFull):
        spool.commit(Group(batches=[batch_of(1000) for _ in range(10)]))
    assert len(values_in(spool.path)) == 1000 * n
    spool.commit(Group(forget=list(range(1, n))))
    spool.commit(Group(batches=[batch_of(1000)]))
    spool.close()


def test_the_ballast_is_held_and_given_back(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "ballast", 100_000)
    assert ballast.hold()
    assert (tmp_path / "ballast").stat().st_size == 100_000
    ballast.release()
    assert not ballast.is_held


def parked_of(n: int, body: bytes) -> Parked:
    return Parked(Reason.BAD_JSON, TOPIC.decode(), "g1", f"m{n}", 1, "no JSON", body, NOW + n, NOW + n)


def test_the_same_thing_parked_again_is_one_row_with_a_count(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SETTINGS)
    spool.commit(Group(parked=[parked_of(0, b"{"), parked_of(0, b"{")]))
    spool.commit(Group(parked=[parked_of(0, b"{")]))
    (row,) = SpoolReader(spool.path).parked()
    assert (row.count, row.body, row.is_replayable) == (3, b"{", True)
    reader = SpoolReader(spool.path)
    assert reader.parked_counts(row.last) == [(row.gateway, row.reason.value, 3)]
    assert reader.parked_counts(row.last + 1) == []
    spool.close()


def test_parked_bodies_are_bounded_oldest_first_and_counts_stay(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0, parked_quota_bytes=1_000_000))
    for start in range(0, 3000, 500):
        rows = [parked_of(start + n, os.urandom(1000)) for n in range(500)]
        spool.commit(Group(parked=rows, counts=Counter({"parked:bad_json": 500})))
    reader = SpoolReader(spool.path)
    rows = reader.parked(limit=5000)
    assert len(rows) == 3000
    assert sum(len(row.body or b"") for row in rows) < 1_600_000
    assert rows[0].body is None
    assert rows[-1].body is not None
    assert reader.counters() == {"parked:bad_json": 3000}
    spool.close()


def test_a_body_beyond_the_limit_is_cut_and_cannot_be_replayed(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0, parked_body_bytes=1000))
    spool.commit(Group(parked=[parked_of(0, os.urandom(5000))]))
    (row,) = SpoolReader(spool.path).parked()
    assert row.is_truncated
    assert not row.is_replayable
    assert len(row.body or b"") == 1000
    spool.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small tmpfs needs root: run the tests as root, or trust continuous integration")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here (no CAP_SYS_ADMIN)")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Take every last byte of a disk."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_stops_acknowledging_and_mends_by_itself(small_disk: Path, registry: Registry) -> None:
    settings = settings_for(small_disk, spool_ballast_bytes=2_000_000)
    elsewhere = small_disk.parent / "store"
    store_settings = settings_for(elsewhere)
    from energy.storage import open_store

    store = open_store(store_settings, role="ingest")
    acks, sent = Acks(), 0
    with running(settings, registry, store) as (pipeline, _, deaths):
        for _cycle in range(20):
            filler = fill(small_disk)
            before = len(acks.order)
            for _ in range(30):
                sent += 1
                text = message(*[("e-side", T0 + 1000 * sent + n, float(sent)) for n in range(900)])
                pipeline.put([Delivery(TOPIC, text, sent, acks)])
            until(lambda b=before, s=sent: bool(pipeline.trouble) or len(acks.order) >= s > b)  # type: ignore[misc]
            filler.unlink()
            acks.wait(sent)
            until(lambda: not pipeline.trouble)
        until(lambda: is_drained(pipeline))
        assert deaths == []
        kept = store.readings(["e2"], 0, NOW + 10**9)["e2"]
        accepted = {T0 + 1000 * token + n for token in acks.order for n in range(900)}
        parked = pipeline.counters["parked:clock_future"]
        assert len(kept) + parked == sent * 900
        assert set(kept.time.tolist()) <= accepted
    store.close()


def test_it_starts_on_a_full_disk_and_waits_for_room(small_disk: Path, registry: Registry) -> None:
    path = filled(small_disk / "spool")
    shutil.rmtree(small_disk / "spool" / "nothing", ignore_errors=True)
    filler = fill(small_disk)
    spool = None
    try:
        spool, rescue = open_or_rescue(small_disk / "spool", SETTINGS, NOW)
        assert rescue is None
    except SpoolFull:
        filler.unlink()
        spool, _ = open_or_rescue(small_disk / "spool", SETTINGS, NOW)
    assert len(values_in(path)) == 2000
    spool.close()
