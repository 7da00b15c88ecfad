"""Faults of many kinds and sizes, put into recorded use where chance says: what the detector is judged on.

A kind is a rule in one line: how long, where it may begin, and what it makes of the honest values. `LABELLED` are the
kinds of the labelled year, `OTHERS` are kinds that it has none of; sizes reach down to what hardly shows. How severe
faults are is one number (`Severity`), so that detectors can be compared where faults are as plain as one likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.calendars import CalendarRows
from energy.series import BoolArray, Float32Array, FloatArray

QUIET = 48
"""Honest hours between two faults. [h]"""
LEAST_CHANGE = 0.03
"""A fault changes its hours by at least this share of the median load, on average; less cannot be seen by anybody."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a fault is put: the building's honest year, the hours chosen, and their calendar."""

    year: Float32Array
    first: int
    occupied: BoolArray
    other: Float32Array
    """The same hours of another building, scaled to this one's median."""

    @property
    def median(self) -> float:
        return float(np.median(self.year))

    def level(self, share: float) -> float:
        return float(np.quantile(self.year, share))

    def from_day(self, days: int) -> Float32Array:
        """The hours as they were some days earlier, or later where the year begins."""
        first = self.first + (-24 if self.first >= 24 * days else 24) * days
        return self.year[first : first + len(self.occupied)]


Change = Callable[[Float32Array, Place, np.random.Generator], FloatArray | Float32Array]


@dataclass(frozen=True)
class Rule:
    """A kind of fault: its length [h], a multiple of `step`, where it may begin, and what it does."""

    shortest: int
    longest: int
    change: Change
    step: int = 1
    begins: str = "any"


def catch_up(x: Float32Array) -> FloatArray:
    return np.append(np.zeros(len(x) - 1), x.sum())


def every_second_hour(x: Float32Array) -> FloatArray:
    """Each second hour holds what two hours used."""
    odd = np.arange(len(x)) % 2 == 1
    return np.where(odd, x + np.r_[0, x[:-1]], 0)


def daily_mean(x: Float32Array) -> FloatArray:
    mean: FloatArray = np.repeat(x.reshape(-1, 24).mean(axis=1), 24)
    return mean


def outside_work(x: Float32Array, place: Place, level: float) -> FloatArray:
    return np.where(place.occupied, x, np.maximum(x, level))


def between(place: Place, low: float, high: float, share: float) -> float:
    """A load between two quantiles of the year."""
    return place.level(low) + share * (place.level(high) - place.level(low))


