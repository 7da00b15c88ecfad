"""What a change of the registry means for figures already computed: the spans to compute again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from energy.intervals import DAY
from energy.registry.columns import Record
from energy.registry.importing import Change
from energy.registry.touched import Touched

# A meter's name, gateway or local name changes no figure; everything else of it does.
_HARMLESS: Final = {"name_zh", "name_en", "gateway", "local"}


def touched_by(changes: Sequence[Change]) -> list[Touched]:
    """An altered, moved or exchanged meter is touched from its beginning; corrections and bills touch their time.

    A swap states the ratios of all readings from the exchange before it to the one after it. A correction or bill
    that is stated again touches the time it had, too.
    """
    marks: list[Touched] = []
    unread = {change.after["id"] for change in changes if change.sheet == "meters" and change.before is None}
    for change in changes:
        if change.sheet == "swaps" and change.after["meter"] not in unread:
            marks.append(Touched(change.after["meter"], 0, int(time.time())))
        elif change.sheet in _SPANS:
            marks += [_SPANS[change.sheet](row) for row in (change.before, change.after) if row is not None]
        elif change.sheet == "meters" and _changes_figures(change):
            marks.append(Touched(change.after["id"], 0, int(time.time())))
    return marks


def _of_correction(correction: Record) -> Touched:
    return Touched(correction["meter"], correction["start"], correction["end"])


def _of_bill(bill: Record) -> Touched:
    """The days of a bill and one more on either side: whatever the time zone, its local days lie within."""
    first, last = ((day - date(1970, 1, 1)).days * DAY for day in (bill["first_day"], bill["last_day"]))
    return Touched(bill["meter"], first - DAY, last + 2 * DAY)


_SPANS: Final[Mapping[str, Callable[[Record], Touched]]] = {"corrections": _of_correction, "bills": _of_bill}


def _changes_figures(change: Change) -> bool:
    if change.before is None:
        return False  # a new meter has no readings yet
    before = change.before
    return any(before[name] != value for name, value in change.after.items() if name not in _HARMLESS)
