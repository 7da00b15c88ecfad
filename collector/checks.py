"""What one reading alone can prove wrong, and whether it is new: vectorised over a commit group.

Nothing here touches a disk or a clock, and nothing is remembered: the caller inserts what was committed into `Recent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from collector.decoders.times import LAST_SECOND
from collector.lookup import Lookup
from collector.recent import Recent
from energy.model import Flag, Reason
from energy.series import BoolArray, ByteArray, FloatArray, Int32Array, IntArray

LIMIT: Final = 2.0**53
"""From here on a float may have been the integer beside it: refused, since values are stored as floats."""
REASONS: Final = tuple(Reason)
_CODE: Final = {reason: place + 1 for place, reason in enumerate(REASONS)}
GOOD: Final = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """Which instants are believed."""

    now: int
    past: int
    future_s: int
    too_late_s: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Readings as numbers: which meter (-1: not known), when, what, and how they came."""

    meter: Int32Array
    time: IntArray
    value: FloatArray
    unprotected: BoolArray  # sent with QoS 0

    def __len__(self) -> int:
        return len(self.time)

    def take(self, where: IntArray | BoolArray) -> Rows:
        """The rows at these positions."""
        return Rows(self.meter[where], self.time[where], self.value[where], self.unprotected[where])


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """Which readings are new, known, contradicted, or for the store to judge.

    Attributes
    ----------
    order : int64, shape (n,)
        Positions by meter, time, arrival; all the others follow it.
    rows : Rows
        The readings in this order.
    new, late, duplicate, conflict : bool, shape (n,)
        Each reading is exactly one of these.
    is_all_new : bool
        True where no reading is anything but new, as live readings are.
    """

    order: IntArray
    rows: Rows
    new: BoolArray
    late: BoolArray
    duplicate: BoolArray
    conflict: BoolArray
    is_all_new: bool = False


def faults(rows: Rows, lookup: Lookup, clock: Clock) -> ByteArray:
    """First fault of each reading as a code (`reason_of`), 0 for none. Rows of unknown meters are faulty."""
    codes = np.zeros(len(rows), np.uint8)
    if _are_sound(rows, clock):
        return codes

    def mark(where: BoolArray, reason: Reason) -> None:
        codes[where & (codes == GOOD)] = _CODE[reason]

    mark(rows.meter < 0, Reason.UNKNOWN_DEVICE)
    if not len(lookup.ids):
        return codes
    mark(~np.isfinite(rows.value), Reason.NOT_FINITE)
    mark(np.abs(rows.value) >= LIMIT, Reason.OUT_OF_RANGE)
    mark((rows.value < 0) & lookup.is_register[rows.meter], Reason.IMPLAUSIBLE)
    mark(rows.time > LAST_SECOND, Reason.TIME_UNIT)
    mark(rows.time < clock.past, Reason.CLOCK_PAST)
    mark(rows.time > clock.now + clock.future_s, Reason.CLOCK_FUTURE)
    if clock.too_late_s is not None:
        mark(rows.time < clock.now - clock.too_late_s, Reason.TOO_LATE)
    return codes


def _are_sound(rows: Rows, clock: Clock) -> bool:
    """True if the extremes of a group show that nothing can be wrong with any of its rows: nearly always."""
    if not len(rows):
        return True
    earliest = clock.past if clock.too_late_s is None else max(clock.past, clock.now - clock.too_late_s)
    return bool(
        rows.meter.min() >= 0
        and rows.value.min() >= 0  # false where one is not a number
        and rows.value.max() < LIMIT
        and rows.time.min() >= earliest
        and rows.time.max() <= min(clock.now + clock.future_s, LAST_SECOND)
    )


def reason_of(code: int) -> Reason:
    """The reason a code of `faults` stands for."""
    return REASONS[code - 1]


def novelty(rows: Rows, recent: Recent) -> Novelty:
    """Compare readings without faults with what is held, and with each other: the first of a key stays."""
    order = np.lexsort((rows.time, rows.meter))
    ordered = rows.take(order)
    meter, time, value = ordered.meter, ordered.time, ordered.value
    again = _follows(meter) & _follows(time)
    is_old = time <= recent.newest[meter]
    none = np.zeros(len(order), np.bool_)
    if not is_old.any() and not again.any():
        return Novelty(order, ordered, ~none, none, none, none, is_all_new=True)
    old = np.flatnonzero(is_old)
    held, held_value, late = none.copy(), np.full(len(order), np.nan), none.copy()
    held[old], held_value[old], late[old] = recent.find(meter[old], time[old])
    again &= ~held & ~late
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))
    held_value = np.where(again, value[first], held_value)
    held |= again
    same = held & (held_value == value)
    return Novelty(order, ordered, ~held & ~late, late, same, held & ~same)


def _follows(numbers: Int32Array | IntArray) -> BoolArray:
    """Where a number is the same as the one before it."""
    same = np.zeros(len(numbers), np.bool_)
    np.equal(numbers[1:], numbers[:-1], out=same[1:])
    return same


def flags(rows: Rows, lookup: Lookup, recent: Recent) -> ByteArray:
    """Flag of readings ordered by meter and time: possible but unlikely, or sent without protection.

    A register is judged by its rise since the reading before it, over at least one expected interval, so that the
    steps of a coarse display are not taken for power. Its falls are for analytics to explain.
    """
    flag = np.zeros(len(rows), np.uint8)
    flag[rows.unprotected] = Flag.QOS0
    if lookup.has_ranges:
        flag[(rows.value < lookup.low[rows.meter]) | (rows.value > lookup.high[rows.meter])] = Flag.IMPLAUSIBLE
    if lookup.has_rates:
        flag[_rises_too_fast(rows, lookup, recent)] = Flag.IMPLAUSIBLE
    return flag


def _rises_too_fast(rows: Rows, lookup: Lookup, recent: Recent) -> BoolArray:
    meter, time, value = rows.meter, rows.time, rows.value
    before, known = recent.newest[meter], recent.newest_value[meter]  # not a number where nothing is known
    follows = _follows(meter)
    if follows.any():
        follower = np.flatnonzero(follows)
        before[follower], known[follower] = time[follower - 1], value[follower - 1]
    span = np.maximum(time - before, lookup.interval[meter])
    with np.errstate(invalid="ignore"):
        return np.asarray((value - known > lookup.rate[meter] * span) & (time > before))
