"""Whose steps of a stepped price (阶梯) hold for a meter, and how far each local day finds them.

Steps are counted where they are paid: at the billing point (`analytics.jobs.charges`). Meters below it that pay no
tariff of their own cost what the billing point's days cost them: their part of a day lies in the steps that the day
lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.jobs.charges import billing_points
from analytics.jobs.estate import Estate
from analytics.jobs.prices import Paid
from analytics.stepped import Reached, used_bounds
from analytics.tariffs import Clock, Tariff, tier_periods
from energy.model import Meter, ValueKind
from energy.series import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is known of the days that are to be priced; rows are the meters of the estate.

    Attributes
    ----------
    amount : float64, shape (n_meters, n_days)
        NaN where unknown.
    missing_s : float64, shape (n_meters, n_days)
        Time of the day in which the meter should have been heard and was not. [s]
    between : callable
        Amounts of the meters from one day number to another, gaps included; NaN where unknown.
    """

    amount: FloatArray
    missing_s: FloatArray
    between: Callable[[int, int], FloatArray]

    def part(self, span: slice) -> Told:
        """Some of the days."""
        return Told(self.amount[:, span], self.missing_s[:, span], self.between)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Whose steps hold for a meter, and how far they were before each day."""

    reached: Reached
    is_own: bool

    def part(self, span: slice) -> Steps:
        """Of some of the days."""
        return Steps(self.reached.part(span), self.is_own)

    def prices(self, versions: Sequence[Tariff], when: Clock, day: IntArray, amount: FloatArray) -> FloatArray:
        """Price of each interval; `day` is its place among the days. [yuan per amount]"""
        if self.is_own:
            return self.reached.own_prices(versions, when, day, amount)
        return self.reached.shared_prices(versions, when, day)


def steps_of(estate: Estate, paid: Paid, days: Clock, told: Told) -> dict[int, Steps]:
    """Steps of each meter (by its row) whose tariff has any. Parameters as those of `reached`."""
    points: dict[int, Reached] = {}
    found = {}
    for row, point in payers(estate, paid).items():
        versions = paid[estate.meters[point].id].versions
        if any(version.is_stepped for version in versions):
            if point not in points:
                points[point] = reached(estate, point, versions, days, told)
            found[row] = Steps(points[point], row == point)
    return found


def payers(estate: Estate, paid: Paid) -> dict[int, int]:
    """Of each meter that pays: the row of the billing point whose steps hold for it, often its own."""
    place = {meter.id: i for i, meter in enumerate(estate.meters)}
    points = billing_points(estate, paid)
    found = {}
    for i, meter in enumerate(estate.meters):
        if meter.id in paid:
            above = [place[name] for name in _upwards(estate.meters, place, i) if name in points]
            found[i] = next((j for j in above if paid[estate.meters[j].id].versions == paid[meter.id].versions), i)
    return found


def _upwards(meters: Sequence[Meter], place: Mapping[str, int], i: int) -> Iterator[str]:
    """A meter and those above it, the nearest first."""
    seen: set[str] = set()
    name: str | None = meters[i].id
    while name is not None and name in place and name not in seen:
        seen.add(name)
        yield name
        name = meters[place[name]].parent


def reached(estate: Estate, row: int, versions: Sequence[Tariff], days: Clock, told: Told) -> Reached:
    """How far the steps were before each day of one billing point.

    Parameters
    ----------
    estate : Estate
        Its meters are the rows.
    row : int
        The billing point.
    versions : sequence of Tariff
        What it pays.
    days : Clock
        Consecutive local days; the first begins a period of the steps.
    told : Told
        What is known of them.
    """
    meter = estate.meters[row]
    n = len(days.day)
    least, most, silent, scales = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.nan)
    is_continuous = meter.value_kind is ValueKind.REGISTER and all(
        swap.old_end is not None and swap.new_start is not None for swap in estate.swaps.get(meter.id, ())
    )
    for part, scale in tier_periods(versions, days):
        total = float(told.between(int(days.day[part][0]), int(days.day[part][-1]) + 1)[row])
        in_gaps = total if is_continuous else np.nan
        bounds = used_bounds(told.amount[row, part], told.missing_s[row, part], in_gaps)
        least[part], most[part], silent[part] = (bound * scale for bound in bounds)
        scales[part] = scale
    return Reached(told.amount[row], least, most, silent, scales)
