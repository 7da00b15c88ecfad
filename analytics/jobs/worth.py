"""What findings are worth: the tariff of the hours in which too much or too little was used."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analytics.detection.kinds import Kind
from analytics.findings import Finding
from analytics.jobs.bills import is_workday
from analytics.jobs.outlook import Outlook
from analytics.jobs.prices import Paid, Paying
from analytics.jobs.surroundings import Surroundings
from analytics.tariffs import clock, prices
from energy.intervals import LocalCalendar
from energy.series import FloatArray, IntArray

STEP_S: Final = 900
_UNOCCUPIED: Final = (Kind.OFF_HOURS, Kind.BASE_LOAD)
"""Kinds whose excess lies in the hours without people."""


def with_worth(outlook: Outlook, calendar: LocalCalendar, around: Surroundings, paid: Paid) -> Outlook:
    """The findings with their money by the tariff of their hours, where the meter has one.

    The excess is taken as spread evenly over the finding's hours, of off-hours and base load over those without
    people. Of stepped prices the first step counts: nobody knows which one the excess reached. What is worth nothing
    (metering alone) stays so, and without a tariff the mean price of the meter's bills stands.
    """

    def priced(finding: Finding) -> Finding:
        paying = paid.get(finding.meter)
        if paying is None or finding.yuan == 0.0:
            return finding
        times = np.arange(finding.start // STEP_S * STEP_S, finding.end, STEP_S, dtype=np.int64)
        rate = _rates(calendar, paying, times)
        if finding.kind in _UNOCCUPIED:
            empty = ~around.calendar(int(times[0]), len(times), STEP_S).occupied
            rate = rate[empty] if empty.any() else rate
        mean = float(rate.mean())
        return replace(finding, yuan=abs(finding.excess) * mean) if mean == mean else finding

    return replace(outlook, found=tuple(priced(finding) for finding in outlook.found))


def _rates(calendar: LocalCalendar, paying: Paying, times: IntArray) -> FloatArray:
    """Price of each quarter hour, per canonical unit; NaN where no tariff is valid. [yuan]"""
    work = is_workday(calendar, calendar.day_number(times))
    return prices(paying.versions, clock(times, STEP_S, calendar, work)) * paying.factor
