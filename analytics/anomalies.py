"""Anomalies of hourly use: how sure it is that each hour belongs to a fault, and the alarms worth a person's time.

Two ways of looking. *As seen*: day D is judged with data up to the end of day D + 1; model, yardsticks and thresholds
come from the year before. *Retrospective*: the whole year is known and is its own yardstick. The product runs as seen.

Each term deviates from the meter's own habit and is measured in the meter's own spread, so that log-odds can be
compared across meters. Two classes of alarms, each with a budget per meter-year: lasting faults and sudden ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from analytics.calendars import CalendarRows
from analytics.design import Design
from analytics.detection.judge import (
    ACTUAL,
    FIRST,
    KNOWN,
    LAST,
    METER,
    N_FACTS,
    N_TERMS,
    ODDS,
    USUAL_USE,
    judge,
)
from analytics.detection.kinds import kinds_of
from analytics.detection.terms import N_YARDSTICK, drop_rare_zeros
from analytics.detection.weights import LASTING_INTERCEPT, SUDDEN_INTERCEPT, TERMS
from analytics.expected import chunks
from analytics.regression import fit_rows, predict_rows, prepare
from energy.intervals import HOUR
from energy.series import BoolArray, Float32Array, FloatArray, Int32Array, IntArray

VERSION: Final = "log-odds-1"
BUDGETS: Final = (1.5, 1.0)
"""Alarms per meter-year of the year before: lasting, sudden."""
LEAD_DAYS: Final = 64
"""Days before the first judged one that levels and scales look back to. [d]"""
SUDDEN_SHARE: Final = 0.3
"""In a retrospective score sudden evidence counts this much once more, so that hours of one long event differ."""
TRIM: Final = 4.0
N_FOLDS: Final = 3
FOLD_DAYS: Final = 14


@dataclass(frozen=True, slots=True, eq=False)
class HourGrid:
    """Hours of a period as the detector sees them; one entry an hour.

    Attributes
    ----------
    start : int
        First hour, UTC epoch seconds.
    day, day_end : int32
        Local day, from 0; index of the hour after the end of the next local day.
    group : int32
        Hour of the day, plus 24 on days without work.
    night, busy : bool
        Local 22 to 6; occupied hours.
    """

    start: int
    day: Int32Array
    day_end: Int32Array
    group: Int32Array
    night: BoolArray
    busy: BoolArray

    def __len__(self) -> int:
        return len(self.day)

    @classmethod
    def of(cls, start: int, calendar: CalendarRows) -> Self:
        """The grid of an hourly calendar that begins at `start`."""
        if calendar.step != HOUR:
            raise ValueError(f"anomalies: expected hourly data, got intervals of {calendar.step} s; add them up first")
        day = (calendar.day - calendar.day[0]).astype(np.int32) if len(calendar) else np.zeros(0, np.int32)
        ends = np.searchsorted(day, np.arange(day[-1] + 3 if len(day) else 0), side="left").astype(np.int32)
        resting = calendar.slot // 24 >= 5
        night = (calendar.hour < 6) | (calendar.hour >= 22)
        group = (calendar.hour + 24 * resting).astype(np.int32)
        return cls(start, day, ends[day + 2], group, night, calendar.occupied)


@dataclass(frozen=True, slots=True, eq=False)
class Yardsticks:
    """What the year before says of each meter; stored, so that late readings do not move it.

    Attributes
    ----------
    numbers : float32, shape (n_meters, N_YARDSTICK)
        Scales and usual values; columns in `analytics.detection.terms`.
    thresholds : float32, shape (n_meters, 2)
        Log-odds from which an alarm is raised: lasting, sudden.
    version : str
    """

    numbers: Float32Array
    thresholds: Float32Array
    version: str = VERSION

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"numbers": self.numbers.tolist(), "thresholds": self.thresholds.tolist(), "version": self.version}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The yardsticks that `to_dict` described."""
        numbers = np.array(stored["numbers"], np.float32).reshape(-1, N_YARDSTICK)
        return cls(numbers, np.array(stored["thresholds"], np.float32).reshape(-1, 2), stored["version"])


