"""Institutions without meters of ours: monthly bills, kept apart from the metered ones.

They make peer groups large enough to mean something. Their use follows the same load shapes, day by day; what an
institution uses also depends on how densely it is used, so that a fair comparison has a driver to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from energy.intervals import LocalCalendar, Window
from energy.series import FloatArray
from simulators import shapes
from simulators.catalogue import REGIONS, House
from simulators.decisions import FLAT_PRICES
from simulators.sheets import Row, Sheets, institution_rows
from simulators.streams import Streams, autoregressive
from simulators.weather import Weather
from simulators.workdays import Hours

DENSITY_EXPONENT: Final = 0.4
"""Twice the people on the same floor use 2 ** 0.4 = 1.32 times the electricity: the driver of the peer groups."""
_COUNTIES: Final = tuple(r.code for r in REGIONS if not r.code.endswith("00"))
_WRONG: Final = 0.01  # share of bills whose amount of money is not what the tariff says


@dataclass(frozen=True, slots=True)
class Group:
    """A type of institution with the share of all that it holds, and its usual size and density."""

    share: float
    type: str
    quota_class: str
    profile_key: str
    letter: str
    zh: str
    en: str
    area_m2: float
    m2_per_person: float


GROUPS: Final = (
    Group(0.34, "01", "党政机关", "office", "A", "示例机关", "sample office", 6_500, 28.0),
    Group(0.28, "021", "中小学校", "school", "D", "示例学校", "sample school", 9_000, 8.0),
    Group(0.2, "024", "医院", "hospital", "E", "示例卫生院", "sample clinic", 11_000, 17.0),
    Group(0.18, "023", "文化馆", "library", "D", "示例文化站", "sample cultural centre", 4_200, 30.0),
)


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill of one meter over the local days first .. last, both included; `is_wrong` marks a label, not a field."""

    meter: str
    category: str
    first: date
    last: date
    amount: float
    yuan: float
    is_wrong: bool

    def row(self) -> Row:
        """The bill as a row of the sheet `bills`."""
        return {
            "meter": self.meter, "first_day": self.first.isoformat(), "last_day": self.last.isoformat(),
            "amount": self.amount, "unit": "kWh" if self.category == "electricity" else "m3", "yuan": self.yuan,
            "document": f"{self.meter}/{self.last:%Y%m%d}",
        }  # fmt: skip


@dataclass(slots=True, eq=False)
class Billed:
    """Billed institutions with their true use by local day, in kWh and m3."""

    houses: tuple[House, ...]
    daily: dict[str, FloatArray]
    bills: tuple[Bill, ...]
    first: date
    last: date

    @property
    def wrong_bills(self) -> tuple[Bill, ...]:
        """Bills whose money does not follow from amount and tariff."""
        return tuple(bill for bill in self.bills if bill.is_wrong)

    @property
    def sheets(self) -> Sheets:
        """Import sheets of the billed institutions; the regions are those of the province."""
        rows = institution_rows(self.houses, self.first, self.last)
        return rows | {
            "meters": [_meter_row(h, category, self.first) for h in self.houses for category in FLAT_PRICES],
            "bills": [bill.row() for bill in self.bills],
        }


def billed(
    streams: Streams, number: int, window: Window, calendar: LocalCalendar, at: Hours, skies: dict[str, Weather]
) -> Billed:
    """So many billed institutions over the local days of a window."""
    own = streams.at("billed")
    first, last = calendar.date_of(window.start), calendar.date_of(window.end - 1)
    houses = tuple(_houses(own, number))
    usual = {
        (key, code): _per_m2(shapes.PROFILES[key], at, skies[code], own.at(key, code))
        for key, code in sorted({(h.profile_key, h.region) for h in houses})
    }
    daily = {
        f"{house.id}.{category}": amounts
        for house in houses
        for category, amounts in _days(house, usual[house.profile_key, house.region], own.at(house.id)).items()
    }
    bills = tuple(bill for house in houses for bill in _bills(house, daily, first, last, own.at(house.id)))
    return Billed(houses, daily, bills, first, last)


