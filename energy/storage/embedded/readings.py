"""The file of readings: what any process may ask of it.

A reading first lies in the table `hot`, in the batch it was written with; sealing moves many batches at once into
chunks of one meter and month. A reader takes both within one transaction, so it never sees a reading twice or not at
all. Where a meter has two values for one instant, the one that arrived first counts: sealed before hot, older batch
before newer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from energy.series import FloatArray, IntArray, Matrix, Series
from energy.storage.embedded import chunks
from energy.storage.embedded.database import Database
from energy.storage.embedded.hot import TIME_BITS, TIME_LIMIT, Batch, HotBatches, joined, key, keys

VERSION: Final = 1
TABLES: Final = {
    "meter": "CREATE TABLE meter (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "hot": "CREATE TABLE hot (batch INTEGER PRIMARY KEY AUTOINCREMENT, readings INTEGER NOT NULL, data BLOB NOT NULL)",
    "sealed": "CREATE TABLE sealed (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "canary": "CREATE TABLE canary (one INTEGER PRIMARY KEY CHECK (one = 1), value REAL NOT NULL)",
}

Point = tuple[int, float]


class MeterNumbers:
    """Names of meters as the small numbers the file uses; they are never changed, so they are remembered."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def load(self, connection: sqlite3.Connection) -> dict[str, int]:
        """All names known at this moment."""
        rows = connection.execute("SELECT name, number FROM meter WHERE number > ?", (self._last,)).fetchall()
        self._numbers.update(rows)
        self._last = max((number for _, number in rows), default=self._last)
        return self._numbers


