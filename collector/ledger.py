"""What became of the readings of each meter and day: taken = stored + duplicate + parked + still in the spool.

Counts are written in the very transactions that take readings and that forget them, as small pages; but that the
readings of batches were taken is counted for many batches at a time (`spool.py`), since until then they stand there
for themselves. Many pages of one level are folded into one of the next, so that a commit stays short and a question
reads few rows. Days are UTC days of the readings' own time. Messages that name no meter we know are in the totals by
reason alone.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.intervals import DAY
from energy.series import Int32Array, IntArray

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT, level INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS ledger_level ON ledger (level, id);
"""
KINDS: Final = ("taken", "stored", "duplicate", "parked")  # four at most: see `_DEFLATE`
_FOLD: Final = 64  # pages of a level that become one of the next,
_FOLD_LARGE: Final = 8  # or fewer,
_FOLD_BYTES: Final = 1_000_000  # when they are large
_HELD: Final = 30_000  # counts in memory while folding
_DEFLATE: Final = 8  # low half of the first byte of what zlib compressed; of up to four kinds that half is 0
_LAST_DAY: Final = 2**20 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Counts by meter number and day.

    Attributes
    ----------
    key : int64, shape (n,)
        Rising; meter number and day number in one.
    count : int32, shape (n, 4)
        By `KINDS`.
    """

    key: IntArray
    count: Int32Array

    def negative(self) -> Page:
        """What takes these counts away again when it is added."""
        return Page(self.key, -self.count)

    def encode(self, level: int) -> bytes:
        """The page as it lies on the disk: compressed, but for the lowest level, which is folded soon.

        There it is one byte for the kinds that occur, mostly one, and the counts of these alone.
        """
        if level:
            return zlib.compress(self.key.tobytes() + self.count.tobytes(), 1)
        occurs = self.count.any(axis=0)
        return np.packbits(occurs).tobytes() + self.key.tobytes() + self.count[:, occurs].tobytes()

    @classmethod
    def decode(cls, blob: bytes) -> Page:
        """The page of a blob."""
        if blob[0] & 0x0F == _DEFLATE:
            text, kinds = zlib.decompress(blob), np.arange(len(KINDS))
        else:
            text, kinds = blob[1:], np.flatnonzero(np.unpackbits(np.frombuffer(blob, np.uint8, 1)))
        n = len(text) // (8 + 4 * len(kinds))
        count = np.zeros((n, len(KINDS)), np.int32)
        count[:, kinds] = np.frombuffer(text, np.int32, n * len(kinds), 8 * n).reshape(n, len(kinds))
        return cls(np.frombuffer(text, np.int64, n), count)


@dataclass(frozen=True, slots=True)
class DayCount:
    """One meter's readings of one day, by what became of them."""

    meter: str
    day: int  # days since 1970-01-01
    taken: int
    stored: int
    duplicate: int
    parked: int
    in_spool: int

    @property
    def unaccounted(self) -> int:
        """Anything but 0 is an alarm."""
        return self.taken - self.stored - self.duplicate - self.parked - self.in_spool


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What became of the readings of every meter and day, as arrays: years of a county are millions of rows.

    Attributes
    ----------
    in_spool : int64, shape (n,)
        Readings that wait to be stored, by the keys of `counts`.
    """

    counts: Page
    in_spool: IntArray

    @property
    def unaccounted(self) -> IntArray:
        """As `DayCount.unaccounted`, shape (n,)."""
        became = self.of("stored") + self.of("duplicate") + self.of("parked") + self.in_spool
        return self.of("taken") - became

    @property
    def day(self) -> IntArray:
        """Days since 1970-01-01, shape (n,)."""
        return self.counts.key & _LAST_DAY

    def of(self, kind: str) -> Int32Array:
        """How many became this, shape (n,)."""
        return self.counts.count[:, KINDS.index(kind)]

    def rows(self, names: Mapping[int, str], chosen: IntArray | slice = slice(None)) -> Iterator[DayCount]:
        """The rows of these places, with the names of their meters; a number without a name is an empty one."""
        columns = (self.counts.key, self.counts.count, self.in_spool)
        chosen_rows = zip(*(column[chosen].tolist() for column in columns), strict=True)
        for key, (taken, stored, duplicate, parked), waiting in chosen_rows:
            yield DayCount(names.get(key >> 20, ""), key & _LAST_DAY, taken, stored, duplicate, parked, waiting)


def page(**readings: Sequence[tuple[Int32Array, IntArray]]) -> Page:
    """Count readings given as (meter, time) by kind."""
    parts = []
    for kind, pairs in readings.items():
        for meter, time in pairs:
            if len(meter):
                key = keys(meter, time)
                count = np.zeros((len(key), len(KINDS)), np.int32)
                count[:, KINDS.index(kind)] = 1
                parts.append(Page(key, count))
    return _sum(parts)


def keys(meter: Int32Array, time: IntArray) -> IntArray:
    """Meter and day in one number."""
    return meter.astype(np.int64) << 20 | np.minimum(np.maximum(time // DAY, 0), _LAST_DAY)


def fold(pages: Iterable[Page]) -> Page:
    """The sum of pages; however many they are, only few are held at once."""
    held: list[Page] = []
    for one in pages:
        if len(one.key):
            held.append(one)
        if len(held) > 1 and sum(len(p.key) for p in held) > _HELD:
            held = [_sum(held)]
    return held[0] if len(held) == 1 else _sum(held)


def _sum(pages: Sequence[Page]) -> Page:
    if not pages:
        return Page(np.zeros(0, np.int64), np.zeros((0, len(KINDS)), np.int32))
    if len(pages) == 1 and (pages[0].key[1:] > pages[0].key[:-1]).all():
        return pages[0]
    key = np.concatenate([p.key for p in pages])
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(key[order]) != 0))
    count = np.concatenate([p.count for p in pages])[order]
    return Page(key[order][first], np.add.reduceat(count, first, axis=0, dtype=np.int32))


def write(connection: sqlite3.Connection, pages: Sequence[Page]) -> None:
    """Add counts within the caller's transaction, folding full levels."""
    sum_of = fold(pages)
    if not len(sum_of.key):
        return
    level = 0
    place = connection.execute("INSERT INTO ledger (level, data) VALUES (0, ?)", (sum_of.encode(0),)).lastrowid
    assert place is not None  # to count the pages costs as much as to write one: each eighth time is enough
    while place % _FOLD_LARGE == 0 and _is_full(connection, level):
        rows = connection.execute("SELECT data FROM ledger WHERE level = ?", (level,))
        blob = fold(Page.decode(data) for (data,) in rows).encode(level + 1)
        connection.execute("DELETE FROM ledger WHERE level = ?", (level,))
        level += 1
        connection.execute("INSERT INTO ledger (level, data) VALUES (?, ?)", (level, blob))


def _is_full(connection: sqlite3.Connection, level: int) -> bool:
    query = "SELECT count(*), total(length(data)) FROM ledger WHERE level = ?"
    n, size = connection.execute(query, (level,)).fetchone()
    return bool(n >= _FOLD or (n > _FOLD_LARGE and size > _FOLD_BYTES))


def read(connection: sqlite3.Connection) -> Page:
    """All counts."""
    return fold(Page.decode(row[0]) for row in connection.execute("SELECT data FROM ledger"))


def tally(counts: Page, waiting: Page) -> Tally:
    """Counts beside what lies in the spool; `waiting` counts that as taken."""
    counts = fold([counts, Page(waiting.key, np.zeros_like(waiting.count))])  # what nobody counted shows as well
    in_spool = np.zeros(len(counts.key), np.int64)
    _, at, of = np.intersect1d(counts.key, waiting.key, assume_unique=True, return_indices=True)
    in_spool[at] = waiting.count[of, KINDS.index("taken")]
    return Tally(counts, in_spool)
