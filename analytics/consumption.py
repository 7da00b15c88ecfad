"""Interval energy on a regular grid, and its daily sums, from readings at any times.

Whatever a meter is, its readings become `Steps`: spans of time with the amount used in them. A span between two
readings as far apart as expected is measured. A span of up to two hours with readings missing inside is filled
evenly. In a longer one only the whole is known: its intervals stay unknown, its amount still counts in every total
that holds both of its readings. An unknown span (exchange of the device, no reading) has no amount at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.registers import Judgement, RegisterBank, Verdict
from energy.intervals import HOUR, RESOLUTIONS, Window
from energy.model import State
from energy.series import BoolArray, ByteArray, FloatArray, IntArray

FILL_S: Final = 2 * HOUR
"""Longest span between readings that is filled evenly."""

REGISTER_DIFFERENCE, LINEAR_FILL, PROFILE_FILL, REGISTER_SPREAD, ROLLOVER, SWAP, AMOUNT = range(7)
CORRECTION, BILL_SPREAD, VIRTUAL, UNKNOWN, STANDSTILL, SPIKE_FILL = range(7, 13)
"""Codes of `interval.method` (the list with their names is `energy.storage.schema.METHODS`)."""
_ESTIMATES: Final = (LINEAR_FILL, PROFILE_FILL, BILL_SPREAD, SPIKE_FILL)
_NO_AMOUNT: Final = (REGISTER_SPREAD, STANDSTILL, UNKNOWN)
# Of several rules in one interval the least certain is shown, and above all that a person had a hand in it.
_LEAST_CERTAIN_LAST: Final = (
    VIRTUAL, AMOUNT, REGISTER_DIFFERENCE, ROLLOVER, SWAP, *_ESTIMATES, *_NO_AMOUNT, CORRECTION,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Amounts used between readings: step k spans [start[k], end[k]); steps rise in time and never overlap.

    Attributes
    ----------
    start, end : int64, shape (n,)
        Instants of the readings that bound the step. [s]
    amount : float64, shape (n,)
        NaN where the two readings do not tell. [unit of the meter x ratio]
    method : uint8, shape (n,)
        The rule that made the amount.
    """

    start: IntArray
    end: IntArray
    amount: FloatArray
    method: ByteArray

    def __post_init__(self) -> None:
        if len(self.start) and not (
            bool(np.all(self.start < self.end)) and bool(np.all(self.end[:-1] <= self.start[1:]))
        ):
            raise ValueError("steps: must have a length, rise in time and not overlap")

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def empty(cls) -> Steps:
        """No steps: nothing is known."""
        none = np.zeros(0, np.int64)
        return cls(none, none, np.zeros(0), np.zeros(0, np.uint8))

    @property
    def is_long(self) -> BoolArray:
        """True where only the whole amount is known, not how it lies in time."""
        return self.end - self.start > FILL_S

    def within(self, window: Window) -> Steps:
        """Steps that lie wholly in a window."""
        lo, hi = np.searchsorted(self.start, window.start), np.searchsorted(self.end, window.end, side="right")
        if lo == 0 and hi == len(self):
            return self
        own = slice(int(lo), max(int(hi), int(lo)))
        return Steps(self.start[own], self.end[own], self.amount[own], self.method[own])

    def times(self, factor: float | FloatArray) -> Steps:
        """The same steps in another unit; one factor, or one for each step."""
        return Steps(self.start, self.end, self.amount * factor, self.method)


