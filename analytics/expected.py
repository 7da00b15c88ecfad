"""Expected consumption: what a meter would have used given its habits, the calendar and the weather.

Model: time of week and temperature (TOWT), in local civil time,

    y[t] = profile[slot of week(t)] + sum_j slopes[j] rows[j, t] + sum_i steps[i] before[i, t]

with the rows of `analytics.design`. A building's level drifts and the next year begins where the last one ended: the
fit tells how the level before each two months differed, and what is expected of another time is the level at the
end. Recent months also weigh more than old ones. Steps, seasons and slopes are shrunk (a ridge is the prior that they
are small), so that a year of noise does not make habits. docs/measurements-analytics.md holds what each is worth.

References
----------
Mathieu et al.: Quantifying changes in building electricity use, IEEE Trans. Smart Grid 2(3), 2011.
Granderson et al.: Accuracy of automated measurement and verification techniques, LBNL-187225, 2015 (TOWT, RMV2.0).
ASHRAE Guideline 14-2014, 4.2 (CV(RMSE) and NMBE limits).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np

from analytics.calendars import CalendarRows
from analytics.design import SEASON_ROWS, Design, Terms
from analytics.magnitude import countable
from analytics.regression import CHUNK, Basis, Fit, fit_rows, predict_rows, prepare
from analytics.spread import NOMINAL_Z, day_spread, drift, known_mean, spread_of
from analytics.sufficiency import Sufficiency, sufficiency
from energy.intervals import DAY, Window
from energy.series import BoolArray, Float32Array, FloatArray

VERSION: Final = "towt-level-2"
HALF_LIFE: Final = 180.0
"""An interval this much older than the end of the fit period counts half. [d]"""
STEP_DAYS: Final = 60
"""The level, apart for occupied hours, may change after each of these many days, counted from the end. [d]"""
SHORTEST_STEP: Final = 30
"""Days that the oldest level must have. [d]"""
STEP_RIDGE: Final = 0.5
SEASON_RIDGE: Final = 1.0
SLOPE_RIDGE: Final = 0.01
"""Shares of a row's own sum of squares: alone, a step shrinks by a third, a season by half, a slope by a hundredth."""


class WeatherUse(StrEnum):
    """Whether weather terms are used."""

    ALWAYS = "always"
    IF_BETTER = "if_better"
    """Per meter, where they predict left-out fortnights better than calendar terms alone (water, kitchens, gas)."""
    NEVER = "never"


WEATHER_USE: Final = {"water": WeatherUse.IF_BETTER, "gas": WeatherUse.IF_BETTER, "other": WeatherUse.IF_BETTER}
"""By category of energy; every other category: always."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedModel:
    """Fitted models of several meters that share terms and period.

    Attributes
    ----------
    terms : Terms
    period : Window
        Fit period.
    profile : float32, shape (n_meters, n_slots)
        Level of each slot of the week; NaN for a meter without values.
    slopes : float32, shape (n_meters, k)
    uses_weather : bool, shape (n_meters,)
        False where weather terms are absent or did not help.
    floor : float32, shape (n_meters,)
        Expected use never goes below: 0, or the lowest value of a meter that also feeds in.
    resting : float32, shape (n_meters,)
        Mean outside the season in which the meter is active (heat); NaN where unknown.
    spread : float32, shape (n_meters, 2)
        Standard deviation of an interval outside and inside occupied hours.
    day_spread : float32, shape (n_meters,)
        Standard deviation of a day's sum.
    drift : float32, shape (n_meters,)
        Standard deviation of the relative change of level until the next year.
    sufficiency : Sufficiency
    version : str
    """

    terms: Terms
    period: Window
    profile: Float32Array
    slopes: Float32Array
    uses_weather: BoolArray
    floor: Float32Array
    resting: Float32Array
    spread: Float32Array
    day_spread: Float32Array
    drift: Float32Array
    sufficiency: Sufficiency
    version: str = VERSION

    def __len__(self) -> int:
        return len(self.profile)

    def take(self, where: slice) -> ExpectedModel:
        """The models of some meters."""
        arrays: dict[str, Any] = {name: getattr(self, name)[where] for name in _ARRAYS}
        return replace(self, **arrays, sufficiency=self.sufficiency.take(where))

    def predict(self, design: Design, season: BoolArray | None = None) -> Float32Array:
        """Expected use of each interval, shape (n_meters, n); NaN for a meter without a model.

        Parameters
        ----------
        design : Design
            Built from the same terms.
        season : bool, shape (n,), optional
            Intervals in which the meters are active (heating season); outside the resting level is expected.
        """
        fit = Fit(self.profile, self.slopes, np.zeros(len(self), np.int32))
        out = predict_rows(fit, design.calendar.slot, design.ahead)
        np.maximum(out, self.floor[:, None], out=out)
        if season is not None:
            out[:, ~season] = self.resting[:, None]
        return out

    def interval(self, expected: Float32Array, design: Design) -> tuple[Float32Array, Float32Array]:
        """Lower and upper limit of the 80 % interval of each interval's use, shapes (n_meters, n)."""
        group = design.calendar.occupied.astype(np.int64)
        half = np.hypot(self.spread[:, group], self.drift[:, None] * expected) * np.float32(NOMINAL_Z)
        return np.maximum(expected - half, self.floor[:, None]), expected + half

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to reproduce a prediction, as JSON types (NaN as None)."""
        stored: dict[str, Any] = {name: _to_json(getattr(self, name)) for name in _ARRAYS}
        return {
            **stored,
            "terms": self.terms.to_dict(),
            "period": [self.period.start, self.period.end],
            "sufficiency": self.sufficiency.to_dict(),
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The model that `to_dict` described."""
        arrays = {name: np.array(_from_json(stored[name]), np.float32) for name in _ARRAYS if name != "uses_weather"}
        n = len(arrays["floor"])
        return cls(
            terms=Terms.from_dict(stored["terms"]),
            period=Window(*stored["period"]),
            uses_weather=np.array(stored["uses_weather"], np.bool_),
            profile=arrays["profile"].reshape(n, -1),
            slopes=arrays["slopes"].reshape(n, -1),
            spread=arrays["spread"].reshape(n, 2),
            floor=arrays["floor"],
            resting=arrays["resting"],
            day_spread=arrays["day_spread"],
            drift=arrays["drift"],
            sufficiency=Sufficiency.from_dict(stored["sufficiency"]),
            version=stored["version"],
        )


