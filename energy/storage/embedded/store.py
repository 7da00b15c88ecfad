"""The embedded store as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from energy.errors import StorageForbidden
from energy.series import FloatArray, IntArray, Matrix, Readings, Series, Table
from energy.storage.embedded.readings import ReadingFile
from energy.storage.embedded.results import ResultFile
from energy.storage.embedded.writer import SEAL_READINGS, ReadingWriter
from energy.storage.tables import checked_where, complete, measurement_named, wanted_fields


class EmbeddedStore:
    """`readings.db` and `results.db` in one folder.

    Any number of processes may open it; one of them, with `writes_readings`, takes readings in.
    """

    def __init__(
        self, folder: Path, *, writes_readings: bool, writes_results: bool = True, seal_readings: int = SEAL_READINGS
    ) -> None:
        path = folder / "readings.db"
        self._writer = ReadingWriter(path, seal_readings=seal_readings) if writes_readings else None
        try:
            self._readings = ReadingFile(path)
            self._results = ResultFile(folder / "results.db")
        except BaseException:
            if self._writer is not None:
                self._writer.close()
            raise
        self._writes_results = writes_results

    def write_readings(self, readings: Readings) -> None:
        """Store readings durably; the same (meter, time) again changes nothing."""
        self._reading_writer().write(readings)

    def seal(self) -> int:
        """Move all fresh readings into their chunks now; returns how many. It happens by itself anyway."""
        return self._reading_writer().seal()

    def _reading_writer(self) -> ReadingWriter:
        if self._writer is None:
            raise StorageForbidden("this process only reads readings: the ingest process writes them")
        return self._writer

    def values_at(self, meters: Sequence[str], times: IntArray) -> FloatArray:
        """Stored value at each (meter, time) pair, NaN where none."""
        return self._readings.values_at(meters, times)

    def readings(self, meters: Sequence[str], start: int, end: int) -> dict[str, Series]:
        """Raw readings of each meter in the window."""
        return self._readings.readings(meters, start, end)

    def latest(self, meters: Sequence[str], *, before: int | None = None) -> dict[str, tuple[int, float]]:
        """Newest (time, value) of each meter, optionally before an instant."""
        return self._readings.latest(meters, before=before)

    def earliest_after(self, meters: Sequence[str], after: int) -> dict[str, tuple[int, float]]:
        """First (time, value) of each meter at or after an instant."""
        return self._readings.earliest_after(meters, after)

    def matrix(self, meters: Sequence[str], start: int, end: int, step: int) -> Matrix:
        """Readings exactly on the grid `start, start + step, ... < end`."""
        return self._readings.matrix(meters, start, end, step)

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        """Make the window hold exactly these rows for the tag values `where`; (written, deleted)."""
        if not self._writes_results:
            raise StorageForbidden("this process only reads results")
        measurement = measurement_named(table.measurement)
        wanted = checked_where(measurement, where)
        return self._results.replace(complete(table, wanted, start, end), measurement, wanted, start, end)

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
        return self._results.results(found, checked_where(found, where), start, end, wanted_fields(found, fields))

    def check(self) -> None:
        """Prove that the files take a write, where this process writes, and can be read."""
        if self._writer is not None:
            self._writer.check()
        self._readings.check()

    def close(self) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()
        self._readings.close()
        self._results.close()