def join(parts: Sequence[Steps]) -> Steps:
    """Steps of consecutive spans as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Steps.empty()
    return Steps(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.amount for p in parts]),
        np.concatenate([p.method for p in parts]),
    )


def register_steps(bank: RegisterBank, judgement: Judgement, meter: int, *, ratio: float = 1.0, gap_s: float) -> Steps:
    """Steps of one judged register.

    Parameters
    ----------
    bank, judgement
        Registers and their verdicts.
    meter : int
        Which of them.
    ratio : float
        CT x PT: amount = display x ratio.
    gap_s : float
        Distance of readings above which one is missing. [s]
    """
    own = slice(int(bank.offset[meter]), int(bank.offset[meter + 1]))
    verdict = judgement.verdict[own]
    knot = np.flatnonzero(judgement.accepted[own] & (verdict != Verdict.STUCK))
    if len(knot) < 2:
        return Steps.empty()
    time = bank.time[own][knot]
    start, end = time[:-1], time[1:]
    amount = judgement.increment[own][knot[1:]] * ratio
    elapsed = end - start
    method = np.full(len(start), REGISTER_DIFFERENCE, np.uint8)
    method[verdict[knot[1:]] == Verdict.ROLLOVER] = ROLLOVER
    method[elapsed > gap_s] = LINEAR_FILL
    method[elapsed > FILL_S] = REGISTER_SPREAD
    method[verdict[knot[1:] - 1] == Verdict.STUCK] = STANDSTILL
    method[np.isnan(amount)] = UNKNOWN
    return Steps(start, end, amount, method)


def amount_steps(time: IntArray, value: FloatArray, *, length_s: int) -> Steps:
    """Steps of a meter that sends the amount of the interval ending at each reading.

    A negative amount is refused (unknown). Up to two hours without readings are filled at the mean rate of the
    neighbours; longer spans stay unknown, for nothing tells what was used in them.
    """
    if not len(time):
        return Steps.empty()
    start = time - length_s
    start[1:] = np.maximum(start[1:], time[:-1])
    amount = np.where(value >= 0, value, np.nan)
    method = np.where(np.isnan(amount), UNKNOWN, AMOUNT).astype(np.uint8)
    hole = np.flatnonzero((start[1:] > time[:-1]) & (start[1:] - time[:-1] <= FILL_S))
    rate = (amount[hole] / (time - start)[hole] + amount[hole + 1] / (time - start)[hole + 1]) / 2
    filled = rate * (start[hole + 1] - time[hole])
    where = hole + 1
    return Steps(
        np.insert(start, where, time[hole]),
        np.insert(time, where, start[hole + 1]),
        np.insert(amount, where, filled),
        np.insert(method, where, np.where(np.isnan(filled), UNKNOWN, LINEAR_FILL)),
    )


def power_steps(time: IntArray, power: FloatArray, *, gap_s: float) -> Steps:
    """Steps of a meter that sends power: the mean of two neighbouring readings over the time between. [kW] -> [kWh]

    Further apart than two hours nothing is known: power says nothing about what it was meanwhile.
    """
    elapsed = np.diff(time)
    amount = (power[1:] + power[:-1]) / 2 * elapsed / HOUR
    amount = np.where((elapsed <= FILL_S) & (amount >= 0), amount, np.nan)
    method = np.where(elapsed > gap_s, LINEAR_FILL, AMOUNT)
    return Steps(time[:-1], time[1:], amount, np.where(np.isnan(amount), UNKNOWN, method).astype(np.uint8))


def marked_spikes(steps: Steps, spikes: IntArray) -> Steps:
    """The steps with those that were filled because the readings at `spikes` were left out under their own rule."""
    at = np.searchsorted(steps.end, spikes)
    at = at[at < len(steps)]
    method = steps.method.copy()
    method[at[method[at] == LINEAR_FILL]] = SPIKE_FILL
    return Steps(steps.start, steps.end, steps.amount, method)


@dataclass(frozen=True, slots=True, eq=False)
class IntervalEnergy:
    """One meter on a regular grid; interval i is [start[i], start[i] + step).

    `amount` is NaN where unknown; `state` is `energy.model.State`, `method` the rule.
    """

    start: IntArray
    step: int
    amount: FloatArray
    state: ByteArray
    method: ByteArray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, where: BoolArray) -> IntervalEnergy:
        """The intervals at these positions."""
        return IntervalEnergy(self.start[where], self.step, self.amount[where], self.state[where], self.method[where])


def resolution(interval_s: int) -> str | None:
    """Name of the grid of a meter read every `interval_s`; None where readings are too far apart for intervals."""
    for name, seconds in RESOLUTIONS.items():
        if interval_s <= seconds:
            return name
    return "hour" if interval_s <= FILL_S else None


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Steps cut at the edges: piece i lies in column `column[i]`, belongs to step `step[i]`."""

    column: IntArray
    step: IntArray
    seconds: IntArray
    amount: FloatArray


