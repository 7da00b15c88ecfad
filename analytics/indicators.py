"""Indicators: standard coal, CO2 and intensities of a place, each in a named caliber.

One unknown part makes a sum unknown; a denominator that does not cover its whole period makes an intensity unknown.

References
----------
GB/T 2589-2020 综合能耗计算通则 (E = sum of e_i p_i); GB/T 40498-2021 公共机构能耗定额标准编制通则 (indicators).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.caliber import Caliber
from energy.model import Category
from energy.series import BoolArray, FloatArray, IntArray

PHYSICAL: Final = "physical"


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """What a place used in consecutive periods, by category in its canonical unit, each of shape (n_periods,).

    Attributes
    ----------
    amount : dict of Category to float64
        NaN where nothing is known.
    present : dict of Category to bool
        False where the category is not metered in that period: it has no part in the sum.
    coverage : dict of Category to float64
        Share of the expected intervals that hold a value.
    """

    amount: Mapping[Category, FloatArray]
    present: Mapping[Category, BoolArray]
    coverage: Mapping[Category, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Indicator:
    """One indicator of a place in consecutive periods."""

    key: str
    caliber: str
    value: FloatArray
    coverage: FloatArray


@dataclass(frozen=True, slots=True)
class Stated:
    """A denominator as stated: its value holds in [start, end) of UTC instants."""

    value: float
    start: int
    end: int


def weighted_by_time(rows: Sequence[Stated], start: IntArray, end: IntArray) -> FloatArray:
    """Mean of a denominator in each [start, end), weighted by time; NaN where no row holds part of the time."""
    total, covered = np.zeros(len(start)), np.zeros(len(start))
    for row in rows:
        overlap = np.clip(np.minimum(end, row.end) - np.maximum(start, row.start), 0, None).astype(np.float64)
        total += row.value * overlap
        covered += overlap
    length = (end - start).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((length > 0) & (covered == length), total / length, np.nan)


def total_indicator(key: str, amounts: Amounts, caliber: Caliber) -> Indicator | None:
    """Standard coal or CO2 of all categories that the caliber counts; None where it counts none of them.

    A category without a coefficient in this caliber makes the total unknown: it must not look like nothing.
    """
    counted = [category for category in amounts.amount if caliber.is_counted(category)]
    if not counted:
        return None
    unknown = np.full(len(amounts.amount[counted[0]]), np.nan)
    parts = {c: caliber.convert(c, amounts.amount[c]) if c in caliber.coefficients else unknown for c in counted}
    return _sum(key, caliber.key, amounts, parts)


def total_cost(key: str, amounts: Amounts, cost: Mapping[Category, FloatArray]) -> Indicator:
    """Cost of all categories; one whose cost is unknown makes the total unknown. [yuan]"""
    return _sum(key, PHYSICAL, amounts, cost)


def _sum(key: str, caliber: str, amounts: Amounts, parts: Mapping[Category, FloatArray]) -> Indicator:
    """Sum of the categories that are there, with the least of their coverages; NaN where none is."""
    n = len(next(iter(parts.values())))
    value, coverage, any_present = np.zeros(n), np.full(n, np.inf), np.zeros(n, bool)
    for category, part in parts.items():
        here = amounts.present[category]
        value += np.where(here, part, 0.0)
        coverage = np.where(here, np.fmin(coverage, np.nan_to_num(amounts.coverage[category])), coverage)
        any_present |= here
    return Indicator(key, caliber, np.where(any_present, value, np.nan), np.where(any_present, coverage, np.nan))


def physical_indicator(key: str, category: Category, amounts: Amounts) -> Indicator | None:
    """The amount of one category as it is; None where the place does not have it."""
    if category not in amounts.amount:
        return None
    here = amounts.present[category]
    return Indicator(
        key,
        PHYSICAL,
        np.where(here, amounts.amount[category], np.nan),
        np.where(here, amounts.coverage[category], np.nan),
    )


def per(key: str, whole: Indicator, denominator: FloatArray) -> Indicator:
    """The indicator per unit of a denominator; NaN where that is unknown or zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(denominator > 0, whole.value / denominator, np.nan)
    return Indicator(key, whole.caliber, value, whole.coverage)


def rolling(indicator: Indicator, months: int = 12) -> Indicator:
    """Sum of the last 12 months up to each month; NaN where one of them is unknown or lies before the first."""
    value = np.full(len(indicator.value), np.nan)
    coverage = np.full(len(indicator.value), np.nan)
    if len(value) >= months:
        windows = np.lib.stride_tricks.sliding_window_view
        value[months - 1 :] = windows(indicator.value, months).sum(axis=1)
        coverage[months - 1 :] = windows(indicator.coverage, months).mean(axis=1)
    return Indicator(indicator.key, indicator.caliber, value, coverage)
