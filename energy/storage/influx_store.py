"""The InfluxDB store as the rest of the program sees it.

InfluxDB merges the fields of points with the same tags and time, and a later value replaces an earlier one. That the
first reading of a meter and instant stays is therefore the forwarder's work (`values_at`); that a result leaves no
ghost is the work of `replace`. It writes before it deletes, and deletes nothing that stays: meanwhile a reader finds
new rows and perhaps ghosts. Only a row of which a field became unknown is away for a moment, since no field can be
taken from a point; so are rows that stay among many scattered ghosts, which go by one deletion.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from energy.errors import StorageUnavailable
from energy.intervals import DAY
from energy.series import FloatArray, IntArray, Matrix, Readings, Series, Table
from energy.storage import influx_answers
from energy.storage.influx import NANOSECONDS, Address, Influx
from energy.storage.influx_answers import Points
from energy.storage.lineprotocol import ReadingEncoder, encode_table, prefix
from energy.storage.schema import READING, Measurement
from energy.storage.tables import (
    checked_where,
    complete,
    equal_rows,
    loses_a_field,
    measurement_named,
    ordered,
    series_rows,
    wanted_fields,
    without_unknown_rows,
)

if TYPE_CHECKING:
    from energy.settings import StoreSettings
    from energy.storage import Role

_LINES_A_REQUEST: Final = 20_000
_METERS_A_QUERY: Final = 20  # 13 MB for a year of hours; many more names are nested too deep for Flux
_METERS_A_LOOKUP: Final = 500
_QUERY_SPAN: Final = 370 * DAY
_QUERIES_AT_ONCE: Final = 2
_MOST_LOOKUPS: Final = 16
_NEAR: Final = 32 * DAY
_INTERVAL_SPAN: Final = 32 * DAY
_MOST_RESULT_QUERIES: Final = 60
_MOST_DELETIONS: Final = 10  # of one series: each costs the server as much as twenty writes, whatever its span
_LAST_INSTANT: Final = 1 << 33  # InfluxDB's times end in 2262


_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


class InfluxStore:
    """Readings and results in one bucket of an InfluxDB 2."""

    def __init__(self, address: Address, *, lines_a_request: int = _LINES_A_REQUEST) -> None:
        self._lines_a_request = lines_a_request
        self._influx = Influx(address)
        self._encoder = ReadingEncoder()

    @classmethod
    def from_settings(cls, settings: StoreSettings, *, role: Role) -> InfluxStore:
        """With the token that fits what the process does."""
        return cls(Address.to_read(settings) if role == "read" else Address.to_write(settings))

    def write_readings(self, readings: Readings) -> None:
        """Store readings durably; the same reading again changes nothing.

        After StorageRejected some of them may be stored: write them again in halves until the guilty one is alone.
        """
        n_lines = self._lines_a_request
        for first in range(0, len(readings), n_lines):
            self._influx.write(self._encoder.encode(readings.take(slice(first, first + n_lines))))

    def values_at(self, meters: Sequence[str], times: IntArray) -> FloatArray:
        """Stored value at each (meter, time) pair, NaN where none."""
        found = np.full(len(times), np.nan)
        for places in _close_together(times):
            names = sorted({meters[place] for place in places.tolist()})
            first, last = int(times[places[0]]), int(times[places[-1]])
            stored = {
                (meter, at): value
                for meter, points in self._lookup("SELECT value", names, first, last + 1).items()
                for at, value in points
            }
            for place in places.tolist():
                found[place] = stored.get((meters[place], int(times[place])), np.nan)
        return found

    def latest(self, meters: Sequence[str], *, before: int | None = None) -> dict[str, tuple[int, float]]:
        """Newest (time, value) of each meter, optionally before an instant."""
        end = _LAST_INSTANT if before is None else before  # a meter's clock may run ahead of ours
        near = (int(time.time()) if before is None else before) - _NEAR
        return self._first_answer("SELECT last(value)", meters, ((near, end), (0, end)))

    def earliest_after(self, meters: Sequence[str], after: int) -> dict[str, tuple[int, float]]:
        """First (time, value) of each meter at or after an instant."""
        return self._first_answer("SELECT first(value)", meters, ((after, after + _NEAR), (after, _LAST_INSTANT)))

    def _first_answer(
        self, select: str, meters: Sequence[str], windows: tuple[tuple[int, int], tuple[int, int]]
    ) -> dict[str, tuple[int, float]]:
        """One point of each meter, looked for nearby first: the whole past costs the server ten times as much."""
        near = self._lookup(select, meters, *windows[0])
        far = self._lookup(select, [meter for meter in meters if meter not in near], *windows[1])
        return {meter: points[0] for meter, points in {**near, **far}.items() if points}

    def _lookup(self, select: str, meters: Sequence[str], start: int, end: int) -> dict[str, list[tuple[int, float]]]:
        """A small question about meters in a window, by InfluxQL."""
        found: dict[str, list[tuple[int, float]]] = {}
        query = f"{select} FROM reading WHERE meter =~ $meters AND time >= $start AND time < $end GROUP BY meter"
        for first in range(0, len(meters), _METERS_A_LOOKUP):
            params = {"meters": _any_of(meters[first : first + _METERS_A_LOOKUP]), **_window(start, end)}
            found |= influx_answers.series_by_meter(self._influx.influxql(query, params))
        return found

    def readings(self, meters: Sequence[str], start: int, end: int) -> dict[str, Series]:
        """Raw readings of each meter in the window."""
        parts: dict[str, list[Series]] = {meter: [] for meter in meters}
        for points in self._points(list(parts), start, end, READING.fields):
            for meter, series in _series(points).items():
                parts[meter].append(series)
        return {meter: _joined(found) for meter, found in parts.items()}

    def matrix(self, meters: Sequence[str], start: int, end: int, step: int) -> Matrix:
        """Readings exactly on the grid `start, start + step, ... < end`."""
        values = np.full((len(meters), max(0, -(-(end - start) // step))), np.nan)
        row_of = {meter: row for row, meter in enumerate(meters)}
        for points in self._points(meters, start, end, ("value",)):
            column, beside = np.divmod(points.time - start, step)
            on_grid = beside == 0
            rows = np.array([row_of[meter] for meter in points.meters], np.int64)
            values[rows[points.meter[on_grid]], column[on_grid]] = points.value[on_grid]
        return Matrix(tuple(meters), start, step, values)

    def _points(self, meters: Sequence[str], start: int, end: int, fields: Sequence[str]) -> Iterator[Points]:
        """Points of the window in order of time, some meters and about a year at a time, by Flux."""
        asked = [
            _bulk_query(meters[first : first + _METERS_A_QUERY], begin, min(begin + _QUERY_SPAN, end), fields)
            for begin in range(start, end, _QUERY_SPAN)
            for first in range(0, len(meters), _METERS_A_QUERY)
        ]

        def answer(question: tuple[str, dict[str, object]]) -> Points:
            return influx_answers.points(self._influx.flux(*question), fields)

        return _answered(asked, answer)

    def results(
        self,
        measurement: str,
        *,
        where: Mapping[str, Sequence[str]],
        start: int,
        end: int,
        fields: Sequence[str] | None = None,
    ) -> Table:
        """Rows of a measurement, ordered by tags and time."""
        found = measurement_named(measurement)
        return ordered(self._rows(found, checked_where(found, where), start, end, wanted_fields(found, fields)))

    def _rows(
        self,
        measurement: Measurement,
        where: Mapping[str, Sequence[str]],
        start: int,
        end: int,
        fields: tuple[str, ...],
    ) -> Table:
        fixed = {tag: values[0] for tag, values in where.items() if len(values) == 1 and values[0]}
        conditions = [f'"{tag}"::tag {"=" if tag in fixed else "=~"} ${_parameter(tag)}' for tag in where]
        tags = [tag for tag in measurement.tags if tag not in fixed]  # a tag that is known costs a fifth of the answer
        columns = [f'"{name}"::field' for name in fields] + [f'"{tag}"::tag' for tag in tags]
        query = (
            f'SELECT {", ".join(columns)} FROM "{measurement.name}" '  # noqa: S608 - names are the schema's
            f"WHERE {' AND '.join([*conditions, 'time >= $start', 'time < $end'])}"
        )
        bound = {_parameter(tag): fixed.get(tag) or _any_of(values) for tag, values in where.items()}

        def answer(piece: tuple[int, int]) -> Table:
            body = self._influx.influxql(query, {**bound, **_window(*piece)}, accept="application/csv")
            return influx_answers.table(body, measurement, fields, fixed)

        return without_unknown_rows(_stacked(list(_answered(_pieces(measurement, start, end), answer))))

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        """Make the window hold exactly these rows for the tag values `where`; (written, deleted).

        Not one transaction: after a failure midway the same call again completes it.
        """
        measurement = measurement_named(table.measurement)
        wanted = checked_where(measurement, where)
        new = complete(table, wanted, start, end)
        old = self._rows(measurement, wanted, start, end, measurement.all_fields)
        old_rows, new_rows = series_rows(old), series_rows(new)
        changes = {
            key: _Change(old, old_rows.get(key), new, new_rows.get(key)) for key in old_rows.keys() | new_rows.keys()
        }
        self._write(new, [change.to_write for change in changes.values()])
        for key, change in changes.items():
            for first, last in change.to_delete:
                self._influx.delete(measurement.name, dict(zip(measurement.tags, key, strict=True)), first, last)
            self._write(new, [change.to_write_again])
        counts = [(change.n_written, change.n_deleted) for change in changes.values()]
        return sum(written for written, _ in counts), sum(deleted for _, deleted in counts)

    def _write(self, table: Table, places: Sequence[IntArray]) -> None:
        rows = table.take(np.concatenate([np.zeros(0, np.int64), *places]))
        deque(_answered(list(encode_table(rows, self._lines_a_request)), self._influx.write), maxlen=0)

    def check(self) -> None:
        """Write a canary and read it back: a server with a broken shard answers, but answers nothing."""
        stamp = int(time.time())
        self._influx.write(f"{prefix('canary', {'store': 'influx'})}value={stamp} {stamp}".encode())
        answer = self._influx.influxql("SELECT value FROM canary WHERE time = $at", {"at": stamp * NANOSECONDS})
        if str(stamp).encode() not in answer:
            address = self._influx.address
            raise StorageUnavailable(
                f"InfluxDB {address.url}, bucket {address.bucket}: a point just written was not read back: "
                "look into the server's log for shards that did not open, free its disk, restart it"
            )

    def close(self) -> None:
        """Close the connections."""
        self._influx.close()


class _Change:
    """What has to happen to one series of results: rows to write, spans to delete, rows in these to write after that.

    Kept rows are parted from ghosts, since what is deleted is away until it is written again.
    """

    def __init__(self, old: Table, old_rows: IntArray | None, new: Table, new_rows: IntArray | None) -> None:
        nothing = np.zeros(0, np.int64)
        in_old, in_new = (nothing if rows is None else rows for rows in (old_rows, new_rows))
        _, a, b = np.intersect1d(old.time[in_old], new.time[in_new], assume_unique=True, return_indices=True)
        before, after = old.take(in_old[a]).fields, new.take(in_new[b]).fields
        is_same, loses = np.zeros(len(in_new), np.bool_), np.zeros(len(in_new), np.bool_)
        is_same[b], loses[b] = equal_rows(after, before, len(b)), loses_a_field(before, after, len(b))
        is_ghost = np.ones(len(in_old), np.bool_)
        is_ghost[a] = False
        time = new.time[in_new]
        self.to_delete = _spans(np.concatenate([old.time[in_old[is_ghost]], time[loses]]), time[~loses])
        is_away = np.zeros(len(in_new), np.bool_)
        for first, last in self.to_delete:
            is_away |= (time >= first) & (time <= last)
        self.to_write, self.to_write_again = in_new[~is_same & ~is_away], in_new[is_away]
        self.n_written = int(np.count_nonzero(~is_same))
        self.n_deleted = int(np.count_nonzero(is_ghost))


def _spans(wrong: IntArray, staying: IntArray) -> list[tuple[int, int]]:
    """First and last of the wrong instants in groups that no staying one parts; all as one where they are too many."""
    wrong = np.sort(wrong)
    edges = np.flatnonzero(np.diff(np.searchsorted(np.sort(staying), wrong))) + 1
    groups = [wrong] if len(edges) >= _MOST_DELETIONS else np.split(wrong, edges)
    return [(int(group[0]), int(group[-1])) for group in groups if len(group)]


def _answered(questions: Sequence[_Question], ask: Callable[[_Question], _Answer]) -> Iterator[_Answer]:
    """The answers in order of the questions, two asked at a time: the server works on one while arrow reads another."""
    if len(questions) == 1:
        yield ask(questions[0])
        return
    with ThreadPoolExecutor(_QUERIES_AT_ONCE) as pool:
        under_way: deque[Future[_Answer]] = deque()
        for question in questions:
            under_way.append(pool.submit(ask, question))
            if len(under_way) > _QUERIES_AT_ONCE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _bulk_query(meters: Sequence[str], start: int, end: int, fields: Sequence[str]) -> tuple[str, dict[str, object]]:
    names = {f"meter{place}": meter for place, meter in enumerate(meters)}
    wanted_names = " or ".join(f"r.meter == {name}" for name in names)
    wanted_values = " or ".join(f'r._field == "{name}"' for name in fields)
    kept = '"_time", "_value", "meter"' + (', "_field"' if len(fields) > 1 else "")
    query = (
        "from(bucket: bucket) |> range(start: start, stop: stop) "
        f'|> filter(fn: (r) => r._measurement == "reading" and ({wanted_values})) '
        f"|> filter(fn: (r) => {wanted_names}) "
        f"|> keep(columns: [{kept}])"
    )
    return query, {**names, "start": start, "stop": end}


def _series(points: Points) -> dict[str, Series]:
    """Readings of each meter, from one point a field."""
    found: dict[str, Series] = {}
    place = {name: number for number, name in enumerate(points.fields)}
    for number, meter in enumerate(points.meters):
        is_its = points.meter == number
        columns = {}
        for name in READING.fields:
            where = np.flatnonzero(is_its & (points.field == place.get(name, -1)))
            columns[name] = (points.time[where], points.value[where])
        time, value = columns["value"]
        received = _aligned(time, *columns["received"]).astype(np.int64)
        found[meter] = Series(time, value, _aligned(time, *columns["flag"]).astype(np.uint8), received)
    return found


def _aligned(time: IntArray, some_time: IntArray, value: FloatArray) -> FloatArray:
    """Values at the instants of `time`, zero where there is none."""
    whole = np.zeros(len(time))
    _, to, of = np.intersect1d(time, some_time, assume_unique=True, return_indices=True)
    whole[to] = value[of]
    return whole


def _joined(parts: list[Series]) -> Series:
    if not parts:
        return Series.empty()
    return Series(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.flag for part in parts]),
        np.concatenate([part.received for part in parts]),
    )


def _close_together(times: IntArray) -> list[IntArray]:
    """Places of the instants in groups with little time between them: each group is one question."""
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    widest = np.argsort(gaps, kind="stable")[-(_MOST_LOOKUPS - 1) :]
    cuts = np.sort(widest[gaps[widest] > DAY]) + 1
    return [group for group in np.split(order, cuts) if len(group)]


def _pieces(measurement: Measurement, start: int, end: int) -> list[tuple[int, int]]:
    """A window in pieces that one answer can hold: a year has 35,000 quarter hours a meter."""
    if measurement.name != "interval":
        return [(start, end)]
    span = max(_INTERVAL_SPAN, -(-(end - start) // _MOST_RESULT_QUERIES))
    return [(begin, min(begin + span, end)) for begin in range(start, end, span)] or [(start, end)]


def _stacked(parts: Sequence[Table]) -> Table:
    first = parts[0]
    if len(parts) == 1:
        return first
    return Table(
        first.measurement,
        np.concatenate([part.time for part in parts]),
        {tag: np.concatenate([part.tags[tag] for part in parts]) for tag in first.tags},
        {name: np.concatenate([part.fields[name] for part in parts]) for name in first.fields},
    )


def _window(start: int, end: int) -> dict[str, int]:
    first, last = (min(max(edge, -_LAST_INSTANT), _LAST_INSTANT) for edge in (start, end))
    return {"start": first * NANOSECONDS, "end": last * NANOSECONDS}


def _any_of(values: Sequence[str]) -> dict[str, str]:
    """A bound parameter that matches exactly these texts."""
    return {"regex": f"^(?:{'|'.join(re.escape(value) for value in values)})$" if values else "^[^\\s\\S]$"}


def _parameter(tag: str) -> str:
    return f"tag_{tag}"
