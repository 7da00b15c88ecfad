"""What a run has to do: institutions that were touched, changed, asked for, or of which time went on.

What was computed, how each institution was made up then and up to which day completeness was told are remembered as
models in the registry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.jobs.bills import billed_extents, bills_of
from analytics.jobs.estate import Estate, estates
from analytics.jobs.prices import is_repriced, tariffs_of
from analytics.jobs.rows import union
from analytics.jobs.task import UNTOLD, Task, untold, untold_days
from energy.holidays import edition
from energy.intervals import LocalCalendar, Window
from energy.model import MeterKind
from energy.registry import FittedModel, Registry, Snapshot, Touched
from energy.registry.decisions import Correction

SHAPE: Final = "structure"
"""Kind of the model that remembers how an institution or region was made up when it was last computed."""
CLOCK: Final = "completeness"
"""Kind of the model that remembers up to which local day completeness was told."""
TARIFFS: Final = "tariffs"
"""Kind of the model that remembers which tariffs, and uses of them, a run last looked through."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked to compute beyond what was touched.

    Attributes
    ----------
    institutions : sequence of str, optional
        Only these; the marks of others stay for another run. None: every touched one.
    since : int, optional
        Compute all their readings again from this instant. [s]
    refit : bool
        Fit register profiles again first.
    """

    institutions: Sequence[str] | None = None
    since: int | None = None
    refit: bool = False

    @property
    def is_on_demand(self) -> bool:
        """Whether institutions are computed that nothing touched."""
        return self.since is not None or self.refit or self.institutions is not None


@dataclass(frozen=True, slots=True, eq=False)
class Present:
    """The installation as a run finds it.

    Attributes
    ----------
    registry : Registry
    snapshot : Snapshot
        Everything in the registry about who and where, at one revision.
    calendar : LocalCalendar
        Of regions, and of institutions whose sites name no time zone.
    now : int
        [s]
    shapes : dict
        How institutions and regions were made up when they were last computed, by subject.
    tariffs : FittedModel
        What stands for all tariffs, who pays them, and the holidays known.
    """

    registry: Registry
    snapshot: Snapshot
    calendar: LocalCalendar
    now: int
    shapes: Mapping[str, FittedModel]
    tariffs: FittedModel

    @classmethod
    def of(cls, registry: Registry, calendar: LocalCalendar, now: int) -> Present:
        """What the registry says now."""
        return cls(registry, registry.snapshot(), calendar, now, registry.models(SHAPE), _tariffs(registry))

    @property
    def today(self) -> int:
        """The local day, as days since 1970-01-01."""
        return int(self.calendar.day_number(np.array([self.now]))[0])


def tasks_of(present: Present, asked: Asked, marks: Sequence[Touched]) -> Iterator[Task]:
    """The work of every institution that has any, those with new readings first."""
    touched = _Touch.of(present.snapshot, marks)
    refresh = _new_days(present) if asked.institutions is None else None
    registry = present.registry
    left, last = registry.models(UNTOLD), registry.models(TARIFFS).get(TARIFFS)
    has_other_tariffs = last is None or last.payload != present.tariffs.payload
    for estate in _estates(present, asked, touched):
        name = estate.institution
        before = present.shapes.get(name)
        shape = before.json() if before is not None else None
        is_moved = shape is not None and shape.get("zone", estate.calendar.zone) != estate.calendar.zone
        since = (asked.since or 0) if asked.is_on_demand else None
        task = Task(
            estate=estate,
            touched=touched.windows.get(name, {}),
            now=present.now,
            everything=shape is None or shape["signature"] != estate.signature(),
            refresh=refresh,
            since=0 if is_moved else since,  # its days begin at other instants
            refit=asked.refit,
            former=tuple(shape["buildings"]) if shape else (),
            weather=tuple(union([w for sensor in estate.thermometers for w in touched.of_meter(sensor.id)])),
            untold=untold_days(left.get(name)),
        )
        if (
            _is_due(task)
            or _is_felt(registry, task)
            or (has_other_tariffs and is_repriced(registry, estate, tariffs_of(registry, estate)))
        ):
            yield task


@dataclass(frozen=True, slots=True, eq=False)
class _Touch:
    """Windows of changed readings by institution and meter."""

    snapshot: Snapshot
    windows: Mapping[str, Mapping[str, Sequence[Window]]]

    @classmethod
    def of(cls, snapshot: Snapshot, marks: Sequence[Touched]) -> _Touch:
        """Marks of meters that are unknown are left out."""
        found: dict[str, dict[str, list[Window]]] = {}
        for mark in marks:
            meter = snapshot.meters.get(mark.meter)
            if meter is not None:
                own = found.setdefault(meter.institution, {}).setdefault(mark.meter, [])
                own.append(Window(mark.first, mark.last + 1))
        return cls(snapshot, found)

    def of_meter(self, name: str) -> Sequence[Window]:
        """Windows of one meter or sensor."""
        return self.windows.get(self.snapshot.meters[name].institution, {}).get(name, ())

    def has_readings(self, institution: str) -> bool:
        """Whether more than bills came."""
        names = self.windows.get(institution, ())
        return any(self.snapshot.meters[name].kind is not MeterKind.MANUAL for name in names)


def _estates(present: Present, asked: Asked, touched: _Touch) -> Iterator[Estate]:
    """Those asked for, or all; first the ones with new readings: people look at them, and bills have waited a month."""
    registry, snapshot = present.registry, present.snapshot
    wanted = snapshot.institutions if asked.institutions is None else asked.institutions
    return estates(
        snapshot,
        sorted(wanted, key=lambda name: (not touched.has_readings(name), name)),
        present.calendar.zone,
        _corrections(registry),
        registry.calorific_values.rows(),
        registry.heating_seasons.rows(),
    )


def _is_due(task: Task) -> bool:
    return bool(task.since is not None or task.everything or task.refresh or task.untold or task.touched)


def _is_felt(registry: Registry, task: Task) -> bool:
    """Whether temperatures that came change figures: of meters that are read, or of days that were billed."""
    estate = task.estate
    if not task.weather or any(meter.kind is MeterKind.PHYSICAL for meter in estate.meters):
        return bool(task.weather)
    billed = billed_extents(estate.calendar, bills_of(registry, estate, {}))
    return any(window.start < end and window.end > first for first, end in billed.values() for window in task.weather)


def _corrections(registry: Registry) -> dict[str, tuple[Correction, ...]]:
    """Corrections in force by meter, in the order in which they were stated."""
    found: dict[str, list[Correction]] = {}
    for correction in sorted(registry.corrections.rows(state="active"), key=lambda c: (c.time, c.start, c.kind)):
        found.setdefault(correction.meter, []).append(correction)
    return {meter: tuple(stated) for meter, stated in found.items()}


def _new_days(present: Present) -> Window | None:
    """The local days that ended since completeness was last told, and today; None where today was told already."""
    told = present.registry.models(CLOCK).get(CLOCK)
    last = told.json()["day"] if told else present.today - 1
    if last >= present.today:
        return None
    edges = present.calendar.day_start(np.array([last, present.today + 1]))
    return Window(int(edges[0]), int(edges[1]))


def still_marked(tasks: Sequence[Task], marks: Sequence[Touched], snapshot: Snapshot) -> list[Touched]:
    """The marks that these tasks, which could not be done, leave for the next run."""
    institutions = {task.estate.institution for task in tasks}
    sensors = {sensor.id for task in tasks for sensor in task.estate.thermometers}
    return [
        mark
        for mark in marks
        if mark.meter in sensors
        or (mark.meter in snapshot.meters and snapshot.meters[mark.meter].institution in institutions)
    ]


def remembered(
    present: Present, asked: Asked, tasks: Sequence[Task], done: Container[str], failed: Container[str]
) -> list[FittedModel]:
    """What the next run has to know of what this one did; whoever failed is computed whole by it."""
    left = present.registry.models(UNTOLD)
    found = [untold(name, ()) for name in left if name in done]
    found += [_shape(task.estate) for task in tasks if task.estate.institution in done]
    found += [_shape(task.estate, signature="") for task in tasks if task.estate.institution in failed]
    if asked.institutions is None:
        found.append(FittedModel.of(CLOCK, CLOCK, start=0, end=0, payload={"day": present.today}))
        found.append(present.tariffs)
    return found


def _tariffs(registry: Registry) -> FittedModel:
    rows = repr((registry.tariffs.rows(), registry.tariff_uses.rows(), edition()))
    payload = {"signature": hashlib.sha256(rows.encode()).hexdigest()}
    return FittedModel.of(TARIFFS, TARIFFS, start=0, end=0, payload=payload)


def _shape(estate: Estate, signature: str | None = None) -> FittedModel:
    signature = estate.signature() if signature is None else signature
    payload = {"signature": signature, "buildings": list(estate.buildings), "zone": estate.calendar.zone}
    return FittedModel.of(estate.institution, SHAPE, start=0, end=0, payload=payload)
