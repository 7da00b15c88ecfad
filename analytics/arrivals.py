"""How many of the readings that were due have come: counted by the device's schedule, not by what came."""

from __future__ import annotations

import numpy as np

from energy.series import IntArray


def received_share(time: IntArray, *, interval: int, start: int, end: int) -> float:
    """Share of the readings due in [start, end) that came.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Instants of the readings that came, those just outside the window among them. [s]
    interval : int
        How often one is due. [s]

    Returns
    -------
    float
        NaN where less than one is due; 0 where some are and none came.

    Notes
    -----
    A reading counts for the turn it is nearest to. Turns lie where the device takes them, at the circular mean of
    `time` within the interval, so that neither a schedule that is not on the hour nor some seconds more or less make
    a turn look missed, and a second reading in one turn makes up for no other.
    """
    due = (end - start) // interval
    if due < 1:
        return np.nan
    if not len(time):
        return 0.0
    angle = time % interval * (2 * np.pi / interval)
    phase = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) * (interval / (2 * np.pi))
    turn = np.unique(np.rint((time - phase) / interval))
    begin = np.rint(turn * interval + phase)
    came = np.count_nonzero((begin >= start) & (begin < end))
    return min(came / due, 1.0)
