"""What Jieneng asks of a time-series store. Every question is bounded in time; times are UTC epoch seconds.

Windows are half-open `[start, end)`. All methods raise StorageUnavailable (try again), StorageRejected (these rows
never) or StorageForbidden (credentials, bucket, size). A store object may be used by several threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from energy.series import FloatArray, IntArray, Matrix, Readings, Series, Table


class ReadingWriter(Protocol):
    """The forwarder's side."""

    def write_readings(self, readings: Readings) -> None:
        """Store readings durably; the same (meter, time) again with the same content changes nothing."""

    def values_at(self, meters: Sequence[str], times: IntArray) -> FloatArray:
        """Stored value at each (meter, time) pair, NaN where none: how late readings are judged.

        `meters[i]` belongs to `times[i]`; answered with few bounded reads, not one a pair.
        """


class ReadingReader(Protocol):
    """Raw readings out."""

    def readings(self, meters: Sequence[str], start: int, end: int) -> dict[str, Series]:
        """Raw readings of each meter in the window (a meter without any has an empty series)."""

    def latest(self, meters: Sequence[str], *, before: int | None = None) -> dict[str, tuple[int, float]]:
        """Newest (time, value) of each meter, optionally before an instant; meters without any are absent."""

    def earliest_after(self, meters: Sequence[str], after: int) -> dict[str, tuple[int, float]]:
        """First (time, value) at or after an instant; meters without any are absent."""

    def matrix(self, meters: Sequence[str], start: int, end: int, step: int) -> Matrix:
        """Readings that lie exactly on the grid `start, start + step, ... < end`, NaN elsewhere."""


class ResultStore(Protocol):
    """Computed results in and out. `where` maps a tag to the values wanted (all must be tags of the measurement)."""

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        """Make the window hold exactly these rows for the tag values `where`: no ghosts, unchanged rows untouched.

        Returns (rows written, rows deleted). Rows of `table` outside the window or `where` are a ValueError.
        """

    def results(
        self,
        measurement: str,
        *,
        where: Mapping[str, Sequence[str]],
        start: int,
        end: int,
        fields: Sequence[str] | None = None,
    ) -> Table:
        """Rows of a measurement, ordered by tags and time; absent numbers are NaN, absent texts None."""


class Store(ReadingWriter, ReadingReader, ResultStore, Protocol):
    """The whole store."""

    def check(self) -> None:
        """Prove that the store can be written and read back (a canary point); raises what is wrong."""

    def close(self) -> None:
        """Release files and connections. Nothing is buffered, so nothing can be lost here."""
