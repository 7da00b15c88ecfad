"""What every meter of one institution truly used, hour by hour, and what its register counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.intervals import DAY, HOUR
from energy.model import Category
from energy.series import FloatArray, IntArray
from simulators import shapes
from simulators.catalogue import House
from simulators.devices import Device, Gateway
from simulators.faults import QUIET_DAYS, Fault, FaultKind
from simulators.streams import Streams, autoregressive
from simulators.weather import Weather
from simulators.workdays import Hours


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Hourly amounts of an institution's meters in canonical units (kWh, m3, GJ), and its sensors' values.

    Attributes
    ----------
    amounts : dict of str to float64, shape (n_hours,)
        What was truly used, by meter.
    counted : dict of str to float64, shape (n_hours,)
        What the register counted where that differs: meters with a ratio error.
    measured : dict of str to float64, shape (n_hours,)
        Values of the sensors at the beginning of each hour.
    """

    amounts: dict[str, FloatArray]
    counted: dict[str, FloatArray]
    measured: dict[str, FloatArray]


def loads(
    house: House,
    gateways: tuple[Gateway, ...],
    at: Hours,
    skies: dict[str, Weather],
    faults: tuple[Fault, ...],
    streams: Streams,
) -> Loads:
    """Everything the meters of one institution live through, physical faults included."""
    devices = [device for gateway in gateways for device in gateway.devices]
    meters = [device for device in devices if not device.is_sensor]
    own = streams.at(house.id)
    profile = shapes.individual(house.profile, own)
    mood = 1 + 0.06 * autoregressive(own.named("mood").standard_normal(at.n_days), 0.5)
    people = shapes.presence(profile, at, mood)
    sky = skies[house.region]
    buildings = {
        f"{house.id}-b{n}": shapes.end_uses(profile, house.area_m2 / house.buildings, at, sky, people, own.at(f"b{n}"))
        for n in range(1, house.buildings + 1)
    }
    leaves = _leaves(house, profile, meters, buildings, people, at, sky, own)
    amounts = _with_parents(meters, leaves, faults, at, people)
    counted = {
        fault.subject: _miscounted(amounts[fault.subject], [f for f in faults if f.subject == fault.subject], at)
        for fault in faults
        if fault.kind is FaultKind.RATIO
    }
    rooms = {
        device.id: shapes.room(sky, people, at, own.at(device.id)) + _beyond(device, faults, at)
        for device in devices
        if device.quantity == "temperature" and device.place.startswith("building:")
    }
    return Loads(amounts, counted, rooms | _sensors(devices, house, people, skies))


def _leaves(
    house: House,
    profile: shapes.Profile,
    meters: list[Device],
    buildings: dict[str, dict[str, FloatArray]],
    people: FloatArray,
    at: Hours,
    sky: Weather,
    streams: Streams,
) -> dict[str, FloatArray]:
    """Meters with nothing below them, and what parents have beside their children."""
    parents = {meter.parent for meter in meters}
    kitchen = house.users * 0.012 * shapes.kitchen_share(at, people, streams)
    found: dict[str, FloatArray] = {}
    for meter in meters:
        if meter.category is Category.ELECTRICITY:
            found[meter.id] = _electricity(meter, meter.id in parents, buildings, at)
        elif meter.category is Category.GAS:
            found[meter.id] = 1.1 * kitchen
        elif meter.category is Category.HEAT:
            found[meter.id] = shapes.heat(profile, house.area_m2, at, sky, streams)
        elif meter.parent:
            found[meter.id] = 0.5 * kitchen
        else:
            found[meter.id] = shapes.water(profile, house.users, at, people, streams)
    return found


def _electricity(meter: Device, is_parent: bool, buildings: dict[str, dict[str, FloatArray]], at: Hours) -> FloatArray:
    """An item's end uses; for a parent only what no sub-meter sees."""
    if not meter.item:
        return np.zeros(len(at))
    uses = buildings[meter.building]
    total = np.sum([uses[code] for code in meter.covers], axis=0)
    return np.asarray(0.03 * total if is_parent else total)


