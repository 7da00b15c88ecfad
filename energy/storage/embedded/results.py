"""The file of results: `results.db`, any measurement of the schema.

A series is one combination of tags; its rows lie in chunks of a fixed span, one blob of columns each. A window is
replaced within one transaction, so readers see the old rows or the new ones, and nothing of the old stays behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from energy.intervals import DAY
from energy.series import IntArray, Table
from energy.storage.embedded.columns import AnyArray, pack, unpack
from energy.storage.embedded.database import Database
from energy.storage.schema import MEASUREMENTS, Measurement
from energy.storage.tables import empty_fields, equal_rows, series_rows, without_unknown_rows

VERSION: Final = 1
_SPANS: Final = {"interval": 30 * DAY, "ingest": DAY}
_SPAN: Final = 120 * DAY
"""Seconds in one chunk: many rows pack well, few are quickly replaced."""
_SPAN_BITS: Final = 20


def _tables() -> Iterator[tuple[str, str]]:
    """Every table by name with the statement that makes it."""
    for measurement in MEASUREMENTS.values():
        columns = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in measurement.tags)
        unique = ", ".join(f'"{tag}"' for tag in _selective_first(measurement))
        name = measurement.name
        yield (
            f"{name}_series",
            f'CREATE TABLE "{name}_series" (series INTEGER PRIMARY KEY, {columns}, UNIQUE ({unique}))',
        )
        yield name, f'CREATE TABLE "{name}" (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL)'


def _selective_first(measurement: Measurement) -> list[str]:
    """Tags in the order that narrows a search soonest."""
    return sorted(measurement.tags, key=lambda tag: tag not in ("id", "meter", "institution"))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of one series in rising time."""

    time: IntArray
    fields: dict[str, AnyArray]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, where: AnyArray | slice) -> _Rows:
        return _Rows(self.time[where], {name: values[where] for name, values in self.fields.items()})


class ResultFile:
    """Reads and replaces results; several processes may do so."""

    def __init__(self, path: Path) -> None:
        self._file = Database(path, tables=dict(_tables()), version=VERSION)

    def results(
        self,
        measurement: Measurement,
        where: Mapping[str, Sequence[str]],
        start: int,
        end: int,
        fields: Sequence[str],
    ) -> Table:
        """Rows in the window, ordered by tags and time."""
        wanted = ("time", *fields)
        tags: list[tuple[object, ...]] = []
        parts: list[_Rows] = []
        with self._file.reading() as connection:
            for *key, blob in _blobs(connection, measurement, where, start, end):
                rows = _decode(blob, measurement, wanted, fields)
                first, last = np.searchsorted(rows.time, (start, end))
                if first < last:
                    parts.append(rows.take(slice(int(first), int(last))))
                    tags.append(tuple(key))
        return without_unknown_rows(_table(measurement, tags, parts, fields))

    def replace(
        self, table: Table, measurement: Measurement, where: Mapping[str, Sequence[str]], start: int, end: int
    ) -> tuple[int, int]:
        """Make the window hold exactly these rows; (written, deleted)."""
        new = {key: _series_of(table, places) for key, places in series_rows(table).items()}
        span = _SPANS.get(measurement.name, _SPAN)
        written = deleted = 0
        with self._file.writing() as connection:
            numbers = _numbers(connection, measurement, where, list(new))
            for tags, number in numbers.items():
                changed = _replace_series(connection, measurement, number, new.get(tags), (start, end, span))
                written, deleted = written + changed[0], deleted + changed[1]
        return written, deleted

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _blobs(
    connection: sqlite3.Connection, measurement: Measurement, where: Mapping[str, Sequence[str]], start: int, end: int
) -> Iterator[tuple[object, ...]]:
    """(*tags, blob) of all chunks that may hold rows of the window, ordered by tags and time."""
    name, span = measurement.name, _SPANS.get(measurement.name, _SPAN)
    tags = ", ".join(f's."{tag}"' for tag in measurement.tags)
    return connection.execute(
        f'SELECT {tags}, c.data FROM "{name}_series" s CROSS JOIN "{name}" c '  # noqa: S608 - names are the schema's
        f"ON c.chunk BETWEEN (s.series << {_SPAN_BITS}) + ? AND (s.series << {_SPAN_BITS}) + ? "
        f"WHERE {_condition(where)} ORDER BY {tags}, c.chunk",
        (*_chunks(start, end, span), *_values(where)),
    )


