"""Expected use of meters: models fitted on closed periods, stored with a version, and what they predict.

The use of a calendar year is expected by the model of the year before, as it was known when the year began. When a
month begins, the nightly run fits another model on the twelve months before it, which speaks from then on: what was
expected of the months before stays as it was. The first year of a meter has none before it and is its own yardstick:
while it runs its model is renewed each month from the months closed so far, for the whole year. A model does not move
under late readings; only where at least a twentieth of its period's readings or weather came later is it fitted again,
under a new version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

import numpy as np

from analytics.consumption import IntervalEnergy, on_grid, resolution
from analytics.design import build_design, choose_terms
from analytics.expected import WEATHER_USE, ExpectedModel, WeatherUse, fit_expected
from analytics.jobs.estate import Estate
from analytics.jobs.limits import Extents, has_season
from analytics.jobs.rows import union
from analytics.jobs.spans import Spans
from analytics.jobs.surroundings import Surroundings
from energy.intervals import DAY, RESOLUTIONS, LocalCalendar, Window
from energy.model import Meter, MeterKind, State
from energy.registry import FittedModel, Registry
from energy.series import BoolArray, Float32Array, FloatArray, IntArray

MIN_DAYS: Final = 28
"""Days of use a model is fitted on at least."""
ENOUGH: Final = 0.5
"""Share of the year before that must have been measured; else the year is its own yardstick."""
LATE_SHARE: Final = 0.05
"""Share of a model's period that must come later for the model to be fitted again."""
SHORTEST_REST: Final = 45
"""Days without use from which on a heat or cooling meter counts as out of season."""
_DIGITS: Final = 4


def kind_of(since: date) -> str:
    """Kind of the stored models that say what is expected from a month on, to the end of its year."""
    return f"expected:{since.year}" if since.month == 1 else f"expected:{since:%Y-%m}"


def spoken_from(calendar: LocalCalendar, since: date) -> Window:
    """The time of which a model speaks that was fitted for a month: up to the end of the year."""
    return calendar.window(since, date(since.year, 12, 31))


@dataclass(frozen=True, slots=True, eq=False)
class Habit:
    """The model of one meter for a year, or the rest of it from a month on.

    Attributes
    ----------
    model : ExpectedModel
        Of this meter alone.
    rest : tuple of int or None
        First and last day of the year (0 = 1 January) out of season, both included; the span may pass New Year.
    n_known : int
        Intervals it was fitted on.
    version : int
    """

    model: ExpectedModel
    rest: tuple[int, int] | None
    n_known: int
    version: int = 0

    def payload(self) -> dict[str, Any]:
        """As JSON types."""
        return {"expected": self.model.to_dict(), "rest": self.rest, "n_known": self.n_known}

    @classmethod
    def of(cls, stored: FittedModel) -> Self:
        """The habit that a stored model holds."""
        payload = stored.json()
        rest = tuple(payload["rest"]) if payload["rest"] else None
        return cls(ExpectedModel.from_dict(payload["expected"]), rest, payload["n_known"], stored.version)

    @property
    def places(self) -> int:
        """Decimal places worth keeping: four digits of an ordinary interval."""
        mean = float(np.nanmean(np.abs(self.model.profile))) if np.isfinite(self.model.profile).any() else 0.0
        return int(np.clip(_DIGITS - 1 - np.floor(np.log10(mean)), 0, 6)) if mean > 0 else 6


Habits = Mapping[tuple[str, date], Habit]
"""Models by meter and the first day of the month from which they speak."""


def speaking(habits: Habits, meter: str, year: int, month: int = 1) -> Habit | None:
    """The model that speaks of a month: the newest of its year that was fitted for it or a month before."""
    since = (date(year, m, 1) for m in range(month, 0, -1))
    return next((habits[meter, first] for first in since if (meter, first) in habits), None)


def years_of(calendar: LocalCalendar, extent: tuple[int, int]) -> range:
    """Local years in which a meter was read."""
    first, last = (calendar.date_of(instant).year for instant in extent)
    return range(first, last + 1)


def load_habits(registry: Registry, estate: Estate, extents: Extents) -> dict[tuple[str, date], Habit]:
    """The newest model of each meter and month from which one speaks."""
    names = [m.id for m in estate.meters if m.id in extents]
    years = {year for name in names for year in years_of(estate.calendar, extents[name])}
    return {
        (name, since): Habit.of(model)
        for since in (date(year, month, 1) for year in sorted(years) for month in range(1, 13))
        for name, model in registry.models(kind_of(since), names).items()
    }


def kept(habits: Habits) -> list[FittedModel]:
    """New models as the registry keeps them; they get their versions there."""
    return [
        FittedModel.of(
            meter,
            kind_of(since),
            start=habit.model.period.start,
            end=habit.model.period.end,
            payload=habit.payload(),
        )
        for (meter, since), habit in sorted(habits.items(), key=lambda item: item[0])
    ]