def _cut(steps: Steps, edges: IntArray) -> _Pieces:
    lo, hi = np.searchsorted(steps.end, edges[0], side="right"), np.searchsorted(steps.start, edges[-1])
    start, end = steps.start[lo:hi], steps.end[lo:hi]
    cuts = _merged(start, end, edges)
    cuts = cuts[(cuts >= edges[0]) & (cuts <= edges[-1])]
    begin, seconds = cuts[:-1], np.diff(cuts)
    step = np.searchsorted(start, begin, side="right") - 1
    inside = (step >= 0) & (begin < end[step]) if len(start) else np.zeros(len(begin), bool)
    step, begin, seconds = step[inside], begin[inside], seconds[inside]
    share = seconds / (end - start)[step]
    column = np.searchsorted(edges, begin, side="right") - 1
    return _Pieces(column, step + lo, seconds, steps.amount[lo:hi][step] * share)


def _merged(*rising: IntArray) -> IntArray:
    """Every instant of several rising lists once, in order."""
    # A stable sort finds the rising runs by itself; np.unique would sort them as if they were in disorder.
    every = np.sort(np.concatenate(rising), kind="stable")
    distinct = np.ones(len(every), bool)
    distinct[1:] = every[1:] != every[:-1]
    return every[distinct]


def on_grid(steps: Steps, start: int, end: int, step_s: int) -> IntervalEnergy:
    """Interval energy on the grid of whole `step_s` that covers [start, end).

    An interval has an amount where steps cover all of it and none of them is long or unknown; the amounts of the
    intervals of filled and measured steps add up to the steps exactly.
    """
    edges = np.arange(start // step_s, -(-end // step_s) + 1, dtype=np.int64) * step_s
    n = len(edges) - 1
    pieces = _cut(steps, edges)
    amount = np.bincount(pieces.column, np.nan_to_num(pieces.amount), n)
    covered = np.bincount(pieces.column, pieces.seconds, n)
    known = np.isfinite(pieces.amount) & ~steps.is_long[pieces.step]
    vague = np.bincount(pieces.column, ~known, n) > 0
    method = np.full(n, UNKNOWN, np.uint8)
    of_piece = steps.method[pieces.step]
    for rule in _LEAST_CERTAIN_LAST:
        method[pieces.column[of_piece == rule]] = rule
    valid = (covered == step_s) & ~vague
    method[(covered < step_s) & ~np.isin(method, _NO_AMOUNT)] = UNKNOWN
    state = np.where(valid, State.MEASURED, State.SPREAD).astype(np.uint8)
    state[valid & np.isin(method, _ESTIMATES)] = State.ESTIMATED
    state[valid & (method == CORRECTION)] = State.CORRECTED
    return IntervalEnergy(edges[:-1], step_s, np.where(valid, amount, np.nan), state, method)


def mean_on_grid(
    time: IntArray, value: FloatArray, start: int, end: int, step_s: int, *, gap_s: float
) -> IntervalEnergy:
    """Mean of an instant quantity (temperature, humidity) in each interval of the grid that covers [start, end).

    The mean of the readings in the interval; without any, the straight line between neighbours up to two hours
    apart (estimated); else NaN.
    """
    edges = np.arange(start // step_s, -(-end // step_s) + 1, dtype=np.int64) * step_s
    n = len(edges) - 1
    column = np.searchsorted(edges, time, side="right") - 1
    inside = (column >= 0) & (column < n)
    count = np.bincount(column[inside], minlength=n)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(column[inside], value[inside], n) / count
    state = np.where(count > 0, State.MEASURED, State.SPREAD).astype(np.uint8)
    method = np.where(count > 0, AMOUNT, UNKNOWN).astype(np.uint8)
    if len(time) > 1:
        middle = edges[:-1] + step_s // 2
        after = np.clip(np.searchsorted(time, middle), 1, len(time) - 1)
        elapsed = time[after] - time[after - 1]
        near = (count == 0) & (time[after - 1] <= middle) & (middle <= time[after]) & (elapsed <= FILL_S)
        mean[near] = np.interp(middle[near], time, value)
        missing = near & (elapsed > gap_s)
        state[near] = State.MEASURED
        state[missing] = State.ESTIMATED
        method[near] = AMOUNT
        method[missing] = LINEAR_FILL
    return IntervalEnergy(edges[:-1], step_s, mean, state, method)


@dataclass(frozen=True, slots=True, eq=False)
class DayParts:
    """What is known of a meter's local days, in parts that add up over any run of days. All of shape (n,).

    Attributes
    ----------
    day : int64
        Local day number (days since 1970-01-01), rising; only days of which anything is known.
    inner : float64
        Amount between the first and last reading that bound the day, or its edges where they are known;
        NaN where no reading touches the day, or none that tells an amount. [unit]
    head : float64
        Share of the day in a long step that began before it. [unit]
    tail : float64
        Share of the day in a long step that ends after it and began in it; NaN where none of known amount does. [unit]
    inner_s : float64
        Time that `inner` speaks of. [s]
    valid_s, estimated_s : float64
        Time in intervals with an amount, and with an estimated one. [s]
    """

    day: IntArray
    inner: FloatArray
    head: FloatArray
    tail: FloatArray
    inner_s: FloatArray
    valid_s: FloatArray
    estimated_s: FloatArray

    def __len__(self) -> int:
        return len(self.day)

    def take(self, where: BoolArray) -> DayParts:
        """Some of the days."""
        columns = (self.inner, self.head, self.tail, self.inner_s, self.valid_s, self.estimated_s)
        return DayParts(self.day[where], *(column[where] for column in columns))


def day_parts(steps: Steps, first_day: int, day_edges: IntArray, intervals: IntervalEnergy | None) -> DayParts:
    """Parts of the local days between `day_edges` (UTC instants of midnights), the first being `first_day`.

    Parameters
    ----------
    steps : Steps
        Every step that overlaps the days.
    first_day : int
        Day number of the first day.
    day_edges : ndarray, shape (n_days + 1,)
        Local midnights. [s]
    intervals : IntervalEnergy or None
        The same steps on the meter's grid, for coverage; None: coverage by time.
    """
    n = len(day_edges) - 1
    pieces = _cut(steps, day_edges)
    known = np.isfinite(pieces.amount)
    long = steps.is_long[pieces.step]
    from_before = long & (steps.start[pieces.step] < day_edges[pieces.column])
    to_after = long & ~from_before & (steps.end[pieces.step] > day_edges[pieces.column + 1])
    inside = known & ~from_before & ~to_after

    def total(which: BoolArray, weights: FloatArray) -> FloatArray:
        return np.bincount(pieces.column[which], weights[which], n).astype(np.float64)

    seconds = pieces.seconds.astype(np.float64)
    inner_s = total(inside, seconds)
    touched = _touched(steps, day_edges) | (inner_s > 0)
    n_pieces = np.bincount(pieces.column, minlength=n)
    touched &= (n_pieces == 0) | (np.bincount(pieces.column, known, n) > 0)  # readings that tell nothing are none
    inner = np.where(touched, total(inside, pieces.amount), np.nan)
    head, tail = total(known & from_before, pieces.amount), np.full(n, np.nan)
    begins = known & to_after
    tail[pieces.column[begins]] = pieces.amount[begins]  # no second long step leaves the same day
    if intervals is None:
        estimated = inside & np.isin(steps.method[pieces.step], _ESTIMATES)
        valid_s, estimated_s = inner_s, total(estimated, seconds)
    else:
        valid_s, estimated_s = _valid_seconds(intervals, day_edges)
    some = touched | (head != 0)
    days = first_day + np.arange(n, dtype=np.int64)
    columns = (inner, head, tail, inner_s, valid_s, estimated_s)
    return DayParts(days[some], *(column[some] for column in columns))


def _touched(steps: Steps, day_edges: IntArray) -> BoolArray:
    """True for days with a reading in [midnight, next midnight], both included."""
    bounds = _merged(steps.start, steps.end)
    return np.searchsorted(bounds, day_edges[:-1]) < np.searchsorted(bounds, day_edges[1:], side="right")


def _valid_seconds(intervals: IntervalEnergy, day_edges: IntArray) -> tuple[FloatArray, FloatArray]:
    n = len(day_edges) - 1
    column = np.searchsorted(day_edges, intervals.start, side="right") - 1
    valid = np.isfinite(intervals.amount) & (column >= 0) & (column < n)
    estimated = valid & (intervals.state == State.ESTIMATED)
    return _seconds(column[valid], n, intervals.step), _seconds(column[estimated], n, intervals.step)


def _seconds(column: IntArray, n: int, step: int) -> FloatArray:
    return np.bincount(column, minlength=n).astype(np.float64) * step