def _houses(streams: Streams, number: int) -> Iterator[House]:
    counts = _counts([group.share for group in GROUPS], number)
    for group, count in zip(GROUPS, counts, strict=True):
        for i in range(1, count + 1):
            draw = streams.at(group.profile_key).named(str(i))
            area = round(group.area_m2 * float(np.exp(0.45 * draw.standard_normal())), -1)
            people = max(5, round(area / group.m2_per_person * float(np.exp(0.3 * draw.standard_normal()))))
            region = _COUNTIES[int(draw.integers(len(_COUNTIES)))]
            key = f"zd-{group.profile_key[:3]}-{i:03d}"
            yield House(
                key, f"{group.zh}{i:03d}", f"{group.en} {i:03d} (fictitious)", region, group.type, "县级",
                group.quota_class, group.profile_key, group.letter, area, people,
            )  # fmt: skip


def _counts(shares: list[float], number: int) -> list[int]:
    """Whole counts that add up to the number."""
    edges = np.rint(np.cumsum([0.0, *shares]) * number).astype(int)
    return [int(n) for n in np.diff(edges)]


def _per_m2(profile: shapes.Profile, at: Hours, sky: Weather, streams: Streams) -> FloatArray:
    """Usual electricity of each end use and local day, shape (n_uses, n_days). [kWh/m2]"""
    people = shapes.presence(profile, at, np.ones(at.n_days))
    uses = shapes.end_uses(profile, 1.0, at, sky, people, streams)
    return np.array([np.bincount(at.day, uses[code], at.n_days) for code in shapes.ITEMS])


def _days(house: House, usual: FloatArray, streams: Streams) -> dict[str, FloatArray]:
    """What one institution used on each day: its own mix of end uses, a slow trend, and its density."""
    draw = streams.named("character")
    mix = np.exp(0.3 * np.clip(draw.standard_normal(len(usual)), -2, 2))
    trend = 1 + 0.03 * float(draw.standard_normal()) * np.arange(usual.shape[1]) / 365.25
    group = next(g for g in GROUPS if g.profile_key == house.profile_key)
    dense = (house.users / house.area_m2 * group.m2_per_person) ** DENSITY_EXPONENT
    noise = streams.named("mood").standard_normal(int(usual.shape[1]))
    mood = np.exp(0.05 * autoregressive(noise, 0.6))
    electricity = house.area_m2 * dense * (mix @ usual) * trend * mood
    weekly = usual.sum(axis=0) / usual.sum(axis=0).mean()
    water = (
        house.users * house.profile.water_l / 1000 * 0.5 * np.sqrt(weekly) * mood * float(np.exp(0.2 * mix[0] - 0.2))
    )
    return {"electricity": electricity, "water": water}


def _bills(house: House, daily: dict[str, FloatArray], first: date, last: date, streams: Streams) -> Iterator[Bill]:
    """Monthly bills up to a billing day of the institution's own; whole kWh and m3 whose sum stays exact."""
    draw = streams.named("bills")
    day = int(draw.integers(1, 29))
    ends = list(_billing_days(first, last, day))
    for category, price in FLAT_PRICES.items():
        meter = f"{house.id}.{category}"
        total = np.rint(np.concatenate([[0.0], np.cumsum(daily[meter])]))
        begin = first
        for end in ends:
            amount = float(total[(end - first).days + 1] - total[(begin - first).days])
            wrong = bool(draw.random() < _WRONG)
            yuan = round(amount * price * (1.1 if wrong else 1.0), 2)
            yield Bill(meter, category, begin, end, amount, yuan, wrong)
            begin = end + timedelta(days=1)


def _billing_days(first: date, last: date, day: int) -> Iterator[date]:
    """The billing days from first to last; the last bill ends with the run."""
    current = first
    while current <= last:
        if current.day == day and current > first:
            yield current
        current += timedelta(days=1)
    if last.day != day:
        yield last


def _meter_row(house: House, category: str, first: date) -> Row:
    zh = {"electricity": "电费户号", "water": "水费户号"}[category]
    return {
        "id": f"{house.id}.{category}", "institution": house.id, "building": f"{house.id}-b1", "gateway": "",
        "local": "", "name_zh": f"{house.name_zh}{zh}", "name_en": f"{category} account", "category": category,
        "item": "", "kind": "manual", "value_kind": "amount", "unit": "kWh" if category == "electricity" else "m3",
        "digits": None, "ct_ratio": 1, "pt_ratio": 1, "rated_kw": None, "interval_s": 30 * 86_400, "parent": "",
        "formula": "", "active_from": first.isoformat(), "active_to": "",
    }  # fmt: skip
