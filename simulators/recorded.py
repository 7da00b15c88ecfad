"""One recorded meter: hourly amounts of a file as the cumulative register that a gateway would have read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.intervals import HOUR, LocalCalendar, Window
from energy.model import Category
from energy.series import BoolArray, FloatArray, IntArray

INSTITUTION: Final = "cam"
WEATHER_GATEWAY: Final = f"{INSTITUTION}-wx"
_INITIAL_TENTHS: Final = 12_345  # a register does not begin at zero


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One recorded meter: amounts of consecutive hours, NaN where the source has none or zero. [kWh]"""

    meter: str
    local: str
    building: str
    category: Category
    start: int
    amounts: FloatArray

    @property
    def end(self) -> int:
        """Instant at which the last hour ends."""
        return self.start + HOUR * len(self.amounts)

    def registers(self, calendar: LocalCalendar) -> tuple[IntArray, FloatArray]:
        """Instants at which the register is read, and the register; NaN where it is not sent.

        It is read at the end of each hour that was measured, and once where measuring begins: at the first hour of
        all, and at the beginning of a local year, so that a year complete in itself does not depend on the one before.
        """
        known = ~np.isnan(self.amounts)
        edges = self.start + HOUR * np.arange(len(self.amounts) + 1, dtype=np.int64)
        tenths = np.concatenate([[0], np.cumsum(np.where(known, np.rint(self.amounts * 10), 0).astype(np.int64))])
        begins = np.concatenate(
            [known & (_is_year_start(edges[:-1], calendar) | (np.arange(len(known)) == 0)), [False]]
        )
        sent = np.concatenate([[False], known]) | begins
        if known.any():
            sent[int(np.argmax(known))] = True
        return edges, np.where(sent, (_INITIAL_TENTHS + tenths) / 10, np.nan)

    def year_sums(self, calendar: LocalCalendar) -> dict[int, float]:
        """kWh of each local year in which no hour is missing or zero, to 0.1 kWh."""
        edges = calendar.edges(_window(self.start, len(self.amounts)), "year")
        found = {}
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            begin, stop = (first - self.start) // HOUR, (end - self.start) // HOUR
            part = self.amounts[max(begin, 0) : stop]
            if begin >= 0 and len(part) == stop - begin and not np.isnan(part).any():
                found[calendar.date_of(first).year] = int(np.rint(part * 10).astype(np.int64).sum()) / 10
        return found


def _window(start: int, n: int) -> Window:
    return Window(start, start + n * HOUR)


def _is_year_start(instants: IntArray, calendar: LocalCalendar) -> BoolArray:
    years = calendar.to_local(np.stack([instants - 1, instants])).astype("M8[s]").astype("M8[Y]")
    return np.asarray(years[0] != years[1])
