"""Who pays what: dated rows of tariffs and of who pays them, as versions that can price."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.bills import Bill
from analytics.jobs.conversion import heat_by_date, is_heat_of_gas
from analytics.jobs.estate import Estate
from analytics.tariffs import Band, Price, Tariff, require_apart
from energy.errors import MissingReference, UnitError
from energy.holidays import DAY_WORDS, Occasion, country_of, edition, work_calendar
from energy.intervals import LocalCalendar
from energy.model import Meter
from energy.registry import FittedModel, Registry
from energy.registry.decisions import Tariff as TariffRow
from energy.registry.decisions import TariffUse
from energy.series import ByteArray, IntArray
from energy.storage.base import ResultStore
from energy.units import CANONICAL, linear

PRICES: Final = "prices"
"""Kind of the model that remembers by which tariffs an institution was last computed."""
_MIDNIGHT: Final = 1440

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Paying:
    """What one meter pays by.

    Attributes
    ----------
    versions : tuple of Tariff
        No two valid on the same day; they price amounts in the canonical unit of the meter's category.
    is_own : bool
        Whether the tariff was named for the meter itself, not for its institution.
    """

    versions: tuple[Tariff, ...]
    is_own: bool


Paid = Mapping[str, Paying]
"""By meter."""


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """What the costs of an institution are found by.

    Attributes
    ----------
    store : ResultStore
        Holds the intervals.
    estate : Estate
        Its meters are the rows.
    paid : Paid
        Tariffs by meter.
    bills : mapping
        Bills by meter: where one states its money, that is the cost of its days.
    """

    store: ResultStore
    estate: Estate
    paid: Paid
    bills: Mapping[str, Sequence[Bill]] = field(default_factory=dict)


def tariffs_of(registry: Registry, estate: Estate) -> Paid:
    """Who pays what: a use of the meter itself comes before one of the institution for its category."""
    uses = registry.tariff_uses.rows(id=[estate.institution, *(meter.id for meter in estate.meters)])
    rows: dict[str, list[TariffRow]] = {}
    for row in registry.tariffs.rows(tariff=sorted({use.tariff for use in uses})) if uses else ():
        rows.setdefault(row.tariff, []).append(row)
    found: dict[str, Paying] = {}
    for meter in estate.meters:
        own = _uses_of(uses, meter)
        try:
            parts = [part for use in own for part in _during(versions_of(use.tariff, rows[use.tariff]), use)]
            require_apart(parts)
            if parts:
                found[meter.id] = Paying(tuple(_per_amount(estate, meter, parts)), own[0].scope == "meter")
        except (ValueError, UnitError) as exc:
            log.warning("meter %s has no cost: %s", meter.id, exc)
    return found


def _uses_of(uses: Sequence[TariffUse], meter: Meter) -> list[TariffUse]:
    fitting = [use for use in uses if use.category == meter.category.value]
    own = [use for use in fitting if use.scope == "meter" and use.id == meter.id]
    return own or [use for use in fitting if use.scope == "institution" and use.id == meter.institution]


def _during(versions: Sequence[Tariff], use: TariffUse) -> list[Tariff]:
    """The versions of a tariff while it is paid."""
    first, end = use.valid_from or date.min, use.valid_to or date.max
    return [
        replace(cut, capacity_kva=use.capacity_kva) for version in versions for cut in _between(version, first, end)
    ]


def _per_amount(estate: Estate, meter: Meter, versions: Iterable[Tariff]) -> Iterator[Tariff]:
    """The versions for amounts in the unit of the meter's category; gas paid as heat follows its calorific value."""
    for version in versions:
        if is_heat_of_gas(meter.category, version.unit):
            factor, _ = linear("kWh", version.unit)
            for first, end, heat in heat_by_date(estate.calendar, estate.gas):
                yield from (replace(cut, per_amount=factor * heat) for cut in _between(version, first, end))
        else:
            yield replace(version, per_amount=linear(CANONICAL[meter.category], version.unit)[0])


