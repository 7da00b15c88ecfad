"""One institution as the jobs see it: its meters, calendar, swaps, sums and denominators. Plain and picklable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from analytics.indicators import Stated
from analytics.jobs.conversion import gas_of_heat
from analytics.jobs.offices import office_zone
from analytics.mains import Twins, twins
from analytics.rollup import Group, groups, order_of_formulas
from energy.heating import HeatingCalendar
from energy.intervals import LocalCalendar, Window
from energy.model import Category, Meter, MeterKind, Swap, ValueKind
from energy.registry import CalorificValue, Denominator, HeatingSeason, Snapshot
from energy.registry.decisions import Correction
from energy.registry.formula import parse
from energy.registry.rows import CalendarSpan
from energy.units import linear

ENERGY = "energy"
_EVER = Window(0, 2**40)


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything about one institution that its figures depend on.

    Attributes
    ----------
    meters : tuple of Meter
        Its meters by id; virtual ones among them.
    sensors : tuple of Meter
        Its sensors by id.
    swaps : dict
        Exchanges by meter, in the order of time.
    corrections : dict
        What people stated about readings and amounts, by meter, in the order in which they stated it.
    spans : tuple of CalendarSpan
        Days on which the institution differs from the public calendar.
    thermometers : tuple of Meter
        Outdoor temperature sensors that speak of its place, the nearest first.
    formulas : dict
        Place of each virtual meter to (place, factor) of what it sums, in an order in which each comes after those
        it uses.
    nets : tuple of Group
        What is left of meters without others behind them: the k-th is member len(meters) + k of `groups`.
    twins : tuple of Twins
        Accounts and the mains that measure the same.
    gas : tuple of Stated
        Volume of gas by the heat in it, dated. [m3/kWh]
    heating : HeatingCalendar
        Its heating seasons.
    office : str, optional
        Its zone by GB/T 51161; None for what is no office.
    """

    institution: str
    calendar: LocalCalendar
    meters: tuple[Meter, ...]
    sensors: tuple[Meter, ...]
    swaps: Mapping[str, tuple[Swap, ...]]
    corrections: Mapping[str, tuple[Correction, ...]]
    spans: tuple[CalendarSpan, ...]
    thermometers: tuple[Meter, ...]
    buildings: tuple[str, ...]
    formulas: Mapping[int, tuple[tuple[int, float], ...]]
    groups: tuple[Group, ...]
    nets: tuple[Group, ...]
    twins: tuple[Twins, ...]
    gas: tuple[Stated, ...]
    heating: HeatingCalendar
    denominators: tuple[Denominator, ...]
    office: str | None = None

    @property
    def others(self) -> frozenset[int]:
        """Places of the meters that the nets take out."""
        return frozenset(place for net in self.nets for place in net.rest or ())

    def signature(self) -> str:
        """Changes when any total or indicator of the institution could, although no reading did."""
        own = (
            self.groups,
            self.nets,
            self.twins,
            self.formulas,
            self.denominators,
            self.buildings,
            self.spans,
            self.gas,
        )
        plain = (self.calendar.zone, *own, self.heating, self.office)
        return hashlib.sha256(repr(plain).encode()).hexdigest()


def estates(
    snapshot: Snapshot,
    institutions: Iterable[str],
    default_zone: str,
    corrections: Mapping[str, tuple[Correction, ...]] | None = None,
    calorific: Iterable[CalorificValue] = (),
    heated: Sequence[HeatingSeason] = (),
) -> Iterator[Estate]:
    """The estate of each institution; its days are counted in its own time zone."""
    heat: dict[str, list[CalorificValue]] = {}
    for value in calorific:
        heat.setdefault(f"{value.scope}:{value.id}", []).append(value)
    outdoors = outdoor_sensors(snapshot)
    buildings: dict[str, list[str]] = {}
    for building in snapshot.buildings.values():
        buildings.setdefault(building.institution, []).append(building.id)
    stated: dict[tuple[str, str], list[Denominator]] = {}
    for row in snapshot.denominators:
        stated.setdefault((row.scope, row.id), []).append(row)
    for name in institutions:
        places = [("institution", name), *(("building", b) for b in sorted(buildings.get(name, ())))]
        calendar = LocalCalendar(snapshot.zone_of(name) or default_zone)
        above = [f"institution:{name}", *regions_above(snapshot, name)]
        yield _estate(
            snapshot,
            name,
            calendar,
            tuple(b for scope, b in places if scope == "building"),
            tuple(row for place in places for row in stated.get(place, ())),
            corrections or {},
            tuple(outdoors[place] for place in weather_places(snapshot, name) if place in outdoors),
            gas_of_heat(calendar, [heat.get(place, ()) for place in above]),
            HeatingCalendar.of(heated, above),
        )


