"""The rows a consumption model is made of: temperature, thermal inertia, sun, holidays and vacations of one station.

Design is separate from fitting so that all meters of a weather station and calendar share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import numpy as np

from analytics.calendars import EARLY, EVENING, N_PARTS, NIGHT, NOON, OCCUPIED_HOURS, CalendarRows
from analytics.weather import fill_weather, inertia, temperature_segments
from energy.holidays import DayKind
from energy.intervals import DAY
from energy.series import BoolArray, Float32Array, FloatArray

KNOT_QUANTILES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
TIME_CONSTANT: Final = 24 * 3600.0
"""Thermal time constant of an ordinary building. [s]"""
MARGIN: Final = 5.0
"""Beyond the temperatures of the fit period by this much the model stops extrapolating. [K]"""
ENOUGH_WEATHER: Final = 0.9
"""Share of the fit period's temperatures that must be measured for temperature terms."""
HARMONICS: Final = 4
"""Waves of the year: what terms, teaching breaks and daylight do to use comes back next year."""
SEASON_ROWS: Final = 4
"""Rows of one wave: sine and cosine, in occupied and in other hours."""
WHOLE_YEAR: Final = 329
"""Days of a fit period from which on it tells the seasons (CalTRACK 2.0, 2.2.1). [d]"""
HOURS_ALIKE: Final = 2
"""Hours of the day that share a slope of temperature: heaters and chillers run by clocks. [h]"""


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
    by_hour : bool
        Whether the year ahead has a slope of temperature for each part of the day.
    harmonics : int
        Waves of the year that the year ahead has; 0 where the fit period does not tell the seasons.
    holidays, vacations : bool
        Whether the fit period had any; what it had none of, nothing is known of.
    vacations_apart : bool
        Whether a vacation changes occupied hours, other hours of workdays and weekends each by itself: a school that
        stands still on workdays does on weekends what it always does. False of models of old.
    holidays_away : bool
        Whether a holiday within a vacation belongs to it too, and hours of work count apart on its free days as well.
        False of models of old.
    """

    step: int
    knots: tuple[float, ...] = ()
    span: tuple[float, float] = (0.0, 0.0)
    solar: bool = False
    by_hour: bool = False
    harmonics: int = 0
    holidays: bool = True
    vacations: bool = True
    vacations_apart: bool = False
    holidays_away: bool = False

    @property
    def has_weather(self) -> bool:
        """Whether the model has temperature terms."""
        return bool(self.knots)

    def to_dict(self) -> dict[str, Any]:
        """For storage."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """From storage; models of old have neither seasons nor slopes by hour."""
        return cls(**stored | {"knots": tuple(stored["knots"]), "span": (stored["span"][0], stored["span"][1])})


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows for one period.

    Attributes
    ----------
    calendar : CalendarRows
    rows : float32, shape (k, n)
        Calendar rows, then weather rows: enough to tell what is usual within a year.
    ahead : float32, shape (k', n)
        Rows to expect another year from: calendar rows and seasons, then weather rows and slopes by hour.
    n_calendar : int
        How many rows of `ahead` do without weather.
    weather_measured : float
        Share of temperatures that were measured rather than bridged.
    """

    calendar: CalendarRows
    rows: Float32Array
    ahead: Float32Array
    n_calendar: int
    weather_measured: float


def choose_terms(calendar: CalendarRows, weather: Weather) -> Terms:
    """Terms that the fit period supports; without enough temperatures: none of the weather."""
    harmonics = HARMONICS if len(calendar) * calendar.step >= WHOLE_YEAR * DAY else 0
    has_holidays, has_vacations = bool((calendar.kind == DayKind.HOLIDAY).any()), bool(calendar.vacation.any())
    free = _free_days(calendar)
    is_apart = all(bool((calendar.vacation & days).any()) for days in (free, ~free))
    without = Terms(
        calendar.step,
        harmonics=harmonics,
        holidays=has_holidays,
        vacations=has_vacations,
        vacations_apart=is_apart,
        holidays_away=True,
    )
    if weather.temperature is None or not len(calendar):
        return without
    temperature, measured = fill_weather(weather.temperature, calendar.step)
    if measured < ENOUGH_WEATHER:
        return without
    # Whole degrees read well and keep a stored model the same under a corrected reading.
    knots = np.unique(np.round(np.quantile(temperature, KNOT_QUANTILES)))
    has_solar = weather.solar is not None and float(np.isfinite(weather.solar).mean()) >= ENOUGH_WEATHER
    span = (float(temperature.min()), float(temperature.max()))
    return replace(without, knots=tuple(float(k) for k in knots), span=span, solar=has_solar, by_hour=True)


