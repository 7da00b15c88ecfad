"""Labelled faults: which, where, when and how large, fixed before any detector exists.

The plan of a quarter of a year depends on the seed and the quarter alone, so a longer run keeps the faults of a
shorter one. An institution has at most one fault at a time, so that every label is the only cause in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.intervals import DAY, HOUR, LocalCalendar, Window
from energy.model import Category
from simulators.catalogue import HOUSES
from simulators.devices import BAD_GATEWAY, Device, Gateway
from simulators.streams import Streams

QUIET_DAYS: Final = 28
"""No fault in the first four weeks: their size is measured by the load of the four weeks before."""


class FaultKind(StrEnum):
    """What can go wrong: real use, faults of metering, of transport, and lapses that change no amount."""

    SPIKE = "spike"
    OFF_HOURS = "off_hours"
    LEAK = "leak"
    LEVEL = "level"

    RATIO = "ratio"
    STUCK = "stuck"
    GLITCH = "glitch"
    SWAP = "swap"
    ROLLOVER = "rollover"

    GAP = "gap"
    OFFLINE = "offline"
    BUFFERED = "buffered"
    CLOCK_SKEW = "clock_skew"

    SET_POINT = "set_point"
    AREA = "area"


@dataclass(frozen=True, slots=True)
class Fault:
    """One labelled event on a meter or a gateway, over [first, last).

    `size` means: share of the median load of the 28 days before (spike, off_hours, leak, level); factor on what the
    meter counts (ratio, glitch); seconds the clock is ahead (clock_skew); kelvin beyond the rule (set_point); share of
    the floor area that the registry was told (area); else 0.
    """

    kind: FaultKind
    house: str
    subject: str
    first: int
    last: int
    size: float = 0.0
    recorded: bool = True  # swaps: the registry knows of it

    def row(self) -> dict[str, object]:
        """The label as it is written to the truth file."""
        return asdict(self)

    def covers(self, instants: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.bool_]:
        """True for instants within the event."""
        return (instants >= self.first) & (instants < self.last)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often a kind happens in a quarter, for how long, and how large."""

    per_quarter: int
    shortest_h: int
    longest_h: int
    sizes: tuple[float, ...] = (0.0,)
    slots: int = 1  # half-months it needs


RECIPES: Final = MappingProxyType(
    {
        FaultKind.LEVEL: Recipe(3, 20 * 24, 32 * 24, (0.1, 0.15, 0.2, 0.3, 0.4, 0.6), slots=3),
        FaultKind.LEAK: Recipe(3, 10 * 24, 26 * 24, (0.1, 0.2, 0.3, 0.5, 1.0, 2.0), slots=2),
        FaultKind.OFF_HOURS: Recipe(3, 3 * 24, 10 * 24, (0.2, 0.3, 0.4, 0.6, 0.8, 1.0)),
        FaultKind.SPIKE: Recipe(3, 1, 3, (1.5, 2.0, 3.0, 4.0)),
        FaultKind.RATIO: Recipe(3, 3 * 24, 12 * 24, (0.1, 0.5, 2 / 3, 0.8, 1.3, 2.0)),
        FaultKind.STUCK: Recipe(3, 8, 60),
        FaultKind.GAP: Recipe(3, 6, 72),
        FaultKind.OFFLINE: Recipe(3, 8, 60),
        FaultKind.BUFFERED: Recipe(1, 6, 48),
        FaultKind.GLITCH: Recipe(2, 1, 1, (0.1, 0.0, 10.0)),
        FaultKind.SWAP: Recipe(1, 1, 1),
        FaultKind.CLOCK_SKEW: Recipe(1, 24, 5 * 24, (-180.0, -420.0, -660.0, 200.0)),
    }
)
_OF_GATEWAY: Final = {FaultKind.OFFLINE, FaultKind.BUFFERED, FaultKind.CLOCK_SKEW}
_SLOT: Final = 15 * DAY
_SLOTS: Final = 6


def fault_plan(
    streams: Streams, gateways: dict[str, tuple[Gateway, ...]], window: Window, calendar: LocalCalendar
) -> tuple[Fault, ...]:
    """All faults that begin within the window, by time; the first four weeks stay clean."""
    usable = {house: parts for house, parts in gateways.items() if all(g.id != BAD_GATEWAY for g in parts)}
    quiet_until = window.start + QUIET_DAYS * DAY
    found = [
        fault
        for begin in _quarters(window, calendar)
        for fault in _quarter(streams.at("faults", str(calendar.date_of(begin))), usable, begin)
        if quiet_until <= fault.first < window.end
    ]
    return tuple(sorted(found, key=lambda f: (f.first, f.subject)))


@dataclass(frozen=True, slots=True)
class Lapse:
    """Something that happens once a year somewhere: its kind, earliest day, days it may begin later, and lasts."""

    kind: FaultKind
    earliest: tuple[int, int]
    later: int
    days: int
    size: float


