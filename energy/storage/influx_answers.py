"""Answers of InfluxDB as arrays: CSV through arrow for many rows, JSON through msgspec for few.

Arrow is imported when the first large answer comes: the process that only writes and looks up single values does
without its memory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from energy.errors import StorageUnavailable
from energy.series import FloatArray, IntArray, Table
from energy.storage.schema import Measurement
from energy.storage.tables import AnyArray, empty_fields


class Points(NamedTuple):
    """Points of many meters: which meter (place in `meters`), which field, when, how much."""

    meters: list[str]
    meter: IntArray
    fields: list[str]
    field: IntArray
    time: IntArray
    value: FloatArray


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[float | str | None]]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


_answers = msgspec.json.Decoder(_Answer)


def series_by_meter(body: bytes) -> dict[str, list[tuple[int, float]]]:
    """(time, value) of each meter from an InfluxQL JSON answer grouped by meter."""
    try:
        answer = _answers.decode(body)
    except msgspec.DecodeError as exc:
        raise StorageUnavailable(f"InfluxDB's answer cannot be read: {exc}") from exc
    for error in (answer.error, *(result.error for result in answer.results)):
        if error:
            raise StorageUnavailable(f"InfluxDB: {error}")
    return {
        series.tags["meter"]: [
            (int(row[0]), float(row[1])) for row in series.values if row[0] is not None and row[1] is not None
        ]
        for result in answer.results
        for series in result.series
    }


def points(body: bytes, fields: Sequence[str]) -> Points:
    """Points from the CSV of a Flux query that kept time, value and meter, and the field where several were asked."""
    if _has_no_rows(body):
        nothing = np.zeros(0, np.int64)
        return Points([], nothing, [], nothing, nothing, np.zeros(0))
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    types = {"_time": pa.timestamp("s", tz="UTC"), "_value": pa.float64(), "meter": text}
    rows = _read_csv(body, types | ({"_field": text} if len(fields) > 1 else {}), has_texts=False)
    meters, meter = _codes(rows, "meter")
    names, field = _codes(rows, "_field") if len(fields) > 1 else (list(fields), np.zeros(len(meter), np.int64))
    time = rows.column("_time").cast(pa.int64()).to_numpy()
    return Points(meters, meter, names, field, time, rows.column("_value").to_numpy())


def table(body: bytes, measurement: Measurement, fields: tuple[str, ...], fixed: Mapping[str, str]) -> Table:
    """Rows of results from the CSV of an InfluxQL query, in its order; a tag that is `fixed` is not in it."""
    if _has_no_rows(body):
        no_tags = {tag: np.zeros(0, np.object_) for tag in measurement.tags}
        return Table(measurement.name, np.zeros(0, np.int64), no_tags, empty_fields(measurement, fields, 0))
    import pyarrow as pa

    numbers = {name: pa.float64() for name in fields if name in measurement.fields}
    texts = {name: pa.string() for name in fields if name in measurement.texts}
    tags = {tag: pa.dictionary(pa.int32(), pa.string()) for tag in measurement.tags if tag not in fixed}
    rows = _read_csv(body, {"time": pa.int64(), **numbers, **texts, **tags}, has_texts=bool(texts))
    found: dict[str, AnyArray] = {name: rows.column(name).to_numpy() for name in numbers}
    found |= {name: np.array(rows.column(name).to_pylist(), np.object_) for name in texts}
    return Table(
        measurement.name,
        rows.column("time").to_numpy(),
        {
            tag: _expanded(*_codes(rows, tag)) if tag in tags else _same(fixed[tag], len(rows))
            for tag in measurement.tags
        },
        {name: found[name] for name in fields},
    )


def _has_no_rows(body: bytes) -> bool:
    """True for an empty answer, or one of column names alone."""
    return b"\n" not in body.strip()


def _read_csv(body: bytes, types: dict[str, Any], *, has_texts: bool) -> Any:
    """Arrow table of a CSV answer."""
    import pyarrow as pa
    import pyarrow.csv as csv

    try:
        return csv.read_csv(
            io.BytesIO(body),
            parse_options=csv.ParseOptions(newlines_in_values=has_texts),
            convert_options=csv.ConvertOptions(
                column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (pa.ArrowInvalid, KeyError) as exc:
        start = body[:300].decode(errors="replace")
        raise StorageUnavailable(f"InfluxDB's answer cannot be read ({exc}): {start!r}") from exc


def _codes(table: Any, name: str) -> tuple[list[str], IntArray]:
    column = table.column(name).unify_dictionaries().combine_chunks()
    if hasattr(column, "chunks"):
        column = column.chunk(0)
    return column.dictionary.to_pylist(), column.indices.to_numpy().astype(np.int64)


def _same(name: str, n_rows: int) -> AnyArray:
    return np.full(n_rows, name, np.object_)


def _expanded(names: list[str], codes: IntArray) -> AnyArray:
    return np.array(names, np.object_)[codes]
