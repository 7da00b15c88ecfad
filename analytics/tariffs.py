"""What energy costs: time of use by season, kind of day and hour, steps by amount, demand, capacity and fixed charges.

A tariff is dated rows; a minute of its validity without a price is refused when it is made, never priced at zero.
Prices are looked up per minute of the local day, so that bands may begin at any minute and intervals may be of any
length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from energy.holidays import EVERY_DAY, Occasion
from energy.intervals import DAY, LocalCalendar
from energy.series import BoolArray, ByteArray, FloatArray, IntArray

_MINUTES: Final = DAY // 60
_EPOCH: Final = date(1970, 1, 1)
ROUNDING: Final = 1e-9
"""Share of an amount below which a difference is rounding."""


class Band(StrEnum):
    """Bands of a time-of-use tariff."""

    ALL = "all"
    SHARP = "sharp"  # 尖
    PEAK = "peak"  # 峰
    FLAT = "flat"  # 平
    VALLEY = "valley"  # 谷
    DEEP_VALLEY = "deep_valley"  # 深谷


@dataclass(frozen=True, slots=True)
class Price:
    """One price of energy: when it holds and from which amount on.

    Attributes
    ----------
    yuan : float
        Per unit of energy or volume.
    months : frozenset of int
        1 .. 12.
    days : frozenset of Occasion
        Kinds of day; not UNPUBLISHED, which is no kind but not knowing it.
    hours : tuple of (int, int)
        Half-open spans of the local day, in minutes since midnight.
    above : float
        Amount of the tier's period from which on the price holds.
    """

    yuan: float
    band: Band = Band.ALL
    months: frozenset[int] = frozenset(range(1, 13))
    days: frozenset[Occasion] = EVERY_DAY
    hours: tuple[tuple[int, int], ...] = ((0, _MINUTES),)
    above: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.yuan):
            raise ValueError(f"price: expected a number of yuan, got {self.yuan}")
        if not self.months or not self.months <= set(range(1, 13)):
            raise ValueError(f"price: expected months 1 .. 12, got {sorted(self.months)}")
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError(f"price: expected kinds of day, got {sorted(day.name.lower() for day in self.days)}")
        if any(not 0 <= start < end <= _MINUTES for start, end in self.hours):
            raise ValueError(f"price: expected spans inside 0 .. {_MINUTES} minutes, got {self.hours}")
        if self.above < 0:
            raise ValueError(f"price: a tier cannot begin below 0, got {self.above}")


@dataclass(frozen=True)
class Tariff:
    """One version of a tariff, valid in [valid_from, valid_to); None = open.

    Attributes
    ----------
    key : str
        Name of the tariff.
    prices : tuple of Price
        Of energy; together they price every minute of the year once in each tier.
    tier_period : "month" or "year"
        When the amount that tiers speak of begins again.
    demand_yuan : float
        Per kW of the month's highest demand.
    capacity_yuan : float
        Per kVA installed and month.
    fixed_yuan : float
        Per month.
    capacity_kva : float, optional
        Installed behind who pays; None where not stated.
    per_amount : float
        Units of the tariff in one unit of the amounts to price: 10 where gas is paid by the kWh and amounts are m3 of
        10 kWh. NaN where nobody states it: then nothing can be priced.
    source : str
        Notice that set the prices.
    """

    key: str
    prices: tuple[Price, ...]
    source: str
    unit: str = "kWh"
    tier_period: Literal["month", "year"] = "month"
    demand_yuan: float = 0.0
    capacity_yuan: float = 0.0
    fixed_yuan: float = 0.0
    valid_from: date | None = None
    valid_to: date | None = None
    capacity_kva: float | None = None
    per_amount: float = 1.0

    def __post_init__(self) -> None:
        if self.tiers[0] != 0.0:
            raise ValueError(f"tariff {self.key!r}: the lowest tier must begin at 0, got {self.tiers[0]}")
        try:
            _ = self.lookup  # refuses holes and overlaps at once
        except ValueError as exc:
            raise ValueError(f"tariff {self.key!r}: {exc}") from exc

    @property
    def tiers(self) -> tuple[float, ...]:
        """Amounts at which tiers begin, rising."""
        return tuple(sorted({price.above for price in self.prices})) or (np.nan,)

    @property
    def lookup(self) -> Lookup:
        """Its prices by minute."""
        return _lookup(self.prices, self.tiers)

    @property
    def is_stepped(self) -> bool:
        """Whether the price depends on what was used before."""
        return len(self.tiers) > 1

    @property
    def rises(self) -> bool:
        """Whether no step is cheaper than the one before it, at any time."""
        return bool((np.diff(np.diff(self.lookup.sums[:, :-1], axis=-1), axis=0) >= -ROUNDING).all())

    @property
    def has_charges(self) -> bool:
        """Whether a month costs more than its energy."""
        return bool(self.demand_yuan or self.capacity_yuan or self.fixed_yuan)

    def needs_holidays(self, when: Clock) -> BoolArray:
        """Whether a price hangs on holidays that nobody has published: then it is unknown."""
        return self.lookup.is_unknown(when)

    @property
    def tells_days_apart(self) -> bool:
        """Whether kinds of day have prices of their own, in any month."""
        return bool((self.lookup.day == self.lookup.unknown).any())

    def holds_on(self, day: IntArray) -> BoolArray:
        """Whether the version is valid on days, by their numbers."""
        return np.asarray((day >= self.first_day) & (day <= self.last_day))

    def without_capacity(self) -> Tariff:
        """The same where it is not stated what is installed."""
        return replace(self, capacity_kva=None)

    @property
    def first_day(self) -> int:
        """Day number from which on the version is valid."""
        return -(10**9) if self.valid_from is None else (self.valid_from - _EPOCH).days

    @property
    def last_day(self) -> int:
        """Day number of the last valid day."""
        return 10**9 if self.valid_to is None else (self.valid_to - _EPOCH).days - 1


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Prices by minute of the day; days on which every minute of every tier costs the same share their rows.

    Attributes
    ----------
    day : int64, shape (12, n_occasions)
        Row of each kind of day in each month; the last row where it hangs on holidays that are not published.
    sums : float64, shape (n_tiers, n_rows, 1441)
        Sum of the minute prices from midnight on; NaN in the last row.
    """

    day: IntArray
    sums: FloatArray

    @property
    def unknown(self) -> int:
        """The row of days whose prices are not known."""
        return int(self.sums.shape[1]) - 1

    def is_unknown(self, when: Clock) -> BoolArray:
        """Where the row is that one."""
        return np.asarray(self.day[when.month, when.occasion] == self.unknown)

    def mean(self, when: Clock, tier: int) -> FloatArray:
        """Mean price of intervals in one tier, the last where there are fewer."""
        sums, row = self.sums[min(tier, len(self.sums) - 1)], self.day[when.month, when.occasion]
        return np.asarray((sums[row, when.end_minute] - sums[row, when.minute]) / (when.end_minute - when.minute))


