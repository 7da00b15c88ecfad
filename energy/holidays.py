"""Workdays, public holidays and shifted workdays (调休) of a country, from dated tables, for arrays of days.

Days are counted as in `energy.intervals.LocalCalendar.day_number`: days since 1970-01-01 of the local date. Outside
the published years nobody knows the holidays: the plain weekend rule applies there, `is_published` is False and
`occasion` says so. The last days of the last published year may still be moved by the notice for the year after it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.errors import MissingReference
from energy.reference import Holiday, table
from energy.series import BoolArray, ByteArray, IntArray

_EPOCH: Final = date(1970, 1, 1)
_TABLES: Final = MappingProxyType({"CN": "holidays_cn", "GB-EAW": "holidays_gb_eaw"})
_COUNTRIES: Final = MappingProxyType(
    {"Asia/Shanghai": "CN", "Asia/Urumqi": "CN", "PRC": "CN", "Europe/London": "GB-EAW"}
)


class DayKind(IntEnum):
    """What a published notice says of a day."""

    ORDINARY = 0  # nothing: its weekday decides
    HOLIDAY = 1  # off
    WORKDAY = 2  # a weekend day worked instead (调休上班)


class Occasion(IntEnum):
    """What a day is to a price list: worked, a weekend, or off for which festival."""

    WORKDAY = 0  # shifted workdays (调休上班) too
    WEEKEND = 1  # off, and by no notice
    NEW_YEAR = 2  # 元旦
    SPRING_FESTIVAL = 3  # 春节
    QINGMING = 4  # 清明节
    LABOUR_DAY = 5  # 劳动节
    DRAGON_BOAT = 6  # 端午节
    MID_AUTUMN = 7  # 中秋节
    NATIONAL_DAY = 8  # 国庆节
    OTHER = 9  # off by a notice for anything else
    UNPUBLISHED = 10  # nobody knows yet


_FESTIVALS: Final = MappingProxyType(
    {
        "元旦": Occasion.NEW_YEAR,
        "春节": Occasion.SPRING_FESTIVAL,
        "清明节": Occasion.QINGMING,
        "劳动节": Occasion.LABOUR_DAY,
        "端午节": Occasion.DRAGON_BOAT,
        "中秋节": Occasion.MID_AUTUMN,
        "国庆节": Occasion.NATIONAL_DAY,
    }
)
EVERY_DAY: Final = frozenset(Occasion) - {Occasion.UNPUBLISHED}
_RESTDAYS: Final = EVERY_DAY - {Occasion.WORKDAY}
_HOLIDAYS: Final = _RESTDAYS - {Occasion.WEEKEND}
DAY_WORDS: Final = MappingProxyType(
    {
        "all": EVERY_DAY,
        "restday": _RESTDAYS,
        "holiday": _HOLIDAYS,
        **{occasion.name.lower(): frozenset({occasion}) for occasion in sorted(EVERY_DAY)},
    }
)
"""Words for days in price lists, and the occasions each stands for."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkCalendar:
    """Which days people of one country work.

    Attributes
    ----------
    country : str
        ISO 3166: `CN`; `GB-EAW` for England and Wales.
    first_day, last_day : int
        First and last published day, as day numbers.
    kinds : uint8, shape (last_day - first_day + 1,)
        `DayKind` of each published day.
    occasions : uint8, shape (last_day - first_day + 1,)
        `Occasion` of each published day.
    rows : mapping of int to Holiday
        The table's row of every day that differs from its weekday, by day number.
    """

    country: str
    first_day: int
    last_day: int
    kinds: ByteArray
    occasions: ByteArray
    rows: MappingProxyType[int, Holiday]

    def is_published(self, days: IntArray) -> BoolArray:
        """True for days of years whose holidays are published."""
        numbers = np.asarray(days, np.int64)
        return (numbers >= self.first_day) & (numbers <= self.last_day)

    def kind(self, days: IntArray) -> ByteArray:
        """`DayKind` of each day, HOLIDAY on weekend days inside a break too; ORDINARY outside the published years."""
        numbers = np.asarray(days, np.int64)
        inside = np.clip(numbers - self.first_day, 0, len(self.kinds) - 1)
        return np.where(self.is_published(numbers), self.kinds[inside], np.uint8(DayKind.ORDINARY))

    def is_workday(self, days: IntArray) -> BoolArray:
        """True for days people work: Monday to Friday without the holidays, and the shifted workdays."""
        kind = self.kind(days)
        return np.where(np.equal(kind, DayKind.ORDINARY), ~is_weekend(days), np.equal(kind, DayKind.WORKDAY))

    def occasion(self, days: IntArray) -> ByteArray:
        """`Occasion` of each day; UNPUBLISHED outside the published years."""
        numbers = np.asarray(days, np.int64)
        inside = np.clip(numbers - self.first_day, 0, len(self.occasions) - 1)
        return np.where(self.is_published(numbers), self.occasions[inside], np.uint8(Occasion.UNPUBLISHED))


def is_weekend(days: IntArray) -> BoolArray:
    """True for Saturday and Sunday."""
    return (np.asarray(days, np.int64) + 3) % 7 >= 5  # 1970-01-01 was a Thursday


@cache
def work_calendar(country: str) -> WorkCalendar:
    """The calendar of a country; MissingReference where no table is known."""
    if country not in _TABLES:
        raise MissingReference(f"holidays: no table for {country!r}; known: {', '.join(_TABLES)}")
    rows = {(row.date - _EPOCH).days: row for row in table(_TABLES[country], Holiday)}
    years = [row.date.year for row in rows.values()]
    first = (date(min(years), 1, 1) - _EPOCH).days
    last = (date(max(years) + 1, 1, 1) - _EPOCH - timedelta(days=1)).days
    kinds = np.zeros(last - first + 1, np.uint8)
    occasions = np.where(is_weekend(np.arange(first, last + 1)), Occasion.WEEKEND, Occasion.WORKDAY).astype(np.uint8)
    for day, row in rows.items():
        kinds[day - first] = DayKind[row.kind.upper()]
        occasions[day - first] = _occasion(row)
    for shared in (kinds, occasions):
        shared.flags.writeable = False  # by everyone who asks
    return WorkCalendar(country, first, last, kinds, occasions, MappingProxyType(rows))


def _occasion(row: Holiday) -> Occasion:
    return Occasion.WORKDAY if row.kind == "workday" else _FESTIVALS.get(row.name_zh, Occasion.OTHER)


@cache
def edition() -> str:
    """What tells these tables from later ones, that know more years."""
    return hashlib.sha256(b"".join(work_calendar(country).occasions.tobytes() for country in _TABLES)).hexdigest()


def country_of(zone: str) -> str:
    """The country whose holidays count in a time zone; MissingReference where none is known."""
    if zone not in _COUNTRIES:
        raise MissingReference(f"holidays: no country for time zone {zone!r}; known: {', '.join(_COUNTRIES)}")
    return _COUNTRIES[zone]
