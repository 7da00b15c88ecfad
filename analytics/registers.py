"""What cumulative registers say: each reading judged, each increment accepted or refused with its reason.

A register only rises; it falls when it starts again from zero (roll-over), when the device is exchanged, and when a
reading is wrong. The rules, for a register of D digits whose positive hourly increments have the 99 % quantile p99:

* `limit(h) = 8 p99 h + 1`; an increment in [0, limit] is accepted;
* a fall that becomes such an increment by adding 10^D is a roll-over;
* after a gap in which the register could have gone round once more at p99 its increment is unknown, and a new epoch
  begins;
* else, if one of the next two readings agrees with the previous one, the readings between are glitches and rejected;
* else, if it falls back between the last two accepted readings, the last was the glitch: a wrong digit may well stay
  within the limit;
* else, if the register stood still for so long that it counts as stuck, and rises by no more than p99 for every hour
  since it last moved, a frozen display caught up: the rise is what was used meanwhile;
* else the device was exchanged: a new epoch begins, its first increment is unknown until a person confirms the swap;
* the same instant twice is a duplicate (the first stays), a missing slot a gap;
* a register that does not move for a time in which it always moved is stuck. One that serves a season (heat, cooling,
  a boiler's gas) also rests when the season is over: of it only a standstill that ends in a catch-up, more than its
  p99 at once, is stuck; any other is a measured zero.

Limits come from a profile fitted on a closed period (`register_profiles`), so that no late reading moves them.

Notes
-----
The rules are sequential, but only near trouble: of three readings in a row whose increments are plausible the third
is accepted whatever came before (at most two readings can be rejected together). So a plain pass over all increments
finds the few suspects, and only these are walked one by one; and a window that begins one reading later is judged as
the whole history would be (see `settled`).

References
----------
California Public Utilities Commission, "Standards for Validating, Editing, and Estimating Monthly and Interval Data",
revision 2.0; 住建部 建科[2008]114号, 分项能耗数据采集技术导则 (increments of cumulative readings).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from energy.intervals import HOUR
from energy.series import BoolArray, ByteArray, FloatArray, IntArray

GAP_FACTOR: Final = 1.5
"""Readings further apart than this many expected distances have a missing slot between them."""
LIMIT_FACTOR: Final = 8.0
"""How many times p99 a plausible increment may reach."""


class Verdict(IntEnum):
    """What became of one register reading."""

    ACCEPTED = 0
    FIRST = 1  # nothing before it to compare with
    GAP = 2  # accepted; at least one expected reading is missing before it
    ROLLOVER = 3  # accepted; the register passed its width
    STUCK = 4  # accepted value, part of a standstill that is too long to believe
    GLITCH = 5  # rejected; later readings agree with an earlier one
    EXCHANGE = 6  # first reading of another device: increment unknown
    DUPLICATE = 7  # rejected; the same instant again


@dataclass(frozen=True, slots=True, eq=False)
class RegisterBank:
    """Register readings of many meters, one meter after another, in time order within each.

    Attributes
    ----------
    offset : int64, shape (n_meters + 1,)
        Readings of meter m are `offset[m]:offset[m + 1]`.
    time : int64, shape (n,)
        Instant read, UTC epoch seconds; never falls within a meter.
    value : float64, shape (n,)
        The display. [display unit]
    """

    offset: IntArray
    time: IntArray
    value: FloatArray

    def __post_init__(self) -> None:
        if len(self.time) != len(self.value) or self.offset[0] != 0 or self.offset[-1] != len(self.time):
            raise ValueError(
                f"register bank: {len(self.time)} times, {len(self.value)} values, offsets end at {self.offset[-1]}"
            )

    @property
    def n_meters(self) -> int:
        """Number of registers."""
        return len(self.offset) - 1

    def meters(self, lo: int, hi: int) -> RegisterBank:
        """The registers lo .. hi - 1 alone."""
        a, b = int(self.offset[lo]), int(self.offset[hi])
        return RegisterBank(self.offset[lo : hi + 1] - a, self.time[a:b], self.value[a:b])


@dataclass(frozen=True, slots=True, eq=False)
class RegisterLimits:
    """What is plausible for each register, all of shape (n_meters,).

    Attributes
    ----------
    capacity : float64
        10^digits, where the display starts again from zero; inf where the width is not known. [display unit]
    per_hour : float64
        p99 of the positive hourly increments; inf where nothing is known. [display unit / h]
    gap_s : float64
        Distance of readings above which one is missing. [s]
    stuck_s : float64
        Standstill from which on the register counts as stuck; inf = never. [s]
    rests : bool, optional
        True for registers that stand still for months when their season is over. None: no register does.
    """

    capacity: FloatArray
    per_hour: FloatArray
    gap_s: FloatArray
    stuck_s: FloatArray
    rests: BoolArray | None = None

    def meters(self, lo: int, hi: int) -> RegisterLimits:
        """The limits of the registers lo .. hi - 1."""
        rests = None if self.rests is None else self.rests[lo:hi]
        return RegisterLimits(self.capacity[lo:hi], self.per_hour[lo:hi], self.gap_s[lo:hi], self.stuck_s[lo:hi], rests)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Verdict and increment of every reading of a bank, both of shape (n,).

    `increment` is the advance since the last accepted reading, NaN for rejected readings and where an epoch
    begins. [display unit]
    """

    verdict: ByteArray
    increment: FloatArray

    @property
    def accepted(self) -> BoolArray:
        """True where the reading is taken as the register's display."""
        return ~np.isin(self.verdict, (Verdict.GLITCH, Verdict.DUPLICATE))


