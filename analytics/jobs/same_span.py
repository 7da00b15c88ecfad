"""The same span of last year: what stands beside a day, month or year that still runs.

A period that runs holds what each meter used up to its last reading. Held against the whole period a year before, every
month would look like thrift until its last day; so a meter's days of last year are cut at the same date and time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from analytics.consumption import DayParts
from analytics.jobs.limits import Extents
from energy.intervals import DAY, RESOLUTIONS, LocalCalendar
from energy.storage.base import ResultStore
from energy.storage.schema import INTERVAL

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a meter's days of last year end: on this local day, so long after its midnight. [s]"""

    day: date
    elapsed_s: int

    @classmethod
    def before(cls, calendar: LocalCalendar, last: int) -> _Cut:
        """The same date and time of the clock a year before an instant; on 29 February the end of the 28th."""
        today = calendar.date_of(last)
        if (today.month, today.day) == (2, 29):
            return cls(date(today.year - 1, 3, 1), 0)
        day = today.replace(year=today.year - 1)
        of_clock = int(calendar.to_local(np.array([last]))[0]) % DAY
        instant = int(calendar.to_utc(np.array([(day - _EPOCH).days * DAY + of_clock]))[0])
        return cls(day, instant - calendar.start_of(day))


def up_to_last_reading(
    store: ResultStore, calendar: LocalCalendar, parts: Mapping[str, DayParts], extents: Extents, now: int
) -> dict[str, DayParts]:
    """Parts of the days of each meter up to a year before its last reading; none of a meter that was never read.

    Of the day that is cut counts what its intervals tell. Where they do not (bills have none, nor are they asked for
    of meters that fell silent on an earlier day), its hours count alike.
    """
    cuts = {name: _Cut.before(calendar, extents[name][1]) for name in parts if name in extents}
    today = _Cut.before(calendar, now).day
    asked = [name for name, cut in cuts.items() if cut.day == today and cut.elapsed_s]
    told = _told(store, calendar, asked, cuts)
    return {name: _until(own, calendar, cuts.get(name), told.get(name)) for name, own in parts.items()}


def _told(
    store: ResultStore, calendar: LocalCalendar, meters: Sequence[str], cuts: Mapping[str, _Cut]
) -> dict[str, float]:
    """Amounts from midnight to the cut of these meters, all cut on one day; only those that intervals wholly tell."""
    if not meters:
        return {}
    start = calendar.start_of(cuts[meters[0]].day)
    end = start + max(cuts[name].elapsed_s for name in meters)
    rows = store.results(INTERVAL.name, where={"meter": list(meters)}, start=start, end=end, fields=("amount",))
    lengths = np.array([RESOLUTIONS[name] for name in rows.tags["resolution"]], np.int64)
    amounts = rows.fields["amount"].astype(np.float64)
    found = {}
    for name in meters:
        own = (rows.tags["meter"] == name) & (rows.time + lengths <= start + cuts[name].elapsed_s)
        if own.any() and np.isfinite(amounts[own]).all():
            found[name] = float(amounts[own].sum())
    return found


def _until(parts: DayParts, calendar: LocalCalendar, cut: _Cut | None, told: float | None) -> DayParts:
    if cut is None:
        return parts.take(np.zeros(len(parts), np.bool_))
    last = (cut.day - _EPOCH).days
    kept = parts.take(parts.day <= last if cut.elapsed_s else parts.day < last)
    if not cut.elapsed_s or not len(kept) or kept.day[-1] != last:
        return kept
    start, end = calendar.day_start(np.array([last, last + 1])).tolist()
    inner, tail = kept.inner.copy(), kept.tail.copy()
    inner[-1] = inner[-1] * cut.elapsed_s / (end - start) if told is None else told
    tail[-1] = np.nan
    return replace(kept, inner=inner, tail=tail)
