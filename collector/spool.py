"""The disk queue between acknowledgement and store: one SQLite file, written by one thread.

A group of messages becomes one transaction: batches of readings as blobs, parked parts, counters, and whatever the
forwarder has settled meanwhile. `commit` returns when the disk has it (WAL, synchronous=FULL). Every batch carries a
checksum; a damaged file is moved aside and kept, and what can be read of it is taken over (`rescue.py`).

That the readings of a batch were taken is written into the ledger with those of many others, at the latest in the
transaction that forgets the first of them: a page for each commit would cost as much as the batch. `counted` says up
to which batch that was done, so that none is left out or counted twice whenever the process ends.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np

from collector import ledger, parked
from collector.ballast import Ballast
from collector.batch import Batch, checksum_of
from collector.ledger import DayCount, Page, Tally
from collector.parked import Parked
from energy.errors import SpoolCorrupt, SpoolError, SpoolFull
from energy.settings import IngestSettings

VERSION: Final = 2
_MOST_UNCOUNTED: Final = 20_000  # readings in batches that the ledger has not counted
_PAGE: Final = 8192
_CACHE_KB: Final = 512  # nearly every page is written once and read once: a cache would only be memory
_SHMSIZE: Final = sqlite3.SQLITE_IOERR_SHMSIZE
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meter (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, received INTEGER NOT NULL,
    checksum INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sample (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateway (id TEXT PRIMARY KEY, seen INTEGER NOT NULL, status TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counted (batch INTEGER NOT NULL) STRICT;
INSERT INTO counted SELECT (SELECT coalesce(max(id), 0) FROM batch) WHERE NOT EXISTS (SELECT 1 FROM counted);
"""
_COUNT_ALL: Final = "UPDATE counted SET batch = (SELECT seq FROM sqlite_sequence WHERE name = 'batch')"