_CHUNK = 65_536  # readings judged together: the temporaries of one pass stay in the second-level cache


def judge(bank: RegisterBank, limits: RegisterLimits) -> Judgement:
    """Judge every reading of every register by the rules above."""
    verdict = np.zeros(len(bank.time), np.uint8)
    increment = np.empty(len(bank.time))
    lo = 0
    while lo < bank.n_meters:
        hi = int(np.searchsorted(bank.offset, bank.offset[lo] + _CHUNK, side="right")) - 1
        hi = min(max(hi, lo + 1), bank.n_meters)
        a, b = int(bank.offset[lo]), int(bank.offset[hi])
        part = _judge_distinct if not _repeats(bank, a, b) else _judge_with_duplicates
        verdict[a:b], increment[a:b] = part(bank.meters(lo, hi), limits.meters(lo, hi))
        lo = hi
    return Judgement(verdict, increment)


def _repeats(bank: RegisterBank, a: int, b: int) -> bool:
    return bool(np.any(bank.time[a + 1 : b] == bank.time[a : b - 1])) if b > a else False


def _judge_with_duplicates(bank: RegisterBank, limits: RegisterLimits) -> tuple[ByteArray, FloatArray]:
    """Set the second of two readings of one instant aside, judge the rest."""
    keep = np.ones(len(bank.time), bool)
    keep[1:] = bank.time[1:] != bank.time[:-1]
    keep[bank.offset[:-1][np.diff(bank.offset) > 0]] = True
    verdict = np.full(len(keep), Verdict.DUPLICATE, np.uint8)
    increment = np.full(len(keep), np.nan)
    offset = np.concatenate(([0], np.cumsum(keep)))[bank.offset]
    verdict[keep], increment[keep] = _judge_distinct(RegisterBank(offset, bank.time[keep], bank.value[keep]), limits)
    return verdict, increment


def _judge_distinct(bank: RegisterBank, limits: RegisterLimits) -> tuple[ByteArray, FloatArray]:
    n = len(bank.time)
    verdict = np.zeros(n, np.uint8)
    if n == 0:
        return verdict, np.empty(0)
    counts = np.diff(bank.offset)
    first = bank.offset[:-1][counts > 0]
    advance, elapsed = np.empty(n), np.empty(n)
    np.subtract(bank.value[1:], bank.value[:-1], out=advance[1:])
    np.subtract(bank.time[1:], bank.time[:-1], out=elapsed[1:], casting="unsafe")
    advance[first], elapsed[first] = np.nan, 1.0
    limit = np.repeat(limits.per_hour * (LIMIT_FACTOR / HOUR), counts)
    np.multiply(limit, elapsed, out=limit)
    limit += 1.0
    suspect = np.flatnonzero(~((advance >= 0) & (advance <= limit)))
    gap = elapsed > np.repeat(limits.gap_s, counts)
    verdict[gap] = Verdict.GAP
    walk = _Walk(bank, limits, verdict, advance)
    walk.judge(np.union1d(suspect, _gone_round(bank, limits, np.flatnonzero(gap), advance, limit)))
    verdict[first] = Verdict.FIRST
    _mark_stuck(bank, limits, verdict, advance)
    return verdict, advance


