"""How good expectations and anomaly scores are: the project's metrics, each in one place.

References
----------
ASHRAE Guideline 14-2014, 4.2: CV(RMSE), NMBE.
Fawcett: An introduction to ROC analysis, Pattern Recognition Letters 27, 2006, doi 10.1016/j.patrec.2005.10.010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energy.series import BoolArray, FloatArray, IntArray

CLOSE: Final = 6
"""Flagged hours closer than this belong to one alarm. [h]"""
Values = npt.NDArray[np.floating[Any]]


def cv_rmse(actual: Values, expected: Values) -> FloatArray:
    """Root mean square error over mean use, per row; NaN pairs are left out, a row without use gives NaN."""
    error, use, count = _sums(actual, expected)
    square = np.where(np.isfinite(error), error, 0.0) ** 2
    with_use = (count > 0) & (use > 0)
    mean = np.where(with_use, use, 1.0) / np.maximum(count, 1)
    return np.where(with_use, np.sqrt(square.sum(axis=-1) / np.maximum(count, 1)) / mean, np.nan)


def nmbe(actual: Values, expected: Values) -> FloatArray:
    """Sum of errors over sum of use, per row; positive: more was used than expected."""
    error, use, count = _sums(actual, expected)
    with_use = (count > 0) & (use > 0)
    total = np.where(np.isfinite(error), error, 0.0).sum(axis=-1)
    return np.where(with_use, total / np.where(with_use, use, 1.0), np.nan)


def _sums(actual: Values, expected: Values) -> tuple[FloatArray, FloatArray, IntArray]:
    error = np.asarray(actual, np.float64) - np.asarray(expected, np.float64)
    known = np.isfinite(error)
    return error, np.where(known, actual, 0.0).sum(axis=-1, dtype=np.float64), known.sum(axis=-1)


def day_sums(actual: Values, expected: Values, day: IntArray, *, hours: int = 24) -> tuple[FloatArray, FloatArray]:
    """Actual and expected sums of days with at least `hours` known hours; other days NaN; shape (n_rows, n_days)."""
    known = np.isfinite(actual) & np.isfinite(expected)
    starts = np.flatnonzero(np.diff(day, prepend=day[:1] - 1) != 0) if len(day) else np.zeros(0, np.int64)
    if not len(starts):
        empty = np.zeros((len(actual), 0))
        return empty, empty
    whole = np.add.reduceat(known, starts, axis=-1, dtype=np.int64) >= hours
    sums = [np.add.reduceat(np.where(known, v, 0.0), starts, axis=-1, dtype=np.float64) for v in (actual, expected)]
    return np.where(whole, sums[0], np.nan), np.where(whole, sums[1], np.nan)


def interval_coverage(actual: Values, low: Values, high: Values) -> float:
    """Share of known values inside their interval; NaN where none is known."""
    known = np.isfinite(actual) & np.isfinite(low) & np.isfinite(high)
    return float(((actual >= low) & (actual <= high))[known].mean()) if known.any() else float("nan")


def ranking(score: Values, truth: BoolArray) -> tuple[float, float]:
    """ROC-AUC and average precision of a score against labels, ties shared; NaN without both kinds of labels."""
    flat, label = np.ravel(score), np.ravel(truth).astype(np.float64)
    positives = float(label.sum())
    if positives in (0.0, float(len(label))):
        return float("nan"), float("nan")
    order = np.argsort(flat, kind="stable")
    _, starts, counts = np.unique(flat[order], return_index=True, return_counts=True)
    hits = np.add.reduceat(label[order], starts)
    rank_sum = (hits * (starts + (counts + 1) / 2)).sum()
    auc = (rank_sum - positives * (positives + 1) / 2) / (positives * (len(label) - positives))
    found, taken = hits[::-1].cumsum(), counts[::-1].cumsum()
    return float(auc), float((hits[::-1] / positives * found / taken).sum())


@dataclass(frozen=True, slots=True)
class Span:
    """A run of hours of one row: first and last hour, both included."""

    row: int
    first: int
    last: int

    def touches(self, other: Span) -> bool:
        """True if both share an hour of the same row."""
        return self.row == other.row and self.first <= other.last and other.first <= self.last


def merge_alarms(flagged: BoolArray, *, close: int = CLOSE) -> list[Span]:
    """Flagged hours as alarms; hours closer than `close` belong together."""
    spans = []
    for row, line in enumerate(flagged):
        hours = np.flatnonzero(line)
        if not len(hours):
            continue
        breaks = np.flatnonzero(np.diff(hours) >= close)
        firsts, lasts = hours[np.r_[0, breaks + 1]], hours[np.r_[breaks, -1]]
        spans += [Span(row, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]
    return spans


@dataclass(frozen=True, slots=True)
class EventScore:
    """How alarms meet events: counts, precision of alarms, recall of events."""

    n_alarms: int
    n_events: int
    precision: float
    recall: float
    hit: tuple[bool, ...]


def event_score(alarms: Sequence[Span], events: Sequence[Span]) -> EventScore:
    """Alarms touching an event / alarms; events touched / events (NaN for none)."""
    by_row: dict[int, list[Span]] = {}
    for event in events:
        by_row.setdefault(event.row, []).append(event)
    true = sum(any(alarm.touches(event) for event in by_row.get(alarm.row, [])) for alarm in alarms)
    alarms_by_row: dict[int, list[Span]] = {}
    for alarm in alarms:
        alarms_by_row.setdefault(alarm.row, []).append(alarm)
    hit = tuple(any(event.touches(alarm) for alarm in alarms_by_row.get(event.row, [])) for event in events)
    return EventScore(
        len(alarms),
        len(events),
        true / len(alarms) if alarms else float("nan"),
        sum(hit) / len(hit) if hit else float("nan"),
        hit,
    )


def lowest_threshold(score: Values, budget: float, *, most: float = 0.15) -> float:
    """The lowest threshold (score >= threshold) with at most `budget` alarms a row and `most` of the hours flagged.

    Every value of the score is tried, from the top until one breaks a limit; NaN is never flagged.
    """
    known = np.where(np.isnan(score), -np.inf, score)
    before = np.full_like(known, -np.inf)
    for hours in range(1, CLOSE):
        np.maximum(before[:, hours:], known[:, :-hours], out=before[:, hours:])
    # An hour begins an alarm at every threshold above the hours close before it, up to its own score.
    begins = before < known
    levels = np.unique(known[np.isfinite(known)])[::-1]
    n_alarms = _at_least(known[begins], levels) - _at_least(before[begins], levels)
    broken = (n_alarms > budget * len(known)) | (_at_least(known, levels) > most * known.size)
    n_kept = int(broken.argmax()) if broken.any() else len(levels)
    return float(levels[n_kept - 1]) if n_kept else float(levels.max(initial=0.0)) * 1.0001 + 1e-9


def _at_least(values: Values, levels: Values) -> IntArray:
    """How many values reach each level."""
    return values.size - np.searchsorted(np.sort(values, axis=None), levels)


def chance_recall(
    alarms: Sequence[Span], events: Sequence[Span], n_rows: int, n_hours: int, generator: np.random.Generator
) -> float:
    """Recall of the same events put elsewhere at random: what an alarm list would touch by luck (mean of 20)."""
    recalls = [
        event_score(alarms, [_moved(event, n_rows, n_hours, generator) for event in events]).recall for _ in range(20)
    ]
    return float(np.mean(recalls)) if events else float("nan")


def _moved(event: Span, n_rows: int, n_hours: int, generator: np.random.Generator) -> Span:
    length = event.last - event.first
    first = int(generator.integers(max(n_hours - length, 1)))
    return Span(int(generator.integers(n_rows)), first, first + length)
