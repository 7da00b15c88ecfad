"""Editing: what stands in where readings do not tell. Raw readings are never changed; every step names its rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.consumption import CORRECTION, PROFILE_FILL, STANDSTILL, UNKNOWN, Steps
from energy.intervals import DAY
from energy.series import ByteArray, FloatArray, IntArray

PROFILE_S: Final = 7 * DAY
"""Longest step that is shared out by the expected profile."""
STUCK_SHARE: Final = 0.5


def fill_by_profile(
    steps: Steps, start: int, step_s: int, expected: FloatArray, *, stuck_share: float = STUCK_SHARE
) -> Steps:
    """Share long steps out over the grid in the proportion of what was expected; their sums stay what they were.

    Parameters
    ----------
    steps : Steps
        Steps of one meter.
    start, step_s : int
        First instant of the expected profile and length of its intervals. [s]
    expected : ndarray, shape (n_intervals,)
        Expected amount of each interval, in the unit of the steps.
    stuck_share : float
        A standstill must have caught up with at least this share of what was expected in it. Less was not frozen and
        then counted: nobody knows what it was, and shared out it would look like thrift.

    Returns
    -------
    Steps
        A step of more than two hours and at most seven days, whose amount is known and whose every interval has an
        expected amount that is not negative, becomes steps of one interval each (state estimated, method
        `profile_fill`, a correction stays one). All others are as they were.

    References
    ----------
    California Public Utilities Commission, "Standards for Validating, Editing, and Estimating Monthly and Interval
    Data", revision 2.0: estimation scaled to the known total.
    """
    wanted = steps.is_long & (steps.end - steps.start <= PROFILE_S) & np.isfinite(steps.amount)
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    methods: list[ByteArray] = []
    filled = np.zeros(len(steps), bool)
    for k in np.flatnonzero(wanted).tolist():
        method = int(steps.method[k])
        least = stuck_share if method == STANDSTILL else 0.0
        part = _shared_out(
            int(steps.start[k]), int(steps.end[k]), float(steps.amount[k]), start, step_s, expected, least
        )
        if part is not None:
            parts.append(part)
            methods.append(np.full(len(part[0]), CORRECTION if method == CORRECTION else PROFILE_FILL, np.uint8))
            filled[k] = True
    if not parts:
        return steps
    kept = ~filled
    begin = np.concatenate([steps.start[kept], *(p[0] for p in parts)])
    order = np.argsort(begin, kind="stable")
    return Steps(
        begin[order],
        np.concatenate([steps.end[kept], *(p[1] for p in parts)])[order],
        np.concatenate([steps.amount[kept], *(p[2] for p in parts)])[order],
        np.concatenate([steps.method[kept], *methods])[order],
    )


def _shared_out(
    begin: int, end: int, amount: float, start: int, step_s: int, expected: FloatArray, least: float
) -> tuple[IntArray, IntArray, FloatArray] | None:
    first, last = (begin - start) // step_s, -((start - end) // step_s)
    if first < 0 or last > len(expected):
        return None
    edges = np.clip(start + step_s * np.arange(first, last + 1, dtype=np.int64), begin, end)
    weight = expected[first:last] * (np.diff(edges) / step_s)
    total = float(weight.sum())
    if not (np.isfinite(total) and total > 0 and bool(np.all(weight >= 0)) and amount >= least * total):
        return None
    return edges[:-1], edges[1:], weight / total * amount


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person stated was used in [start, end), in the meter's unit x ratio; NaN declares it unknown."""

    start: int
    end: int
    amount: float

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"correction: ends ({self.end}) before it starts ({self.start})")
        if self.amount < 0:
            raise ValueError(f"correction: amount must not be negative, got {self.amount}")


def corrected(steps: Steps, corrections: Sequence[Correction]) -> Steps:
    """The steps with what people stated in the place of what readings said; a later correction wins over an earlier.

    A step that a correction covers in part keeps its share by time outside, if it is short. Of a long one nothing
    tells how much lies outside: what is left of it is unknown.
    """
    for correction in corrections:
        steps = _with(steps, correction)
    return steps


def _with(steps: Steps, correction: Correction) -> Steps:
    before = _clipped(steps, None, correction.start)
    after = _clipped(steps, correction.end, None)
    return Steps(
        np.concatenate((before.start, [correction.start], after.start)),
        np.concatenate((before.end, [correction.end], after.end)),
        np.concatenate((before.amount, [correction.amount], after.amount)),
        np.concatenate((before.method, [CORRECTION], after.method)).astype(np.uint8),
    )


def _clipped(steps: Steps, start: int | None, end: int | None) -> Steps:
    begin = steps.start if start is None else np.maximum(steps.start, start)
    finish = steps.end if end is None else np.minimum(steps.end, end)
    share = (finish - begin) / (steps.end - steps.start)
    known = (share == 1) | ~steps.is_long
    amount = np.where(known, steps.amount * share, np.nan)
    method = np.where(np.isnan(amount), UNKNOWN, steps.method).astype(np.uint8)
    left = finish > begin
    return Steps(begin[left], finish[left], amount[left], method[left])