def _gone_round(
    bank: RegisterBank, limits: RegisterLimits, gap: IntArray, advance: FloatArray, limit: FloatArray
) -> IntArray:
    """Readings after gaps in which the register may have turned once more than it shows."""
    meter = np.searchsorted(bank.offset, gap, side="right") - 1
    wrapped, _ = _unwrapped(advance[gap], limit[gap], limits.capacity[meter])
    return gap[np.isnan(wrapped)]


class _Walk:
    """Judges the suspects of a plain pass in their order; writes into the pass's verdicts and increments."""

    def __init__(self, bank: RegisterBank, limits: RegisterLimits, verdict: ByteArray, increment: FloatArray) -> None:
        self._bank = bank
        self._limits = limits
        self._verdict = verdict
        self._increment = increment

    def judge(self, suspect: IntArray) -> None:
        meter = np.searchsorted(self._bank.offset, suspect, side="right") - 1
        later = suspect > self._bank.offset[meter]  # the first reading of a meter has nothing to contradict
        suspect, meter = suspect[later], meter[later]
        direct = self._advance(suspect - 1, suspect, meter)
        wraps = ~np.isnan(direct)
        self._increment[suspect[wraps]] = direct[wraps]
        self._verdict[suspect[wraps]] = Verdict.ROLLOVER
        suspect, meter = suspect[~wraps], meter[~wraps]
        after_one = self._advance(suspect - 1, suspect + 1, meter)
        after_two = self._advance(suspect - 1, suspect + 2, meter)
        settled = -1
        for j, m, one, two in zip(
            suspect.tolist(), meter.tolist(), after_one.tolist(), after_two.tolist(), strict=True
        ):
            if j <= settled:
                continue
            if one == one:
                settled = self._reject(j, j + 1, one)
            elif two == two:
                settled = self._reject(j, j + 2, two)
            elif self._last_was_too_high(j, m):
                settled = self._reject(j - 1, j, float(self._bank.value[j] - self._bank.value[j - 2]))
            elif not self._has_caught_up(j, m):
                self._verdict[j] = Verdict.EXCHANGE
                self._increment[j] = np.nan

    def _advance(self, base: IntArray, later: IntArray, meter: IntArray) -> FloatArray:
        """Advance of the register from reading `base` to reading `later`, NaN where they do not agree."""
        inside = later < self._bank.offset[meter + 1]
        later = np.where(inside, later, base)
        value = self._bank.value[later] - self._bank.value[base]
        elapsed = (self._bank.time[later] - self._bank.time[base]).astype(np.float64)
        limit = _limit(self._limits, meter, elapsed)
        wrapped, bound = _unwrapped(value, limit, self._limits.capacity[meter])
        agrees = (wrapped >= 0) & (wrapped <= bound)
        return np.where(inside & agrees, wrapped, np.nan)

    def _last_was_too_high(self, j: int, m: int) -> bool:
        """True if reading j falls back to between the last two, of which the second was accepted after the first."""
        if j - 2 < self._bank.offset[m] or self._verdict[j - 2] == Verdict.GLITCH:
            return False
        before, last, now = self._bank.value[j - 2 : j + 1]
        is_between = self._verdict[j - 1] in (Verdict.ACCEPTED, Verdict.GAP) and before <= now < last
        return bool(is_between and not self._may_have_gone_round(j - 2, j, m))

    def _may_have_gone_round(self, base: int, later: int, m: int) -> bool:
        """True if a rise from one reading to the other may be a whole turn more than it shows."""
        value, time = self._bank.value, self._bank.time
        usual = float(self._limits.per_hour[m]) * float(time[later] - time[base]) / HOUR
        return bool(np.isfinite(usual) and value[later] - value[base] + self._limits.capacity[m] <= usual)

    def _has_caught_up(self, j: int, m: int) -> bool:
        """True if reading j of meter m ends a standstill with what was used in it; the plain increment stays."""
        last, limits = j - 1, self._limits
        if not self._increment[j] >= 0 or self._increment[last] != 0 or self._may_have_gone_round(last, j, m):
            return False
        own = slice(int(self._bank.offset[m]), j)
        moves = (self._increment[own] != 0) | (self._verdict[own] != Verdict.ACCEPTED)
        begin = own.start + int(moves.nonzero()[0][-1])  # the first reading at the latest: its increment is NaN
        time = self._bank.time
        if time[last] - time[begin] < limits.stuck_s[m] or (limits.rests is not None and limits.rests[m]):
            return False
        most = limits.per_hour[m] * float(time[j] - time[begin]) / HOUR + 1.0
        return bool(self._increment[j] <= most)

    def _reject(self, j: int, nxt: int, advance: float) -> int:
        self._verdict[j:nxt] = Verdict.GLITCH
        self._increment[j:nxt] = np.nan
        wrapped = self._bank.value[nxt] < self._bank.value[j - 1]
        if wrapped:
            self._verdict[nxt] = Verdict.ROLLOVER
        elif self._verdict[nxt] != Verdict.GAP:
            self._verdict[nxt] = Verdict.ACCEPTED
        self._increment[nxt] = advance
        return nxt


