"""The rows a consumption model is made of: temperature, thermal inertia, sun, holidays and vacations of one station.

Design is separate from fitting so that all meters of a weather station and calendar share it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np

from analytics.calendars import N_PARTS, CalendarRows
from analytics.weather import fill_weather, inertia, temperature_segments
from energy.holidays import DayKind
from energy.series import Float32Array, FloatArray

KNOT_QUANTILES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
TIME_CONSTANT: Final = 24 * 3600.0
"""Thermal time constant of an ordinary building. [s]"""
MARGIN: Final = 5.0
"""Beyond the temperatures of the fit period by this much the model stops extrapolating. [K]"""
ENOUGH_WEATHER: Final = 0.9
"""Share of the fit period's temperatures that must be measured for temperature terms."""


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Weather on the grid of the intervals; NaN where unknown, None where never measured."""

    temperature: FloatArray | None = None
    """Outdoor air temperature. [°C]"""
    solar: FloatArray | None = None
    """Global horizontal irradiance. [W/m2]"""


@dataclass(frozen=True, slots=True)
class Terms:
    """Which terms a model has, fixed by its fit period; enough to build the same rows for any other period.

    Attributes
    ----------
    step : int
        Length of an interval. [s]
    knots : tuple of float
        Temperature knots [°C]; empty where there is no usable weather: calendar terms alone.
    span : tuple of float
        Lowest and highest temperature of the fit period. [°C]
    solar : bool
        Whether irradiance is a term.
    """

    step: int
    knots: tuple[float, ...] = ()
    span: tuple[float, float] = (0.0, 0.0)
    solar: bool = False

    @property
    def has_weather(self) -> bool:
        """Whether the model has temperature terms."""
        return bool(self.knots)

    def to_dict(self) -> dict[str, Any]:
        """For storage."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """From storage."""
        return cls(stored["step"], tuple(stored["knots"]), (stored["span"][0], stored["span"][1]), stored["solar"])


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows for one period.

    Attributes
    ----------
    calendar : CalendarRows
    rows : float32, shape (k, n)
        Calendar rows first, then weather rows.
    n_calendar : int
        How many rows are calendar rows.
    weather_measured : float
        Share of temperatures that were measured rather than bridged.
    """

    calendar: CalendarRows
    rows: Float32Array
    n_calendar: int
    weather_measured: float


def choose_terms(calendar: CalendarRows, weather: Weather) -> Terms:
    """Terms that the fit period supports; without enough temperatures: none of the weather."""
    if weather.temperature is None or not len(calendar):
        return Terms(calendar.step)
    temperature, measured = fill_weather(weather.temperature, calendar.step)
    if measured < ENOUGH_WEATHER:
        return Terms(calendar.step)
    # Whole degrees read well and keep a stored model the same under a corrected reading.
    knots = np.unique(np.round(np.quantile(temperature, KNOT_QUANTILES)))
    has_solar = weather.solar is not None and float(np.isfinite(weather.solar).mean()) >= ENOUGH_WEATHER
    span = (float(temperature.min()), float(temperature.max()))
    return Terms(calendar.step, tuple(float(k) for k in knots), span, has_solar)


def build_design(terms: Terms, calendar: CalendarRows, weather: Weather) -> Design:
    """Rows of the chosen terms for any period.

    Raises
    ------
    ValueError
        The terms need weather that the period has none of, or the resolution differs.
    """
    if calendar.step != terms.step:
        raise ValueError(f"design: expected intervals of {terms.step} s, got {calendar.step} s")
    rows = _calendar_rows(calendar)
    n_calendar = len(rows)
    measured = 0.0
    if terms.has_weather:
        if weather.temperature is None:
            raise ValueError("design: the model has temperature terms, but no temperature is given")
        temperature, measured = fill_weather(weather.temperature, calendar.step)
        if not np.isfinite(temperature).all():
            raise ValueError("design: the model has temperature terms, but no temperature is known in this period")
        rows += _temperature_rows(terms, calendar, temperature)
        if terms.solar:
            rows += _solar_rows(calendar, weather.solar)
    return Design(calendar, np.array(rows, np.float32), n_calendar, measured)


def _calendar_rows(calendar: CalendarRows) -> list[FloatArray]:
    """Holiday x part of the day (what a holiday differs from a Sunday by) and vacation x part of the day."""
    return [
        (days & (calendar.part == part)).astype(np.float64)
        for days in (calendar.kind == DayKind.HOLIDAY, calendar.vacation)
        for part in range(N_PARTS)
    ]


def _temperature_rows(terms: Terms, calendar: CalendarRows, temperature: FloatArray) -> list[FloatArray]:
    """Segments of the present temperature, apart for occupied hours, and of the temperature felt through the walls."""
    inside = np.clip(temperature, terms.span[0] - MARGIN, terms.span[1] + MARGIN)
    now = temperature_segments(inside, terms.knots).T
    felt = temperature_segments(inertia(inside, calendar.step, TIME_CONSTANT), terms.knots[1:-1] or terms.knots).T
    return [*(now * calendar.occupied), *(now * ~calendar.occupied), *felt]


def _solar_rows(calendar: CalendarRows, solar: FloatArray | None) -> list[FloatArray]:
    """Irradiance, apart for occupied hours; unknown irradiance takes the mean of its time of day. [100 W/m2]"""
    if solar is None:
        raise ValueError("design: the model has a solar term, but no irradiance is given")
    filled, _ = fill_weather(solar, calendar.step)
    sun = np.nan_to_num(filled) / 100
    return [sun * calendar.occupied, sun * ~calendar.occupied]
