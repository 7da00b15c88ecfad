"""Is a bill plausible? Against last year's, the one before, its price, and the meters of the same place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from energy.model import Category
from energy.registry import Bill

BANDS: Final = {Category.WATER: 0.25}
"""Year-on-year change an auditor asks about: water 25 %, everything else 15 % (Shandong audit code)."""
PRICES: Final = {
    Category.ELECTRICITY: (0.2, 2.0),
    Category.WATER: (1.0, 20.0),
    Category.GAS: (1.5, 8.0),
    Category.HEAT: (30.0, 200.0),
}
"""Yuan per unit, wide around 0.7, 5, 4.4 and 89.6: what lies outside is a mistake of unit or of 元 and 万元."""
TOLERANCE: Final = 0.05
"""Difference between meter and bill that needs no explanation."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a bill may be wrong: a key of the catalogue, the figure on the bill, the one it was held against."""

    key: str
    came: float
    expected: float


def doubts(bill: Bill, others: Sequence[Bill], category: Category, metered: float) -> Iterator[Doubt]:
    """Everything about a bill that needs a second look; `metered` is NaN where no meter measures the same."""
    band = BANDS.get(category, 0.15)
    per_day = bill.amount / days_of(bill)
    last_year = _covering(others, bill.first_day - timedelta(days=365), bill.last_day - timedelta(days=365))
    if last_year > 0 and abs(per_day / last_year - 1) > band:
        yield Doubt("doubt_last_year", per_day, last_year)
    before = max((b for b in others if b.last_day < bill.first_day), key=lambda b: b.last_day, default=None)
    if before is not None:
        usual = before.amount / days_of(before)
        if usual > 0 and not 0.2 < per_day / usual < 5:
            yield Doubt("doubt_before", per_day, usual)
        if before.last_day + timedelta(days=1) < bill.first_day:
            yield Doubt("doubt_gap", 0.0, float((bill.first_day - before.last_day).days - 1))
    if bill.yuan is not None and bill.amount > 0 and category in PRICES:
        price, (low, high) = bill.yuan / bill.amount, PRICES[category]
        if not low <= price <= high:
            yield Doubt("doubt_price", price, low if price < low else high)
    if metered > 0 and abs(bill.amount / metered - 1) > TOLERANCE:
        yield Doubt("doubt_meter", bill.amount, metered)


def days_of(bill: Bill) -> int:
    """Days of a bill; both ends belong to it."""
    return (bill.last_day - bill.first_day).days + 1


def _covering(bills: Sequence[Bill], first: date, last: date) -> float:
    """Mean use a day of the bills that lie mostly within these days; NaN where there is none."""
    near = [b for b in bills if first - timedelta(days=10) <= b.first_day and b.last_day <= last + timedelta(days=10)]
    return sum(b.amount for b in near) / sum(days_of(b) for b in near) if near else math.nan
