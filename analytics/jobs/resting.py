"""When heat that is known from bills rests: paid by the heating season, it has no bills for the time between.

Those days are no gap, if no bill at all lies in the midst of that time. Where one does, as of hospitals that take heat
all year, every day without a bill is unknown as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np

from analytics.jobs.rows import runs
from analytics.totals import Periods
from energy.heating import HeatingCalendar
from energy.intervals import Window
from energy.model import Category, Meter, MeterKind
from energy.series import BoolArray

_EDGE: Final = 31
"""Bills of a season may begin and end so many days off it. [d]"""
_EPOCH: Final = date(1970, 1, 1)


def may_rest(meter: Meter) -> bool:
    """Whether a meter is heat that only bills tell of."""
    return meter.kind is MeterKind.MANUAL and meter.category is Category.HEAT


def rests(told: BoolArray, days: Periods, heating: HeatingCalendar) -> list[Window]:
    """Time between heating seasons of which no bill speaks, in order.

    Parameters
    ----------
    told : bool, shape (n_days,)
        Days with a bill.
    days : Periods
        These days; whole years.
    heating : HeatingCalendar
        Of the place.
    """
    is_rest = np.zeros(len(days), np.bool_)
    for first, end in _between(days, heating):
        if not told[first + _EDGE : max(end - _EDGE, 0)].any():
            is_rest[first:end] = ~told[first:end]
    return [Window(int(days.edges[a]), int(days.edges[b])) for a, b in runs(is_rest)]


def _between(days: Periods, heating: HeatingCalendar) -> Iterator[tuple[int, int]]:
    """Places [first, end) of the days between two seasons, year by year."""
    begins, ends = (_EPOCH + timedelta(days=int(day)) for day in (days.days[0], days.days[-1]))
    for year in range(begins.year, ends.year + 1):
        first = (heating.season(year - 1).last - _EPOCH).days + 1 - int(days.days[0])
        end = (heating.season(year).first - _EPOCH).days - int(days.days[0])
        yield max(first, 0), min(max(end, 0), len(days))


def without(span: Window, rests: Sequence[Window]) -> list[Window]:
    """The parts of a span in which it does not rest."""
    starts, ends = [span.start, *(rest.end for rest in rests)], [*(rest.start for rest in rests), span.end]
    parts = [(max(a, span.start), min(b, span.end)) for a, b in zip(starts, ends, strict=True)]
    return [Window(a, b) for a, b in parts if a < b]
