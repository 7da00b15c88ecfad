"""One SQLite file of the embedded store: opening, version, transactions, errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from energy.errors import SchemaOutdated, StorageForbidden, StorageUnavailable

_PAGE_BYTES: Final = 8192
_BUSY_S: Final = 30.0
_WAL_KEPT_BYTES: Final = 64_000_000


class Database:
    """One connection to one file; threads take turns.

    WAL lets other processes read while one writes, each reader seeing one moment; `synchronous=FULL` makes a
    returned write survive a power cut, since whoever wrote it forgets it then.
    """

    def __init__(self, path: Path, *, tables: Mapping[str, str], version: int) -> None:
        self.path = path
        self._turn = threading.RLock()
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(tables, version)
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self, tables: Mapping[str, str], version: int) -> None:
        run = self._connection.execute
        run(f"PRAGMA page_size={_PAGE_BYTES}")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
        if tables.keys() - self._present():
            self._create(tables, version)
        if (found := self._version()) != version:
            mend = (
                "run `jieneng migrate`"
                if found < version
                else "a newer program wrote it: run `jieneng migrate` of that"
            )
            raise SchemaOutdated(
                f"{self.path}: this program needs schema version {version}, the file has {found}: {mend}"
            )

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _present(self) -> set[str]:
        return {str(row[0]) for row in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    def _create(self, tables: Mapping[str, str], version: int) -> None:
        """Make a new file's tables, or those that came to the schema without changing any other."""
        with self.writing() as connection:
            present, found = self._present(), self._version()
            if found == 0 and present:
                raise StorageForbidden(f"{self.path}: holds the tables of another program: move it away")
            if found not in (0, version):
                return
            for name in tables.keys() - present:
                connection.execute(tables[name])
            connection.execute(f"PRAGMA user_version={version}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent moment of the file."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk at the end."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._turn, self._errors():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as exc:  # disk full, locked, no permission
            raise StorageUnavailable(f"{self.path}: {exc}") from exc
        except sqlite3.ProgrammingError as exc:
            raise StorageUnavailable(f"{self.path}: the store is closed ({exc})") from exc
        except sqlite3.DatabaseError as exc:
            raise StorageForbidden(f"{self.path}: damaged, or no store ({exc}): restore it from a backup") from exc

    def close(self) -> None:
        """Close the connection; the last one of all processes folds the WAL into the file."""
        with self._turn:
            self._connection.close()


class WriterLock:
    """Only one process at a time may hold it; the system releases it when the process dies."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            self._connection.close()
            raise StorageForbidden(
                f"{path}: another process writes readings here: stop it, or give this one another --home"
            ) from exc

    def release(self) -> None:
        """Let the next one in."""
        self._connection.close()
