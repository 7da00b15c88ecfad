"""Result rows as tables, and the one way in which jobs write them: a window is replaced, nothing old stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from energy.intervals import Window
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import Measurement

Column = npt.NDArray[np.generic]
_NOISE: Final = 1e-8


def texts(values: Sequence[str | None]) -> npt.NDArray[np.object_]:
    """A column of texts."""
    column = np.empty(len(values), np.object_)
    column[:] = values
    return column


def repeated(values: Sequence[str], counts: Sequence[int] | IntArray) -> npt.NDArray[np.object_]:
    """Each text as often as its count says."""
    return np.repeat(texts(values), np.asarray(counts, np.int64))


def table(
    measurement: Measurement,
    time: IntArray,
    tags: Mapping[str, npt.NDArray[np.object_]],
    fields: Mapping[str, Column],
) -> Table:
    """Rows of one measurement."""
    return Table(measurement.name, np.asarray(time, np.int64), dict(tags), dict(fields))


def nothing(measurement: Measurement) -> Table:
    """No rows of a measurement."""
    none = np.zeros(0)
    tags = {name: repeated([], []) for name in measurement.tags}
    return table(measurement, np.zeros(0, np.int64), tags, dict.fromkeys(measurement.fields, none))


def plain(values: FloatArray) -> FloatArray:
    """Amounts as people would write them: 23.3, not 23.299999999988, which is what 863537.4 - 863514.1 gives.

    Only noise far below the sixth decimal goes; a value that has more decimals keeps them. Stores pack such columns
    several times smaller and faster.
    """
    rounded = np.round(values, 6)
    return np.where(np.abs(values - rounded) <= _NOISE, rounded, values)


def runs(which: BoolArray) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of each run of True."""
    change = np.diff(np.concatenate(([False], which, [False])).astype(np.int8))
    yield from zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True)


def union(windows: Sequence[Window]) -> list[Window]:
    """The same instants as few windows as possible, in order."""
    joined: list[Window] = []
    for window in sorted(w for w in windows if w):
        if joined and window.start <= joined[-1].end:
            joined[-1] = joined[-1].hull(window)
        else:
            joined.append(window)
    return joined


@dataclass(slots=True)
class Written:
    """Rows written and deleted so far, by measurement."""

    written: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)

    def add(self, other: Written) -> None:
        """Count the rows of another part of the work too."""
        for name, n in other.written.items():
            self.written[name] = self.written.get(name, 0) + n
        for name, n in other.deleted.items():
            self.deleted[name] = self.deleted.get(name, 0) + n


@dataclass(frozen=True, slots=True)
class Writer:
    """A store that counts what it is given."""

    store: ResultStore
    counts: Written

    def replace(self, rows: Table, where: Mapping[str, Sequence[str]], window: Window) -> None:
        """Make the window hold exactly these rows for the tags `where`."""
        if not window:
            return
        written, deleted = self.store.replace(rows, where=where, start=window.start, end=window.end)
        self.counts.add(Written({rows.measurement: written}, {rows.measurement: deleted}))