def _with_parents(
    meters: list[Device], leaves: dict[str, FloatArray], faults: tuple[Fault, ...], at: Hours, people: FloatArray
) -> dict[str, FloatArray]:
    """Amounts of all meters: children summed into parents with 1.5 % of line losses, physical faults passed upwards."""
    children: dict[str, list[Device]] = {}
    for meter in meters:
        children.setdefault(meter.parent, []).append(meter)
    done: dict[str, FloatArray] = {}

    def fill(meter: Device) -> FloatArray:
        loss = 1.015 if meter.category is Category.ELECTRICITY else 1.0
        amount = leaves[meter.id] + sum((loss * fill(child) for child in children.get(meter.id, ())), np.zeros(len(at)))
        for fault in faults:
            if fault.subject == meter.id:
                amount = amount + _extra(fault, amount, at, people)
        done[meter.id] = amount
        return amount

    for root in children[""]:
        fill(root)
    return done


def _extra(fault: Fault, amount: FloatArray, at: Hours, people: FloatArray) -> FloatArray:
    """What a physical fault adds in each hour; nothing for other kinds."""
    during = fault.covers(at.start).astype(np.float64)
    before = (at.start >= fault.first - QUIET_DAYS * DAY) & (at.start < fault.first)
    step = fault.size * float(np.median(amount[before])) if before.any() else 0.0
    if fault.kind in (FaultKind.LEVEL, FaultKind.SPIKE):
        return step * during
    if fault.kind is FaultKind.LEAK:
        return step * during * np.clip((at.start - fault.first) / DAY, 0.1, 1.0)  # a leak opens within a day
    if fault.kind is FaultKind.OFF_HOURS:
        return step * during * (people < 0.45 * float(np.max(people)))
    return np.zeros(len(at))


def _miscounted(amount: FloatArray, faults: list[Fault], at: Hours) -> FloatArray:
    counted = amount.copy()
    for fault in faults:
        if fault.kind is FaultKind.RATIO:
            counted[fault.covers(at.start)] *= fault.size
    return counted


def _beyond(room: Device, faults: tuple[Fault, ...], at: Hours) -> FloatArray:
    """What a thermostat set wrongly adds to a room's temperature in each hour."""
    own = [f for f in faults if f.subject == room.id and f.kind is FaultKind.SET_POINT]
    return np.asarray(sum((f.size * f.covers(at.start) for f in own), np.zeros(len(at))))


def _sensors(
    devices: list[Device], house: House, people: FloatArray, skies: dict[str, Weather]
) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    for device in devices:
        scope, _, place = device.place.partition(":")
        if device.quantity == "occupancy":
            found[device.id] = np.round(people * house.users / house.buildings)
        elif scope == "region":
            sky = skies[place]
            found[device.id] = sky.temperature if device.quantity == "temperature" else sky.humidity
    return found


def register_steps(device: Device, amounts: FloatArray, initial: int, start: int, instants: IntArray) -> IntArray:
    """Steps a register has counted at each instant, without wrapping.

    Within an hour the use is split over its quarters unevenly but always the same way, so that readings every
    15 minutes and every hour tell the same story.
    """
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    hour, rest = np.divmod(instants - start, HOUR)
    inside = np.minimum(hour, len(amounts) - 1)
    share = np.where(rest > 0, _share(inside, rest, start), 0.0)
    used = total[hour] + np.where(rest > 0, amounts[inside] * share, 0.0)
    return initial + np.floor(used * device.steps_per_unit).astype(np.int64)


def _share(hour: IntArray, rest: IntArray, start: int) -> FloatArray:
    """The part of an hour's use that falls before `rest` seconds: even, give or take 6 % of the hour."""
    phase = (hour + start // HOUR) * 2654435761 % 1000 / 1000  # Knuth's multiplicative hash: no two hours alike
    return np.asarray(rest / HOUR + 0.06 * np.sin(2 * np.pi * rest / HOUR) * np.cos(2 * np.pi * phase))
