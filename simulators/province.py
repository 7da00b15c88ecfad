"""示例省 as one object: registry sheets, registers, messages and the truth, all grown from one seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np

from energy.intervals import HOUR, LocalCalendar, Window
from energy.model import Category
from energy.series import BoolArray, FloatArray, IntArray, Matrix
from energy.topics import Topic
from simulators import billed as bills
from simulators import decisions as decided
from simulators import quotas
from simulators.catalogue import HOUSES, REGIONS, ZONE, House
from simulators.devices import BAD_GATEWAY, Device, Gateway, plan
from simulators.faults import Fault, FaultKind, fault_plan, lapse_plan
from simulators.loads import Loads, loads, register_steps
from simulators.messages import Message, Sender
from simulators.sheets import Sheets, misregistered, of_province
from simulators.streams import Streams
from simulators.truth import Truth
from simulators.weather import Weather, weather
from simulators.workdays import Hours, hours

SWAP_DELAY: Final = 2220
"""A fitter changes a meter 37 minutes past the hour: between two readings, whatever their interval."""
_LATE: Final = 6 * HOUR  # a gateway that comes back sends fresh readings so long before its buffer
_DISORDERLY: Final = "yz-zy-g2"
_RESENT: Final = 0.01


def build(
    seed: int = 1, start: date | None = None, end: date | None = None, *, houses: int | None = None, billed: int = 0
) -> Province:
    """The province over the local days [start, end); by default the two calendar years 2024 and 2025.

    `houses` keeps only so many institutions, from the first (tests, small demos); `billed` adds so many that have
    bills only, under `Province.billed` and apart from everything else. A later `end` with the same seed
    and start gives the same readings, continued.
    """
    calendar = LocalCalendar(ZONE)
    first, last = start or date(2024, 1, 1), end or date(2026, 1, 1)
    if last <= first:
        raise ValueError(f"province: end {last} must be after start {first}")
    window = Window(calendar.start_of(first), calendar.start_of(last))
    chosen = HOUSES[: houses or len(HOUSES)]
    gateways = plan(chosen)
    streams = Streams(seed)
    at = hours(window, calendar)
    skies = {region.code: weather(streams, region.code, region.warmer_c, at) for region in REGIONS}
    faults = fault_plan(streams, plan(), window, calendar)
    present = {house.id for house in chosen}
    own_faults = tuple(f for f in faults if f.house in present)
    lapses = tuple(f for f in lapse_plan(streams, plan(), window, calendar) if f.house in present)
    others = bills.billed(streams, billed, window, calendar, at, skies) if billed else None
    return Province(streams, window, calendar, chosen, gateways, own_faults, at, skies, others, lapses)


@dataclass(slots=True, eq=False)
class Province:
    """A province between two local midnights; institutions come to life when first asked for."""

    streams: Streams
    window: Window
    calendar: LocalCalendar
    houses: tuple[House, ...]
    gateways: dict[str, tuple[Gateway, ...]]
    faults: tuple[Fault, ...]
    at: Hours
    skies: dict[str, Weather]
    billed: bills.Billed | None = None
    lapses: tuple[Fault, ...] = ()
    _loads: dict[str, Loads] = field(default_factory=dict)
    _senders: dict[str, Sender] = field(default_factory=dict)

    @property
    def sheets(self) -> Sheets:
        """The registry as import sheets, swaps within the window included."""
        rows = of_province(self.houses, self.gateways, self.swap_rows(), self.window, self.calendar)
        stated = [row for part in rows["denominators"] for row in misregistered(part, self.lapses, self.calendar)]
        return {**rows, "denominators": stated}

    @property
    def decisions(self) -> Sheets:
        """Tariffs, who pays them, quotas, rules and yearly targets of all institutions; needs everyone's loads."""
        first, last = (self.calendar.date_of(t) for t in (self.window.start, self.window.end - 1))
        others = self.billed.houses if self.billed else ()
        electricity = {house.id: self.truth.institution_days(house.id, Category.ELECTRICITY) for house in self.houses}
        electricity |= {house.id: self.billed.daily[f"{house.id}.electricity"] for house in others if self.billed}
        water = {house.id: self.truth.institution_days(house.id, Category.WATER) for house in self.houses}
        everyone = (*self.houses, *others)
        return {
            "tariffs": decided.tariff_rows(first),
            "tariff_uses": list(decided.use_rows(self.houses, others, first)),
            "quotas": list(quotas.quota_rows(first)),
            "target_rules": list(quotas.rule_rows(everyone, first)),
            "targets": list(decided.target_rows({"electricity": electricity, "water": water}, everyone, first, last)),
        }

    @property
    def truth(self) -> Truth:
        """What really happened."""
        return Truth(self)

    @property
    def devices(self) -> dict[str, Device]:
        """Meters and sensors by id."""
        return {d.id: d for parts in self.gateways.values() for gateway in parts for d in gateway.devices}

    def loads(self, house: str) -> Loads:
        """The hourly amounts of an institution, made once."""
        if house not in self._loads:
            known = next(h for h in self.houses if h.id == house)
            own = tuple(f for f in (*self.faults, *self.lapses) if f.house == house)
            self._loads[house] = loads(known, self.gateways[house], self.at, self.skies, own, self.streams)
        return self._loads[house]

    def registers(self, meters: Sequence[str], start: int, end: int, step: int = HOUR) -> Matrix:
        """What the displays showed, as far as it was read: NaN where no reading was taken; instants [start, end)."""
        instants = np.arange(start, end, step, dtype=np.int64)
        devices = self.devices
        values = [self.read(devices[meter], instants) for meter in meters]
        return Matrix(tuple(meters), start, step, np.array(values).reshape(len(meters), len(instants)))

    def read(self, device: Device, instants: IntArray) -> FloatArray:
        """One device's values as read at these instants, faults of metering and transport applied."""
        if device.is_sensor:
            values = self._sensed(device, instants)
        else:
            steps = self.displayed_steps(device, instants) % device.wraps_at
            values = steps / 10.0**device.decimals
        return np.where(self._silent(device, instants), np.nan, values)

    def counted_steps(self, device: Device, instants: IntArray) -> IntArray:
        """Steps the register has counted, as if it had never been changed, frozen or misread."""
        known = self.loads(device.house)
        amounts = known.counted.get(device.id, known.amounts[device.id])
        return register_steps(device, amounts, self._initial(device), self.window.start, instants)

    def displayed_steps(self, device: Device, instants: IntArray) -> IntArray:
        """Register steps with swaps, frozen displays and misreadings, before wrapping."""
        steps = self.counted_steps(device, instants)
        for fault in self.faults_of(device, FaultKind.SWAP):
            old_end, new_start = self._swap_steps(device, fault)
            steps[instants > fault.first + SWAP_DELAY] += new_start - old_end
        for fault in self.faults_of(device, FaultKind.STUCK):
            steps[fault.covers(instants)] = self.counted_steps(device, np.array([fault.first]))[0]
        for fault in self.faults_of(device, FaultKind.GLITCH):
            wrong = instants == fault.first
            steps[wrong] = (steps[wrong] * fault.size).astype(np.int64)
        return steps

    def faults_of(self, device: Device, *kinds: FaultKind) -> list[Fault]:
        """The faults of a device or its gateway, of these kinds."""
        subjects = (device.id, device.gateway)
        return [f for f in self.faults if f.subject in subjects and f.kind in kinds and f.house == device.house]

    def honest(self, device: Device, instants: IntArray, until: int) -> BoolArray:
        """True where a reading was taken at that very instant, delivered before `until`, and shows the register."""
        good = ~np.isnan(self.read(device, instants)) & (instants < until)
        for fault in self.faults_of(device, FaultKind.STUCK):
            good &= ~(fault.covers(instants) & (instants > fault.first))
        for fault in self.faults_of(device, FaultKind.GLITCH):
            good &= instants != fault.first
        for fault in self.faults_of(device, FaultKind.CLOCK_SKEW):
            good &= ~fault.covers(instants)
        for fault in self.faults_of(device, FaultKind.BUFFERED):
            good &= ~(fault.covers(instants) & (fault.last >= until))
        return good

    def swap_rows(self) -> list[dict[str, object]]:
        """Recorded meter exchanges as the registry has them."""
        devices = self.devices
        return [
            self._swap_row(devices[f.subject], f)
            for f in self.faults
            if f.kind is FaultKind.SWAP and f.recorded and f.first + HOUR <= self.window.end
        ]

    def messages(
        self, start: int, end: int, step: int = HOUR, *, houses: Iterable[str] | None = None
    ) -> Iterator[Message]:
        """Everything gateways send about the multiples of `step` in [start, end): one institution after another.

        Within a gateway messages come in order of time, except for what it buffered while it was offline.
        """
        start = -(-start // step) * step
        for house in houses or [h.id for h in self.houses]:
            for gateway in self.gateways[house]:
                yield from self._disordered(gateway, self._sent(gateway, start, end, step))

    def _sent(self, gateway: Gateway, start: int, end: int, step: int) -> Iterator[Message]:
        for instants in self._deliveries(gateway, start, end, step):
            for message in self._encoded(gateway, instants):
                yield message
                if self._is_resent(message):
                    yield message.again()
            if gateway.id == BAD_GATEWAY:
                yield from self._unusable(gateway, instants)

    def _deliveries(self, gateway: Gateway, start: int, end: int, step: int) -> Iterator[IntArray]:
        """Instants in the order in which their readings leave the gateway."""
        instants = np.arange(start, end, step, dtype=np.int64)
        at = start
        for fault in (f for f in self.faults if f.kind is FaultKind.BUFFERED and f.subject == gateway.id):
            if fault.last < start or fault.first >= end:
                continue
            yield instants[(instants >= at) & (instants < fault.first)]
            at = fault.last
            if fault.last >= end:
                continue
            at = min(fault.last + _LATE, end)
            yield instants[(instants >= fault.last) & (instants < at)]
            yield np.arange(fault.first, fault.last, step, dtype=np.int64)
        yield instants[instants >= at]

    def _encoded(self, gateway: Gateway, instants: IntArray) -> Iterator[Message]:
        values = np.array([self.read(device, instants) for device in gateway.devices])
        times = instants.copy()
        for fault in self.faults:
            if fault.kind is FaultKind.CLOCK_SKEW and fault.subject == gateway.id:
                times[fault.covers(instants)] += int(fault.size)
        names = [device.local for device in gateway.devices]
        sender = self._sender(gateway)
        if gateway.list_form:
            offset = int(self.calendar.to_local(np.array([self.window.start]))[0]) - self.window.start
            yield from sender.listed(times, names, [device.unit for device in gateway.devices], values, offset)
        else:
            yield from sender.columns(times, names, values)

    def _unusable(self, gateway: Gateway, instants: IntArray) -> Iterator[Message]:
        """What the bad gateway adds every ninth noon: in turn five things that nobody can use."""
        numbers = self.calendar.day_number(instants)
        noons = instants[(self.calendar.to_local(instants) % 86_400 == 43_200) & (numbers % 9 == 0)]
        device = gateway.devices[0]
        sender = self._sender(gateway)
        for instant, value in zip(noons.tolist(), self.read(device, noons).tolist(), strict=True):
            turn = instant // 777_600 % 5  # nine days
            name = device.local
            reading = f'"meter": "{name}", "time": {instant + 1800}'
            bodies = (
                ("bad_json", '{"seq": %d, "readings": [{"meter"'),
                ("not_finite", f'{{"seq": %d, "readings": [{{{reading}, "value": 1e999}}]}}'),
                (
                    "unknown_device",
                    f'{{"seq": %d, "readings": [{{"meter": "e-x9", "time": {instant}, "value": 1.5}}]}}',
                ),
                ("bad_unit", f'{{"seq": %d, "readings": [{{{reading}, "value": 1.5, "unit": "kvarh"}}]}}'),
                ("conflict", f'{{"seq": %d, "times": [{instant}], "values": {{"{name}": [{value + 7:.2f}]}}}}'),
            )
            reason, body = bodies[turn]
            yield sender.bad(body.encode(), reason)

    def _disordered(self, gateway: Gateway, messages: Iterator[Message]) -> Iterator[Message]:
        """The same messages, those of the disorderly gateway in swapped pairs."""
        if gateway.id != _DISORDERLY:
            yield from messages
            return
        for message in messages:
            second = next(messages, None)
            if second is None or second.duplicates:
                yield from (m for m in (message, second) if m is not None)
            else:
                yield from (second, message)

    def _is_resent(self, message: Message) -> bool:
        names = self.streams.at("resent", message.gateway)
        return bool(names.named(str(zlib.crc32(message.payload))).random() < _RESENT)

    def _sender(self, gateway: Gateway) -> Sender:
        return self._senders.setdefault(gateway.id, Sender(gateway.id, str(Topic(gateway.house, gateway.id))))

    def _initial(self, device: Device) -> int:
        rng = self.streams.at("initial", device.house).named(device.id)
        return int(rng.integers(device.wraps_at // 50, device.wraps_at // 4))

    def _swap_steps(self, device: Device, fault: Fault) -> tuple[int, int]:
        """Where the old register ended and the new one began."""
        old_end = int(self.counted_steps(device, np.array([fault.first + HOUR // 2]))[0])
        rng = self.streams.at("swap", device.id).named(str(fault.first))
        return old_end, int(rng.integers(0, 20 * 10**device.decimals))

    def _swap_row(self, device: Device, fault: Fault) -> dict[str, object]:
        old_end, new_start = self._swap_steps(device, fault)
        shown, ratio = 10.0**device.decimals, device.ct * device.pt
        when = np.datetime64(fault.first + SWAP_DELAY, "s")
        return {
            "meter": device.id,
            "time": f"{when}Z",
            "old_end": old_end % device.wraps_at / shown,
            "new_start": new_start / shown,
            "old_ratio": ratio,
            "new_ratio": ratio,
            "note": "到期轮换",
        }

    def _silent(self, device: Device, instants: IntArray) -> BoolArray:
        silent = np.zeros(len(instants), bool)
        for fault in self.faults_of(device, FaultKind.GAP, FaultKind.OFFLINE):
            silent |= fault.covers(instants)
        return silent

    def _sensed(self, device: Device, instants: IntArray) -> FloatArray:
        known = self.loads(device.house).measured[device.id]
        values = np.interp(instants, self.at.start, known, right=np.nan)
        return np.asarray(np.round(values, device.decimals if device.quantity != "occupancy" else 0))


def demo_start(today: date) -> date:
    """1 January two years back: the first day of the demo's history."""
    return date(today.year - 2, 1, 1)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What `jieneng up --demo` sends: hourly history over [start, now], then live readings every 15 minutes."""

    province: Province
    start: int
    now: int
    live_step: int = 900

    @property
    def history_end(self) -> int:
        """End of the half-open window of the history: the last hour that has ended is in it."""
        return self.now // HOUR * HOUR + 1

    def history(self) -> Iterator[Message]:
        """The whole history, the first institution complete before the second begins."""
        return self.province.messages(self.start, self.history_end)

    def live(self, after: int, now: int) -> Iterator[Message]:
        """What gateways send about the quarter hours in (after, now]."""
        first = after // self.live_step * self.live_step + self.live_step
        return self.province.messages(first, now + 1, self.live_step)


def demo_plan(now: int, *, seed: int = 1, houses: int | None = None, live_days: int = 14, billed: int = 0) -> DemoPlan:
    """The demo as of an instant; the province reaches `live_days` into the future, so that live readings are ready."""
    today = LocalCalendar(ZONE).date_of(now)
    province = build(seed, demo_start(today), today + timedelta(days=live_days + 1), houses=houses, billed=billed)
    return DemoPlan(province, province.window.start, now)
