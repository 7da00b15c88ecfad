"""A run of the jobs: take what was touched, compute it institution by institution, then the regions, then forget.

Every step writes by replacing windows and the marks are dropped last: a run that dies anywhere is done again by the
next one, with the same results.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Final

import numpy as np

from analytics.jobs.bills import billed_extents, bills_of
from analytics.jobs.estate import Estate, estates, regions_from
from analytics.jobs.history import recorded
from analytics.jobs.intensities import write_indicators
from analytics.jobs.notices import publish
from analytics.jobs.patience import Patient
from analytics.jobs.peers import compute_peers
from analytics.jobs.record import RunRecord
from analytics.jobs.regions import region_sums, write_region
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.sisters import with_sisters
from analytics.jobs.standing import write_directory
from analytics.jobs.targets import compute_targets
from analytics.jobs.task import UNTOLD, Done, Task, perform, untold, untold_days
from analytics.progress import STAGES
from energy.heating import HeatingCalendar
from energy.intervals import DEFAULT_ZONE, LocalCalendar, Window
from energy.model import MeterKind, Scope
from energy.registry import FittedModel, HeatingSeason, Registry, Snapshot, Touched
from energy.registry.decisions import Correction
from energy.storage.base import Store

SHAPE: Final = "structure"
"""Kind of the model that remembers how an institution or region was made up when it was last computed."""
CLOCK: Final = "completeness"
"""Kind of the model that remembers up to which local day completeness was told."""

Progress = Callable[[int, int, str], None]
"""Told (institutions done, institutions in all, the one just done)."""
Opener = Callable[[], tuple[Store, Registry]]
"""Opens store and registry in another process; must be picklable."""
Mapper = Callable[[Callable[[Task], Done], Sequence[Task]], Iterable[Done]]
"""Applies a function to every unit of work, anywhere and in any order; function, units and answers are picklable."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run is asked to compute beyond what was touched.

    Attributes
    ----------
    institutions : sequence of str, optional
        Only these; the marks of others stay for another run. None: every touched one.
    since : int, optional
        Compute all their readings again from this instant. [s]
    refit : bool
        Fit register profiles again first.
    workers : int
        Processes to use.
    """

    institutions: Sequence[str] | None = None
    since: int | None = None
    refit: bool = False
    workers: int = 1


def run(
    store: Store,
    registry: Registry,
    *,
    now: int,
    since: int | None = None,
    institutions: Sequence[str] | None = None,
    refit: bool = False,
    workers: int = 1,
    opener: Opener | None = None,
    mapper: Mapper | None = None,
    zone: str = DEFAULT_ZONE,
    stages: Sequence[float] = STAGES,
    progress: Progress | None = None,
) -> RunRecord:
    """Compute everything that was touched; with `since`, `institutions` or `refit` also what these name.

    Parameters
    ----------
    now : int
        Up to when readings are expected. [s]
    since : int, optional
        Compute all readings of the institutions again from this instant. [s]
    institutions : sequence of str, optional
        Only these; the marks of all others stay for another run.
    refit : bool
        Fit the register profiles again first, and compute with them.
    workers, opener
        More than one worker: processes, each opening store and registry by `opener`.
    mapper : callable, optional
        Runs the units elsewhere, such as on Dask distributed; needs an opener, and `workers` is its own affair.
    zone : str
        Time zone of regions, and of institutions whose sites name none.
    stages : sequence of float
        Shares of the annual target at which a stage is raised, rising.
    progress : callable, optional
        Told after each institution.
    """
    if (workers > 1 or mapper is not None) and opener is None:
        raise ValueError("more than one worker needs an opener of store and registry")
    started, store = time.perf_counter(), Patient(store)
    asked = _Asked(institutions, since, refit, workers)
    # Marks of institutions that were not asked for must outlive this run, so they are not even taken. The snapshot
    # comes after: a mark may be of a meter that was imported a moment ago, and would be forgotten as unknown.
    epoch, marks = registry.take_touched() if institutions is None else (None, [])
    snapshot = registry.snapshot()
    calendar = LocalCalendar(zone)
    shapes = registry.models(SHAPE)
    tasks = list(_tasks(snapshot, registry, asked, marks, shapes, calendar, now))
    writer = Writer(store, Written())
    with recorded(registry, institutions=len(tasks)) as record:
        write_directory(writer, snapshot, calendar.date_of(now))  # first: what has no name cannot be chosen
        done = []
        for part in _perform(tasks, store, registry, epoch, workers, opener, mapper):
            done.append(part)
            record.so_far(len(done))
            if progress is not None:
                progress(len(done), len(tasks), part.institution)
        regions = _add_regions(store, writer, snapshot, calendar, registry.heating_seasons.rows(), shapes, done, now)
        windows = union([window for part in done for window in part.changed])
        compute_peers(store, registry, snapshot, writer, calendar, windows)
        changed = {*(part.institution for part in done), *regions}
        looked = [part.outlook for part in done if part.outlook is not None]
        looked = with_sisters(store, snapshot, calendar, looked)
        findings = publish(registry, writer, snapshot, calendar, looked, now=now)
        n_targets = compute_targets(
            store, registry, snapshot, writer, calendar, changed=changed, now=now, stages=stages
        )
        registry.save_models(
            [
                *_shapes(tasks, {part.institution for part in done}),
                *_region_shapes(snapshot, regions),
                *_clock(asked, calendar, now),
                *(untold(name, ()) for name in registry.models(UNTOLD) if name in changed),
            ]
        )
        if epoch is not None:
            registry.forget_touched(epoch)
        for part in done:
            writer.counts.add(part.counts)
        record.tell(asked=asdict(asked), meters=len({part.meter for unit in done for part in unit.recomputed}))
        record.tell(institutions=len(done), findings=findings, targets=n_targets, regions=len(regions))
        record.tell(revision=snapshot.revision, written=writer.counts.written, deleted=writer.counts.deleted)
        record.tell(seconds=round(time.perf_counter() - started, 1))
    return RunRecord(
        now=now,
        revision=snapshot.revision,
        institutions=tuple(sorted(part.institution for part in done)),
        recomputed=tuple(window for part in done for window in part.recomputed),
        regions=tuple(regions),
        models={name: version for part in done for name, version in part.models.items()},
        written=writer.counts.written,
        deleted=writer.counts.deleted,
        seconds=time.perf_counter() - started,
    )


def _tasks(
    snapshot: Snapshot,
    registry: Registry,
    asked: _Asked,
    marks: Sequence[Touched],
    shapes: Mapping[str, FittedModel],
    calendar: LocalCalendar,
    now: int,
) -> Iterator[Task]:
    touched: dict[str, dict[str, list[Window]]] = {}
    by_meter: dict[str, list[Window]] = {}
    for mark in marks:
        meter = snapshot.meters.get(mark.meter)
        if meter is not None:
            windows = touched.setdefault(meter.institution, {}).setdefault(mark.meter, [])
            windows.append(Window(mark.first, mark.last + 1))
            by_meter[mark.meter] = windows
    read = {meter.institution for name in by_meter if (meter := snapshot.meters[name]).kind is not MeterKind.MANUAL}
    refresh = _new_days(registry, calendar, now) if asked.institutions is None else None
    on_demand = asked.since is not None or asked.refit or asked.institutions is not None
    wanted = snapshot.institutions if asked.institutions is None else asked.institutions
    # Those with new readings first: people look at them, and what is in bills has waited for a month.
    names = sorted(wanted, key=lambda name: (name not in read, name))
    calorific, heated = registry.calorific_values.rows(), registry.heating_seasons.rows()
    left = registry.models(UNTOLD)
    for estate in estates(snapshot, names, calendar.zone, _corrections(registry), calorific, heated):
        name = estate.institution
        weather = union([w for sensor in estate.thermometers for w in by_meter.get(sensor.id, ())])
        before = shapes.get(name)
        everything = before is None or before.json()["signature"] != estate.signature()
        is_moved = before is not None and before.json().get("zone", estate.calendar.zone) != estate.calendar.zone
        left_over = untold_days(left.get(name))
        is_due = on_demand or everything or refresh or left_over or name in touched
        if not (is_due or _is_felt(registry, estate, weather)):
            continue
        yield Task(
            estate=estate,
            touched=touched.get(name, {}),
            now=now,
            everything=everything,
            refresh=refresh,
            since=0 if is_moved else (asked.since or 0) if on_demand else None,  # its days begin at other instants
            refit=asked.refit,
            former=tuple(before.json()["buildings"]) if before else (),
            weather=tuple(weather),
            untold=left_over,
        )


def _is_felt(registry: Registry, estate: Estate, weather: Sequence[Window]) -> bool:
    """Whether temperatures that came change figures: of meters that are read, or of days that were billed."""
    if not weather or any(meter.kind is MeterKind.PHYSICAL for meter in estate.meters):
        return bool(weather)
    billed = billed_extents(estate.calendar, bills_of(registry, estate, {}))
    return any(window.start < end and window.end > first for first, end in billed.values() for window in weather)


def _corrections(registry: Registry) -> dict[str, tuple[Correction, ...]]:
    """Corrections in force by meter, in the order in which they were stated."""
    found: dict[str, list[Correction]] = {}
    for correction in sorted(registry.corrections.rows(state="active"), key=lambda c: (c.time, c.start, c.kind)):
        found.setdefault(correction.meter, []).append(correction)
    return {meter: tuple(stated) for meter, stated in found.items()}


def _new_days(registry: Registry, calendar: LocalCalendar, now: int) -> Window | None:
    """The local days that ended since completeness was last told, and today; None where today was told already."""
    today = int(calendar.day_number(np.array([now]))[0])
    told = registry.models(CLOCK).get(CLOCK)
    last = told.json()["day"] if told else today - 1
    if last >= today:
        return None
    edges = calendar.day_start(np.array([last, today + 1]))
    return Window(int(edges[0]), int(edges[1]))


def _clock(asked: _Asked, calendar: LocalCalendar, now: int) -> list[FittedModel]:
    if asked.institutions is not None:
        return []
    today = int(calendar.day_number(np.array([now]))[0])
    return [FittedModel.of(CLOCK, CLOCK, start=0, end=0, payload={"day": today})]


def _perform(
    tasks: Sequence[Task],
    store: Store,
    registry: Registry,
    epoch: int | None,
    workers: int,
    opener: Opener | None,
    mapper: Mapper | None,
) -> Iterable[Done]:
    if opener is not None and mapper is not None:
        return mapper(partial(run_unit, opener=opener), tasks)
    if opener is not None and workers > 1:
        return _in_processes(tasks, workers, opener)
    return _here(tasks, store, registry, epoch)


def _here(tasks: Sequence[Task], store: Store, registry: Registry, epoch: int | None) -> Iterator[Done]:
    for task in tasks:
        if epoch is None or not _is_arriving(task, registry, epoch):
            yield perform(task, store, registry)


def _is_arriving(task: Task, registry: Registry, epoch: int) -> bool:
    """Whether a new institution's first readings came since the run began: the next one computes them once, and whole.

    It has their marks then, so nobody waits for longer than one run.
    """
    if task.touched or not task.everything:
        return False
    return not registry.touched_since(epoch).isdisjoint(meter.id for meter in task.estate.meters)


def _in_processes(tasks: Sequence[Task], workers: int, opener: Opener) -> Iterator[Done]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        for future in as_completed([pool.submit(run_unit, task, opener) for task in tasks]):
            yield future.result()


def _end_with_parent() -> None:
    """Have this process end when the one that started it is gone: what it writes then could be older than what is."""
    parent = parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def run_unit(task: Task, opener: Opener) -> Done:
    """Do one unit of work with a store and a registry of its own: in another process, or on another machine."""
    store, registry = opener()
    try:
        return perform(task, Patient(store), registry)
    finally:
        store.close()
        registry.close()


def _add_regions(
    store: Store,
    writer: Writer,
    snapshot: Snapshot,
    calendar: LocalCalendar,
    heated: Sequence[HeatingSeason],
    shapes: Mapping[str, FittedModel],
    done: Sequence[Done],
    now: int,
) -> list[str]:
    """Add the totals again of every region above a changed institution; which regions that were."""
    changed = {part.institution: part.changed for part in done if part.changed}
    found: list[str] = []
    for region in sorted(snapshot.regions):
        below = snapshot.institutions_below(region)
        windows = union([window for name in below for window in changed.get(name, ())])
        former = shapes.get(_region_subject(region))
        if former is not None and former.json()["signature"] != _signature(below):
            # Made up of others than before: all its days, from the first to the last that any of them has.
            windows = union([*windows, _ALL_DAYS])
        if windows:
            calendars = {name: LocalCalendar(snapshot.zone_of(name) or calendar.zone) for name in below}
            sums = region_sums(store, calendar, region, calendars, windows)
            write_region(writer, region, sums)
            heating = HeatingCalendar.of(heated, regions_from(snapshot, region))
            write_indicators(writer, calendar, sums, snapshot.denominators, {Scope.REGION: [region]}, heating, now)
            found.append(region)
    return found


_ALL_DAYS = Window(1262275200, 2**31)


def _shapes(tasks: Sequence[Task], done: Container[str]) -> Iterator[FittedModel]:
    for task in tasks:
        if task.estate.institution not in done:
            continue
        estate = task.estate
        payload = {
            "signature": estate.signature(),
            "buildings": list(estate.buildings),
            "zone": estate.calendar.zone,
        }
        yield FittedModel.of(estate.institution, SHAPE, start=0, end=0, payload=payload)


def _region_shapes(snapshot: Snapshot, regions: Sequence[str]) -> Iterator[FittedModel]:
    for region in regions:
        payload = {"signature": _signature(snapshot.institutions_below(region))}
        yield FittedModel.of(_region_subject(region), SHAPE, start=0, end=0, payload=payload)


def _region_subject(region: str) -> str:
    return f"region:{region}"


def _signature(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
