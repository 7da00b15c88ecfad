"""How far the clock of a device is ahead of ours, from when its readings say they were taken and when they came.

A reading cannot come before it was taken, and one sent at once comes a moment after. So of the readings that came in
one stretch the smallest lag is the way through the network less what the device's clock is ahead. What was buffered or
sent again lies above the smallest lag and is not felt; where nothing is sent at once, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Final

import numpy as np

from energy.intervals import DAY, HOUR
from energy.series import FloatArray, IntArray

WARN_S: Final = 120.0
"""From here on a clock deserves a look: an eighth of a quarter hour's use is told of its neighbour."""
MIN_STRETCHES: Final = 4
MOST_S: Final = 12 * HOUR
"""A clock is wrong by seconds, minutes, or hours of a time zone; what is older was kept and sent later."""
STEADY_S: Final = 30.0
"""Spread of the smallest lags from which on they tell of the network and not of a clock."""
MIN_DAYS: Final = 4


def clock_ahead(time: IntArray, received: IntArray, *, stretch: int) -> float:
    """Seconds that the device's clock is ahead of ours (negative: behind), less the way through the network.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Instants of readings by the device's clock. [s]
    received : ndarray, shape (n,)
        When they came, by our clock. [s]
    stretch : int
        How often the device should be heard: of the readings that came within one such stretch the freshest counts. [s]

    Returns
    -------
    float
        NaN where the device was heard live in fewer than `MIN_STRETCHES`, or its lags are not steady.

    Notes
    -----
    The median over stretches bears single ones in which everything was late. A device that sends everything late by
    the same time looks as if its clock were behind by as much: from readings alone the two cannot be told apart.
    """
    place = received // stretch
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(place[order]) != 0)) if len(order) else order
    if len(first) < MIN_STRETCHES:
        return np.nan
    smallest = np.minimum.reduceat((received - time)[order], first).astype(np.float64)
    live = smallest[np.abs(smallest) <= MOST_S]
    if len(live) < MIN_STRETCHES:
        return np.nan
    lag = float(np.median(live))
    return -lag if float(np.median(np.abs(live - lag))) <= STEADY_S else np.nan


def clock_drift(time: IntArray, ahead: FloatArray) -> float:
    """Seconds a day by which a clock gains (negative: loses): the median slope of all pairs of days.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Rising, one instant a day. [s]
    ahead : ndarray, shape (n,)
        How far the clock was ahead; NaN where unknown. [s]

    Returns
    -------
    float
        NaN with fewer than `MIN_DAYS` known. [s/day]

    References
    ----------
    Sen: Estimates of the regression coefficient based on Kendall's tau, Journal of the American Statistical
    Association 63, 1968: bears up to 29 % of days on which the clock was set.
    """
    known = np.isfinite(ahead)
    days, values = time[known] / DAY, ahead[known]
    if len(values) < MIN_DAYS:
        return np.nan
    later, earlier = np.tril_indices(len(values), -1)
    return float(np.median((values[later] - values[earlier]) / (days[later] - days[earlier])))


def by_gateway(
    gateway_of: Mapping[str, str], ahead: Mapping[str, float], leads: Mapping[str, float]
) -> dict[str, float]:
    """Seconds by which each gateway's clock is ahead, as far as that is known: the median of its meters.

    Parameters
    ----------
    gateway_of : mapping
        Gateway by meter.
    ahead : mapping
        Of each meter that is heard live. [s]
    leads : mapping
        Of each gateway whose readings were refused because they lay in the future, which no meter tells of: they win.
    """
    found: dict[str, list[float]] = {}
    for meter, value in ahead.items():
        if meter in gateway_of:
            found.setdefault(gateway_of[meter], []).append(value)
    return {gateway: float(median(values)) for gateway, values in found.items()} | dict(leads)
