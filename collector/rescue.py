"""A damaged spool: moved aside and kept, and what can still be read of it taken into a new one."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from collector import ledger
from collector.batch import Batch
from collector.ledger import Page
from collector.parked import Parked
from collector.spool import Group, Spool, SpoolReader
from energy.errors import SpoolCorrupt
from energy.settings import IngestSettings

_DAMAGE = (sqlite3.Error, zlib.error, SpoolCorrupt, ValueError, TypeError)  # what reading a damaged file can end in
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rescue:
    """What became of a damaged spool."""

    kept_at: Path
    readings: int
    parked: int
    lost_batches: int


def open_or_rescue(folder: Path, settings: IngestSettings, now: int) -> tuple[Spool, Rescue | None]:
    """The spool of a folder; after damage a new one with all that could be read of the old."""
    try:
        spool = Spool.open(folder, settings)
        try:
            _read_through(spool.path)
        except _DAMAGE as exc:
            spool.close()
            raise SpoolCorrupt(str(exc)) from exc
    except SpoolCorrupt as exc:
        aside = _move_aside(folder, now)
        spool = Spool.open(folder, settings)
        rescue = _take_over(aside, spool)
        _log.critical("the spool was damaged (%s); it is kept at %s: %s", exc, aside, rescue)
        return spool, rescue
    return spool, None


def _read_through(path: Path) -> None:
    """Meet every checksum once, so that damage shows now and not when the forwarder comes there."""
    reader = SpoolReader(path)
    try:
        for _ in reader.batches():
            pass
        reader.counters()
        reader.parked(limit=1)
    finally:
        reader.close()


def _move_aside(folder: Path, now: int) -> Path:
    aside = folder / f"damaged-{now}"
    number = 0
    while aside.exists():
        number += 1
        aside = folder / f"damaged-{now}-{number}"
    aside.mkdir()
    for name in ("spool.db", "spool.db-wal", "spool.db-shm", "meters.json"):
        with suppress(FileNotFoundError):
            (folder / name).rename(aside / name)
    return aside


def _take_over(aside: Path, spool: Spool) -> Rescue:
    readings = parked = lost = 0
    names = _names(aside)
    spool.number(names.values())
    try:
        connection = sqlite3.connect(f"file:{aside / 'spool.db'}?mode=ro", uri=True)
    except sqlite3.Error:
        return Rescue(aside, 0, 0, 0)
    reader = SpoolReader(aside / "spool.db")
    counts, counted = _ledger(reader, names, spool.numbers)
    for identity in _ids(connection, "batch"):
        batch = _batch(connection, identity, names, spool.numbers)
        if batch is None:
            lost += 1
            continue
        if identity <= counted:  # it is counted anew now
            counts = ledger.fold([counts, ledger.page(taken=[(batch.meter, batch.time)]).negative()])
        spool.commit(Group(batches=[batch]))
        readings += len(batch)
    spool.commit(Group(pages=[counts]))
    for identity in _ids(connection, "parked"):
        rows: list[Parked] = []
        with suppress(*_DAMAGE):
            rows = reader.parked(ids=[identity])
        spool.commit(Group(parked=rows))
        parked += len(rows)
    with suppress(*_DAMAGE):
        spool.commit(Group(counts=Counter(reader.counters())))
    reader.close()
    connection.close()
    return Rescue(aside, readings, parked, lost)


def _ledger(reader: SpoolReader, names: dict[int, str], numbers: Mapping[str, int]) -> tuple[Page, int]:
    """What is counted, and up to which batch; nothing where that cannot be read, or speaks of other meters."""
    if numbers == {name: number for number, name in names.items()}:
        with suppress(*_DAMAGE):
            return reader.ledger()
    return ledger.page(), 0


def _names(aside: Path) -> dict[int, str]:
    """Meter id by number: from the file beside the spool, or from the spool itself."""
    with suppress(OSError, ValueError):
        return {number: name for name, number in json.loads((aside / "meters.json").read_text()).items()}
    with suppress(*_DAMAGE):
        return SpoolReader(aside / "spool.db").ids()
    return {}


def _ids(connection: sqlite3.Connection, table: str) -> list[int]:
    """Row ids read from both ends, since a damaged page ends a scan."""
    found: set[int] = set()
    for order in ("ASC", "DESC"):
        found.update(_scan(connection, f"SELECT id FROM {table} ORDER BY id {order}"))  # noqa: S608  # our own names
    return sorted(found)


def _scan(connection: sqlite3.Connection, query: str) -> Iterator[int]:
    with suppress(*_DAMAGE):
        for row in connection.execute(query):
            yield row[0]


def _batch(
    connection: sqlite3.Connection, identity: int, names: dict[int, str], numbers: dict[str, int]
) -> Batch | None:
    """One batch under the new spool's numbers; None if it or the names of its meters are gone."""
    try:
        row = connection.execute("SELECT data, received, checksum FROM batch WHERE id = ?", (identity,)).fetchone()
        batch = Batch.decode(*row)
        meter = np.array([numbers[names[int(number)]] for number in batch.meter], np.int32)
    except (*_DAMAGE, KeyError):
        return None
    return Batch(meter, batch.time, batch.value, batch.flag, batch.late, batch.received)