def fit_due(
    spans: Spans,
    around: Surroundings,
    known: Habits,
    *,
    came: Mapping[str, Sequence[Window]],
    now: int,
    refit: bool = False,
) -> dict[tuple[str, date], Habit]:
    """New models: of years that have none, whose first months grew, of this month, or whose period received much late.

    Parameters
    ----------
    came : mapping
        Windows in which readings of a meter (or its weather) came since the last run.
    """
    estate, extents = spans.estate, spans.extents
    due: dict[tuple[int, int, int, WeatherUse], list[tuple[Meter, date]]] = {}
    for meter in estate.meters:
        if meter.id in extents and meter.kind is not MeterKind.VIRTUAL and resolution(meter.interval_s) is not None:
            for since, period in _periods(estate.calendar, extents[meter.id], now):
                if refit or _is_due(known.get((meter.id, since)), period, came.get(meter.id, ())):
                    use = WEATHER_USE.get(meter.category.value, WeatherUse.ALWAYS)
                    step = RESOLUTIONS[resolution(meter.interval_s) or "hour"]
                    due.setdefault((period.start, period.end, step, use), []).append((meter, since))
    found: dict[tuple[str, date], Habit] = {}
    for (start, end, step, use), rows in due.items():
        found |= _fit(spans, around, Window(start, end), step, use, rows)
    return {key: habit for key, habit in found.items() if _is_worth(habit, known.get(key), refit)}


def _periods(calendar: LocalCalendar, extent: tuple[int, int], now: int) -> Iterator[tuple[date, Window]]:
    """The days on which models are fitted, with the month from which each speaks: of every year, and of this month."""
    today = calendar.date_of(now)
    for year in years_of(calendar, extent):
        period = _period(calendar, extent, year, now)
        if period is None:
            continue
        yield date(year, 1, 1), period
        begin = calendar.start_of(today.replace(day=1))
        is_renewed = year == today.year and today.month > 1 and period.end <= new_year(calendar, year)
        if is_renewed and extent[1] > begin:
            year_before = calendar.start_of(date(year - 1, today.month, 1))
            yield today.replace(day=1), Window(max(period.start, year_before), begin)


def _period(calendar: LocalCalendar, extent: tuple[int, int], year: int, now: int) -> Window | None:
    """Closed days on which the model of a year is fitted; None while there are too few."""
    first, last = extent
    before, begin, end = (new_year(calendar, y) for y in (year - 1, year, year + 1))
    first_day = int(calendar.edges(Window(first, first + 1), "day")[-1])
    if begin - max(first_day, before) >= ENOUGH * (begin - before):
        return Window(max(first_day, before), begin)
    closed = int(calendar.edges(Window(min(last, now), min(last, now) + 1), "month")[0])
    if end <= now and closed < end:
        return None  # a year gone by, of which more is on its way
    start, stop = max(first_day, begin), min(closed, end)
    return Window(start, stop) if stop - start >= MIN_DAYS * DAY else None


def new_year(calendar: LocalCalendar, year: int) -> int:
    """Instant at which a local year begins."""
    day = np.array([np.datetime64(f"{year}-01-01", "D").astype(np.int64)])
    return int(calendar.day_start(day)[0])


def _is_due(habit: Habit | None, period: Window, came: Sequence[Window]) -> bool:
    if habit is None or habit.model.period.end < period.end:
        return True
    late = sum(max(min(w.end, period.end) - max(w.start, period.start), 0) for w in union(list(came)))
    return late >= LATE_SHARE * (period.end - period.start)


def _is_worth(habit: Habit, before: Habit | None, refit: bool) -> bool:
    """Whether a new model replaces the old: asked for, of a longer period, of more readings, or of weather at last."""
    if before is None or refit or habit.model.period != before.model.period:
        return True
    n = (habit.model.period.end - habit.model.period.start) / habit.model.terms.step
    gained_weather = habit.model.terms.has_weather and not before.model.terms.has_weather
    return habit.n_known - before.n_known >= LATE_SHARE * n or gained_weather


