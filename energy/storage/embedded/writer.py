"""The only writer of the file of readings, and its keeper thread.

A write appends one batch and returns when the disk has it. The keeper joins small batches, so that readers have few
to look through, and seals when enough readings wait that a chunk is rewritten seldom: live readings every 15 minutes
rewrite a meter's current month about every second day at most, whatever the number of meters.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np

from energy.errors import StorageError, StorageRejected, StorageUnavailable
from energy.series import IntArray, Readings
from energy.storage.embedded import chunks, hot
from energy.storage.embedded.database import Database, WriterLock
from energy.storage.embedded.hot import TIME_LIMIT, Batch
from energy.storage.embedded.readings import TABLES, VERSION, MeterNumbers

_log = logging.getLogger(__name__)

SEAL_READINGS: Final = 250_000
SEAL_READINGS_PER_METER: Final = 192
"""Two days of quarter hours."""
_MOST_BATCHES: Final = 64
_MOST_MERGED: Final = 100_000
_MOST_SEALED_AT_ONCE: Final = 500_000
_BACKLOG: Final = 4  # times SEAL_READINGS: writing then waits for the sealing


class ReadingWriter:
    """Appends readings to `readings.db` and keeps the file in order."""

    def __init__(self, path: Path, *, seal_readings: int = SEAL_READINGS) -> None:
        self._lock = WriterLock(path.with_suffix(".lock"))
        try:
            self._file = Database(path, tables=TABLES, version=VERSION)
        except BaseException:
            self._lock.release()
            raise
        self._seal_readings = seal_readings
        self._names = MeterNumbers()
        self._keeping = threading.Lock()
        self._wanted = threading.Event()
        self._closing = False
        with self._file.reading() as connection:
            self._names.load(connection)
            self._batches, self._waiting = _hot_size(connection)
        self._keeper = threading.Thread(target=self._keep, name="readings-keeper", daemon=True)
        self._keeper.start()

    def write(self, readings: Readings) -> None:
        """Append the readings; they are on disk when this returns."""
        _refuse_nonsense(readings)
        if not len(readings):
            return
        with self._file.writing() as connection:
            numbers = self._numbers(connection, readings)
            batch = hot.sorted_batch(
                hot.keys(numbers[readings.index], readings.time), readings.value, readings.flag, readings.received
            )
            connection.execute("INSERT INTO hot (readings, data) VALUES (?, ?)", (len(batch), hot.encode(batch)))
            self._batches, self._waiting = self._batches + 1, self._waiting + len(batch)
        if self._waiting >= _BACKLOG * self._enough():
            self.seal()
        elif self._batches >= _MOST_BATCHES or self._waiting >= self._enough():
            self._wanted.set()

    def _numbers(self, connection: sqlite3.Connection, readings: Readings) -> IntArray:
        known = self._names.load(connection)
        unknown = [(name,) for name in readings.meters if name not in known]
        if unknown:
            connection.executemany("INSERT INTO meter (name) VALUES (?)", unknown)
            rows = connection.execute("SELECT name, number FROM meter WHERE number > ?", (len(known),)).fetchall()
            known = {**known, **dict(rows)}  # remembered only once it is committed
        return np.array([known[name] for name in readings.meters], np.int64)

    def _enough(self) -> int:
        """Readings worth a sealing."""
        return max(self._seal_readings, min(SEAL_READINGS_PER_METER * len(self._names), 8 * self._seal_readings))

    def seal(self) -> int:
        """Move every batch of this moment into chunks; returns the readings moved."""
        moved = 0
        with self._keeping:
            while batches := self._oldest():
                moved += self._seal_batches(batches)
        return moved

    def _oldest(self) -> list[tuple[int, Batch]]:
        """The oldest batches, as many as memory allows at once."""
        with self._file.reading() as connection:
            taken, size = [], 0
            for number, data in connection.execute("SELECT batch, data FROM hot ORDER BY batch"):
                batch = hot.decode(data)
                size += len(batch)
                taken.append((number, batch))
                if size >= _MOST_SEALED_AT_ONCE:
                    break
        return taken

    def _seal_batches(self, batches: list[tuple[int, Batch]]) -> int:
        # Chunks are changed by this method alone, so they can be computed while others write to `hot`.
        rows = []
        for chunk, new in chunks.split(hot.joined([batch for _, batch in batches])):
            with self._file.reading() as connection:
                old = connection.execute("SELECT data FROM sealed WHERE chunk = ?", (chunk,)).fetchone()
            whole = hot.joined([chunks.decode(chunk, old[0]), new]) if old else new
            rows.append((chunk, chunks.encode(whole)))
        moved = sum(len(batch) for _, batch in batches)
        with self._file.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO sealed (chunk, data) VALUES (?, ?)", rows)
            connection.executemany("DELETE FROM hot WHERE batch = ?", [(number,) for number, _ in batches])
            self._batches, self._waiting = _hot_size(connection)
        return moved

    def merge(self) -> None:
        """Join the newest small batches to one."""
        with self._keeping, self._file.writing() as connection:
            sizes = connection.execute("SELECT batch, readings FROM hot ORDER BY batch").fetchall()
            numbers = hot.tail_worth_merging(sizes, _MOST_MERGED)
            if numbers:
                whole = hot.joined([hot.fetch(connection, number) for number in numbers])
                connection.execute("DELETE FROM hot WHERE batch >= ?", (numbers[0],))
                connection.execute("INSERT INTO hot (readings, data) VALUES (?, ?)", (len(whole), hot.encode(whole)))
            self._batches, self._waiting = _hot_size(connection)

    def _keep(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            try:
                if self._waiting >= self._enough():
                    self.seal()
                else:
                    self.merge()
            except StorageError as exc:  # nothing is lost: the batches stay where they are until the next try
                _log.warning("readings could not be sealed, they stay unsealed: %s", exc)

    def check(self) -> None:
        """Prove that the file takes a write."""
        stamp = time.time()
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO canary (one, value) VALUES (1, ?)", (stamp,))
        with self._file.reading() as connection:
            if connection.execute("SELECT value FROM canary").fetchone() != (stamp,):
                raise StorageUnavailable(f"{self._file.path}: a value just written was not read back")

    def close(self) -> None:
        """Stop the keeper and close the file; what is not sealed is sealed another time."""
        self._closing = True
        self._wanted.set()
        self._keeper.join()
        self._file.close()
        self._lock.release()


def _hot_size(connection: sqlite3.Connection) -> tuple[int, int]:
    batches, readings = connection.execute("SELECT count(*), coalesce(sum(readings), 0) FROM hot").fetchone()
    return int(batches), int(readings)


def _refuse_nonsense(readings: Readings) -> None:
    if not np.all(np.isfinite(readings.value)):
        where = int(np.flatnonzero(~np.isfinite(readings.value))[0])
        raise StorageRejected(f"meter {readings.meters[readings.index[where]]}: value is not a finite number")
    if not np.all((readings.time >= 0) & (readings.time < TIME_LIMIT)):
        raise StorageRejected(f"times of readings must lie in 0 .. {TIME_LIMIT} seconds since 1970")
