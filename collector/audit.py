"""The law of conservation, audited: taken = stored + duplicate + parked + in spool, of every meter and day.

The ledger counts in the transactions that take and forget readings; the auditor adds it up against what lies in the
spool, and asks the store, some meters at a time, whether it holds as many readings as the ledger says it was given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from collector.ledger import DayCount, Tally
from collector.pipeline import Pipeline
from collector.spool import SpoolReader
from energy.intervals import DAY
from energy.series import IntArray
from energy.storage.base import Store

EVERY_S: Final = 600.0
_LOOKED_AT: Final = 2_000  # meter-days asked of the store in one audit


@dataclass(frozen=True, slots=True)
class Audit:
    """What one audit found; everything but 0 is an alarm.

    Attributes
    ----------
    unaccounted : int
        Readings taken that are neither stored, known, parked nor waiting, or more of these than were taken: summed
        without sign, so that one meter's surplus does not hide another's loss.
    missing : int
        Readings given to the store that it did not give back, of the meter-days whose turn it was.
    """

    unaccounted: int
    missing: int


class Auditor:
    """Audits the whole ledger each time, and the store by turns."""

    def __init__(self, ingest: Pipeline) -> None:
        self._ingest = ingest
        self._turn = 0
        self.last: Audit | None = None
        """None until the first audit is done."""

    def audit(self) -> None:
        """Audit now; StorageError where the store does not answer."""
        with closing(SpoolReader(self._ingest.spool.path)) as reader:
            tally, names = reader.tally(), reader.ids()
        turn = tally.rows(names, self._next(self._given(tally)))
        self.last = Audit(
            unaccounted=int(np.abs(tally.unaccounted).sum()),
            missing=missing(self._ingest.store, [row for row in turn if row.meter]),
        )

    def _given(self, tally: Tally) -> IntArray:
        """Places of what the store was given and may not have forgotten yet by its own retention."""
        days = self._ingest.settings.store.retention_days
        oldest = int(time.time()) // DAY - days + 1 if days else 0
        return np.flatnonzero((tally.of("stored") > 0) & (tally.day >= oldest))

    def _next(self, places: IntArray) -> IntArray:
        if self._turn >= len(places):
            self._turn = 0
        turn, self._turn = self._turn, self._turn + _LOOKED_AT
        return places[turn : self._turn]


def missing(store: Store, rows: Iterable[DayCount]) -> int:
    """Readings of these meters and days that the store should hold and does not.

    It may hold more: what came before this ledger was begun, or by another collector.
    """
    found = 0
    for meter, group in groupby(sorted(rows, key=lambda row: (row.meter, row.day)), key=lambda row: row.meter):
        days = list(group)
        first, end = days[0].day, days[-1].day + 1
        series = store.readings([meter], first * DAY, end * DAY)[meter]
        held = np.bincount(series.time // DAY - first, minlength=end - first)
        found += sum(max(row.stored - int(held[row.day - first]), 0) for row in days)
    return found
