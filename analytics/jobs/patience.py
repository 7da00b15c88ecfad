"""A store that asks again: one answer that a busy server owes must not cost a run of many minutes.

Every question may be asked twice: reading changes nothing, and to replace a window again completes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from energy.errors import StorageUnavailable
from energy.series import FloatArray, IntArray, Matrix, Readings, Series, Table
from energy.storage.base import Store

logger = logging.getLogger(__name__)

PAUSES_S: Final = (2.0, 10.0, 30.0)
"""How long to wait before each further try; a server that is gone for longer ends the run, and the next tries again."""
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Patient:
    """The same store, for work that can wait."""

    store: Store
    pauses_s: Sequence[float] = PAUSES_S

    def readings(self, meters: Sequence[str], start: int, end: int) -> dict[str, Series]:
        """Raw readings of each meter in the window."""
        return self._patiently(lambda: self.store.readings(meters, start, end))

    def latest(self, meters: Sequence[str], *, before: int | None = None) -> dict[str, tuple[int, float]]:
        """Newest (time, value) of each meter."""
        return self._patiently(lambda: self.store.latest(meters, before=before))

    def earliest_after(self, meters: Sequence[str], after: int) -> dict[str, tuple[int, float]]:
        """First (time, value) of each meter at or after an instant."""
        return self._patiently(lambda: self.store.earliest_after(meters, after))

    def matrix(self, meters: Sequence[str], start: int, end: int, step: int) -> Matrix:
        """Readings on a grid."""
        return self._patiently(lambda: self.store.matrix(meters, start, end, step))

    def values_at(self, meters: Sequence[str], times: IntArray) -> FloatArray:
        """Stored value at each (meter, time) pair."""
        return self._patiently(lambda: self.store.values_at(meters, times))

    def write_readings(self, readings: Readings) -> None:
        """Store readings durably."""
        self._patiently(lambda: self.store.write_readings(readings))

    def results(
        self,
        measurement: str,
        *,
        where: Mapping[str, Sequence[str]],
        start: int,
        end: int,
        fields: Sequence[str] | None = None,
    ) -> Table:
        """Rows of a measurement."""
        return self._patiently(
            lambda: self.store.results(measurement, where=where, start=start, end=end, fields=fields)
        )

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        """Make the window hold exactly these rows; what an attempt wrote that then failed is not counted."""
        return self._patiently(lambda: self.store.replace(table, where=where, start=start, end=end))

    def check(self) -> None:
        """Prove that the store can be written and read back."""
        self.store.check()

    def close(self) -> None:
        """Release files and connections."""
        self.store.close()

    def _patiently(self, ask: Callable[[], _Answer]) -> _Answer:
        for pause in self.pauses_s:
            try:
                return ask()
            except StorageUnavailable as exc:
                logger.warning("asked again in %.0f s: %s", pause, exc)
                time.sleep(pause)
        return ask()
