"""Bills: spread over local days, compared with a meter, audited against a tariff.

Most institutions have bills only. The days of a bill are estimates (method `bill_spread`), their sum is the bill to
the last bit; a span between two bills is unknown.

References
----------
Fels: PRISM, an introduction, Energy and Buildings 9, 1986 (use of billing periods as base and degree days).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, combinations, pairwise
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.series import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill of one meter over the local days [first_day, end_day), counted since 1970-01-01.

    Attributes
    ----------
    amount : float
        In the canonical unit of the meter's category; negative for a credit note.
    yuan : float, optional
        What it costs; None where the paper does not say.
    document : str
        Where it can be read.
    """

    first_day: int
    end_day: int
    amount: float
    yuan: float | None = None
    document: str = ""

    def __post_init__(self) -> None:
        if self.end_day <= self.first_day:
            raise ValueError(f"bill {self.document!r}: ends on or before the day it begins")
        if not math.isfinite(self.amount):
            raise ValueError(f"bill {self.document!r}: the amount must be a number, got {self.amount}")


class Shape(StrEnum):
    """What the days of a bill were shaped by."""

    EXPECTED = "expected"  # the fitted model of the meter
    FITTED = "fitted"  # workdays, rest days and degree days, fitted to the bills themselves
    CALENDAR = "calendar"  # workdays and rest days alone
    EVEN = "even"  # nothing is known: every day alike


REST_DAY: Final = 0.6
"""Use of a rest day relative to a workday where too few bills tell it: between an office and a hospital."""
BILLS_PER_TERM: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class SpreadBills:
    """Use of each day of a span; NaN on days without a bill.

    Attributes
    ----------
    first_day : int
    amount : float64, shape (n_days,)
    shape : tuple of Shape
        Of each bill, in the order given.
    """

    first_day: int
    amount: FloatArray
    shape: tuple[Shape, ...]


def spread_bills(
    bills: Sequence[Bill],
    is_workday: BoolArray,
    *,
    first_day: int,
    expected: FloatArray | None = None,
    degree_days: FloatArray | None = None,
) -> SpreadBills:
    """Spread the bills of one meter over their days.

    Parameters
    ----------
    bills : sequence of Bill
        In any order; no two may share a day.
    is_workday : bool, shape (n_days,)
        Kind of each day from `first_day` on; every bill must lie inside.
    first_day : int
        Day number of the first of these days.
    expected : ndarray, shape (n_days,), optional
        What the meter's model expects; used for bills all of whose days it knows.
    degree_days : ndarray, shape (n_days, 2), optional
        Heating and cooling degree days; NaN where unknown. [K d]

    Returns
    -------
    SpreadBills
        For every bill the sum of its days is exactly its amount, in any order of addition.
    """
    _require_apart(bills)
    n_days = len(is_workday)
    out = np.full(n_days, np.nan)
    usual, fitted = _usual_shape(bills, is_workday, first_day, degree_days)
    shapes = []
    for bill in bills:
        days = slice(bill.first_day - first_day, bill.end_day - first_day)
        if days.start < 0 or days.stop > n_days:
            raise ValueError(f"bill {bill.document!r}: lies outside the days given")
        weight, shape = usual[days], fitted
        if not np.isfinite(weight).all():
            weight, shape = np.where(is_workday[days], 1.0, REST_DAY), Shape.CALENDAR
        if expected is not None and np.isfinite(expected[days]).all() and (expected[days] > 0).any():
            weight, shape = np.maximum(expected[days], 0.0), Shape.EXPECTED
        if not (weight > 0).any():
            weight, shape = np.ones(len(weight)), Shape.EVEN
        out[days] = exact_shares(bill.amount, weight)
        shapes.append(shape)
    return SpreadBills(first_day, out, tuple(shapes))