@dataclass(slots=True)
class Group:
    """Everything that one transaction puts on the disk or takes off it."""

    batches: list[Batch] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, tuple[int, str]] = field(default_factory=dict)
    samples: list[tuple[int, str]] = field(default_factory=list)
    forget: list[int] = field(default_factory=list)
    forget_samples: list[int] = field(default_factory=list)
    drop_parked: list[int] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class Spool:
    """The writer's side: one object, one thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, settings: IngestSettings, ballast: Ballast) -> None:
        self._connection = connection
        self._settings = settings
        self._since_trim = 0
        self._uncounted = _uncounted(connection)
        self.path = path
        self.ballast = ballast
        self.numbers: dict[str, int] = dict(connection.execute("SELECT id, number FROM meter"))
        self.readings: int = connection.execute("SELECT coalesce(sum(n), 0) FROM batch").fetchone()[0]
        """Readings that wait for the store."""

    @classmethod
    def open(cls, folder: Path, settings: IngestSettings) -> Self:
        """Open or make the spool of a folder; SpoolCorrupt if the file is damaged, SpoolFull if the disk is."""
        folder.mkdir(parents=True, exist_ok=True)
        path, ballast = folder / "spool.db", Ballast(folder / "ballast", settings.spool_ballast_bytes)
        try:
            connection = _connect(path, settings)
            spool = cls(connection, path, settings, ballast)
        except sqlite3.Error as exc:
            if not is_full(exc):
                raise _translated(exc, path) from exc
            ballast.release()
            raise SpoolFull(f"{path}: the disk is full") from exc
        except (ValueError, TypeError) as exc:  # a damaged schema or text, met by Python before SQLite noticed
            raise SpoolCorrupt(f"{path}: {exc}") from exc
        ballast.hold()
        return spool

    def number(self, ids: Iterable[str]) -> Mapping[str, int]:
        """Give every id a number of its own, for ever; durable before it is used."""
        new = [name for name in ids if name not in self.numbers]
        if new:
            first = len(self.numbers)
            rows = [(first + place, name) for place, name in enumerate(new)]
            self._transaction(lambda: self._connection.executemany("INSERT INTO meter VALUES (?, ?)", rows))
            self.numbers.update({name: number for number, name in rows})
            _write_durably(self.path.with_name("meters.json"), json.dumps(self.numbers).encode())
        return self.numbers

    def commit(self, *groups: Group) -> None:
        """Put groups on the disk as one; returns when they are there. SpoolFull leaves everything as it was."""
        uncounted = self._uncounted + [batch for group in groups for batch in group.batches]
        if not any(group.forget for group in groups) and sum(map(len, uncounted)) < _MOST_UNCOUNTED:
            self._transaction(lambda: self._write(groups, ()))
            self._uncounted = uncounted
        else:
            self._transaction(lambda: self._write(groups, uncounted))
            self._uncounted = []
        for group in groups:
            self.readings += sum(map(len, group.batches)) - group.counts["settled"]

    def _transaction(self, write: Callable[[], object]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            write()
            self._connection.execute("COMMIT")
        except sqlite3.Error as exc:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if is_full(exc):
                raise SpoolFull(f"{self.path}: {exc}") from exc
            raise _translated(exc, self.path) from exc

    def _write(self, groups: Sequence[Group], uncounted: Sequence[Batch]) -> None:
        counts: Counter[str] = Counter()
        for group in groups:
            self._write_group(group)
            counts.update(group.counts)
        self._connection.executemany(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
            [item for item in counts.items() if item[1]],
        )
        pages = [page for group in groups for page in group.pages]
        if uncounted:
            pages.append(_taken(uncounted))
            self._connection.execute(_COUNT_ALL)
        ledger.write(self._connection, pages)

    def _write_group(self, group: Group) -> None:
        run = self._connection
        if group.forget:
            run.executemany("DELETE FROM batch WHERE id = ?", [(i,) for i in group.forget])
        if group.forget_samples:
            run.executemany("DELETE FROM sample WHERE id = ?", [(i,) for i in group.forget_samples])
        parked.drop(run, group.drop_parked)
        for batch in group.batches:
            blob = batch.encode()
            run.execute(
                "INSERT INTO batch (n, received, checksum, data) VALUES (?, ?, ?, ?)",
                (len(batch), batch.received, checksum_of(blob, batch.received), blob),
            )
        if group.parked:
            self._park(group.parked)
        if group.samples:
            run.executemany("INSERT INTO sample (time, data) VALUES (?, ?)", group.samples)
        if group.statuses:
            run.executemany(
                "INSERT INTO gateway VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen,"
                " status = excluded.status",
                [(gateway, *row) for gateway, row in group.statuses.items()],
            )

    def _park(self, rows: Sequence[Parked]) -> None:
        parked.insert(self._connection, rows, self._settings.parked_body_bytes)
        self._since_trim += len(rows)
        if self._since_trim >= 1000:
            parked.trim(self._connection, self._settings.parked_quota_bytes)
            self._since_trim = 0

    @property
    def bytes(self) -> int:
        """Size of what lies in the spool, free pages not counted."""
        pages, free = (self._connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_count", "freelist_count"))
        return int(pages - free) * _PAGE

    def close(self) -> None:
        """Close the file; everything in it stays."""
        self._connection.close()


class SpoolReader:
    """The other threads' side: reads what is committed, with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, check_same_thread=False, timeout=30, isolation_level=None
        )
        self.path = path
        with suppress(sqlite3.Error, UnicodeDecodeError):  # it reads the schema; a rescue goes on without it
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")

    def batches(self, after: int = 0) -> Iterator[tuple[int, Batch]]:
        """Batches by id, one at a time, each in a short read of its own; SpoolCorrupt for a damaged one."""
        while True:
            row = self._connection.execute(
                "SELECT id, data, received, checksum FROM batch WHERE id > ? ORDER BY id LIMIT 1", (after,)
            ).fetchone()
            if row is None:
                return
            after = row[0]
            yield after, Batch.decode(row[1], row[2], row[3])

    def ids(self) -> dict[int, str]:
        """Meter id by number."""
        return dict(self._connection.execute("SELECT number, id FROM meter"))

    def oldest(self) -> int | None:
        """When the oldest waiting batch was received."""
        row = self._connection.execute("SELECT received FROM batch ORDER BY id LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def samples(self) -> list[tuple[int, int, str]]:
        """Samples of the `ingest` measurement that wait for the store: id, time, data."""
        return self._connection.execute("SELECT id, time, data FROM sample ORDER BY id LIMIT 200").fetchall()

    def counters(self) -> dict[str, int]:
        """Everything counted since the spool was made."""
        return dict(self._connection.execute("SELECT name, n FROM counter"))

    def ledger(self) -> tuple[Page, int]:
        """Counts by meter number and day, and the newest batch whose readings are counted as taken."""
        return ledger.read(self._connection), _counted(self._connection)

    def balance(self, meters: set[str] | None = None) -> list[DayCount]:
        """What became of the readings of each meter and day, as of one instant."""
        return [row for row in self.tally().rows(self.ids()) if meters is None or row.meter in meters]

    def tally(self) -> Tally:
        """The same of all meters, as arrays."""
        run = self._connection
        run.execute("BEGIN")
        try:
            rows = run.execute("SELECT data, received, checksum FROM batch")
            waiting = ledger.fold(_taken([Batch.decode(*row)]) for row in rows)
            counts = ledger.fold([ledger.read(run), _taken(_uncounted(run))])
            return ledger.tally(counts, waiting)
        finally:
            run.execute("COMMIT")

    def gateways(self) -> dict[str, tuple[int, str]]:
        """Last status of each gateway that sent one: when it came, and the JSON."""
        return {row[0]: (row[1], row[2]) for row in self._connection.execute("SELECT id, seen, status FROM gateway")}

    def parked(
        self,
        *,
        reason: str | None = None,
        gateway: str | None = None,
        ids: Sequence[int] | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Parked]:
        """Parked things by id."""
        return parked.find(self._connection, reason=reason, gateway=gateway, ids=ids, after=after, limit=limit)

    def parked_counts(self, since: int) -> list[tuple[str, str, int]]:
        """(gateway, reason, readings) of what lies parked and was last seen since an instant."""
        return parked.counts(self._connection, since)

    def ahead_of_us(self, since: int) -> list[tuple[str, int, bytes]]:
        """(gateway, when it came, body) of what was last parked since an instant for lying in the future."""
        return parked.ahead_of_us(self._connection, since)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _uncounted(connection: sqlite3.Connection) -> list[Batch]:
    query = "SELECT data, received, checksum FROM batch WHERE id > ?"
    return [Batch.decode(*row) for row in connection.execute(query, (_counted(connection),))]


def _counted(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT batch FROM counted").fetchone()[0])


def _taken(batches: Sequence[Batch]) -> Page:
    none = np.zeros(0, np.int32), np.zeros(0, np.int64)
    meter, time = (np.concatenate(c) for c in zip(none, *((b.meter, b.time) for b in batches), strict=True))
    return ledger.page(taken=[(meter, time)])


def is_full(error: sqlite3.Error) -> bool:
    """True if the error says that disk or quota is full."""
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, _SHMSIZE)


def _translated(error: sqlite3.Error, path: Path) -> SpoolError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return SpoolCorrupt(f"{path}: {error}")
    if code == sqlite3.SQLITE_ERROR:  # as "no such table", after damage
        return SpoolCorrupt(f"{path}: {error}")
    return SpoolError(f"{path}: {error}")


def _connect(path: Path, settings: IngestSettings) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise SpoolError(f"{path}: written by a newer program (version {version}, this one knows {VERSION})")
        problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        if problems != ["ok"]:
            raise SpoolCorrupt(f"{path}: {'; '.join(problems)}")
        if version < VERSION:
            connection.executescript(
                f"BEGIN;{_SCHEMA}{parked.SCHEMA}{ledger.SCHEMA}PRAGMA user_version = {VERSION};COMMIT;"
            )
        connection.execute(f"PRAGMA max_page_count = {settings.spool_quota_bytes // _PAGE}")
    except BaseException:
        connection.close()
        raise
    return connection


def _write_durably(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
