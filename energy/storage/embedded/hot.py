"""Freshly written readings, before they are sealed: one batch a write, each sorted and without doubles."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.series import ByteArray, FloatArray, IntArray
from energy.storage.embedded.columns import pack, unpack

TIME_BITS: Final = 36
TIME_LIMIT: Final = 1 << TIME_BITS
"""Instants of readings lie in [0, TIME_LIMIT), that is from 1970 into the 41st century."""


def keys(numbers: IntArray, times: IntArray | int) -> IntArray:
    """Meter number and time as one sortable whole number."""
    return (numbers << TIME_BITS) | times


def key(number: int, time: int) -> int:
    """The same of one reading."""
    return (number << TIME_BITS) | time


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Readings in strictly rising order of key (meter number, time)."""

    key: IntArray
    value: FloatArray
    flag: ByteArray
    received: IntArray

    def __len__(self) -> int:
        return len(self.key)

    @property
    def number(self) -> IntArray:
        """Meter number of each reading."""
        return self.key >> TIME_BITS

    @property
    def time(self) -> IntArray:
        """Instant of each reading."""
        return self.key & (TIME_LIMIT - 1)

    def take(self, where: IntArray | slice) -> Batch:
        """The readings at these positions, which must rise."""
        return Batch(self.key[where], self.value[where], self.flag[where], self.received[where])

    def window(self, numbers: IntArray, start: int, end: int) -> Batch:
        """Readings of these meters (rising numbers) in [start, end)."""
        first = np.searchsorted(self.key, keys(numbers, start))
        last = np.searchsorted(self.key, keys(numbers, end))
        some = np.flatnonzero(last > first)
        if len(some) == 1:
            return self.take(slice(int(first[some[0]]), int(last[some[0]])))
        spans = [np.arange(first[i], last[i]) for i in some]
        return self.take(np.concatenate(spans) if spans else np.zeros(0, np.int64))


def sorted_batch(key: IntArray, value: FloatArray, flag: ByteArray, received: IntArray) -> Batch:
    """A batch from readings in order of arrival: of several with the same key the first stays."""
    order = np.argsort(key, kind="stable")
    in_order = key[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = in_order[1:] != in_order[:-1]
    kept = order[is_first]
    return Batch(key[kept], value[kept], flag[kept], received[kept])


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of several, given in order of arrival."""
    if len(batches) == 1:
        return batches[0]
    return sorted_batch(
        np.concatenate([b.key for b in batches]),
        np.concatenate([b.value for b in batches]),
        np.concatenate([b.flag for b in batches]),
        np.concatenate([b.received for b in batches]),
    )


def encode(batch: Batch) -> bytes:
    """The batch as a row of the table `hot`; quickly, since it will soon be sealed."""
    return pack({"key": batch.key, "value": batch.value, "flag": batch.flag, "received": batch.received}, level=1)


def decode(blob: bytes) -> Batch:
    """The batch of a row of the table `hot`."""
    _, columns = unpack(blob)
    return Batch(columns["key"], columns["value"], columns["flag"].astype(np.uint8), columns["received"])


class HotBatches:
    """The unsealed batches of the file, decoded once each and forgotten when they are sealed."""

    def __init__(self) -> None:
        self._decoded: dict[int, Batch] = {}

    def load(self, connection: sqlite3.Connection) -> list[Batch]:
        """All unsealed batches of this moment, in order of arrival."""
        present = [int(row[0]) for row in connection.execute("SELECT batch FROM hot ORDER BY batch")]
        self._decoded = {
            number: self._decoded[number] if number in self._decoded else fetch(connection, number)
            for number in present
        }
        return list(self._decoded.values())


def fetch(connection: sqlite3.Connection, number: int) -> Batch:
    """One unsealed batch."""
    return decode(connection.execute("SELECT data FROM hot WHERE batch = ?", (number,)).fetchone()[0])


def tail_worth_merging(sizes: Iterable[tuple[int, int]], most: int) -> list[int]:
    """Numbers of the newest batches that are better one: older ones join while they are not much bigger.

    Each reading is then rewritten only about log2(readings) times before it is sealed.
    """
    total = 0
    chosen: list[int] = []
    for number, size in reversed(list(sizes)):
        if chosen and (size > 2 * total or total + size > most):
            break
        total += size
        chosen.append(number)
    return chosen[::-1] if len(chosen) > 1 else []