def exact_shares(amount: float, weight: FloatArray) -> FloatArray:
    """Parts of an amount by weights >= 0 of which one is positive; their sum is the amount to the last bit.

    Notes
    -----
    Every part is a whole multiple of the spacing of floating-point numbers at the amount, so every partial sum is
    representable and no addition rounds, whatever the order.
    """
    if amount == 0:
        return np.zeros(len(weight))
    step = math.ulp(amount)
    n_steps = round(abs(amount) / step)  # exact: a float is a whole number of its own spacings, below 2^53
    share = weight / weight.max()
    exact = share / share.sum() * n_steps
    whole = np.floor(exact).astype(np.int64)
    missing = n_steps - int(whole.sum())
    # The quotient is good to a few units in 2^53; what it lacks goes round by weight, what it has too much comes off
    # the largest part, so that no part falls below zero.
    order = np.argsort(-share, kind="stable")
    positive = order[share[order] > 0]
    each, more = divmod(max(missing, 0), len(positive))
    whole[positive] += each
    whole[positive[:more]] += 1
    whole[order[0]] += min(missing, 0)
    return np.asarray(whole * math.copysign(step, amount))


def _require_apart(bills: Sequence[Bill]) -> None:
    for former, later in pairwise(sorted(bills, key=lambda bill: bill.first_day)):
        if later.first_day < former.end_day:
            raise ValueError(f"bills {former.document!r} and {later.document!r} share days")


def _usual_shape(
    bills: Sequence[Bill], is_workday: BoolArray, first_day: int, degree_days: FloatArray | None
) -> tuple[FloatArray, Shape]:
    """Relative use of each day from the bills themselves, where they are enough to tell it."""
    calendar = np.where(is_workday, 1.0, REST_DAY)
    base = np.column_stack((is_workday, ~is_workday)).astype(np.float64)
    terms = base if degree_days is None else np.column_stack((base, degree_days))
    inside = [b for b in bills if b.amount > 0 and np.isfinite(terms[_days(b, first_day)]).all()]
    if len(inside) < BILLS_PER_TERM * terms.shape[1]:
        return calendar, Shape.CALENDAR
    sums = np.array([terms[_days(bill, first_day)].sum(axis=0) for bill in inside])
    amounts = np.array([bill.amount for bill in inside])
    # the calendar's own shape as a prior worth one bill: months hold nearly the same share of rest days
    mean_day = amounts.sum() / sums[:, :2].sum()
    prior = np.zeros((1, terms.shape[1]))
    prior[0, :2] = REST_DAY * 30.0, -30.0
    factors = non_negative(np.vstack((sums, prior)), np.append(amounts, 0.0) / mean_day)
    return terms @ factors, Shape.FITTED


def _days(bill: Bill, first_day: int) -> slice:
    return slice(bill.first_day - first_day, bill.end_day - first_day)


def non_negative(rows: FloatArray, target: FloatArray) -> FloatArray:
    """Least squares with factors >= 0, exact for the handful of columns met here: the best of all subsets.

    Shapes (n, k) and (n,) give (k,); k is small.
    """
    n_columns = rows.shape[1]
    best, best_error = np.zeros(n_columns), float(target @ target)
    for chosen in chain.from_iterable(combinations(range(n_columns), size) for size in range(1, n_columns + 1)):
        found = np.linalg.lstsq(rows[:, chosen], target, rcond=None)[0]
        error = float(np.square(rows[:, chosen] @ found - target).sum())
        if (found >= 0).all() and error < best_error:
            best = np.zeros(n_columns)
            best[list(chosen)] = found
            best_error = error
    return best


class Cause(StrEnum):
    """The likeliest reason for what a meter and a bill differ by."""

    WITHIN = "within"
    INCOMPLETE = "incomplete"
    RATIO = "ratio"
    SHIFTED = "shifted"
    UNEXPLAINED = "unexplained"