LAPSES: Final = (
    Lapse(FaultKind.SET_POINT, (1, 4), 10, 24, 3.0),
    Lapse(FaultKind.SET_POINT, (7, 6), 10, 30, -3.0),
    Lapse(FaultKind.AREA, (3, 20), 25, 90, 0.4),
)
"""Rooms overheated in winter and overcooled in summer; a building's floor area registered wrongly for a quarter."""


def lapse_plan(
    streams: Streams, gateways: dict[str, tuple[Gateway, ...]], window: Window, calendar: LocalCalendar
) -> tuple[Fault, ...]:
    """Lapses that begin within the window, by time. They change no amount, so they may lie beside any fault."""
    devices = [device for parts in gateways.values() for gateway in parts for device in gateway.devices]
    found = []
    for year in range(calendar.date_of(window.start).year, calendar.date_of(window.end - 1).year + 1):
        rng = streams.at("lapses", str(year)).named("plan")
        for lapse in LAPSES:
            device = sorted((d for d in devices if _may_lapse(lapse.kind, d)), key=lambda d: d.id)
            chosen = device[int(rng.integers(len(device)))]
            day = date(year, *lapse.earliest) + timedelta(days=int(rng.integers(lapse.later + 1)))
            first, last = (calendar.start_of(d) for d in (day, day + timedelta(days=lapse.days)))
            found.append(Fault(lapse.kind, chosen.house, chosen.id, first, last, lapse.size))
    quiet_until = window.start + QUIET_DAYS * DAY
    return tuple(sorted((f for f in found if quiet_until <= f.first < window.end), key=lambda f: (f.first, f.subject)))


def _may_lapse(kind: FaultKind, device: Device) -> bool:
    """Rooms with a thermometer; mains of buildings of 国家机关, of which there are enough to compare."""
    if kind is FaultKind.SET_POINT:
        return device.quantity == "temperature" and device.place.startswith("building:")
    is_office = any(house.id == device.house and house.type == "01" for house in HOUSES)
    is_main = device.category is Category.ELECTRICITY and not device.item and bool(device.building)
    return is_office and is_main and not device.is_sensor


def _quarters(window: Window, calendar: LocalCalendar) -> Iterator[int]:
    first = calendar.date_of(window.start)
    year, quarter = first.year, (first.month - 1) // 3
    while (begin := calendar.start_of(date(year, 3 * quarter + 1, 1))) < window.end:
        yield begin
        year, quarter = (year + 1, 0) if quarter == 3 else (year, quarter + 1)


def _quarter(streams: Streams, gateways: dict[str, tuple[Gateway, ...]], begin: int) -> Iterator[Fault]:
    rng = streams.named("plan")
    houses = sorted(gateways)
    taken = np.zeros((len(houses), _SLOTS), bool)
    for kind, recipe in RECIPES.items():
        sizes = rng.permutation(recipe.sizes)
        for number in range(recipe.per_quarter):
            place = _free_place(rng, taken, recipe.slots)
            if place is None:
                continue
            house, slot = place
            taken[house, slot : slot + recipe.slots] = True
            subject = _subject(rng, kind, gateways[houses[house]])
            length = int(rng.integers(recipe.shortest_h, recipe.longest_h + 1)) * HOUR
            room = recipe.slots * _SLOT - length - DAY
            first = begin + slot * _SLOT + int(rng.integers(0, max(room, HOUR) // HOUR)) * HOUR
            size = float(sizes[number % len(sizes)])
            recorded = kind is not FaultKind.SWAP or bool(rng.random() < 0.75)
            yield Fault(kind, houses[house], subject, first, first + length, size, recorded)


def _free_place(rng: np.random.Generator, taken: np.typing.NDArray[np.bool_], slots: int) -> tuple[int, int] | None:
    """A random institution and first half-month in which nothing else happens."""
    starts = taken.shape[1] - slots + 1
    for choice in rng.permutation(taken.shape[0] * starts):
        house, slot = divmod(int(choice), starts)
        if not taken[house, slot : slot + slots].any():
            return house, slot
    return None


def _subject(rng: np.random.Generator, kind: FaultKind, gateways: tuple[Gateway, ...]) -> str:
    """The gateway or meter on which a fault of this kind can be told from ordinary use."""
    if kind in _OF_GATEWAY:
        candidates = [g.id for g in gateways if g.id != "sl-weather"]
    else:
        devices = [device for gateway in gateways for device in gateway.devices if not device.is_sensor]
        candidates = [device.id for device in devices if _suits(kind, device)]
    return str(rng.choice(sorted(candidates)))


def _suits(kind: FaultKind, device: Device) -> bool:
    """Leaks are of water; levels and forgotten switches of electricity; plants that rest for months take no part."""
    if kind is FaultKind.LEAK:
        return device.category is Category.WATER and not device.parent
    steady = device.category is Category.ELECTRICITY and device.item in ("", "A", "C", "D") and device.digits > 3
    if kind in (FaultKind.LEVEL, FaultKind.OFF_HOURS, FaultKind.SPIKE):
        return steady
    return steady or (device.category is Category.WATER and not device.parent)