class ReadingFile:
    """Reads `readings.db`; of use in the writing process and in any other."""

    def __init__(self, path: Path) -> None:
        self._file = Database(path, tables=TABLES, version=VERSION)
        self._names = MeterNumbers()
        self._hot = HotBatches()

    def readings(self, meters: Sequence[str], start: int, end: int) -> dict[str, Series]:
        """Raw readings of each meter in [start, end)."""
        start, end = _bounded(start, end)
        parts: dict[str, list[Batch]] = {meter: [] for meter in meters}
        with self._file.reading() as connection:
            numbers, hot = self._names.load(connection), self._hot.load(connection)
            known = {meter: numbers[meter] for meter in parts if meter in numbers}
            if start < end:
                for meter, number in known.items():
                    for chunk, blob in chunks.blobs_between(connection, number, start, end):
                        parts[meter].append(_clip(chunks.decode(chunk, blob), number, start, end))
        for batch in hot:
            for meter, number in known.items():
                parts[meter].append(_clip(batch, number, start, end))
        return {meter: _series(found) for meter, found in parts.items()}

    def matrix(self, meters: Sequence[str], start: int, end: int, step: int) -> Matrix:
        """Readings exactly on the grid."""
        columns = max(0, -(-(end - start) // step))
        values = np.full((len(meters), columns), np.nan)
        low, high = _bounded(start, end)
        with self._file.reading() as connection:
            numbers, hot = self._names.load(connection), self._hot.load(connection)
            rows = {numbers[meter]: row for row, meter in enumerate(meters) if meter in numbers}
            # from the newest batch to the oldest chunk, so that what arrived first is written last
            _place_hot(values, rows, reversed(hot), low, high, start, step)
            if low < high:
                for number, row in rows.items():
                    for _, blob in chunks.blobs_between(connection, number, low, high):
                        time, value = chunks.decode_values(blob)
                        _place(values[row], time - start, value, step)
        return Matrix(tuple(meters), start, step, values)

    def values_at(self, meters: Sequence[str], times: IntArray) -> FloatArray:
        """Stored value at each (meter, time) pair, NaN where none."""
        found = np.full(len(times), np.nan)
        with self._file.reading() as connection:
            numbers, hot = self._names.load(connection), self._hot.load(connection)
            number = np.array([numbers.get(meter, -1) for meter in meters], np.int64)
            asked = np.flatnonzero((number >= 0) & (times >= 0) & (times < TIME_LIMIT))
            wanted = keys(number[asked], times[asked])
            for batch in reversed(hot):
                _answer(found, asked, wanted, batch)
            ids = json.dumps(np.unique(chunks.chunk_ids(number[asked], times[asked])).tolist())
            for chunk, blob in connection.execute(
                "SELECT chunk, data FROM sealed WHERE chunk IN (SELECT value FROM json_each(?))", (ids,)
            ):
                _answer(found, asked, wanted, chunks.decode(chunk, blob))
        return found

    def latest(self, meters: Sequence[str], *, before: int | None = None) -> dict[str, Point]:
        """Newest (time, value) of each meter before an instant."""
        limit = TIME_LIMIT - 1 if before is None else min(max(before, 0), TIME_LIMIT - 1)

        def newest(batch: Batch, number: int) -> int | None:
            place = int(np.searchsorted(batch.key, key(number, limit))) - 1
            return place if place >= 0 and batch.key[place] >> TIME_BITS == number else None

        query = "SELECT chunk, data FROM sealed WHERE chunk BETWEEN ?1 AND ?2 ORDER BY chunk DESC LIMIT 2"
        return self._nearest(meters, query, (0, limit), newest, lambda new, old: new > old)

    def earliest_after(self, meters: Sequence[str], after: int) -> dict[str, Point]:
        """First (time, value) of each meter at or after an instant."""
        limit = min(max(after, 0), TIME_LIMIT - 1)

        def oldest(batch: Batch, number: int) -> int | None:
            place = int(np.searchsorted(batch.key, key(number, limit)))
            return place if place < len(batch) and batch.key[place] >> TIME_BITS == number else None

        query = "SELECT chunk, data FROM sealed WHERE chunk BETWEEN ?1 AND ?2 ORDER BY chunk LIMIT 2"
        return self._nearest(meters, query, (limit, TIME_LIMIT - 1), oldest, lambda new, old: new < old)

    def _nearest(
        self,
        meters: Sequence[str],
        query: str,
        span: tuple[int, int],
        find: Callable[[Batch, int], int | None],
        is_nearer: Callable[[int, int], bool],
    ) -> dict[str, Point]:
        """Of each meter the reading `find` points at, in the nearest two chunks (one may hold none) and all batches."""
        found: dict[str, Point] = {}
        with self._file.reading() as connection:
            numbers, hot = self._names.load(connection), self._hot.load(connection)
            for meter in meters:
                if (number := numbers.get(meter)) is None:
                    continue
                ids = tuple(chunks.chunk_id(number, edge) for edge in span)
                sealed = [chunks.decode(*row) for row in connection.execute(query, ids)]
                for batch in [*sealed, *hot]:
                    place = find(batch, number)
                    if place is None:
                        continue
                    time = int(batch.time[place])
                    if meter not in found or is_nearer(time, found[meter][0]):
                        found[meter] = (time, float(batch.value[place]))
        return found

    def check(self) -> None:
        """Prove that the file can be read."""
        with self._file.reading() as connection:
            connection.execute("SELECT value FROM canary").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _bounded(start: int, end: int) -> tuple[int, int]:
    return max(start, 0), min(end, TIME_LIMIT - 1)


def _clip(batch: Batch, number: int, start: int, end: int) -> Batch:
    return batch.window(np.array([number]), start, max(start, end))


def _series(parts: list[Batch]) -> Series:
    some = [part for part in parts if len(part)]
    if not some:
        return Series.empty()
    whole = joined(some)
    return Series(whole.time, whole.value, whole.flag, whole.received)


def _place(row: FloatArray, offset: IntArray, value: FloatArray, step: int) -> None:
    column, beside = np.divmod(offset, step)
    on_grid = (beside == 0) & (column >= 0) & (column < len(row))
    row[column[on_grid]] = value[on_grid]


def _place_hot(
    values: FloatArray, rows: dict[int, int], batches: Iterable[Batch], low: int, high: int, start: int, step: int
) -> None:
    if not rows or low >= high:
        return
    numbers = np.array(sorted(rows), np.int64)
    row_of = np.array([rows[number] for number in numbers.tolist()], np.int64)
    for batch in batches:
        part = batch.window(numbers, low, high)
        column, beside = np.divmod(part.time - start, step)
        on_grid = beside == 0
        row = row_of[np.searchsorted(numbers, part.number)]
        values[row[on_grid], column[on_grid]] = part.value[on_grid]


def _answer(found: FloatArray, asked: IntArray, wanted: IntArray, batch: Batch) -> None:
    place = np.minimum(np.searchsorted(batch.key, wanted), len(batch) - 1)
    is_there = batch.key[place] == wanted
    found[asked[is_there]] = batch.value[place[is_there]]