CAUSE_WORDS: Final = MappingProxyType(
    {
        Cause.WITHIN: ("在允许差异之内", "within the tolerance"),
        Cause.INCOMPLETE: ("计量数据不全, 无法比较", "the meter's data are incomplete: no comparison"),
        Cause.RATIO: ("疑似倍率错误", "looks like a wrong multiplier"),
        Cause.SHIFTED: ("疑似抄表日不一致", "looks like another reading day"),
        Cause.UNEXPLAINED: ("差异原因不明, 请说明", "no reason found: an explanation is needed"),
    }
)
TOLERANCE: Final = 0.02
"""Twice the error of a class 1.0 meter."""
_RATIOS: Final = (10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 120.0, 160.0, 200.0, 2.0, 3.0)
_SHIFT_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class MeterAgainstBill:
    """Difference of a meter from a bill over the same days.

    Attributes
    ----------
    metered : float
        NaN where a day is unknown.
    difference : float
        Metered minus billed.
    relative : float
        Of the bill.
    cause : Cause
    detail : float
        The ratio (meter / bill) of RATIO; the days the meter's span must be moved by of SHIFTED; else NaN.
    """

    metered: float
    difference: float
    relative: float
    cause: Cause
    detail: float = math.nan


def against_meter(bill: Bill, daily: FloatArray, first_day: int, tolerance: float = TOLERANCE) -> MeterAgainstBill:
    """Compare a bill with the meter's days.

    Parameters
    ----------
    bill : Bill
        What was billed.
    daily : ndarray, shape (n_days,)
        Use of each day from `first_day` on, by the meter; NaN where unknown.
    first_day : int
        Day number of the first of these days.
    tolerance : float
        Relative difference that needs no explanation.
    """
    metered = _metered(bill, daily, first_day, 0)
    difference = metered - bill.amount
    relative = difference / abs(bill.amount) if bill.amount else (0.0 if difference == 0 else math.inf)
    if math.isnan(metered):
        return MeterAgainstBill(metered, math.nan, math.nan, Cause.INCOMPLETE)
    if abs(relative) <= tolerance:
        return MeterAgainstBill(metered, difference, relative, Cause.WITHIN)
    for ratio in (step for factor in _RATIOS for step in (factor, 1 / factor)):
        if abs(metered - ratio * bill.amount) <= tolerance * abs(ratio * bill.amount):
            return MeterAgainstBill(metered, difference, relative, Cause.RATIO, ratio)
    for days in sorted(range(-_SHIFT_DAYS, _SHIFT_DAYS + 1), key=abs)[1:]:
        moved = _metered(bill, daily, first_day, days)
        if abs(moved - bill.amount) <= tolerance / 2 * abs(bill.amount):
            return MeterAgainstBill(metered, difference, relative, Cause.SHIFTED, float(days))
    return MeterAgainstBill(metered, difference, relative, Cause.UNEXPLAINED)


def _metered(bill: Bill, daily: FloatArray, first_day: int, moved: int) -> float:
    start, end = bill.first_day - first_day + moved, bill.end_day - first_day + moved
    return float(daily[start:end].sum()) if start >= 0 and end <= len(daily) else math.nan


@dataclass(frozen=True, slots=True)
class BillAudit:
    """A bill's money against what the tariff makes of its amount.

    Attributes
    ----------
    computed : float
        [yuan]; NaN where amount, price or demand is unknown.
    difference : float
        Billed minus computed. [yuan]
    relative : float
        Of what was computed.
    is_within : bool or None
        None where nothing could be computed or the bill states no money.
    """

    computed: float
    difference: float
    relative: float
    is_within: bool | None


MONEY_WORDS: Final[Mapping[bool | None, tuple[str, str]]] = MappingProxyType(
    {
        True: ("金额与价格相符", "the money follows from the tariff"),
        False: ("金额与价格不符, 请说明", "the money does not follow from the tariff: an explanation is needed"),
        None: ("金额无法核对", "the money cannot be checked"),
    }
)
"""What is said of a bill's money, by `BillAudit.is_within`."""


def audit(bill: Bill, computed: float, tolerance: float = TOLERANCE) -> BillAudit:
    """Judge a bill by a computed cost (`analytics.tariffs`). [yuan]"""
    if bill.yuan is None or math.isnan(computed):
        return BillAudit(computed, math.nan, math.nan, None)
    difference = bill.yuan - computed
    relative = difference / abs(computed) if computed else (0.0 if difference == 0 else math.inf)
    return BillAudit(computed, difference, relative, abs(relative) <= tolerance)