def _fit(
    spans: Spans,
    around: Surroundings,
    period: Window,
    step: int,
    use: WeatherUse,
    rows: Sequence[tuple[Meter, date]],
) -> dict[tuple[str, date], Habit]:
    start = -(-period.start // step) * step
    n = (period.end - start) // step
    used = {meter.id: _measured(spans, meter, Window(start, start + n * step), step) for meter, _ in rows}
    enough = [(m, y) for m, y in rows if np.isfinite(used[m.id]).sum() * step >= MIN_DAYS * DAY]
    if not enough:
        return {}
    calendar, weather = around.calendar(start, n, step), around.weather(start, n, step)
    terms = choose_terms(calendar, weather)
    design = build_design(terms, calendar, weather)
    rests = {meter.id: _rest(used[meter.id], calendar.day) if has_season(meter) else None for meter, _ in enough}
    found: dict[tuple[str, date], Habit] = {}
    for rest in sorted(set(rests.values()), key=repr):
        own = [(m, y) for m, y in enough if rests[m.id] == rest]
        season = None if rest is None else ~in_rest(calendar.day, rest)
        values = np.stack([used[m.id] for m, _ in own])
        model = fit_expected(values, design, terms, period, use=use, season=season)
        for i, (meter, since) in enumerate(own):
            known = int(np.isfinite(values[i]).sum())
            found[meter.id, since] = Habit(model.take(slice(i, i + 1)), rest, known)
    return found


def _measured(spans: Spans, meter: Meter, span: Window, step: int) -> Float32Array:
    """Measured use of each interval; NaN where it was estimated or is unknown."""
    steps = spans.canonical(meter, span)
    return measured_only(on_grid(steps, span.start, span.end, step)).astype(np.float32)


def measured_only(intervals: IntervalEnergy) -> FloatArray:
    """Amounts that were measured or stated by people; NaN for estimates."""
    return np.where(np.isin(intervals.state, (State.MEASURED, State.CORRECTED)), intervals.amount, np.nan)


def _rest(values: Float32Array, day: IntArray) -> tuple[int, int] | None:
    """The longest span of days of the year without use, if it is long enough to be a season."""
    first = int(day[0])
    total = np.bincount(day - first, np.nan_to_num(values), int(day[-1]) - first + 1)
    known = np.bincount(day - first, np.isfinite(values), len(total)) > 0
    active = total > 0.02 * (np.median(total[total > 0]) if (total > 0).any() else np.inf)
    of_year = _day_of_year(first + np.arange(len(total)))
    used = np.zeros(366, bool)
    used[of_year[active]] = True
    seen = np.zeros(366, bool)
    seen[of_year[known]] = True
    idle = seen & ~used
    idle[59] |= idle[58] and idle[60] and not used[59]  # 29 February, in a year without one
    best = _longest_run(np.concatenate((idle, idle)))
    if best is None or best[1] - best[0] + 1 < SHORTEST_REST or not used.any():
        return None
    return best[0] % 366, best[1] % 366


def _longest_run(where: BoolArray) -> tuple[int, int] | None:
    edges = np.flatnonzero(np.diff(np.r_[False, where, False].astype(np.int8))).reshape(-1, 2)
    if not len(edges):
        return None
    begin, end = edges[np.argmax(edges[:, 1] - edges[:, 0])]
    return int(begin), int(end) - 1


def _day_of_year(days: IntArray) -> IntArray:
    """0 = 1 January, 59 = 29 February, 60 = 1 March in every year."""
    date = np.asarray(days, np.int64).astype("M8[D]")
    year = date.astype("M8[Y]")
    number = (date - year.astype("M8[D]")).astype(np.int64)
    first_of_march = ((year.astype("M8[M]") + 2).astype("M8[D]") - year.astype("M8[D]")).astype(np.int64)
    return np.asarray(np.where((number >= 59) & (first_of_march == 59), number + 1, number), np.int64)


def in_rest(days: IntArray, rest: tuple[int, int]) -> BoolArray:
    """True for local days out of season."""
    number = _day_of_year(days)
    first, last = rest
    inside = (number >= first) & (number <= last) if first <= last else (number >= first) | (number <= last)
    return np.asarray(inside)


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What was to be expected of each interval, with the limits of the 80 % interval; NaN where no model speaks."""

    amount: FloatArray
    low: FloatArray
    high: FloatArray


class Expectations:
    """Predictions of one institution's models on any grid."""

    def __init__(self, estate: Estate, around: Surroundings, habits: Habits) -> None:
        self._calendar = estate.calendar
        self.around = around
        self.habits = habits

    def on_grid(self, meter: str, start: int, n: int, step: int) -> Expected:
        """Expected use of n intervals of `step` from `start` on."""
        found = Expected(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan))
        if n:
            edges = self._calendar.edges(Window(start, start + n * step), "month")
            for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                self._month(found, meter, start, n, step, Window(begin, end))
        return found

    def _month(self, found: Expected, meter: str, start: int, n: int, step: int, month: Window) -> None:
        first_day = self._calendar.date_of(month.start)
        habit = speaking(self.habits, meter, first_day.year, first_day.month)
        if habit is None or habit.model.terms.step != step:
            return
        design, lead = self.around.month(habit.model.terms, month)
        if design is None:
            return
        first = -(-month.start // step)
        lo, hi = max(first, start // step), min(-(-month.end // step), start // step + n)
        if hi <= lo:
            return
        season = None if habit.rest is None else ~in_rest(design.calendar.day, habit.rest)
        expected = habit.model.predict(design, season)
        low, high = habit.model.interval(expected, design)
        begin = month.start // step - lead
        here, there = slice(lo - start // step, hi - start // step), slice(lo - begin, hi - begin)
        for column, values in ((found.amount, expected), (found.low, low), (found.high, high)):
            column[here] = np.round(values[0, there].astype(np.float64), habit.places)
