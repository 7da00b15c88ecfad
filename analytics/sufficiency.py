"""Whether a fit period holds enough data, and how well the model describes it: reported, never hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from analytics.calendars import CalendarRows
from energy.intervals import DAY
from energy.series import BoolArray, Float32Array, FloatArray

MIN_COVERAGE: Final = 0.9
PERIOD_DAYS: Final = (329, 366)
"""CalTRACK 2.0, 2.2.1: at most 365 days (a leap year's 366), and 90 % of them."""
MAX_CV_RMSE: Final = 0.30
MAX_NMBE: Final = 0.10
"""ASHRAE Guideline 14-2014, 4.2: hourly limits."""


@dataclass(frozen=True, slots=True, eq=False)
class Sufficiency:
    """Arrays with one entry a meter.

    Attributes
    ----------
    n_days : float64
        Whole local days of the fit period.
    days : float64
        Share of days with at least 90 % of their intervals.
    lowest_month : float64
        Share of intervals known in the worst month.
    cv_rmse, nmbe : float64
        Of the fit period itself; NaN where undefined.
    """

    n_days: FloatArray
    days: FloatArray
    lowest_month: FloatArray
    cv_rmse: FloatArray
    nmbe: FloatArray

    @property
    def is_sufficient(self) -> BoolArray:
        """Enough days, none of the months thin."""
        length = (self.n_days >= PERIOD_DAYS[0]) & (self.n_days <= PERIOD_DAYS[1])
        return length & (self.days >= MIN_COVERAGE) & (self.lowest_month >= MIN_COVERAGE)

    def reasons(self, meter: int) -> tuple[str, ...]:
        """Codes of what is lacking for one meter: period, days, month, cv_rmse, nmbe."""
        checks = {
            "period": not PERIOD_DAYS[0] <= self.n_days[meter] <= PERIOD_DAYS[1],
            "days": not self.days[meter] >= MIN_COVERAGE,
            "month": not self.lowest_month[meter] >= MIN_COVERAGE,
            "cv_rmse": not self.cv_rmse[meter] <= MAX_CV_RMSE,
            "nmbe": not abs(self.nmbe[meter]) <= MAX_NMBE,
        }
        return tuple(code for code, lacking in checks.items() if lacking)

    def take(self, where: slice) -> Sufficiency:
        """The report of some meters."""
        return Sufficiency(*(getattr(self, name)[where] for name in _ARRAYS))

    @classmethod
    def join(cls, parts: Sequence[Sufficiency]) -> Self:
        """Reports one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS))

    def to_dict(self) -> dict[str, list[float | None]]:
        """As JSON types (NaN as None)."""
        return {name: [v if v == v else None for v in getattr(self, name).tolist()] for name in _ARRAYS}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The report that `to_dict` described."""
        return cls(*(np.array([np.nan if v is None else v for v in stored[name]], np.float64) for name in _ARRAYS))


_ARRAYS: Final = ("n_days", "days", "lowest_month", "cv_rmse", "nmbe")


def sufficiency(values: Float32Array, expected: Float32Array, calendar: CalendarRows) -> Sufficiency:
    """Report of a fit period; `values` NaN where unknown, both of shape (n_meters, n)."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    n_days, days = _day_share(known, calendar)
    error = np.where(known, values - expected, np.float32(0))
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    has_use = total > 0
    divisor = np.where(has_use, total, 1.0)
    square = np.einsum("ij,ij->i", error, error, dtype=np.float64)
    cv_rmse = np.where(has_use, np.sqrt(square * count) / divisor, np.nan)
    nmbe = np.where(has_use, error.sum(axis=1, dtype=np.float64) / divisor, np.nan)
    return Sufficiency(np.full(len(values), float(n_days)), days, _lowest_month(known, calendar), cv_rmse, nmbe)


def _day_share(known: BoolArray, calendar: CalendarRows) -> tuple[int, FloatArray]:
    """Number of whole local days and the share of them with 90 % of their intervals."""
    starts = np.flatnonzero(np.diff(calendar.day, prepend=-1) != 0)
    if not len(starts):
        return 0, np.zeros(len(known))
    length = np.diff(np.r_[starts, len(calendar)])
    whole = length >= (DAY - 3600) // calendar.step  # the day that loses an hour to summer time is whole too
    n_days = int(whole.sum())
    filled = np.add.reduceat(known, starts, axis=1, dtype=np.int64)[:, whole] >= MIN_COVERAGE * length[whole]
    return n_days, filled.sum(axis=1) / max(n_days, 1)


def _lowest_month(known: BoolArray, calendar: CalendarRows) -> FloatArray:
    """Share known in the worst local month that the period holds at least a week of."""
    month = calendar.day.astype("M8[D]").astype("M8[M]").astype(np.int64)
    starts = np.flatnonzero(np.diff(month, prepend=-1) != 0)
    if not len(starts):
        return np.zeros(len(known))
    length = np.diff(np.r_[starts, len(month)])
    share = np.add.reduceat(known, starts, axis=1, dtype=np.int64) / length
    counted = length * calendar.step >= 7 * DAY
    return np.asarray(share[:, counted if counted.any() else slice(None)].min(axis=1))
