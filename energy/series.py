"""Readings, series and matrices as arrays of equal length; time is int64 UTC epoch seconds everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from energy.model import Reading

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]


def _same_length(what: str, **arrays: npt.NDArray[np.generic]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{what}: arrays of different length: {lengths}")


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Many readings of many meters, by column.

    Attributes
    ----------
    meters : tuple of str
        The ids that `index` points into; every id once.
    index : int32, shape (n,)
        Which meter each reading belongs to.
    time : int64, shape (n,)
        Instant read, UTC epoch seconds.
    value : float64, shape (n,)
        Register, measurement or amount in the meter's unit; always finite.
    flag : uint8, shape (n,)
        `energy.model.Flag`.
    received : int64, shape (n,)
        The server's epoch seconds at which the reading was taken.
    """

    meters: tuple[str, ...]
    index: Int32Array
    time: IntArray
    value: FloatArray
    flag: ByteArray
    received: IntArray

    def __post_init__(self) -> None:
        _same_length(
            "readings",
            index=self.index,
            time=self.time,
            value=self.value,
            flag=self.flag,
            received=self.received,
        )

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls) -> Self:
        """No readings."""
        return cls.of(())

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Self:
        """Columns from single readings (tests, small inputs)."""
        rows = list(readings)
        names = tuple(dict.fromkeys(r.meter for r in rows))
        place = {name: i for i, name in enumerate(names)}
        return cls(
            names,
            np.array([place[r.meter] for r in rows], np.int32),
            np.array([r.time for r in rows], np.int64),
            np.array([r.value for r in rows], np.float64),
            np.array([r.flag for r in rows], np.uint8),
            np.array([r.received for r in rows], np.int64),
        )

    def take(self, where: IntArray | BoolArray | slice) -> Readings:
        """The readings at these positions, in this order (the table of ids is shared)."""
        return Readings(
            self.meters,
            self.index[where],
            self.time[where],
            self.value[where],
            self.flag[where],
            self.received[where],
        )

    def rows(self) -> list[Reading]:
        """Single readings again, for people and tests."""
        from energy.model import Flag

        return [
            Reading(self.meters[i], int(t), float(v), Flag(int(f)), int(r))
            for i, t, v, f, r in zip(self.index, self.time, self.value, self.flag, self.received, strict=True)
        ]


def concat(parts: Sequence[Readings]) -> Readings:
    """All readings of the parts in order, over one table of ids."""
    names = tuple(dict.fromkeys(name for part in parts for name in part.meters))
    place = {name: i for i, name in enumerate(names)}
    maps = [np.array([place[n] for n in part.meters], np.int32) for part in parts]
    if not parts:
        return Readings.empty()
    return Readings(
        names,
        np.concatenate([m[p.index] if len(p) else p.index for m, p in zip(maps, parts, strict=True)]),
        np.concatenate([p.time for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.flag for p in parts]),
        np.concatenate([p.received for p in parts]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One meter's readings in strictly rising time: time, value, flag, received of equal length."""

    time: IntArray
    value: FloatArray
    flag: ByteArray
    received: IntArray

    def __post_init__(self) -> None:
        _same_length("series", time=self.time, value=self.value, flag=self.flag, received=self.received)
        if len(self.time) > 1 and not bool(np.all(np.diff(self.time) > 0)):
            raise ValueError("series: time must strictly rise")

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls) -> Self:
        """A series without readings."""
        none = np.zeros(0, np.int64)
        return cls(none, np.zeros(0), np.zeros(0, np.uint8), none)


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Values of several meters on one regular grid of instants.

    Attributes
    ----------
    meters : tuple of str
        Row names.
    start, step : int
        First instant and distance of the columns [s].
    values : float64, shape (n_meters, n_instants)
        NaN where nothing is stored at that very instant.
    """

    meters: tuple[str, ...]
    start: int
    step: int
    values: FloatArray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.meters):
            raise ValueError(f"matrix: {len(self.meters)} meters but values of shape {self.values.shape}")
        if self.step <= 0:
            raise ValueError(f"matrix: step must be positive, got {self.step}")

    @property
    def times(self) -> IntArray:
        """Instants of the columns, UTC epoch seconds."""
        return self.start + self.step * np.arange(self.values.shape[1], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of one result measurement, by column.

    Attributes
    ----------
    measurement : str
        A name of `energy.storage.schema`.
    time : int64, shape (n,)
        UTC epoch seconds.
    tags : dict of str to object array of str, shape (n,)
        Every tag of the measurement.
    fields : dict of str to array, shape (n,)
        float64 for numbers (NaN = not written, unknown), object array of str | None for texts.
    """

    measurement: str
    time: IntArray
    tags: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    fields: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _same_length(self.measurement, time=self.time, **self.tags, **self.fields)

    def __len__(self) -> int:
        return len(self.time)

    def records(self) -> list[dict[str, Any]]:
        """Row by row, for few rows: time, tags and fields by name; unknown numbers stay NaN."""
        names = ["time", *self.tags, *self.fields]
        columns = [self.time.tolist(), *(v.tolist() for v in (*self.tags.values(), *self.fields.values()))]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def take(self, where: IntArray | BoolArray | slice) -> Table:
        """The rows at these positions."""
        return Table(
            self.measurement,
            self.time[where],
            {k: v[where] for k, v in self.tags.items()},
            {k: v[where] for k, v in self.fields.items()},
        )