def build_design(terms: Terms, calendar: CalendarRows, weather: Weather) -> Design:
    """Rows of the chosen terms for any period.

    Raises
    ------
    ValueError
        The terms need weather that the period has none of, or the resolution differs.
    """
    if calendar.step != terms.step:
        raise ValueError(f"design: expected intervals of {terms.step} s, got {calendar.step} s")
    habits, seasons = _calendar_rows(terms, calendar), _seasons(calendar, terms.harmonics)
    by_weather: list[FloatArray] = []
    by_hour: list[FloatArray] = []
    measured = 0.0
    if terms.has_weather:
        if weather.temperature is None:
            raise ValueError("design: the model has temperature terms, but no temperature is given")
        temperature, measured = fill_weather(weather.temperature, calendar.step)
        if not np.isfinite(temperature).all():
            raise ValueError("design: the model has temperature terms, but no temperature is known in this period")
        inside = np.clip(temperature, terms.span[0] - MARGIN, terms.span[1] + MARGIN)
        by_weather = _temperature_rows(terms, calendar, inside)
        if terms.solar:
            by_weather += _solar_rows(calendar, weather.solar)
        if terms.by_hour:
            by_hour = _slopes_by_hour(terms, calendar, inside)
    rows, ahead = (
        np.array(found, np.float32).reshape(len(found), len(calendar))
        for found in (habits + by_weather, habits + seasons + by_weather + by_hour)
    )
    return Design(calendar, rows, ahead, len(habits) + len(seasons), measured)


def _calendar_rows(terms: Terms, calendar: CalendarRows) -> list[FloatArray]:
    """Holiday x part of the day (what a holiday differs from a Sunday by) and vacation x part of the day."""
    holiday = calendar.kind == DayKind.HOLIDAY
    wanted: list[tuple[BoolArray, Sequence[int]]] = [(holiday, range(N_PARTS))] if terms.holidays else []
    if terms.vacations:
        away = calendar.vacation if terms.holidays_away else calendar.vacation & ~holiday
        wanted += _vacations(terms, calendar, away)
    return [(days & (calendar.part == part)).astype(np.float64) for days, parts in wanted for part in parts]


def _vacations(terms: Terms, calendar: CalendarRows, away: BoolArray) -> list[tuple[BoolArray, Sequence[int]]]:
    """Hours of vacations, and the parts of the day in which they differ each by itself."""
    if not terms.vacations_apart:
        return [(away, range(N_PARTS))]
    free = _free_days(calendar)
    by_day = (calendar.hour >= OCCUPIED_HOURS[0]) & (calendar.hour < OCCUPIED_HOURS[1])
    at_work, at_rest = (EARLY, *NOON, EVENING), (NIGHT, EARLY, EVENING)
    workdays = [(away & ~free & by_day, at_work), (away & ~free & ~by_day, at_rest)]
    if not terms.holidays_away:
        return [*workdays, (away & free, range(N_PARTS))]
    # A part of the day that is half open and half shut has no one effect: the fit would leave out either half.
    return [*workdays, (away & free & by_day, at_work), (away & free & ~by_day, at_rest)]


def _free_days(calendar: CalendarRows) -> BoolArray:
    """True on weekends, as people live them."""
    return np.asarray(calendar.slot >= 5 * DAY // calendar.step)


def _seasons(calendar: CalendarRows, harmonics: int) -> list[FloatArray]:
    """Waves of the year over its local days, apart for occupied hours."""
    date = calendar.day.astype("M8[D]")
    angle = (date - date.astype("M8[Y]").astype("M8[D]")).astype(np.float64) * (2 * np.pi / 365.25)
    waves = [wave(order * angle) for order in range(1, harmonics + 1) for wave in (np.sin, np.cos)]
    return [wave * hours for wave in waves for hours in (calendar.occupied, ~calendar.occupied)]


def _slopes_by_hour(terms: Terms, calendar: CalendarRows, inside: FloatArray) -> list[FloatArray]:
    """Distance from the middle knot, apart for each part of the day of `HOURS_ALIKE`."""
    distance = inside - terms.knots[len(terms.knots) // 2]
    return [distance * (calendar.hour // HOURS_ALIKE == part) for part in range(24 // HOURS_ALIKE)]


def _temperature_rows(terms: Terms, calendar: CalendarRows, inside: FloatArray) -> list[FloatArray]:
    """Segments of the present temperature, apart for occupied hours, and of the temperature felt through the walls."""
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