LABELLED: Mapping[str, Rule] = {
    "spike": Rule(1, 3, lambda x, p, g: x * g.uniform(2, 8)),
    "zero": Rule(6, 72, lambda x, p, g: x * 0),
    "stuck": Rule(8, 96, lambda x, p, g: np.full_like(x, x[0])),
    "offhours_on": Rule(20, 100, lambda x, p, g: outside_work(x, p, g.uniform(0.7, 1) * p.level(0.9))),
    "level_up": Rule(72, 336, lambda x, p, g: x + g.uniform(0.2, 0.6) * p.median, 24, "midnight"),
    "scale_error": Rule(24, 168, lambda x, p, g: x * g.choice([0.1, 0.5, 2, 10]), 24),
    "gap_catchup": Rule(6, 48, lambda x, p, g: catch_up(x)),
    "work_off": Rule(12, 26, lambda x, p, g: np.minimum(x, p.level(0.1)), 1, "morning"),
}
OTHERS: Mapping[str, Rule] = {
    "level_down": Rule(72, 336, lambda x, p, g: np.maximum(x - g.uniform(0.2, 0.6) * p.median, 0.05 * p.median), 24),
    "phase_loss": Rule(24, 240, lambda x, p, g: x * g.choice([0.333, 0.667]), 24),
    "calibration": Rule(48, 480, lambda x, p, g: x * g.choice([0.75, 0.85, 1.15, 1.3]), 24),
    "time_shift": Rule(48, 240, lambda x, p, g: np.roll(x, g.choice([-6, -4, -2, 2, 4, 8])), 24, "midnight"),
    "night_on": Rule(48, 240, lambda x, p, g: outside_work(x, p, between(p, 0.1, 0.9, g.uniform(0.4, 0.9))), 24),
    "early_start": Rule(48, 240, lambda x, p, g: np.maximum(x, np.roll(x, -int(g.integers(2, 5)))), 24, "midnight"),
    "weekend_on": Rule(48, 48, lambda x, p, g: np.maximum(x, p.from_day(3)), 24, "saturday"),
    "noise": Rule(24, 120, lambda x, p, g: np.maximum(x * g.normal(1, g.uniform(0.15, 0.5), len(x)), 0), 24),
    "leak": Rule(120, 672, lambda x, p, g: x + g.uniform(0.1, 0.35) * p.median, 24),
    "ramp": Rule(168, 840, lambda x, p, g: x + g.uniform(0.2, 0.6) * p.median * np.linspace(0, 1, len(x)), 24),
    "drift": Rule(168, 840, lambda x, p, g: x * np.linspace(1, g.choice([0.5, 0.7, 1.3, 1.6]), len(x)), 24),
    "cap": Rule(48, 240, lambda x, p, g: np.minimum(x, p.level(g.uniform(0.5, 0.75))), 24),
    "drop": Rule(2, 8, lambda x, p, g: x * g.uniform(0.2, 0.6), 1, "work"),
    "surge": Rule(3, 12, lambda x, p, g: x + g.uniform(0.3, 1.2) * p.median),
    "holiday_like": Rule(24, 24, lambda x, p, g: np.minimum(x, p.level(0.25)), 24, "weekday"),
    "intermittent": Rule(24, 96, lambda x, p, g: x * np.where(g.random(len(x)) < 0.3, g.uniform(1.5, 3), 1), 24),
    "dropouts": Rule(24, 120, lambda x, p, g: x * (g.random(len(x)) > 0.15), 24),
    "every_second_hour": Rule(24, 120, lambda x, p, g: every_second_hour(x), 24),
    "flat_days": Rule(48, 168, lambda x, p, g: daily_mean(x), 24, "midnight"),
    "same_day_again": Rule(48, 168, lambda x, p, g: np.tile(x[:24], len(x) // 24), 24, "midnight"),
    "other_meter": Rule(48, 240, lambda x, p, g: p.other, 24),
    "cycling": Rule(48, 240, lambda x, p, g: x + g.uniform(0.2, 0.5) * p.median * (np.arange(len(x)) % 4 < 2), 24),
}


@dataclass(frozen=True, slots=True)
class Severity:
    """How plain faults are.

    Attributes
    ----------
    least : float
        A fault changes its hours by at least this share of the median load, on average.
    longer : float
        Faults last so many times as long, except kinds of one fixed length.
    draws : int
        So often a fault that would change less is drawn again, elsewhere and of any kind; with 1 it is left out.
    """

    least: float = LEAST_CHANGE
    longer: float = 1.0
    draws: int = 1

    @classmethod
    def of(cls, times: float) -> Self:
        """Sizes and lengths together: at 1 from 6 % of the load on and as long as the rules say, at 2 twice both."""
        return cls(2 * LEAST_CHANGE * times, times, 20)


@dataclass(frozen=True, slots=True)
class Fault:
    """What was put in: building row, kind, first and last hour, mean change of an hour in median loads."""

    row: int
    kind: str
    first: int
    last: int
    size: float


def put_in(
    use: Float32Array,
    calendar: CalendarRows,
    rules: Mapping[str, Rule],
    generator: np.random.Generator,
    *,
    faulty: float = 0.85,
    rate: float = 5.0,
    severity: Severity | None = None,
) -> tuple[Float32Array, list[Fault]]:
    """A copy of a year with faults: none in some buildings, a Poisson number (mean `rate`) in the `faulty` others."""
    severity = severity or Severity()
    out = use.copy()
    faults: list[Fault] = []
    chance = _Chance(use, calendar, _begins(calendar), generator)
    for row in range(len(use)):
        if generator.random() > faulty:
            continue
        for kind in generator.choice(list(rules), generator.poisson(rate)):
            for draw in range(severity.draws):
                drawn = str(generator.choice(list(rules)) if draw else kind)
                found = chance.fault(row, drawn, rules[drawn], faults, severity.longer)
                if found is not None and found[0].size >= severity.least:
                    fault, new = found
                    out[row, fault.first : fault.last + 1] = new
                    faults.append(fault)
                    break
    return out, faults


@dataclass(frozen=True, eq=False)
class _Chance:
    """Where a fault falls in a year, and what it makes of the hours there."""

    use: Float32Array
    calendar: CalendarRows
    begins: Mapping[str, BoolArray]
    generator: np.random.Generator

    def fault(
        self, row: int, kind: str, rule: Rule, faults: Sequence[Fault], longer: float
    ) -> tuple[Fault, Float32Array] | None:
        """A fault of a kind, far from those of the row, and its hours' values; None where there is no place for it."""
        hours = int(self.generator.integers(rule.shortest, rule.longest + 1))
        if rule.shortest < rule.longest:
            hours = int(hours * longer)
        hours = hours // rule.step * rule.step
        first = self._free_place(row, hours, self.begins[rule.begins], faults)
        if first is None:
            return None
        here = slice(first, first + hours)
        own, other = self.use[row], self.use[int(self.generator.integers(len(self.use)))]
        scaled = other[here] * (np.median(own) / max(float(np.median(other)), 0.1))
        place = Place(own, first, self.calendar.occupied[here], scaled)
        new = np.round(rule.change(own[here].copy(), place, self.generator), 1).astype(np.float32)
        size = float(np.abs(new - own[here]).mean()) / max(place.median, 0.1)
        return Fault(row, kind, first, first + hours - 1, size), new

    def _free_place(self, row: int, hours: int, begins: BoolArray, faults: Sequence[Fault]) -> int | None:
        """A first hour far from the year's ends and from the row's other faults."""
        for _ in range(60):
            first = int(self.generator.integers(7 * 24, len(begins) - hours - 24))
            near = any(f.row == row and f.first < first + hours + QUIET and first < f.last + QUIET for f in faults)
            if begins[first] and not near:
                return first
        return None


def _begins(calendar: CalendarRows) -> dict[str, BoolArray]:
    midnight, weekday = calendar.hour == 0, calendar.slot // 24
    return {
        "any": np.ones(len(calendar), np.bool_),
        "midnight": midnight,
        "saturday": midnight & (weekday == 5),
        "weekday": midnight & (weekday < 4),
        "morning": calendar.occupied & (calendar.hour == 7),
        "work": calendar.occupied,
    }
