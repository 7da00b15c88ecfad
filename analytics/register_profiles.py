"""What is usual for a cumulative register: how fast it rises and how long it stands still, fitted on a closed period.

The limits by which `analytics.registers` judges readings come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.registers import Verdict
from energy.intervals import HOUR
from energy.series import ByteArray, FloatArray, IntArray

STUCK_S: Final = 6 * HOUR
"""Shortest standstill called stuck where standstills are rare."""
MIN_INCREMENTS: Final = 48
"""Fewer positive increments than this fit no profile: two days of hours."""
_RARE: Final = 0.01  # standstills per increment below which a standstill is an event
_OFTEN: Final = 4  # refused rises in the time looked at that are no accident
_SMALLEST: Final = 1.0  # floor of p99: a register of whole units moves by one unit


@dataclass(frozen=True, slots=True)
class RegisterProfile:
    """What is usual for one register, fitted on a closed period; amounts include the CT/PT ratio.

    Attributes
    ----------
    per_hour : float
        p99 of positive hourly increments. [meter unit / h]
    stuck_s : float
        Standstill from which on the register counts as stuck. [s]
    n_increments : int
        Increments it was fitted on.
    ratio : float, optional
        CT x PT that the amounts include; None where an older program fitted it.
    """

    per_hour: float
    stuck_s: float
    n_increments: int
    ratio: float | None = None

    def per_hour_at(self, ratio: float) -> float:
        """p99 with another ratio: the display moves as it did. [meter unit / h]"""
        return self.per_hour if self.ratio is None else self.per_hour * (ratio / self.ratio)


def fit_register_profile(
    time: IntArray, value: FloatArray, *, ratio: float = 1.0, gap_s: float
) -> RegisterProfile | None:
    """Profile of one register from its readings in time order; None where too few increments are positive.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Instants read. [s]
    value : ndarray, shape (n,)
        The display. [display unit]
    ratio : float
        CT x PT: amount = display x ratio.
    gap_s : float
        Increments over more than this say nothing about an hour. [s]

    Returns
    -------
    RegisterProfile or None
        Its amounts include the ratio. [meter unit / h, s]

    Notes
    -----
    Where standstills are rare (fewer than one in a hundred increments begins one) `STUCK_S` counts as stuck. A
    register that stands still every night is stuck after twice its 98 % standstill.
    """
    elapsed = np.diff(time).astype(np.float64)
    advance = np.diff(value)
    plain = (elapsed > 0) & (elapsed <= gap_s) & (advance >= 0)
    positive = plain & (advance > 0)
    if int(positive.sum()) < MIN_INCREMENTS:
        return None
    per_hour = float(np.quantile(advance[positive] / elapsed[positive] * HOUR, 0.99))
    still = np.zeros(len(plain) + 2, np.int8)
    still[1:-1] = plain & (advance == 0)
    change = np.diff(still)
    begin, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    stuck_s = float(STUCK_S)
    if len(begin) >= _RARE * int(plain.sum()):
        stuck_s = max(stuck_s, 2.0 * float(np.quantile(time[end] - time[begin], 0.98)))
    return RegisterProfile(max(per_hour, _SMALLEST) * ratio, stuck_s, int(positive.sum()), ratio)


def has_outgrown(advance: FloatArray, verdict: ByteArray) -> bool:
    """True if a register often rises more than its profile allows, but does not fall: the profile is too small.

    So it is when a boiler's or chiller's season begins that the profile has not seen. A register whose readings are
    wrong falls as often as it jumps, and must not get wider limits from that.

    Parameters
    ----------
    advance : ndarray, shape (n,)
        Difference of each reading to the one before. [display unit]
    verdict : ndarray, shape (n,)
        What became of each, as `Verdict`.

    Returns
    -------
    bool
        True where at least four rises were refused, and at most a tenth as many readings fell.
    """
    refused = verdict == Verdict.EXCHANGE
    falls = (advance < 0) & (verdict != Verdict.ROLLOVER)
    return int(refused.sum()) >= _OFTEN and 10 * int(falls.sum()) <= int(refused.sum())
