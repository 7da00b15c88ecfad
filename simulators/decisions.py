"""What people decided in 示例省: what energy costs, who pays which tariff, and how much may be used in a year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from energy.series import FloatArray
from simulators.catalogue import House
from simulators.quotas import SOURCE
from simulators.sheets import Row

FLAT_PRICES: Final = {"electricity": 0.62, "water": 4.1}
"""Yuan per kWh and m3 of those who get a bill a month: invented, as every price here."""
_TARGETS: Final = {
    "electricity": ("electricity_per_area", "kWh/(m2·a)"),
    "water": ("water_per_person", "m3/(p·a)"),
}
# Bands of the day: price in yuan/kWh, months, hours. Summer has a sharp peak; every hour belongs to one band.
_BANDS: Final = (
    ("sharp", 1.05, "7-8", "14:00-17:00"),
    ("peak", 0.88, "7-8", "09:00-11:30,17:00-21:00"),
    ("flat", 0.62, "7-8", "07:00-09:00,11:30-14:00,21:00-23:00"),
    ("peak", 0.88, "1-6,9-12", "09:00-11:30,14:00-21:00"),
    ("flat", 0.62, "1-6,9-12", "07:00-09:00,11:30-14:00,21:00-23:00"),
    ("valley", 0.34, "1-12", "00:00-07:00,23:00-24:00"),
)
_METERED_PRICES: Final = {"water": (4.1, "m3"), "gas": (3.4, "m3"), "heat": (78.0, "GJ")}
_FACTORS: Final = (0.88, 0.94, 0.98, 1.02, 1.1)
"""What a target allows of last year's use: some institutions will keep it, some will pass it."""


def tariff_rows(first: date) -> list[Row]:
    """One tariff by time of use for the metered, flat ones for everything else."""
    flat = {f"sl-flat-{category}": price for category, price in FLAT_PRICES.items()}
    units = {"electricity": "kWh", "water": "m3"}
    return [
        *(_tariff("sl-tou", price, "kWh", first, band=band, months=m, hours=h) for band, price, m, h in _BANDS),
        *(_tariff(name, price, units[name.removeprefix("sl-flat-")], first) for name, price in flat.items()),
        *(_tariff(f"sl-{name}", price, unit, first) for name, (price, unit) in _METERED_PRICES.items()),
    ]


def use_rows(metered: tuple[House, ...], billed: tuple[House, ...], first: date) -> Iterator[Row]:
    """Which tariff every institution pays."""
    for house in metered:
        yield _use(house, "electricity", "sl-tou", first)
        for category in _METERED_PRICES:
            yield _use(house, category, f"sl-{category}", first)
    for house in billed:
        for category in FLAT_PRICES:
            yield _use(house, category, f"sl-flat-{category}", first)


def target_rows(
    used: Mapping[str, Mapping[str, FloatArray]], houses: tuple[House, ...], first: date, last: date
) -> Iterator[Row]:
    """Issued targets for each year after a whole year: what was used last year, per area or person, times a factor.

    `used` holds kWh or m3 by category, institution and local day from `first` on; nobody outside it gets a target.
    """
    for year in range(first.year + 1, last.year + 1):
        begin, end = (date(year - 1, 1, 1) - first).days, (date(year, 1, 1) - first).days
        if begin < 0:
            continue
        for category, (indicator, unit) in _TARGETS.items():
            for i, house in enumerate(houses):
                days = used[category].get(house.id)
                if days is None:
                    continue
                size = house.area_m2 if category == "electricity" else house.users
                value = float(days[begin:end].sum()) * _FACTORS[i % len(_FACTORS)] / size
                yield {
                    "scope": "institution", "id": house.id, "year": year, "indicator": indicator,
                    "caliber": "physical", "state": "issued", "value": round(value, 2), "unit": unit,
                    "document": f"示例文号〔{year}〕{i + 1}号", "date": date(year, 1, 31).isoformat(), "note": SOURCE,
                }  # fmt: skip


def _tariff(
    name: str, price: float, unit: str, first: date, *, band: str = "all", months: str = "1-12",
    hours: str = "00:00-24:00",
) -> Row:  # fmt: skip
    return {
        "tariff": name, "component": "energy", "band": band, "months": months, "days": "all", "hours": hours,
        "price_yuan": price, "unit": f"yuan/{unit}", "valid_from": first.isoformat(), "source": SOURCE,
    }  # fmt: skip


def _use(house: House, category: str, tariff: str, first: date) -> Row:
    return {
        "scope": "institution", "id": house.id, "category": category, "tariff": tariff,
        "valid_from": first.isoformat(),
    }  # fmt: skip