def _mark_stuck(bank: RegisterBank, limits: RegisterLimits, verdict: ByteArray, increment: FloatArray) -> None:
    still = np.zeros(len(increment) + 2, np.int8)
    still[1:-1] = (increment == 0) & (verdict == Verdict.ACCEPTED)
    change = np.diff(still)
    begin, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)  # readings begin .. end - 1 stand still
    if not len(begin):
        return
    meter = np.searchsorted(bank.offset, begin, side="right") - 1
    long = bank.time[end - 1] - bank.time[begin - 1] >= limits.stuck_s[meter]
    if limits.rests is not None:
        long &= ~limits.rests[meter] | _catches_up(bank, limits, increment, end, meter)
    for a, b in zip(begin[long].tolist(), end[long].tolist(), strict=True):
        verdict[a:b] = Verdict.STUCK


def _catches_up(
    bank: RegisterBank, limits: RegisterLimits, increment: FloatArray, end: IntArray, meter: IntArray
) -> BoolArray:
    """True for standstills after which the register at once rises by more than its p99 and one count."""
    found = np.zeros(len(end), bool)
    for i, (k, m) in enumerate(zip(end.tolist(), meter.tolist(), strict=True)):
        last = int(bank.offset[m + 1])
        while k < last and np.isnan(increment[k]):  # a glitch right after the standstill says nothing
            k += 1
        if k < last:
            hours = float(bank.time[k] - bank.time[end[i] - 1]) / HOUR
            found[i] = increment[k] > limits.per_hour[m] * hours + 1.0
    return found


def settled(bank: RegisterBank, limits: RegisterLimits) -> BoolArray:
    """True for readings whose verdict and increment are the same whatever was read before the bank begins.

    Only whether a standstill is long enough to be stuck depends on where it began: of one that the bank begins within,
    readings count as settled all the same.

    That is the fourth of four readings whose three increments are plausible. At most two readings are ever rejected
    together, so the third is accepted; its increment may still reach back over two rejected ones, the fourth's not.
    """
    plain = np.zeros(len(bank.time), bool)
    for m in range(bank.n_meters):
        a, b = int(bank.offset[m]), int(bank.offset[m + 1])
        elapsed = np.diff(bank.time[a:b]).astype(np.float64)
        limit = limits.per_hour[m] * (LIMIT_FACTOR / HOUR) * elapsed + 1.0
        wrapped, bound = _unwrapped(np.diff(bank.value[a:b]), limit, limits.capacity[m])
        plain[a + 1 : b] = (elapsed > 0) & (wrapped >= 0) & (wrapped <= bound)
    result = np.zeros(len(plain), bool)
    result[3:] = plain[3:] & plain[2:-1] & plain[1:-2]
    return result


def _limit(limits: RegisterLimits, meter: IntArray, elapsed: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):  # unknown limit (inf) x no time passed
        return limits.per_hour[meter] * (LIMIT_FACTOR / HOUR) * elapsed + 1.0


def _unwrapped(advance: FloatArray, limit: FloatArray, capacity: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """The advance with a fall taken as a roll-over (NaN where the width is unknown), and the bound it must keep.

    Without a limit every fall could be a roll-over; then half the width is the most that is believed. Where another
    turn would still be usual (up to p99 for all the time) nobody knows how many there were, and the advance is NaN.
    """
    falls = advance < 0
    wide = np.where(np.isfinite(capacity), capacity, np.nan)
    bound = np.where(falls & np.isinf(limit), wide / 2, limit)
    wrapped = np.where(falls, advance + wide, advance)
    is_vague = np.isfinite(limit) & (wrapped + wide <= (limit - 1.0) / LIMIT_FACTOR)
    return np.where(is_vague, np.nan, wrapped), bound