@dataclass(frozen=True, slots=True, eq=False)
class Alarms:
    """Alarms by column.

    Attributes
    ----------
    meter : int64
        Row of the meter.
    start, end : int64
        First instant and the one after the last. [UTC epoch s]
    kind : str
        `analytics.detection.kinds.Kind`.
    actual, usual : float64
        Use during the known hours of the alarm, and what would have been usual. [unit of the values]
    certainty : float64
        0.5 at the threshold, towards 1 far above it.
    evidence : float32, shape (n, n_terms)
        What each term (`weights.TERMS`) adds to the log-odds at the alarm's worst hour.
    """

    meter: IntArray
    start: IntArray
    end: IntArray
    kind: npt.NDArray[np.str_]
    actual: FloatArray
    usual: FloatArray
    certainty: FloatArray
    evidence: Float32Array

    def __len__(self) -> int:
        return len(self.meter)

    @property
    def excess(self) -> FloatArray:
        """Use beyond the usual; negative where less was used."""
        return self.actual - self.usual

    def strongest(self, i: int) -> tuple[tuple[str, float], ...]:
        """Terms of one alarm that add to its log-odds, strongest first."""
        pairs = [(term, float(v)) for term, v in zip(TERMS, self.evidence[i], strict=True) if v > 0]
        return tuple(sorted(pairs, key=lambda pair: -pair[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a detector says of every hour and the alarms it raises.

    Attributes
    ----------
    score : float32, shape (n_meters, n)
        Log-odds above those of an hour without any evidence; 0 where nothing is known.
    flagged : bool, shape (n_meters, n)
    alarms : Alarms
    """

    score: Float32Array
    flagged: BoolArray
    alarms: Alarms


class UsualUse:
    """Expected use for the detector: of the year before by models that have not seen the fortnight they predict.

    Prepared once for all meters that share weather and calendar, then called for a few meters at a time.

    Parameters
    ----------
    history, judged : Design
        Rows of the year before, and of the period to judge (None: only the year before).
    folds : int
        Parts into which the fortnights of the year before are dealt.

    Notes
    -----
    All hours count alike here, unlike in `analytics.expected`: the level is followed by itself, and a whole year knows
    the seasons better.
    """

    def __init__(self, history: Design, judged: Design | None, *, folds: int = N_FOLDS) -> None:
        self._slot, self._judged = history.calendar.slot, judged
        n, n_slots = len(history.calendar), history.calendar.n_slots
        weight = np.ones(n, np.float32)
        fold = np.arange(n) // (FOLD_DAYS * 24) % folds
        self._whole = prepare(self._slot, n_slots, history.rows, weight)
        self._parts = [
            (
                prepare(self._slot, n_slots, history.rows, weight * (fold != k)),
                np.flatnonzero(fold == k),
                np.ascontiguousarray(history.rows[:, fold == k]),
            )
            for k in range(folds)
        ]

    def __call__(self, values: Float32Array) -> Float32Array:
        """Usual use, shape (n_meters, n_history + n_judged), from `values` of the year before (NaN unknown).

        Faults in the year before are left out by two rounds of trimming. NaN for a meter without values.
        """
        n = values.shape[1]
        out = np.empty((len(values), n + (len(self._judged.calendar) if self._judged else 0)), np.float32)
        for chunk in chunks(len(values)):
            own = plausible(values[chunk])
            fit = fit_rows(own, self._whole, trim=TRIM, trimmed=own)
            if self._judged:
                out[chunk, n:] = predict_rows(fit, self._judged.calendar.slot, self._judged.rows)
            for basis, here, unseen in self._parts:
                out[chunk, here] = predict_rows(fit_rows(own, basis), self._slot[here], unseen)
        return np.maximum(out, 0, out=out)


def usual_use(values: Float32Array, history: Design, judged: Design | None) -> Float32Array:
    """`UsualUse` for one call."""
    return UsualUse(history, judged)(values)


def plausible(values: Float32Array) -> Float32Array:
    """A copy without zeros where zero is rare: a reading of nothing from a meter that never rests is no habit."""
    own = np.array(values, np.float32)
    drop_rare_zeros(own)
    return own


def learn(
    values: Float32Array, usual: Float32Array, grid: HourGrid, *, budgets: FloatArray | None = None
) -> Yardsticks:
    """Yardsticks and thresholds from the year before.

    Parameters
    ----------
    values, usual : float32, shape (n_meters, n)
        Use of each hour (NaN unknown) and `usual_use` of it.
    grid : HourGrid
    budgets : float64, shape (n_meters, 2), optional
        Alarms per year by meter and class; `BUDGETS` for all where not given.
    """
    return _judge(values, usual, grid, len(grid), None, budgets, centred=False)[0]


def judge_period(
    values: Float32Array, usual: Float32Array, grid: HourGrid, yardsticks: Yardsticks, n_lead: int
) -> Judgement:
    """Judge the hours from `n_lead` on, as seen; the hours before only give levels and scales (`LEAD_DAYS`)."""
    return _judge(values, usual, grid, n_lead, yardsticks, None, centred=False)[1]


def judge_as_seen(
    values: Float32Array, usual: Float32Array, grid: HourGrid, n_history: int, *, budgets: FloatArray | None = None
) -> tuple[Yardsticks, Judgement]:
    """Learn from the first `n_history` hours and judge those after them."""
    return _judge(values, usual, grid, n_history, None, budgets, centred=False)


def judge_retrospective(
    values: Float32Array, usual: Float32Array, grid: HourGrid, *, budgets: FloatArray | None = None
) -> Judgement:
    """Judge a whole known year by itself."""
    return _judge(values, usual, grid, len(grid), None, budgets, centred=True)[1]


def _judge(
    values: Float32Array,
    usual: Float32Array,
    grid: HourGrid,
    n_history: int,
    yardsticks: Yardsticks | None,
    budgets: FloatArray | None,
    *,
    centred: bool,
) -> tuple[Yardsticks, Judgement]:
    n_meters, n = values.shape
    if usual.shape != values.shape or len(grid) != n:
        raise ValueError(f"anomalies: values {values.shape}, usual {usual.shape} and a grid of {len(grid)} h differ")
    numbers = np.zeros((n_meters, N_YARDSTICK), np.float32) if yardsticks is None else yardsticks.numbers
    limits = np.zeros((n_meters, 2), np.float32) if yardsticks is None else yardsticks.thresholds
    lasting, sudden = np.empty((n_meters, n), np.float32), np.empty((n_meters, n), np.float32)
    flags = np.zeros((n_meters, n), np.int32)
    raw = np.empty((n_meters * (n // 6 + 2), N_FACTS + N_TERMS), np.float32)  # pages never written cost nothing
    n_alarms = 0
    if n_meters and n:
        n_alarms = judge(
            np.ascontiguousarray(values, np.float32), np.ascontiguousarray(usual, np.float32),
            grid.day, grid.day_end, grid.group, grid.night, grid.busy, n_history, yardsticks is None, centred,
            np.tile(BUDGETS, (n_meters, 1)) if budgets is None else np.asarray(budgets, np.float64),
            numbers, limits, lasting, sudden, flags, raw,
        )  # fmt: skip
    first = n_history if n_history < n else 0
    score = _score(lasting[:, first:], sudden[:, first:], SUDDEN_SHARE if centred else 0.0)
    alarms = _alarms(raw[:n_alarms], grid)
    return Yardsticks(numbers, limits), Judgement(score, flags[:, first:] > 0, alarms)


def _score(lasting: Float32Array, sudden: Float32Array, share: float) -> Float32Array:
    """The greater log-odds above those without any evidence, and a share of the sudden ones."""
    score = np.maximum(lasting, sudden)
    score += np.float32(share) * sudden
    score -= np.float32(LASTING_INTERCEPT + share * SUDDEN_INTERCEPT)
    return np.maximum(score, 0, out=score)


def _alarms(raw: Float32Array, grid: HourGrid) -> Alarms:
    known = raw[:, KNOWN] > 0
    return Alarms(
        raw[:, METER].astype(np.int64),
        grid.start + HOUR * raw[:, FIRST].astype(np.int64),
        grid.start + HOUR * (raw[:, LAST].astype(np.int64) + 1),
        kinds_of(raw),
        np.where(known, raw[:, ACTUAL], np.nan).astype(np.float64),
        np.where(known, raw[:, USUAL_USE], np.nan).astype(np.float64),
        1 / (1 + np.exp(-raw[:, ODDS].astype(np.float64))),
        raw[:, N_FACTS:].copy(),
    )