def _between(version: Tariff, first: date, end: date) -> Iterator[Tariff]:
    """The version while it is valid in [first, end); nothing where it is not."""
    first, end = max(version.valid_from or date.min, first), min(version.valid_to or date.max, end)
    if first < end:
        yield replace(
            version, valid_from=None if first == date.min else first, valid_to=None if end == date.max else end
        )


def versions_of(name: str, rows: Iterable[TariffRow]) -> tuple[Tariff, ...]:
    """The versions that the dated rows of one tariff make: a new one wherever a row begins or ends."""
    return _versions(name, tuple(rows))


@lru_cache(maxsize=256)
def _versions(name: str, rows: tuple[TariffRow, ...]) -> tuple[Tariff, ...]:
    edges = sorted({row.valid_from or date.min for row in rows} | {row.valid_to or date.max for row in rows})
    found = []
    for first, end in pairwise(edges):
        valid = [row for row in rows if (row.valid_from or date.min) <= first and end <= (row.valid_to or date.max)]
        if any(row.component == "energy" for row in valid):
            found.append(_version(name, valid, first, end))
    return tuple(found)


def _version(name: str, rows: Sequence[TariffRow], first: date, end: date) -> Tariff:
    energy = [row for row in rows if row.component == "energy"]
    by_component = {row.component: row.price_yuan for row in rows if row.component != "energy"}
    return Tariff(
        name,
        tuple(
            Price(
                row.price_yuan, Band(row.band), _months(row.months), _days(row.days), _hours(row.hours), row.tier_from
            )
            for row in energy
        ),
        energy[0].source,
        energy[0].unit.rpartition("/")[2],
        energy[0].tier_period,
        by_component.get("demand", 0.0),
        by_component.get("capacity", 0.0),
        by_component.get("fixed", 0.0),
        None if first == date.min else first,
        None if end == date.max else end,
    )


def _months(text: str) -> frozenset[int]:
    """ "1-3,7" as {1, 2, 3, 7}; a span may cross the year's end ("11-2")."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = int(first), int(last or first)
        found.update(range(start, end + 1) if start <= end else (*range(start, 13), *range(1, end + 1)))
    return frozenset(found)


def _days(text: str) -> frozenset[Occasion]:
    """ "weekend,holiday" as the kinds of day that the words stand for."""
    return frozenset().union(*(DAY_WORDS[word] for word in text.split(",")))


def _hours(text: str) -> tuple[tuple[int, int], ...]:
    """ "08:00-11:30,17:00-24:00" in minutes; a span may cross midnight."""

    def minute(clock_time: str) -> int:
        hours, _, minutes = clock_time.partition(":")
        return int(hours) * 60 + int(minutes)

    spans: list[tuple[int, int]] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = minute(first), minute(last)
        spans += [(start, end)] if start < end else [(start, _MIDNIGHT), *([(0, end)] if end else [])]
    return tuple(spans)


def occasions(calendar: LocalCalendar, days: IntArray) -> ByteArray:
    """`energy.holidays.Occasion` of each day; UNPUBLISHED where no calendar of the country is known."""
    try:
        return work_calendar(country_of(calendar.zone)).occasion(days)
    except MissingReference:
        return np.full(np.shape(days), Occasion.UNPUBLISHED, np.uint8)


def is_repriced(registry: Registry, estate: Estate, paid: Paid) -> bool:
    """Whether tariffs, who pays them, or holidays they ask for are others than when it was last computed."""
    before = registry.models(PRICES, [estate.institution]).get(estate.institution)
    return (before.json()["signature"] if before else _signature({})) != _signature(paid)


def priced_by(estate: Estate, paid: Paid) -> FittedModel:
    """What remembers by which tariffs the institution was computed."""
    return FittedModel.of(estate.institution, PRICES, start=0, end=0, payload={"signature": _signature(paid)})


def _signature(paid: Paid) -> str:
    found = hashlib.sha256(repr(sorted(paid.items())).encode())
    if any(version.tells_days_apart for paying in paid.values() for version in paying.versions):
        found.update(edition().encode())  # holidays published since change the cost
    return found.hexdigest()
