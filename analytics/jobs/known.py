"""What is known of a meter by now: the model that says what is expected, how good it is, and whether it is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from analytics.jobs import habits, watch
from analytics.jobs.habits import Habit
from energy.intervals import LocalCalendar, Window
from energy.registry import Registry


@dataclass(frozen=True, slots=True)
class Known:
    """What stands behind the expected use and the findings of a meter.

    Attributes
    ----------
    period : Window or None
        Days on which the model was fitted that speaks now; None while the meter was measured for too short a time.
    version : int
        Of that model, 0 without one.
    uses_weather : bool
        False where no outdoor temperature is known, or where it does not help.
    has_weather : bool
        Whether an outdoor temperature was known.
    days, lowest_month : float
        Share of days, and of the intervals of the worst month, that are known.
    cv_rmse, nmbe : float
        Of the fit period; None where unknown.
    lacking : tuple of str
        Codes of what is lacking: period, days, month, cv_rmse, nmbe (`analytics.sufficiency`).
    is_watched : bool
        Whether its hours are judged: half of the year before was measured. Before that only readings, balances,
        rooms and water at night are looked at.
    """

    period: Window | None
    version: int
    uses_weather: bool
    has_weather: bool
    days: float | None
    lowest_month: float | None
    cv_rmse: float | None
    nmbe: float | None
    lacking: tuple[str, ...]
    is_watched: bool


def known_of(registry: Registry, meter: str, calendar: LocalCalendar, now: int) -> Known:
    """What is known of one meter on the day of `now`."""
    today = calendar.date_of(now)
    is_watched = meter in registry.models(watch.kind_of(today.year), [meter])
    for month in range(today.month, 0, -1):
        stored = registry.models(habits.kind_of(date(today.year, month, 1)), [meter]).get(meter)
        if stored is not None:
            return _of(Habit.of(stored), is_watched)
    return Known(None, 0, False, False, None, None, None, None, ("period",), is_watched)


def _of(habit: Habit, is_watched: bool) -> Known:
    model, told = habit.model, habit.model.sufficiency
    numbers = (told.days, told.lowest_month, told.cv_rmse, told.nmbe)
    days, lowest_month, cv_rmse, nmbe = (v if (v := float(values[0])) == v else None for values in numbers)
    return Known(
        model.period,
        habit.version,
        bool(model.uses_weather[0]),
        model.terms.has_weather,
        days,
        lowest_month,
        cv_rmse,
        nmbe,
        told.reasons(0),
        is_watched,
    )
