"""Amounts in the one unit of their category; gas that is metered as heat becomes a volume by dated calorific values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.consumption import Steps
from analytics.indicators import Stated, weighted_by_time
from energy.errors import UnitError
from energy.intervals import LocalCalendar, Window
from energy.model import Category, Meter
from energy.registry import CalorificValue
from energy.series import FloatArray, IntArray
from energy.units import CANONICAL, linear, unit

_FOREVER: Final = 2**40
_KWH_PER_MJ: Final = 1 / 3.6
_OF_POWER: Final = {"kW": "kWh", "W": "Wh", "MW": "MWh"}


def gas_of_heat(calendar: LocalCalendar, places: Sequence[Iterable[CalorificValue]]) -> tuple[Stated, ...]:
    """Volume of gas that gave a unit of heat, dated; the calorific value of the nearest place that states one. [m3/kWh]

    Parameters
    ----------
    calendar : LocalCalendar
        Days of the validities.
    places : sequence of rows
        What each place states, the nearest first: the institution, its region, those above it.
    """
    found: list[Stated] = []
    for rows in places:
        held = list(found)
        for row in rows:
            start = 0 if row.valid_from is None else calendar.start_of(row.valid_from)
            end = _FOREVER if row.valid_to is None else calendar.start_of(row.valid_to)
            per_m3 = row.value * (_KWH_PER_MJ if row.unit == "MJ/m3" else 1.0)
            found += [Stated(1 / per_m3, w.start, w.end) for w in _without(Window(start, end), held)]
    return tuple(found)


def _without(span: Window, held: Sequence[Stated]) -> Iterator[Window]:
    """The parts of a span that nothing is stated for yet."""
    at = span.start
    for stated in sorted(held, key=lambda one: one.start):
        if at < stated.start:
            yield Window(at, min(stated.start, span.end))
        at = max(at, stated.end)
        if at >= span.end:
            return
    yield Window(at, span.end)


def heat_by_date(calendar: LocalCalendar, gas: Sequence[Stated]) -> list[tuple[date, date, float]]:
    """Heat in a cubic metre of gas over all time, as spans of days [from, to); NaN where nobody states it. [kWh/m3]"""

    def day(instant: int) -> date:
        return date.min if instant <= 0 else date.max if instant >= _FOREVER else calendar.date_of(instant)

    stated = {day(one.start): (day(one.end), 1 / one.value) for one in gas}
    edges = sorted({date.min, date.max, *stated, *(end for end, _ in stated.values())})
    nobody = (date.max, np.nan)
    return [(first, end, stated.get(first, nobody)[1]) for first, end in pairwise(edges)]


def is_heat_of_gas(category: Category, symbol: str) -> bool:
    """Whether amounts are of gas, told as the heat in it."""
    return category is Category.GAS and unit(symbol).quantity == "energy"


def canonical_factors(
    category: Category, symbol: str, start: IntArray, end: IntArray, gas: Sequence[Stated]
) -> FloatArray:
    """What turns amounts of spans into the unit of their category; NaN where nothing can.

    Power becomes energy by integration, so a meter in kW counts as one in kWh.

    Parameters
    ----------
    category, symbol
        What was measured, and its unit.
    start, end : int64, shape (n,)
        The spans. [s]
    gas : sequence of Stated
        Volume of gas by heat, dated (`gas_of_heat`). [m3/kWh]
    """
    source = _OF_POWER.get(unit(symbol).symbol, symbol)
    if is_heat_of_gas(category, source):
        return linear(source, "kWh")[0] * weighted_by_time(gas, start, end)
    try:
        return np.full(len(start), linear(source, CANONICAL[category])[0])
    except UnitError:
        return np.full(len(start), np.nan)


def canonical_steps(meter: Meter, steps: Steps, gas: Sequence[Stated]) -> Steps:
    """The steps in the unit of the meter's category; unknown where nothing converts them."""
    return steps.times(canonical_factors(meter.category, meter.unit, steps.start, steps.end, gas))
