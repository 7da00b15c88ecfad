"""What really happened in the simulated province, and how much of it anybody could know from the readings sent.

*Knowable* is an amount between two instants when a reading was taken at both of them, each showed the register of that
moment, and in between the meter counted rightly and was not exchanged without a record. A gap, a frozen display, a
misreading or a rollover between them changes nothing: the difference of registers is still the amount used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import numpy as np

from energy.intervals import HOUR, LocalCalendar, Window
from energy.model import Category
from energy.series import BoolArray, FloatArray, IntArray
from simulators.devices import Device
from simulators.faults import Fault, FaultKind
from simulators.loads import Loads
from simulators.messages import Tally


class Simulated(Protocol):
    """What is asked of a simulated province (`simulators.province.Province` is one)."""

    window: Window
    calendar: LocalCalendar
    faults: tuple[Fault, ...]
    lapses: tuple[Fault, ...]

    @property
    def devices(self) -> dict[str, Device]:
        """Meters and sensors by id."""

    def loads(self, house: str) -> Loads:
        """The hourly amounts of an institution."""

    def counted_steps(self, device: Device, instants: IntArray) -> IntArray:
        """Steps the register has counted, as if it had never been changed, frozen or misread."""

    def displayed_steps(self, device: Device, instants: IntArray) -> IntArray:
        """Register steps with swaps, frozen displays and misreadings, before wrapping."""

    def faults_of(self, device: Device, *kinds: FaultKind) -> list[Fault]:
        """The faults of a device or its gateway, of these kinds."""

    def honest(self, device: Device, instants: IntArray, until: int) -> BoolArray:
        """True where a reading was taken at that very instant, delivered before `until`, and shows the register."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Faults and true amounts; amounts are in canonical units (kWh, m3, GJ)."""

    province: Simulated

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every labelled event by time, rollovers included."""
        found = [*self.province.faults, *self.province.lapses, *(r for d in self._meters() for r in self._rollovers(d))]
        return tuple(sorted(found, key=lambda f: (f.first, f.subject)))

    @property
    def roots(self) -> dict[str, Category]:
        """Meters with no meter above them: they add up to the total of their category."""
        return {d.id: d.category for d in self._meters() if not d.parent}

    def used(self, meter: str, edges: IntArray) -> FloatArray:
        """What was truly used between neighbouring edges (whole hours), whether or not anybody could know."""
        device = self.province.devices[meter]
        amounts = self.province.loads(device.house).amounts[meter]
        total = np.concatenate([[0.0], np.cumsum(amounts)])
        return np.asarray(np.diff(total[(edges - self.province.window.start) // HOUR]))

    def institution_days(self, house: str, category: Category) -> FloatArray:
        """What an institution truly used of a category on each local day of the run."""
        devices = self.province.devices
        roots = [m for m, kind in self.roots.items() if kind is category and devices[m].house == house]
        edges = self.day_edges()
        return np.asarray(sum((self.used(meter, edges) for meter in roots), np.zeros(len(edges) - 1)))

    def knowable(self, meter: str, edges: IntArray, *, until: int | None = None) -> FloatArray:
        """What the meter's registers say was used between neighbouring edges; NaN where they cannot say it.

        Readings that had not been delivered before `until` (default: the end of the run) count as not taken.
        """
        province, device = self.province, self.province.devices[meter]
        good = province.honest(device, edges, province.window.end + 1 if until is None else until)
        amount = np.diff(province.counted_steps(device, edges)) / device.steps_per_unit
        known = good[1:] & good[:-1]
        for fault in province.faults_of(device, FaultKind.RATIO, FaultKind.SWAP):
            if fault.kind is FaultKind.RATIO or not fault.recorded:
                known &= (edges[1:] <= fault.first) | (edges[:-1] >= fault.last)
        return np.where(known, amount, np.nan)

    def day_edges(self, until: int | None = None) -> IntArray:
        """Local midnights of the run, up to `until`."""
        edges = self.province.calendar.edges(self.province.window, "day")
        return edges if until is None else edges[edges <= until]

    def write(self, path: Path, *, tally: Tally | None = None, until: int | None = None) -> None:
        """The truth as JSON: faults, what the collector must have counted, and amounts per meter and local day."""
        path.write_text(json.dumps(self.document(tally=tally, until=until), ensure_ascii=False, separators=(",", ":")))

    def document(self, *, tally: Tally | None = None, until: int | None = None) -> dict[str, object]:
        """The truth as plain values; `knowable` is null where no reader of the messages could know."""
        edges = self.day_edges(until)
        first = self.province.calendar.date_of(int(edges[0]))
        return {
            "note": "示例省 is fictitious: no figure here is of a real place",
            "first_day": first.isoformat(),
            "last_day": (first + timedelta(days=len(edges) - 2)).isoformat(),
            "faults": [fault.row() for fault in self.faults if until is None or fault.first < until],
            "counts": None if tally is None else _counts(tally),
            "days": {
                device.id: {
                    "category": device.category.value,
                    "root": not device.parent,
                    "used": np.round(self.used(device.id, edges), 4).tolist(),
                    "knowable": _nullable(self.knowable(device.id, edges, until=until)),
                }
                for device in self._meters()
            },
        }

    def _meters(self) -> Iterable[Device]:
        return (device for device in self.province.devices.values() if not device.is_sensor)

    def _rollovers(self, device: Device) -> list[Fault]:
        """The hours in which a display wrapped, from the registers themselves."""
        window = self.province.window
        instants = np.arange(window.start, window.end + 1, HOUR, dtype=np.int64)
        steps = self.province.displayed_steps(device, instants)
        wrapped = np.nonzero(np.diff(steps // device.wraps_at) > 0)[0]
        return [
            Fault(FaultKind.ROLLOVER, device.house, device.id, int(instants[i]), int(instants[i + 1])) for i in wrapped
        ]


def _nullable(values: FloatArray) -> list[float | None]:
    return [None if value != value else round(value, 4) for value in values.tolist()]


def _counts(tally: Tally) -> dict[str, object]:
    return {
        "messages": tally.messages,
        "sent": tally.sent,
        "stored": tally.stored,
        "duplicate": tally.duplicate,
        "parked": dict(sorted(tally.parked.items())),
    }