_ARRAYS: Final = ("profile", "slopes", "uses_weather", "floor", "resting", "spread", "day_spread", "drift")


def _to_json(values: Any) -> Any:
    return [_to_json(v) for v in values] if values.ndim > 1 else [v if v == v else None for v in values.tolist()]


def _from_json(values: Any) -> Any:
    return [_from_json(v) if isinstance(v, list) else (np.nan if v is None else v) for v in values]


def recency(n: int, step: int, half_life: float = HALF_LIFE) -> Float32Array:
    """Weight of each interval of a fit period of n intervals: 1 at its end, half a half-life earlier. [1]"""
    age = np.arange(n, 0, -1) * (step / DAY)
    weight: Float32Array = np.exp2(-age / half_life).astype(np.float32)
    return weight


def fit_expected(
    values: Float32Array,
    design: Design,
    terms: Terms,
    period: Window,
    *,
    use: WeatherUse = WeatherUse.ALWAYS,
    season: BoolArray | None = None,
    half_life: float = HALF_LIFE,
) -> ExpectedModel:
    """Fit one model per meter.

    Parameters
    ----------
    values : float32, shape (n_meters, n)
        Use of each interval of the fit period; NaN where unknown (zero is a value), as is what no meter sends
        (`analytics.magnitude`). [kWh, m3, GJ]
    design, terms, period
        Rows of the fit period, the terms they were built from, the period itself.
    use : WeatherUse
        Whether weather terms are kept.
    season : bool, shape (n,), optional
        Intervals in which the meters are active; the others only give the resting level.
    half_life : float
        See `HALF_LIFE`. [d]

    Returns
    -------
    ExpectedModel
        Also for meters with too little data: `sufficiency` tells.
    """
    weight = recency(values.shape[1], terms.step, half_life)
    if season is not None:
        weight = weight * season
    rows = Rows.of(design, terms)
    everything, plain = rows.basis(weight), rows.basis(weight, plain=True)
    folds = []
    if use is WeatherUse.IF_BETTER and terms.has_weather:
        folds = [
            _Fold(out, rows.basis(weight * ~out), rows.basis(weight * ~out, plain=True)) for out in _left_out(design)
        ]
    parts = []
    for chunk in chunks(len(values)):
        own = countable(values[chunk])
        with_weather = np.full(len(own), terms.has_weather and use is not WeatherUse.NEVER)
        if folds:
            with_weather &= _weather_helps(own, rows, folds)
        fit = _fit_by_choice(own, everything, plain, with_weather)
        parts.append(_model(own, design, terms, period, fit, rows, with_weather, season))
    if not parts:
        empty = Fit(
            np.zeros((0, design.calendar.n_slots), np.float32),
            np.zeros((0, len(rows.values)), np.float32),
            np.zeros(0, np.int32),
        )
        return _model(values, design, terms, period, empty, rows, np.zeros(0, np.bool_), season)
    return join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a fit and how much their slopes are shrunk.

    Attributes
    ----------
    calendar : CalendarRows
    values : float32, shape (k, n)
        Steps of level first, then `Design.ahead`.
    ridge : float64, shape (k,)
    n_plain : int
        How many rows do without weather.
    """

    calendar: CalendarRows
    values: Float32Array
    ridge: FloatArray
    n_plain: int

    @classmethod
    def of(cls, design: Design, terms: Terms) -> Self:
        """Rows of a fit period."""
        steps = _level_steps(design.calendar)
        n_plain = len(steps) + design.n_calendar
        ridge = np.full(len(steps) + len(design.ahead), SLOPE_RIDGE)
        ridge[: len(steps)] = STEP_RIDGE
        ridge[n_plain - SEASON_ROWS * terms.harmonics : n_plain] = SEASON_RIDGE
        return cls(design.calendar, np.concatenate([steps, design.ahead]), ridge, n_plain)

    def basis(self, weight: Float32Array, *, plain: bool = False) -> Basis:
        """What all meters share, with these weights of the intervals; `plain` does without weather."""
        n = self.n_plain if plain else len(self.values)
        return prepare(self.calendar.slot, self.calendar.n_slots, self.values[:n], weight, self.ridge[:n])


def _level_steps(calendar: CalendarRows) -> Float32Array:
    """1 in the intervals before each change of level, apart for occupied hours; shape (n_steps, n)."""
    age = np.arange(len(calendar), 0, -1) * (calendar.step / DAY)
    oldest = age[0] if len(age) else 0.0
    befores = [age > days for days in np.arange(STEP_DAYS, oldest - SHORTEST_STEP, STEP_DAYS)]
    found = [before & hours for before in befores for hours in (calendar.occupied, ~calendar.occupied)]
    return np.array(found, np.float32).reshape(len(found), len(calendar))


def chunks(n_meters: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices of meters to work on together."""
    for first in range(0, n_meters, size):
        yield slice(first, min(first + size, n_meters))