def outdoor_sensors(snapshot: Snapshot) -> dict[str, Meter]:
    """The temperature sensor of each site and region, the first by id where there are several.

    A sensor of a building may hang indoors and is not asked.
    """
    found: dict[str, Meter] = {}
    for sensor in sorted(snapshot.meters.values(), key=lambda m: m.id):
        if sensor.quantity == "temperature" and sensor.place and not sensor.place.startswith("building:"):
            found.setdefault(sensor.place, sensor)
    return found


def weather_places(snapshot: Snapshot, institution: str) -> list[str]:
    """Where an institution's weather may be measured, the nearest first: its sites, its region, those above it."""
    sites = sorted(site.id for site in snapshot.sites.values() if site.institution == institution)
    return [*(f"site:{site}" for site in sites), *regions_above(snapshot, institution)]


def regions_above(snapshot: Snapshot, institution: str) -> list[str]:
    """An institution's region and those above it, the nearest first, as `region:CODE`."""
    return regions_from(snapshot, snapshot.institutions[institution].region)


def regions_from(snapshot: Snapshot, code: str | None) -> list[str]:
    """A region and those above it, the nearest first, as `region:CODE`."""
    found: list[str] = []
    while code is not None and f"region:{code}" not in found:
        found.append(f"region:{code}")
        region = snapshot.regions.get(code)
        code = region.parent if region is not None else None
    return found


def _estate(
    snapshot: Snapshot,
    institution: str,
    calendar: LocalCalendar,
    buildings: tuple[str, ...],
    denominators: tuple[Denominator, ...],
    corrections: Mapping[str, tuple[Correction, ...]],
    thermometers: tuple[Meter, ...],
    gas: tuple[Stated, ...],
    heating: HeatingCalendar,
) -> Estate:
    own = [snapshot.meters[name] for name in sorted(snapshot.meters_of(institution))]
    meters = tuple(m for m in own if m.quantity == ENERGY)
    found, nets = groups(meters)
    return Estate(
        institution=institution,
        calendar=calendar,
        meters=meters,
        sensors=tuple(m for m in own if m.quantity != ENERGY),
        swaps={m.id: snapshot.swaps[m.id] for m in own if m.id in snapshot.swaps},
        corrections={m.id: corrections[m.id] for m in own if m.id in corrections},
        spans=tuple(snapshot.calendars.get(institution, ())),
        thermometers=thermometers,
        buildings=buildings,
        formulas=_formulas(meters),
        groups=tuple(found),
        nets=tuple(nets),
        twins=twins(meters),
        gas=gas,
        heating=heating,
        denominators=denominators,
        office=office_zone(snapshot, institution),
    )


def _formulas(meters: Sequence[Meter]) -> dict[int, tuple[tuple[int, float], ...]]:
    place = {meter.id: i for i, meter in enumerate(meters)}
    found: dict[int, tuple[tuple[int, float], ...]] = {}
    for i, meter in enumerate(meters):
        if meter.kind is MeterKind.VIRTUAL and meter.formula:
            terms = parse(meter.formula)
            if all(term.meter in place for term in terms):
                found[i] = tuple((place[term.meter], term.factor) for term in terms)
    return {i: found[i] for i in order_of_formulas(found)}


def rated_per_hour(meter: Meter) -> float | None:
    """The most that the rated power lets through in an hour, in the meter's unit; None where nothing is rated."""
    if meter.rated_kw is None or meter.value_kind is not ValueKind.REGISTER:
        return None
    if meter.category not in (Category.ELECTRICITY, Category.HEAT, Category.COOLING):
        return None
    factor, _ = linear("kWh", meter.unit)
    return meter.rated_kw * factor


def metered_apart(calendar: LocalCalendar, meter: Meter, extents: Mapping[str, tuple[int, int]]) -> Window:
    """When what others use is metered apart: from the stated day, else from the first reading or bill; empty if never.

    Before, it stays in the meter that holds it.
    """
    known = service(calendar, meter)
    if meter.active_from is not None:
        return known
    begins = extents[meter.id][0] if meter.id in extents else known.end
    return Window(min(begins, known.end), known.end)


def service(calendar: LocalCalendar, meter: Meter) -> Window:
    """From the day the meter came into service to the end of its last; open ends reach as far as times do."""
    start = _EVER.start if meter.active_from is None else calendar.start_of(meter.active_from)
    end = _EVER.end if meter.active_to is None else calendar.start_of(meter.active_to + timedelta(days=1))
    return Window(min(start, end), end)
