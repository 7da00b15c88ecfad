"""Anomalies of hourly use: how sure it is that each hour belongs to a fault, and the alarms worth a person's time.

Two ways of looking. *As seen*: day D is judged with data up to the end of day D + 1; model, yardsticks and thresholds
come from the year before. *Retrospective*: the whole year is known and is its own yardstick. The product runs as seen.

Each term deviates from the meter's own habit and is measured in the meter's own spread, so that log-odds can be
compared across meters. Four classes of evidence (`analytics.detection.weights`) raise alarms, on two budgets per
meter-year: one for lasting faults, one for sudden ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from analytics.design import Design
from analytics.detection.alarms import ACTUAL, FIRST, KNOWN, LAST, METER, N_FACTS, ODDS, USUAL_USE
from analytics.detection.grid import HourGrid as HourGrid
from analytics.detection.judge import N_CLASSES, judge
from analytics.detection.kinds import kinds_of
from analytics.detection.plausible import plausible as plausible
from analytics.detection.restated import restated
from analytics.detection.weights import TERMS
from analytics.detection.yardsticks import N_YARDSTICK
from analytics.expected import chunks
from analytics.magnitude import countable
from analytics.regression import fit_rows, predict_rows, prepare
from energy.intervals import HOUR
from energy.series import BoolArray, Float32Array, FloatArray, IntArray

VERSION: Final = "log-odds-4"
BUDGETS: Final = (3.0, 2.0)
"""Alarms per meter-year of the year before, by class of evidence: lasting, sudden."""
LEAD_DAYS: Final = 72
"""Days before the first judged one that levels and scales look back to. [d]"""
TRIM: Final = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Yardsticks:
    """What the year before says of each meter; stored, so that late readings do not move it.

    Attributes
    ----------
    numbers : float32, shape (n_meters, N_YARDSTICK)
        Scales and usual values; columns in `analytics.detection.yardsticks`.
    thresholds : float32, shape (n_meters, n_classes)
        Log-odds from which an alarm is raised, by class of evidence.
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
        return cls(numbers, np.array(stored["thresholds"], np.float32).reshape(-1, N_CLASSES), stored["version"])


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
    """Expected use for the detector.

    Prepared once for all meters that share weather and calendar, then called for a few meters at a time.

    Parameters
    ----------
    history, judged : Design
        Rows of the year before, and of the period to judge (None: only the year before).

    Notes
    -----
    All hours count alike here, unlike in `analytics.expected`: the level is followed by itself, and a whole year knows
    the seasons better. The year before is its own fit: models that had not seen the fortnights they predict cost twice
    the time and told faults no better.
    """

    def __init__(self, history: Design, judged: Design | None) -> None:
        self._designs = [history] if judged is None else [history, judged]
        weight = np.ones(len(history.calendar), np.float32)
        self._basis = prepare(history.calendar.slot, history.calendar.n_slots, history.rows, weight)

    def __call__(self, values: Float32Array) -> Float32Array:
        """Usual use, shape (n_meters, n_history + n_judged), from `values` of the year before (NaN unknown).

        Faults in the year before are left out by two rounds of trimming. NaN for a meter without values.
        """
        ends = np.cumsum([0, *(len(design.calendar) for design in self._designs)])
        out = np.empty((len(values), int(ends[-1])), np.float32)
        for chunk in chunks(len(values)):
            fit = fit_rows(plausible(values[chunk]), self._basis, trim=TRIM)
            for design, first, end in zip(self._designs, ends[:-1], ends[1:], strict=True):
                out[chunk, first:end] = predict_rows(fit, design.calendar.slot, design.rows)
        return np.maximum(out, 0, out=out)


def usual_use(values: Float32Array, history: Design, judged: Design | None) -> Float32Array:
    """`UsualUse` for one call."""
    return UsualUse(history, judged)(values)


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
    values, usual = countable(values), countable(usual)
    n_meters, n = values.shape
    if usual.shape != values.shape or len(grid) != n:
        raise ValueError(f"anomalies: values {values.shape}, usual {usual.shape} and a grid of {len(grid)} h differ")
    numbers = np.zeros((n_meters, N_YARDSTICK), np.float32) if yardsticks is None else yardsticks.numbers
    limits = np.zeros((n_meters, N_CLASSES), np.float32) if yardsticks is None else yardsticks.thresholds
    first = n_history if n_history < n else 0
    score = np.zeros((n_meters, n - first), np.float32)
    flagged = np.zeros((n_meters, n - first), np.bool_)
    raw = np.zeros((0, N_FACTS + len(TERMS)), np.float32)
    if n_meters and n:
        raw = judge(
            values,
            usual,
            grid,
            n_history,
            learn=yardsticks is None,
            centred=centred,
            budgets=np.tile(BUDGETS, (n_meters, 1)) if budgets is None else np.asarray(budgets, np.float64),
            yardsticks=numbers,
            thresholds=limits,
            score=score,
            flagged=flagged,
        )
    told = raw if centred else restated(raw, values, usual, grid)
    return Yardsticks(numbers, limits), Judgement(score, flagged, _alarms(told, grid))


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
