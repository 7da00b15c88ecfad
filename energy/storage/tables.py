"""Tables of results as both stores take and give them: checked, complete, grouped by series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.series import IntArray, Table
from energy.storage.schema import MEASUREMENTS, Measurement

AnyArray = npt.NDArray[Any]
SeriesKey = tuple[str, ...]


def measurement_named(name: str) -> Measurement:
    """The measurement of the schema, or ValueError."""
    if name not in MEASUREMENTS:
        raise ValueError(f"measurement {name!r}: expected one of {', '.join(MEASUREMENTS)}")
    return MEASUREMENTS[name]


def wanted_fields(measurement: Measurement, fields: Sequence[str] | None) -> tuple[str, ...]:
    """The fields asked for, or all; ValueError for one that the measurement lacks."""
    if fields is None:
        return measurement.all_fields
    for name in fields:
        if name not in measurement.all_fields:
            raise ValueError(f"{measurement.name} has no field {name!r}: expected {', '.join(measurement.all_fields)}")
    return tuple(dict.fromkeys(fields))


def checked_where(measurement: Measurement, where: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The tag values wanted; ValueError for a tag that the measurement lacks or a lone text."""
    for tag, values in where.items():
        if tag not in measurement.tags:
            raise ValueError(f"{measurement.name} has no tag {tag!r}: expected {', '.join(measurement.tags)}")
        if isinstance(values, str):
            raise ValueError(f"where {tag}: expected several values, came the one text {values!r}")
    return {tag: tuple(values) for tag, values in where.items()}


def complete(table: Table, where: Mapping[str, Sequence[str]], start: int, end: int) -> Table:
    """The table with every field of its measurement, and without rows that know nothing.

    ValueError if a row lies outside the window or `where`, appears twice, or holds what the schema does not know.
    """
    measurement = measurement_named(table.measurement)
    wanted_fields(measurement, list(table.fields))
    if set(table.tags) != set(measurement.tags):
        raise ValueError(
            f"{measurement.name}: expected the tags {', '.join(measurement.tags)}, came {list(table.tags)}"
        )
    if len(table) and not np.all((table.time >= start) & (table.time < end)):
        outside = int(table.time[(table.time < start) | (table.time >= end)][0])
        raise ValueError(f"{measurement.name}: a row at {outside} lies outside the window [{start}, {end})")
    absent = [name for name in measurement.all_fields if name not in table.fields]
    fields = {name: _as_numbers(name, table.fields[name]) for name in measurement.fields if name in table.fields}
    fields |= {name: _as_texts(table.fields[name]) for name in measurement.texts if name in table.fields}
    whole = Table(
        measurement.name,
        table.time.astype(np.int64, copy=False),
        {tag: table.tags[tag] for tag in measurement.tags},
        {**fields, **empty_fields(measurement, absent, len(table))},
    )
    _refuse_bad_series(whole, where)
    return without_unknown_rows(whole)


def _as_numbers(name: str, values: AnyArray) -> AnyArray:
    numbers = values.astype(np.float64, copy=False)
    if np.any(np.isinf(numbers)):
        raise ValueError(f"field {name}: a number is infinite")
    return numbers


def _as_texts(values: AnyArray) -> AnyArray:
    """Texts as they are stored: an empty one says nothing, so it is unknown."""
    texts = np.empty(len(values), np.object_)
    texts[:] = [None if value is None or value == "" else str(value) for value in values]
    return texts


def _refuse_bad_series(table: Table, where: Mapping[str, Sequence[str]]) -> None:
    allowed = {tag: set(values) for tag, values in where.items()}
    for key, places in series_rows(table).items():
        tags = dict(zip(table.tags, key, strict=True))
        for tag, value in tags.items():
            if not isinstance(value, str) or not value:
                raise ValueError(f"{table.measurement}: tag {tag} is empty in {tags}")
            if tag in allowed and value not in allowed[tag]:
                raise ValueError(f"{table.measurement}: a row of {tag} {value!r} lies outside `where`")
        if len(np.unique(table.time[places])) < len(places):
            raise ValueError(f"{table.measurement}: two rows of {tags} at the same time")


def empty_fields(measurement: Measurement, names: Sequence[str], n_rows: int) -> dict[str, AnyArray]:
    """Columns without any known value."""
    return {
        name: np.full(n_rows, None, np.object_) if name in measurement.texts else np.full(n_rows, np.nan)
        for name in names
    }


def without_unknown_rows(table: Table) -> Table:
    """Rows that know at least one field: a row without any is no row."""
    is_known = np.zeros(len(table), np.bool_)
    for values in table.fields.values():
        is_known |= _is_known(values)
    return table if np.all(is_known) else table.take(is_known)


def _is_known(values: AnyArray) -> npt.NDArray[np.bool_]:
    if values.dtype == np.float64:
        return ~np.isnan(values)
    return np.array([value is not None for value in values], np.bool_)


def series_rows(table: Table) -> dict[SeriesKey, IntArray]:
    """Places of the rows of each series; neighbours of the same series are found without looking at each row."""
    if not len(table):
        return {}
    is_edge = np.zeros(len(table), np.bool_)
    is_edge[0] = True
    for values in table.tags.values():
        is_edge[1:] |= np.not_equal(values[1:], values[:-1]).astype(np.bool_)
    starts = np.flatnonzero(is_edge)
    ends = np.append(starts[1:], len(table))
    spans: dict[SeriesKey, list[IntArray]] = {}
    keys = zip(*(values[starts] for values in table.tags.values()), strict=True)
    for key, first, last in zip(keys, starts.tolist(), ends.tolist(), strict=True):
        spans.setdefault(key, []).append(np.arange(first, last))
    return {key: np.concatenate(parts) if len(parts) > 1 else parts[0] for key, parts in spans.items()}


def equal_rows(left: Mapping[str, AnyArray], right: Mapping[str, AnyArray], n_rows: int) -> npt.NDArray[np.bool_]:
    """Which rows of two sets of columns agree in every field; unknown agrees with unknown."""
    equal = np.ones(n_rows, np.bool_)
    for name, values in left.items():
        other = right[name]
        same = np.equal(values, other).astype(np.bool_)
        if values.dtype == np.float64:
            same |= np.isnan(values) & np.isnan(other)
        equal &= same
    return equal


def loses_a_field(old: Mapping[str, AnyArray], new: Mapping[str, AnyArray], n_rows: int) -> npt.NDArray[np.bool_]:
    """In which rows a field was known and is unknown now."""
    lost = np.zeros(n_rows, np.bool_)
    for name, values in old.items():
        lost |= _is_known(values) & ~_is_known(new[name])
    return lost


def ordered(table: Table) -> Table:
    """The rows by tags and time."""
    several = [values for values in table.tags.values() if np.any(values[1:] != values[:-1])]
    codes = [np.unique(values.astype(str), return_inverse=True)[1] for values in several]
    return table.take(np.lexsort((table.time, *reversed(codes))))
