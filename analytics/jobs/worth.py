"""What findings are worth: the tariff of the hours in which too much or too little was used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analytics.detection.kinds import Kind
from analytics.findings import UNTOLD, Finding
from analytics.jobs.estate import Estate
from analytics.jobs.outlook import Outlook
from analytics.jobs.prices import Paid, occasions
from analytics.jobs.stepped import Told, payers
from analytics.jobs.surroundings import Surroundings
from analytics.stepped import marginal_prices
from analytics.tariffs import Tariff, clock, prices
from energy.intervals import LocalCalendar
from energy.series import FloatArray, IntArray

STEP_S: Final = 900
UNPRICED: Final = UNTOLD | {Kind.SET_POINT}
_UNOCCUPIED: Final = (Kind.OFF_HOURS, Kind.BASE_LOAD)
"""Kinds whose excess lies in the hours without people."""


def with_worth(outlook: Outlook, estate: Estate, around: Surroundings, paid: Paid, told: Told) -> Outlook:
    """The findings with their money by the tariff of their hours, where the meter has one.

    The excess is taken as spread evenly over the finding's hours, of off-hours and base load over those without
    people. Of stepped prices it lies in the dearest steps that the billing point's month or year has reached: what it
    would have saved not to use it. Degrees of a room have no price, nor has an excess that nobody knows; without a
    tariff, or where nobody knows the step, the mean price of the meter's bills stands.
    """
    place = {meter.id: i for i, meter in enumerate(estate.meters)}
    points = payers(estate, paid)

    def priced(finding: Finding) -> Finding:
        if finding.meter not in paid or finding.kind in UNPRICED or finding.excess == 0.0:
            return finding
        times = np.arange(finding.start // STEP_S * STEP_S, finding.end, STEP_S, dtype=np.int64)
        if finding.kind in _UNOCCUPIED:
            empty = ~around.calendar(int(times[0]), len(times), STEP_S).occupied
            times = times[empty] if empty.any() else times
        point = points[place[finding.meter]]
        rate = _rates(estate.calendar, paid[finding.meter].versions, times, finding.excess, _of(told, point))
        mean = float(rate.mean())
        return replace(finding, yuan=abs(finding.excess) * mean) if mean == mean else finding

    return replace(outlook, found=tuple(priced(finding) for finding in outlook.found))


def _of(told: Told, row: int) -> Callable[[int, int], float]:
    """What one meter used between two days."""
    return lambda first, end: float(told.between(first, end)[row])


def _rates(
    calendar: LocalCalendar,
    versions: Sequence[Tariff],
    times: IntArray,
    excess: float,
    between: Callable[[int, int], float],
) -> FloatArray:
    """Price of each quarter hour, per canonical unit; NaN where no tariff is valid. [yuan]"""
    when = clock(times, STEP_S, calendar, occasions(calendar, calendar.day_number(times)))
    if any(version.is_stepped for version in versions):
        return marginal_prices(versions, when, excess, between)
    return prices(versions, when)
