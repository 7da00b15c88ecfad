"""Rows of one sheet as typed values: read by column, written by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, select

from energy.registry import importing, touched
from energy.registry.columns import Record, Sheet
from energy.registry.consequences import touched_by
from energy.registry.database import Database, lock_counters
from energy.registry.importing import Change
from energy.registry.paging import By, Listing, filtered

T = TypeVar("T", bound=Any)


class Repository(Generic[T]):
    """The rows of one sheet. Rows that people bring in a file go through the import, which checks more."""

    def __init__(self, database: Database, sheet: Sheet, row_type: Callable[..., T]) -> None:
        self._database = database
        self._sheet = sheet
        self._row_type = row_type
        self._hidden = {column.name: column.hidden for column in sheet.columns}

    def rows(self, **wanted: object) -> list[T]:
        """Rows whose columns have the values named (or one of several, given as a list), in the order of the key."""
        with self._database.reading() as connection:
            return self._read(connection, wanted)

    def listing(self, *order: str | By, **wanted: object) -> Listing[T]:
        """The same rows page by page, in the order of these columns (a minus before those that fall)."""
        return Listing(self._database, self._sheet.table, self._made, order, wanted)

    def put(self, rows: Iterable[T]) -> int:
        """Add the rows or bring those of the same key up to date, all or none; how many were not so already."""
        with self._database.writing() as connection:
            lock_counters(connection)
            return len(self._put(connection, rows))

    def _read(self, connection: Connection, wanted: dict[str, object]) -> list[T]:
        table = self._sheet.table
        statement = filtered(select(table), table, wanted).order_by(*(table.c[name] for name in self._sheet.key))
        return [self._made(row._asdict()) for row in connection.execute(statement)]

    def _put(self, connection: Connection, rows: Iterable[T]) -> list[Change]:
        records = [self._record(row) for row in rows]
        part = self._sheet.part or self._sheet.key[0]
        stored = importing.load(connection, self._sheet, {record[part] for record in records}, part)
        changes = []
        for record in records:
            key = self._sheet.key_of(record)
            before = stored.get(key)
            after = record if before is None else self._kept(before, record)
            if before != after:
                changes.append(Change(self._sheet.name, key, before, after))
        importing.write(connection, changes)
        touched.add(connection, touched.Spans.of(touched_by(changes)))
        return changes

    def _kept(self, before: Record, after: Record) -> Record:
        """What a stored row becomes when the same key is put again."""
        return after

    def _made(self, record: Mapping[str, Any]) -> T:
        hidden = self._hidden
        return self._row_type(**{k: None if v == hidden[k] else v for k, v in record.items() if k in hidden})

    def _record(self, row: T) -> Record:
        return {name: self._hidden.get(name) if value is None else value for name, value in asdict(row).items()}
