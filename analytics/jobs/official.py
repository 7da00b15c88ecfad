"""Indicators as the quota standards define them: what does not count is left out where it is metered separately.

The codes of end uses say what a part is for. Only codes that can mean nothing else are read so; everything else stays
in, which makes a figure too high rather than too low.

Notes
-----
Purchased heat counts as heating, petrol and diesel as fuel of vehicles. Gas and coal stay in: whether they heat is not
to be seen from a meter's category.

References
----------
DB37/T 2671, 2672, 2673-2019 (indicators); 住建部 分项能耗数据采集技术导则 2008 (codes of end uses).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from analytics.indicators import PHYSICAL, Amounts, Indicator
from analytics.quotas import SCOPES, VEHICLE_FUEL, Account, IndicatorScope, Part, Purpose, figure
from energy.caliber import Caliber, caliber
from energy.errors import MissingReference
from energy.heating import HeatingSeason
from energy.model import Category
from energy.series import BoolArray, FloatArray, IntArray

_SERVERS: Final = "D1"
PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType(
    {
        "B1E": Purpose.HEATING,  # hot-water circulation pump
        "B1F": Purpose.HEATING,  # electric boiler
        _SERVERS: Purpose.SPECIAL,  # data centre
        "D2": Purpose.SPECIAL,  # laundry
        "D3": Purpose.SPECIAL,  # kitchen
        "D4": Purpose.SPECIAL,  # pool
        "D5": Purpose.SPECIAL,  # gym
    }
)
"""What the end uses of electricity that standards leave out are for."""
_OF_CATEGORY: Final = MappingProxyType(
    {Category.HEAT: Purpose.HEATING, **dict.fromkeys(VEHICLE_FUEL, Purpose.TRANSPORT)}
)
SHANDONG: Final = "sd_2019"
WHOLES: Final = MappingProxyType(
    {
        "nonheating_energy": ("nonheating_energy_per_area", SHANDONG),
        "conventional_electricity": ("conventional_electricity_per_area", "physical"),
    }
)
"""Amounts that are divided by the floor area: indicator whose scope they have, and caliber."""
_HEATING: Final = "heating_energy_per_heated_area"
_SEASON_STARTS: Final = 7
_EPOCH: Final = date(1970, 1, 1)


def official_wholes(amounts: Amounts, items: Mapping[str, FloatArray]) -> Iterator[Indicator]:
    """The amounts that the standards divide by area, of one place in consecutive periods.

    Parameters
    ----------
    amounts : Amounts
        Whole of each category.
    items : mapping of str to float64
        Electricity of the end uses that have a meter, by code; 0 where it was not yet there, NaN where unknown.
    """
    for key, (name, counting) in WHOLES.items():
        found = scoped_or_unknown(SCOPES[name], caliber(counting), amounts, items)
        if found is not None:
            yield replace(found, key=key)
    if _SERVERS in items and Category.ELECTRICITY in amounts.amount:
        value = np.where(items[_SERVERS] > 0, items[_SERVERS], np.nan)
        yield Indicator("data_centre", PHYSICAL, value, amounts.coverage[Category.ELECTRICITY])


def heating_energy(amounts: Amounts, items: Mapping[str, FloatArray]) -> Indicator | None:
    """Heating energy of each period, months or days; None where no heating is metered."""
    found = scoped_or_unknown(SCOPES[_HEATING], caliber(SHANDONG), amounts, items)
    return found and replace(found, key="heating_energy")


def scoped(
    scope: IndicatorScope,
    counting: Caliber,
    amounts: Amounts,
    items: Mapping[str, FloatArray],
    denominator: FloatArray | None = None,
) -> Indicator | None:
    """What an indicator counts of one place in consecutive periods; None where the place has nothing of it.

    Parameters
    ----------
    scope : IndicatorScope
        What counts.
    counting : Caliber
        MissingReference is raised where it has no coefficient for something that counts.
    amounts : Amounts
        Whole of each category.
    items : mapping of str to float64
        As in `official_wholes`.
    denominator : float64, shape (n_periods,), optional
        As in `analytics.quotas.figure`.
    """
    account = _account(amounts, items)
    counted = _counted(account, scope, counting)
    if not counted:
        return None
    value = figure(account, scope, counting, denominator).value
    coverage, any_present = _coverage(counted, amounts)
    return Indicator(scope.indicator, counting.key, np.where(any_present, value, np.nan), coverage)


def scoped_or_unknown(
    scope: IndicatorScope, counting: Caliber, amounts: Amounts, items: Mapping[str, FloatArray]
) -> Indicator | None:
    """The same; unknown where a carrier has no coefficient in this caliber: it must not look like nothing."""
    try:
        return scoped(scope, counting, amounts, items)
    except MissingReference:
        unknown = np.full(len(next(iter(amounts.amount.values()))), np.nan)
        return Indicator(scope.indicator, counting.key, unknown, unknown)


def seasons(months: IntArray) -> list[tuple[int, int]]:
    """(first, last + 1) place of each whole twelve months from July: each holds one heating season.

    Parameters
    ----------
    months : int64, shape (n_months,)
        Month of the year of consecutive months, 1 to 12.
    """
    return [(i, i + 12) for i in np.flatnonzero(months == _SEASON_STARTS).tolist() if i + 12 <= len(months)]


def of_season(monthly: Indicator, daily: Indicator, months: IntArray, season: HeatingSeason) -> tuple[float, float]:
    """Heating energy of one season and its coverage; NaN where a part of it is unknown.

    Parameters
    ----------
    monthly, daily : Indicator
        Heating energy of consecutive months, and of all their days.
    months : int64, shape (n_months + 1,)
        Day numbers that bound the months.
    season : HeatingSeason
        Its first and last day lie in the months.

    Notes
    -----
    Whole months count as such: a month can be known where a gap hides some of its days. So can the part of a month
    whose other days are known.
    """
    first, end = (season.first - _EPOCH).days, (season.last - _EPOCH).days + 1
    days = daily.value
    total = 0.0
    for i in np.flatnonzero((months[:-1] < end) & (months[1:] > first)).tolist():
        begin, after = (months[i : i + 2] - months[0]).tolist()
        lo, hi = max(begin, first - months[0]), min(after, end - months[0])
        inside, outside = days[lo:hi].sum(), days[begin:lo].sum() + days[hi:after].sum()
        is_whole = (lo, hi) == (begin, after)
        total += float(monthly.value[i] - outside if is_whole or np.isnan(inside) else inside)
    coverage = np.nan_to_num(daily.coverage[first - months[0] : end - months[0]])
    return total, float(coverage.mean())


def _account(amounts: Amounts, items: Mapping[str, FloatArray]) -> Account:
    whole = {c: np.where(amounts.present[c], amounts.amount[c], 0.0) for c in amounts.amount}
    parts = [
        Part(purpose.value, category, purpose, whole[category], is_metered=True)
        for category, purpose in _OF_CATEGORY.items()
        if category in whole
    ]
    if Category.ELECTRICITY in whole:
        parts += [
            Part(code, Category.ELECTRICITY, PURPOSES[code], amount, is_metered=True)
            for code, amount in items.items()
            if code in PURPOSES
        ]
    return Account(whole, tuple(parts))


def _counted(account: Account, scope: IndicatorScope, counting: Caliber) -> list[Category]:
    """Categories of which something counts."""
    if scope.only is not None:
        return sorted({part.category for part in account.parts if part.purpose is scope.only})
    allowed = [c for c in account.whole if _OF_CATEGORY.get(c) not in scope.without]
    if scope.categories is not None:
        return [c for c in allowed if c in scope.categories]
    return [c for c in allowed if counting.is_counted(c)]


def _coverage(counted: Sequence[Category], amounts: Amounts) -> tuple[FloatArray, BoolArray]:
    """The least coverage of the categories that are there, and where any is."""
    n = len(amounts.amount[counted[0]])
    coverage, any_present = np.full(n, np.inf), np.zeros(n, np.bool_)
    for category in counted:
        here = amounts.present[category]
        coverage = np.where(here, np.fmin(coverage, np.nan_to_num(amounts.coverage[category])), coverage)
        any_present |= here
    return np.where(any_present, coverage, np.nan), any_present
