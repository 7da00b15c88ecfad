"""The reader's budget: how many new findings a city's people are shown on a day, and what becomes of those that wait.

Day by day the worthiest are shown while there is room, those that waited among them. What ended long ago cannot be
looked at any more and leaves the list.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from energy.intervals import DAY, LocalCalendar
from energy.registry.decisions import Finding

METER_A_YEAR: Final = 12
"""Findings of one meter shown in a year; a meter that has more is restless, and the rest waits."""
YEAR_S: Final = 365 * DAY
LEAST_YUAN: Final = 2.0
"""A finding known to be worth less (yuan x certainty) is not worth reading before it has grown; it waits. [yuan]"""
OUTDATED_S: Final = 14 * DAY
"""A finding that waited until so long after its end leaves the list."""
OUTDATED: Final = "等待期间已过时，未展示 (outdated before there was room to show it)"


def seen_at(row: Finding) -> int:
    """When the finding could be told for the first time."""
    return int(_evidence(row).get("seen", row.start))


def shown_at(row: Finding) -> int | None:
    """When it was shown to people; None for one that waits, or that left the list unseen."""
    if row.state == "waiting" or row.comment == OUTDATED:
        return None
    return int(_evidence(row).get("shown") or seen_at(row))


def _evidence(row: Finding) -> dict[str, Any]:
    return dict(json.loads(row.evidence)) if row.evidence else {}


@dataclass(slots=True)
class Budget:
    """What a city's readers were shown so far.

    Attributes
    ----------
    a_day : int
        New findings that may be shown on one local day.
    least_yuan : float
        Worth from which a finding is shown; what has no price is shown whatever its worth.
    """

    calendar: LocalCalendar
    a_day: int
    least_yuan: float = LEAST_YUAN
    _on_day: dict[int, int] = field(default_factory=dict)
    _of_meter: dict[str, list[int]] = field(default_factory=dict)

    def count(self, rows: Sequence[Finding]) -> None:
        """Take what was shown before into account."""
        for row in rows:
            if (shown := shown_at(row)) is not None:
                self._take(row, self._day(shown))

    def share_out(self, new: Sequence[Finding], waiting: Sequence[Finding], now: int) -> list[Finding]:
        """New and waiting findings with the state that they have after the day of `now`.

        New ones compete from the day on which they could be told; what waited already does so today.
        """
        today = self._day(now)
        coming = [(min(self._day(seen_at(row)), today), row.start, row.id, row) for row in new]
        coming += [(today, row.start, row.id, row) for row in waiting]
        heapq.heapify(coming)
        pool: list[Finding] = []
        decided: list[Finding] = []
        day = 0
        while coming or pool:
            day = day + 1 if pool else coming[0][0]
            while coming and coming[0][0] <= day:
                pool.append(heapq.heappop(coming)[-1])
            decided += self._on(day, pool)
            done = {row.id for row in decided}
            pool = [row for row in pool if row.id not in done]
            if day == today:
                break
        return decided + [replace(row, state="waiting") for row in pool]

    def _on(self, day: int, pool: Sequence[Finding]) -> list[Finding]:
        """What is decided of those that wait on a day: shown, or outdated."""
        start = int(self.calendar.day_start(np.array([day]))[0])
        decided = []
        for row in sorted(pool, key=lambda r: (-r.severity, r.start, r.id)):
            if (row.end or row.start) + OUTDATED_S < start:
                decided.append(replace(row, state="closed", comment=OUTDATED))
            elif self._has_room(row, day):
                self._take(row, day)
                shown = _evidence(row) | {"shown": max(start, seen_at(row))}
                told = json.dumps(shown, ensure_ascii=False, sort_keys=True)
                decided.append(replace(row, state="open", evidence=told))
        return decided

    def _has_room(self, row: Finding, day: int) -> bool:
        if row.excess_yuan is not None and row.severity < self.least_yuan:
            return False
        lately = sum(row.start - YEAR_S < begin <= row.start for begin in self._of_meter.get(row.meter or "", ()))
        return self._on_day.get(day, 0) < self.a_day and lately < METER_A_YEAR

    def _take(self, row: Finding, day: int) -> None:
        self._on_day[day] = self._on_day.get(day, 0) + 1
        self._of_meter.setdefault(row.meter or "", []).append(row.start)

    def _day(self, instant: int) -> int:
        return int(self.calendar.day_number(np.array([instant]))[0])
