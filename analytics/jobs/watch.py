"""Watching one institution: its hours judged as seen, against its own year before.

Day D is judged when day D + 1 has ended, its load without people at its own end. What is usual, scales and thresholds
come from the calendar year before and are stored with a version; they are learnt again only on request, by another
version of the detector, or when people's verdicts changed a meter's budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from analytics.anomalies import (
    LEAD_DAYS,
    TRIM,
    VERSION,
    Alarms,
    HourGrid,
    Yardsticks,
    judge_period,
    learn,
    plausible,
    usual_use,
)
from analytics.calendars import CalendarRows
from analytics.consumption import Steps, on_grid, resolution
from analytics.design import Terms, Weather, build_design, choose_terms
from analytics.detection.rest import RestDays, RestYardsticks, learn_rest, rest_days
from analytics.detection.yardsticks import LEVEL
from analytics.jobs.estate import Estate
from analytics.jobs.habits import ENOUGH, Habits, in_rest, measured_only, new_year, speaking
from analytics.jobs.limits import Extents
from analytics.jobs.spans import Spans
from analytics.jobs.surroundings import Surroundings
from analytics.regression import Fit, fit_rows, predict_rows, prepare
from analytics.weather import within_reach
from energy.intervals import DAY, HOUR, LocalCalendar, Window
from energy.model import Category, Meter, MeterKind
from energy.registry import FittedModel, Registry
from energy.series import Float32Array, FloatArray

BRIDGED_S: Final = 5 * DAY
"""So far from the next known temperature a model that needs it still says what is usual."""


def kind_of(year: int) -> str:
    """Kind of the stored models by which a year is judged."""
    return f"watch:{year}"


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What one meter's year is judged by.

    Attributes
    ----------
    terms : Terms
    profile, slopes : float32
        Usual use of the year before, faults left out.
    yardsticks : Yardsticks
    rest : RestYardsticks
        Of hours without people.
    budget : tuple of float
        Alarms a year that the thresholds were set for: lasting, sudden.
    """

    terms: Terms
    profile: Float32Array
    slopes: Float32Array
    yardsticks: Yardsticks
    rest: RestYardsticks
    budget: tuple[float, float]

    def payload(self) -> dict[str, Any]:
        """As JSON types (NaN as None)."""
        return {
            "terms": self.terms.to_dict(),
            "profile": [v if v == v else None for v in self.profile.tolist()],
            "slopes": self.slopes.tolist(),
            "yardsticks": self.yardsticks.to_dict(),
            "rest": self.rest.to_dict(),
            "budget": list(self.budget),
        }

    @classmethod
    def of(cls, stored: FittedModel) -> Self:
        """The watch that a stored model holds."""
        payload = stored.json()
        return cls(
            Terms.from_dict(payload["terms"]),
            np.array([np.nan if v is None else v for v in payload["profile"]], np.float32),
            np.array(payload["slopes"], np.float32),
            Yardsticks.from_dict(payload["yardsticks"]),
            RestYardsticks.from_dict(payload["rest"]),
            (payload["budget"][0], payload["budget"][1]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One judged year of an institution.

    Attributes
    ----------
    year : int
    span : Window
        The judged days.
    meters : tuple of Meter
        Those with a year before: rows of alarms and use.
    alarms : Alarms
        Only those whose first day was followed by another whole one.
    rest : RestDays
        Load without people of the days of `calendar`.
    steps : dict
        What the readings of every meter read say, in canonical units, before anything was filled.
    use : float64, shape (n_meters, n_hours)
        Measured use of each hour of the span and of `LEAD_DAYS` before it; NaN unknown.
    calendar : CalendarRows
        Of these hours.
    fresh : tuple of FittedModel
        Models to be stored.
    """

    year: int
    span: Window
    meters: tuple[Meter, ...]
    alarms: Alarms
    rest: RestDays
    steps: Mapping[str, Steps]
    use: FloatArray
    calendar: CalendarRows
    fresh: tuple[FittedModel, ...]

    @property
    def start(self) -> int:
        """First instant of the hours of `use` and `calendar`."""
        return _lead_of(self.span)


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """Judges years of one institution."""

    registry: Registry
    spans: Spans
    around: Surroundings
    habits: Habits

    @property
    def estate(self) -> Estate:
        """The institution."""
        return self.spans.estate

    @property
    def extents(self) -> Extents:
        """First and last instant read, by meter."""
        return self.spans.extents

    def judge(self, year: int, *, now: int, budgets: Mapping[str, tuple[float, float]], refit: bool) -> Watched | None:
        """What the year shows; None where no meter was read in it, or less than two of its days are closed.

        Parameters
        ----------
        budgets : mapping
            Alarms a year by meter: lasting, sudden.
        refit : bool
            Learn again from the year before.
        """
        begin = new_year(self.estate.calendar, year)
        meters = [m for m in self._metered() if self.extents[m.id][1] >= begin]
        if not meters:
            return None
        last = max(self.extents[m.id][1] for m in meters)
        closed = int(self.estate.calendar.edges(Window(min(last, now), min(last, now) + 1), "day")[0])
        span = Window(begin, min(closed, new_year(self.estate.calendar, year + 1)))
        if span.end - span.start < 2 * DAY:
            return None
        stored = self.registry.models(kind_of(year), [m.id for m in meters])
        known = {} if refit else {name: Watch.of(model) for name, model in stored.items() if _is_current(model)}
        stale = [m for m in meters if m.id not in known or known[m.id].budget != budgets[m.id]]
        learnt = self._learn(year, stale, budgets)
        known |= learnt
        before = Window(new_year(self.estate.calendar, year - 1), begin)
        fresh = tuple(
            FittedModel.of(name, kind_of(year), start=before.start, end=before.end, payload=watch.payload())
            for name, watch in sorted(learnt.items())
        )
        return self._judged(year, span, meters, known, fresh)

    def _metered(self) -> list[Meter]:
        return [
            m
            for m in self.estate.meters
            if m.id in self.extents and m.kind is not MeterKind.VIRTUAL and resolution(m.interval_s) is not None
        ]

    def _learn(
        self, year: int, meters: Sequence[Meter], budgets: Mapping[str, tuple[float, float]]
    ) -> dict[str, Watch]:
        """Watches of the meters that were measured for long enough in the year before."""
        begin = _hour(new_year(self.estate.calendar, year - 1))
        n = (new_year(self.estate.calendar, year) - begin) // HOUR
        early = [m for m in meters if self.extents[m.id][0] <= begin + (1 - ENOUGH) * n * HOUR]
        rows = {
            m.id: self._hours(m, year - 1, self.spans.canonical(m, Window(begin, begin + n * HOUR)), begin, n)
            for m in early
        }
        own = [m for m in early if np.isfinite(rows[m.id]).sum() >= ENOUGH * n]
        if not own:
            return {}
        values = np.stack([rows[m.id] for m in own]).astype(np.float32)
        calendar, weather = self.around.calendar(begin, n, HOUR), self.around.weather(begin, n, HOUR)
        terms = choose_terms(calendar, weather)
        design = build_design(terms, calendar, weather)
        usual = usual_use(values, design, None)
        allowed = np.array([budgets[m.id] for m in own])
        grid = HourGrid.of(begin, calendar)
        yardsticks = learn(values, usual, grid, budgets=allowed)
        rest = learn_rest(values, usual, grid, yardsticks.numbers[:, LEVEL])
        cleaned = plausible(values)
        basis = prepare(design.calendar.slot, calendar.n_slots, design.rows, np.ones(n, np.float32))
        fit = fit_rows(cleaned, basis, trim=TRIM, trimmed=cleaned)
        return {
            m.id: Watch(terms, fit.profile[i], fit.slopes[i], _row(yardsticks, i), rest.take(i), budgets[m.id])
            for i, m in enumerate(own)
        }

    def _judged(
        self,
        year: int,
        span: Window,
        meters: Sequence[Meter],
        watches: Mapping[str, Watch],
        fresh: tuple[FittedModel, ...],
    ) -> Watched:
        start = _lead_of(span)
        n = (span.end - start) // HOUR
        calendar = self.around.calendar(start, n, HOUR)
        steps = {m.id: self.spans.canonical(m, Window(start, span.end)) for m in meters}
        own = tuple(m for m in meters if m.id in watches)
        values = np.array([self._hours(m, year, steps[m.id], start, n) for m in own], np.float32).reshape(len(own), n)
        grid = HourGrid.of(start, calendar)
        weather = self.around.weather(start, n, HOUR) if own else Weather()
        usual = np.maximum(_usual(own, watches, calendar, weather), 0)
        alarms = judge_period(values, usual, grid, _yardsticks(own, watches), (span.start - start) // HOUR).alarms
        rest = rest_days(values, usual, grid, RestYardsticks.joined([watches[m.id].rest for m in own]))
        certain = int(self.estate.calendar.edges(Window(span.end - DAY, span.end - DAY + 1), "day")[0])
        alarms = taken(alarms, np.flatnonzero(alarms.start < certain))
        return Watched(year, span, own, alarms, rest, steps, values.astype(np.float64), calendar, fresh)

    def _hours(self, meter: Meter, year: int, steps: Steps, start: int, n: int) -> FloatArray:
        """Measured use of each hour; NaN where unknown, and where a meter with a season rests out of it.

        A heat meter also rests out of the heating season of its place, whatever a leak in the spring before taught.
        """
        values = measured_only(on_grid(steps, start, start + n * HOUR, HOUR))
        habit = speaking(self.habits, meter.id, year) or speaking(self.habits, meter.id, year + 1)
        if habit is not None and habit.rest is not None:
            days = self.estate.calendar.day_number(start + HOUR * np.arange(n, dtype=np.int64))
            rests = in_rest(days, habit.rest)
            if meter.category is Category.HEAT:
                rests |= ~self.around.heated(days)
            values[rests & (values == 0)] = np.nan
        return values


def _hour(instant: int) -> int:
    """The hour of the grid that an instant lies in: where clocks differ from it by half an hour no day begins on it."""
    return instant // HOUR * HOUR


def _lead_of(span: Window) -> int:
    """The first hour looked at to judge a span."""
    return _hour(span.start) - LEAD_DAYS * DAY


def _is_current(stored: FittedModel) -> bool:
    """False for yardsticks of another detector: they are learnt again, for its thresholds mean something else."""
    return bool(stored.json()["yardsticks"]["version"] == VERSION)


def _usual(
    meters: Sequence[Meter], watches: Mapping[str, Watch], calendar: CalendarRows, weather: Weather
) -> Float32Array:
    """Usual use of each hour; meters whose terms are the same are predicted together."""
    out = np.full((len(meters), len(calendar)), np.nan, np.float32)
    by_terms: dict[Terms, list[int]] = {}
    for i, meter in enumerate(meters):
        by_terms.setdefault(watches[meter.id].terms, []).append(i)
    for terms, places in by_terms.items():
        known = weather.temperature is not None and bool(np.isfinite(weather.temperature).any())
        if terms.has_weather and not known:
            continue
        design = build_design(terms, calendar, weather)
        own = [watches[meters[i].id] for i in places]
        fit = Fit(np.stack([w.profile for w in own]), np.stack([w.slopes for w in own]), np.zeros(len(own), np.int32))
        out[places] = predict_rows(fit, design.calendar.slot, design.rows)
        if terms.has_weather and weather.temperature is not None:
            unknown = ~within_reach(weather.temperature, BRIDGED_S // HOUR)
            out[np.array(places)[:, None], unknown] = np.nan  # what a frost in March makes of July is no usual use
    return out


def _yardsticks(meters: Sequence[Meter], watches: Mapping[str, Watch]) -> Yardsticks:
    none = Yardsticks.from_dict({"numbers": [], "thresholds": [], "version": VERSION})
    own = [none, *(watches[m.id].yardsticks for m in meters)]
    return Yardsticks(np.concatenate([y.numbers for y in own]), np.concatenate([y.thresholds for y in own]))


def _row(yardsticks: Yardsticks, i: int) -> Yardsticks:
    return Yardsticks(yardsticks.numbers[i : i + 1], yardsticks.thresholds[i : i + 1])


def taken(alarms: Alarms, where: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Alarms:
    """These alarms alone."""
    return Alarms(
        alarms.meter[where],
        alarms.start[where],
        alarms.end[where],
        alarms.kind[where],
        alarms.actual[where],
        alarms.usual[where],
        alarms.certainty[where],
        alarms.evidence[where],
    )


def seen_at(calendar: LocalCalendar, start: int) -> int:
    """When an alarm that begins at `start` is seen: at the end of the local day after."""
    day = calendar.day_number(np.array([start]))
    return int(calendar.day_start(day + 2)[0])


DETECTOR: Final = VERSION