def join(parts: list[ExpectedModel]) -> ExpectedModel:
    """Models of the same terms and period as one."""
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return replace(parts[0], **arrays, sufficiency=Sufficiency.join([part.sufficiency for part in parts]))


def _fit_by_choice(values: Float32Array, basis: Basis, plain_basis: Basis, with_weather: BoolArray) -> Fit:
    """Weather terms for some meters, calendar terms alone for the rest (their weather slopes are 0)."""
    if with_weather.all():
        return fit_rows(values, basis)
    plain = fit_rows(values, plain_basis)
    slopes = np.zeros((len(values), len(basis.gram)), np.float32)
    slopes[:, : plain.slopes.shape[1]] = plain.slopes
    profile = plain.profile
    if with_weather.any():
        full = fit_rows(values[with_weather], basis)
        profile[with_weather], slopes[with_weather] = full.profile, full.slopes
    return Fit(profile, slopes, plain.n_used)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    left_out: BoolArray
    full: Basis
    calendar: Basis


def _left_out(design: Design) -> list[BoolArray]:
    """Alternating fortnights, so that every season is in both."""
    fortnight = np.arange(len(design.calendar)) * design.calendar.step // (14 * DAY) % 2
    return [fortnight == fold for fold in range(2)]


def _weather_helps(values: Float32Array, rows: Rows, folds: list[_Fold]) -> BoolArray:
    """Whether weather terms predict the left-out fortnights better than calendar terms alone."""
    gain = np.zeros(len(values))
    for fold in folds:
        known, slot, unseen = values[:, fold.left_out], rows.calendar.slot[fold.left_out], rows.values[:, fold.left_out]
        full = predict_rows(fit_rows(values, fold.full), slot, unseen)
        plain = predict_rows(fit_rows(values, fold.calendar), slot, unseen[: rows.n_plain])
        worse, better = (np.square(known - found, dtype=np.float64) for found in (plain, full))
        gain += np.nansum(worse - better, axis=1)
    return gain > 0


def _model(
    values: Float32Array,
    design: Design,
    terms: Terms,
    period: Window,
    fit: Fit,
    rows: Rows,
    with_weather: BoolArray,
    season: BoolArray | None,
) -> ExpectedModel:
    lowest = np.fmin.reduce(values, axis=1, initial=np.inf)
    floor = np.where(np.isfinite(lowest), np.minimum(lowest, 0), 0).astype(np.float32)
    slot, occupied = design.calendar.slot, design.calendar.occupied
    slopes = np.ascontiguousarray(fit.slopes[:, len(rows.values) - len(design.ahead) :])
    fitted = predict_rows(fit, slot, rows.values)
    expected = predict_rows(Fit(fit.profile, slopes, fit.n_used), slot, design.ahead)
    for found in (fitted, expected):
        np.maximum(found, floor[:, None], out=found)
    resting = np.full(len(values), np.nan, np.float32)
    active = np.ones(values.shape[1], np.bool_) if season is None else season
    if not active.all():
        resting = known_mean(values[:, ~active]).astype(np.float32)
        fitted[:, ~active] = expected[:, ~active] = resting[:, None]
    residual = values - fitted
    return ExpectedModel(
        terms,
        period,
        fit.profile,
        slopes,
        with_weather,
        floor,
        resting,
        spread=np.stack(
            [spread_of(residual[:, active & ~occupied]), spread_of(residual[:, active & occupied])], axis=1
        ),
        day_spread=day_spread(residual, terms.step),
        drift=drift(values - expected, expected, terms.step),
        sufficiency=sufficiency(values, fitted, design.calendar),
    )
