"""The SQL door: one engine, reading and writing transactions, and errors in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from energy.errors import RegistryError, RegistryUnavailable
from energy.registry.tables import RevisionRow

BUSY_TIMEOUT_MS: Final = 30_000
_WRITES: Final = "jieneng_writes"


class Database:
    """Transactions on one database. May be used by several threads; SQLite and PostgreSQL behave alike.

    A reader sees one instant of the database and never waits for a writer. Writers take turns.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.engine = create_engine(parsed)
        except (ArgumentError, NoSuchModuleError, ImportError) as exc:
            raise RegistryError(f"registry.url: expected sqlite:///FILE or postgresql://USER@HOST/NAME: {exc}") from exc
        self.name = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        one_instant = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}  # SQLite has it anyway
        self._reader = self.engine.execution_options(**one_instant)
        self._writer = self.engine.execution_options(**{_WRITES: True})

    @property
    def file(self) -> Path | None:
        """The SQLite file, None for any other database or one in memory."""
        name = self.engine.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one instant of the database."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end, or leaves nothing."""
        with self._translated(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeout) as exc:
            raise RegistryUnavailable(f"registry {self.name}: {_first_line(exc)}; try again") from exc
        except SQLAlchemyError as exc:
            raise RegistryError(f"registry {self.name}: {_first_line(exc)}") from exc


def lock_counters(connection: Connection) -> tuple[int, int]:
    """Revision and touched epoch, held until the end of the transaction: whoever writes waits here for their turn."""
    row = connection.execute(select(RevisionRow.number, RevisionRow.touched_epoch).with_for_update()).one()
    return row.number, row.touched_epoch


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver would start too late and never for DDL
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")  # kept in the file, but not by a copy that someone restores
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: a writer that began as a reader could not be made to wait, only to fail.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(exc: SQLAlchemyError) -> str:
    text = str(exc.orig) if isinstance(exc, DBAPIError) else str(exc)
    return text.strip().partition("\n")[0]