@lru_cache(maxsize=256)
def _lookup(prices: tuple[Price, ...], tiers: tuple[float, ...]) -> Lookup:
    """The table of prices; ValueError names a minute without a price or with two."""
    tables = [_price_table([price for price in prices if price.above == tier]) for tier in tiers]
    by_day = np.stack(tables, axis=2).reshape(12 * len(EVERY_DAY), -1)
    rows, row_of = np.unique(by_day, axis=0, return_inverse=True)
    known = row_of.reshape(12, len(EVERY_DAY))
    is_same = (known == known[:, :1]).all(axis=1)
    # A month that tells no days apart is priced, whatever its holidays will be.
    unpublished = np.where(is_same, known[:, 0], len(rows))
    sums = np.full((len(tiers), len(rows) + 1, _MINUTES + 1), np.nan)
    sums[:, :-1, 0] = 0.0
    np.cumsum(rows.reshape(len(rows), len(tiers), _MINUTES).swapaxes(0, 1), axis=2, out=sums[:, :-1, 1:])
    return Lookup(np.column_stack((known, unpublished)).astype(np.int64), sums)


def _price_table(prices: Sequence[Price]) -> FloatArray:
    """Price of each minute in one tier, shape (12, n_kinds, 1440)."""
    table = np.zeros((12, len(EVERY_DAY), _MINUTES))
    count = np.zeros(table.shape, np.int64)
    for price in prices:
        for start, end in price.hours:
            cell = np.ix_(np.array(sorted(price.months)) - 1, np.array(sorted(price.days)), np.arange(start, end))
            table[cell] = price.yuan
            count[cell] += 1
    wrong = np.argwhere(count != 1)
    if len(wrong):
        month, kind, minute = wrong[0].tolist()
        which = "no price" if count[month, kind, minute] == 0 else "two prices"
        day = Occasion(kind).name.lower()
        raise ValueError(f"{which} in month {month + 1} on days {day!r} at {minute // 60:02}:{minute % 60:02}")
    return table


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Local time of consecutive intervals, as tariffs see it; all of shape (n,).

    Attributes
    ----------
    day : int64
        Local day number.
    month : int64
        0 .. 11.
    minute, end_minute : int64
        Of the local day; an interval that ends at midnight ends at 1440.
    occasion : uint8
        `energy.holidays.Occasion` of the local day.
    """

    day: IntArray
    month: IntArray
    minute: IntArray
    end_minute: IntArray
    occasion: ByteArray

    def take(self, where: IntArray | slice) -> Clock:
        """Some of the intervals."""
        return Clock(
            self.day[where], self.month[where], self.minute[where], self.end_minute[where], self.occasion[where]
        )


def clock(times: IntArray, step: int, calendar: LocalCalendar, occasion: ByteArray) -> Clock:
    """Local time of intervals that start at `times` and last `step` seconds.

    Parameters
    ----------
    times : int64, shape (n,)
        UTC epoch seconds.
    step : int
        [s]
    calendar : LocalCalendar
        Where the tariff is paid.
    occasion : uint8, shape (n,)
        `energy.holidays.Occasion` of the local day of each interval.

    Notes
    -----
    An interval that crosses a local midnight, as hours do where clocks differ from UTC by half an hour, has the prices
    of its part before it.
    """
    local = calendar.to_local(np.asarray(times, np.int64))
    day = local // DAY
    minute = local % DAY // 60
    if step < 60 or step % 60:
        raise ValueError(f"tariffs: expected intervals of whole minutes, got steps of {step} s")
    month = day.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12
    return Clock(day, month, minute, np.minimum(minute + step // 60, _MINUTES), occasion)


def prices(versions: Sequence[Tariff], when: Clock, tier: int = 0) -> FloatArray:
    """Mean price of each interval in one step, shape (n,); [yuan per amount]

    NaN on days without a valid version, and where a price hangs on holidays that nobody has published.
    """
    out = np.full(len(when.day), np.nan)
    for version in versions:
        out = np.where(version.holds_on(when.day), version.lookup.mean(when, tier) * version.per_amount, out)
    return out


def energy_cost(
    versions: Sequence[Tariff], when: Clock, amount: FloatArray, before: FloatArray | None = None
) -> FloatArray:
    """Cost of the energy of each interval, shape of `amount`. [yuan]

    Parameters
    ----------
    versions : sequence of Tariff
        Versions of one tariff; no two valid on the same day.
    when : Clock
        Local time of the intervals, in order.
    amount : ndarray, shape (..., n)
        Use of each interval.
    before : ndarray, shape (2, ..., n), optional
        What its period had used before each interval, at least and at most (`used_before`). Asked for by steps only;
        where it is not given the first interval must begin a period.

    Returns
    -------
    ndarray
        NaN where the amount or the price is unknown, and where nobody knows which step an interval reached.
    """
    require_apart(versions)
    if not any(version.is_stepped for version in versions):
        return amount * prices(versions, when)
    least, most = used_before(versions, when, amount) if before is None else before
    return amount * stepped_prices(versions, when, amount, least, most)


def stepped_prices(
    versions: Sequence[Tariff], when: Clock, amount: FloatArray, least: FloatArray, most: FloatArray
) -> FloatArray:
    """Mean price of each interval in the steps that its amount lies in, shape of `amount`. [yuan per amount]

    Parameters
    ----------
    versions, when
        As in `energy_cost`.
    amount, least, most : ndarray, shape (..., n)
        Use of each interval, and of its period before it: at least and at most.

    Returns
    -------
    ndarray
        NaN where no price is valid, or the bounds lie in different steps. An interval without use has the price of
        the step that its next unit would reach.
    """
    out = np.full(amount.shape, np.nan)
    for version in versions:
        valid = np.flatnonzero(version.holds_on(when.day))
        own = when.take(valid)
        shares = step_shares(version, amount[..., valid], least[..., valid], most[..., valid])
        by_step = [share * version.lookup.mean(own, step) * version.per_amount for step, share in enumerate(shares)]
        out[..., valid] = np.add.reduce(by_step)
    return out


def step_shares(version: Tariff, amount: FloatArray, least: FloatArray, most: FloatArray) -> FloatArray:
    """Share of each amount that lies in each step, shape (n_steps, ...); NaN where that is not sure.

    Parameters
    ----------
    version : Tariff
    amount : ndarray
        Amounts, of any shape.
    least, most : ndarray
        What the period had used before each of them, at least and at most. [unit of the tariff]

    Notes
    -----
    It is sure where the bounds are equal, or where both, with the amount on top, lie in one step.
    """
    used = np.nan_to_num(amount) * version.per_amount
    begins = np.array(version.tiers, np.float64).reshape(-1, *(1,) * amount.ndim)
    ends = np.concatenate((begins[1:], np.full_like(begins[:1], np.inf)))
    in_first = (begins <= least) & (least < ends)
    inside = np.clip(least + used, begins, ends) - np.clip(least, begins, ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(used > 0, inside / used, in_first)
    until_end = np.where(in_first, ends, 0.0).sum(axis=0)
    is_sure = (most - least <= ROUNDING * np.abs(least)) | (most + used <= until_end)
    return np.where(is_sure & np.isfinite(amount), share, np.nan)


def used_before(versions: Sequence[Tariff], when: Clock, amount: FloatArray) -> FloatArray:
    """What its tier period had used before each interval, shape (2, ..., n): at least, at most. [unit of the tariff]

    Parameters
    ----------
    versions, when
        As in `energy_cost`.
    amount : ndarray, shape (..., n)
        NaN where unknown: from there on the period can have used any amount.
    """
    out = np.zeros((2, *amount.shape))
    for part, scale in tier_periods(versions, when):
        own = amount[..., part] * scale
        before = np.cumsum(np.nan_to_num(own), axis=-1) - np.nan_to_num(own)
        is_unknown = np.isnan(own)
        is_after = np.cumsum(is_unknown, axis=-1) > is_unknown
        out[0][..., part], out[1][..., part] = before, np.where(is_after, np.inf, before)
    return out


def tier_periods(versions: Sequence[Tariff], when: Clock) -> list[tuple[slice, FloatArray]]:
    """Intervals of each period whose use is counted together, and units of the tariff in one of the amounts.

    A new version of the same tariff goes on counting; another tariff begins anew, and so do days after none.
    """
    names = sorted({version.key for version in versions})
    year = when.day.astype("M8[D]").astype("M8[Y]").astype(np.int64)
    period, scale = np.full(len(when.day), -1), np.full(len(when.day), np.nan)
    for version in versions:
        valid = version.holds_on(when.day)
        month = when.month if version.tier_period == "month" else 0
        period = np.where(valid, (year * 12 + month) * len(names) + names.index(version.key), period)
        scale = np.where(valid, version.per_amount, scale)
    edges = [*np.flatnonzero(np.diff(period, prepend=-(10**9))).tolist(), len(period)]
    return [(slice(a, b), scale[a:b]) for a, b in pairwise(edges) if period[a] != -1]


def require_apart(versions: Sequence[Tariff]) -> None:
    """Refuse versions that are valid on the same day."""
    ordered = sorted(versions, key=lambda version: version.first_day)
    for former, later in pairwise(ordered):
        if later.first_day <= former.last_day:
            day = _EPOCH + timedelta(days=later.first_day) if later.first_day > -(10**9) else "the beginning"
            raise ValueError(f"tariff {later.key!r}: two versions are valid on {day}")


def monthly_charges(version: Tariff, highest_kw: FloatArray, capacity_kva: FloatArray) -> FloatArray:
    """Demand, capacity and fixed charges of a month, shape of the arguments. [yuan]

    Parameters
    ----------
    version : Tariff
        Valid in the month.
    highest_kw : ndarray
        Highest demand of the month; NaN where it is not surely known.
    capacity_kva : ndarray
        Installed; NaN where not stated.

    Returns
    -------
    ndarray
        NaN where a charge applies whose base is unknown.
    """
    demand = version.demand_yuan * highest_kw if version.demand_yuan else 0.0
    capacity = version.capacity_yuan * capacity_kva if version.capacity_yuan else 0.0
    return np.asarray(version.fixed_yuan + demand + capacity + np.zeros(np.shape(highest_kw)), np.float64)