def _chunks(start: int, end: int, span: int) -> tuple[int, int]:
    """First and last chunk of a window among a series' own: the numbers beyond are those of another series."""
    most = (1 << _SPAN_BITS) - 1
    return min(max(start // span, 0), most), min(max((end - 1) // span, -1), most)


def _condition(where: Mapping[str, Sequence[str]]) -> str:
    wanted = [f'"{tag}" IN (SELECT value FROM json_each(?))' for tag in where]  # noqa: S608 - a tag of the schema
    return " AND ".join(wanted) or "true"


def _values(where: Mapping[str, Sequence[str]]) -> list[str]:
    return [json.dumps(list(wanted)) for wanted in where.values()]


def _numbers(
    connection: sqlite3.Connection,
    measurement: Measurement,
    where: Mapping[str, Sequence[str]],
    new: list[tuple[str, ...]],
) -> dict[tuple[str, ...], int]:
    """Numbers of every series that `where` names; unknown ones among the new are made."""
    name = f'"{measurement.name}_series"'
    tags = ", ".join(f'"{tag}"' for tag in measurement.tags)
    marks = ", ".join("?" * len(measurement.tags))
    known = {
        row[1:]: row[0]
        for row in connection.execute(f"SELECT series, {tags} FROM {name} WHERE {_condition(where)}", _values(where))  # noqa: S608
    }
    for key in new:
        if key not in known:
            made = connection.execute(f"INSERT INTO {name} ({tags}) VALUES ({marks})", key)  # noqa: S608
            known[key] = int(made.lastrowid or 0)
    return known


def _series_of(table: Table, places: IntArray) -> _Rows:
    order = np.argsort(table.time[places], kind="stable")
    places = places[order]
    return _Rows(table.time[places], {name: values[places] for name, values in table.fields.items()})


def _replace_series(
    connection: sqlite3.Connection,
    measurement: Measurement,
    number: int,
    new: _Rows | None,
    window: tuple[int, int, int],
) -> tuple[int, int]:
    start, end, span = window
    name, base = measurement.name, number << _SPAN_BITS
    first, last = _chunks(start, end, span)
    stored = dict(
        connection.execute(
            f'SELECT chunk, data FROM "{name}" WHERE chunk BETWEEN ? AND ?',  # noqa: S608
            (base + first, base + last),
        ).fetchall()
    )
    arriving = _by_chunk(new, base, span)
    written = deleted = 0
    for chunk in sorted(stored.keys() | arriving.keys()):
        old = _decode(stored[chunk], measurement, None, measurement.all_fields) if chunk in stored else None
        rows, n_written, n_deleted = _merge(measurement, old, arriving.get(chunk), start, end)
        written, deleted = written + n_written, deleted + n_deleted
        if not n_written + n_deleted:
            continue
        if len(rows):
            blob = pack({"time": rows.time, **rows.fields})
            connection.execute(f'INSERT OR REPLACE INTO "{name}" (chunk, data) VALUES (?, ?)', (chunk, blob))  # noqa: S608
        else:
            connection.execute(f'DELETE FROM "{name}" WHERE chunk = ?', (chunk,))  # noqa: S608
    return written, deleted


def _by_chunk(rows: _Rows | None, base: int, span: int) -> dict[int, _Rows]:
    if rows is None:
        return {}
    ids = base + rows.time // span
    edges = np.flatnonzero(np.diff(ids)) + 1
    return {
        int(ids[first]): rows.take(slice(first, last))
        for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(ids)], strict=True)
    }


def _decode(blob: object, measurement: Measurement, only: Sequence[str] | None, fields: Sequence[str]) -> _Rows:
    assert isinstance(blob, bytes)  # the column's type
    n_rows, columns = unpack(blob, only)
    absent = empty_fields(measurement, [name for name in fields if name not in columns], n_rows)
    return _Rows(columns["time"], {name: columns[name] if name in columns else absent[name] for name in fields})


def _merge(
    measurement: Measurement, old: _Rows | None, new: _Rows | None, start: int, end: int
) -> tuple[_Rows, int, int]:
    """The chunk's rows after the window was replaced, rows written and rows deleted."""
    nothing = _Rows(np.zeros(0, np.int64), empty_fields(measurement, measurement.all_fields, 0))
    old, new = old or nothing, new or nothing
    first, last = (int(i) for i in np.searchsorted(old.time, (start, end)))
    inside = old.take(slice(first, last))
    same_time, in_new, in_old = np.intersect1d(new.time, inside.time, assume_unique=True, return_indices=True)
    n_same = int(np.count_nonzero(equal_rows(new.take(in_new).fields, inside.take(in_old).fields, len(in_new))))
    whole = _Rows(
        np.concatenate([old.time[:first], new.time, old.time[last:]]),
        {
            name: np.concatenate([values[:first], new.fields[name], values[last:]])
            for name, values in old.fields.items()
        },
    )
    return whole, len(new) - n_same, len(inside) - len(same_time)


def _table(
    measurement: Measurement, tags: Sequence[tuple[object, ...]], parts: Sequence[_Rows], fields: Sequence[str]
) -> Table:
    counts = [len(part) for part in parts]
    absent = empty_fields(measurement, fields, 0)
    return Table(
        measurement.name,
        np.concatenate([part.time for part in parts]) if parts else np.zeros(0, np.int64),
        {
            tag: np.repeat(np.array([row[i] for row in tags], np.object_), counts)
            for i, tag in enumerate(measurement.tags)
        },
        {name: np.concatenate([part.fields[name] for part in parts]) if parts else absent[name] for name in fields},
    )
