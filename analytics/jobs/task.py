"""The work of one institution, whole and by itself: it can be done in any process, again and again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.jobs.bills import billed_extents, bills_of, compute_bills
from analytics.jobs.estate import Estate
from analytics.jobs.intensities import write_indicators
from analytics.jobs.judged import extents_of
from analytics.jobs.limits import KIND, Extents, fit_missing, profile_of, refit_outgrown
from analytics.jobs.meters import Recomputed, compute_meters
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.shapes import write_shapes
from analytics.jobs.standing import write_status
from analytics.jobs.sums import compute_sums, scopes, write_sums
from energy.intervals import Window
from energy.model import Scope
from energy.registry import Registry
from energy.storage.base import Store


@dataclass(frozen=True, slots=True)
class Task:
    """What to compute for one institution.

    Attributes
    ----------
    touched : dict
        Windows of changed readings by meter.
    everything : bool
        Whether all totals are to be added again, because the institution itself changed.
    refresh : Window or None
        Days whose completeness is to be told again, because time went on.
    since : int or None
        Compute all meters again from this instant.
    refit : bool
        Fit all register profiles again.
    former : tuple of str
        Buildings the institution once had.
    """

    estate: Estate
    touched: Mapping[str, Sequence[Window]]
    now: int
    everything: bool = False
    refresh: Window | None = None
    since: int | None = None
    refit: bool = False
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task."""

    institution: str
    recomputed: tuple[Recomputed, ...]
    changed: tuple[Window, ...]
    models: Mapping[str, int]
    counts: Written = field(default_factory=Written)


def perform(task: Task, store: Store, registry: Registry) -> Done:
    """Compute everything of one institution that the task names, and write it."""
    estate = task.estate
    writer = Writer(store, Written())
    names = [meter.id for meter in (*estate.meters, *estate.sensors)]
    extents = extents_of(store, names)
    models = registry.models(KIND, names)
    touched = {name: list(windows) for name, windows in task.touched.items()}
    known = {} if task.refit else {name: profile_of(model) for name, model in models.items()}
    fitted = fit_missing(store, estate, known, extents, task.now)
    if task.refresh is not None:
        fitted += refit_outgrown(store, estate, known, extents, task.now)
    if fitted:
        registry.save_models(fitted)
        models = registry.models(KIND, names)
        touched |= {model.subject: [_whole(extents[model.subject])] for model in fitted}
    if task.since is not None:
        for name, (first, last) in extents.items():
            if last >= task.since:
                touched.setdefault(name, []).append(Window(max(first, task.since), last + 1))
    recomputed = compute_meters(
        store,
        writer,
        estate,
        {name: _readable(windows, extents[name]) for name, windows in touched.items() if name in extents},
        profiles={name: profile_of(model) for name, model in models.items()},
        extents=extents,
    )
    bills = bills_of(registry, estate, extents)
    billed = billed_extents(estate.calendar, bills)
    unread = {name: windows for name, windows in _touched_bills(task, billed).items() if name not in extents}
    recomputed += compute_bills(writer, estate, bills, unread)
    extents |= billed
    energy = {meter.id for meter in estate.meters}
    changed = _changed_days(task, _days_of(recomputed, energy), [extents[name] for name in energy if name in extents])
    sums = compute_sums(store, estate, changed, extents=extents, now=task.now)
    ids = scopes(estate, task.former)
    write_sums(writer, sums, ids)
    places: dict[Scope, Sequence[str]] = {s: names for s, names in ids.items() if s is not Scope.METER}
    write_indicators(writer, estate.calendar, sums, estate.denominators, places, task.now)
    write_shapes(store, writer, estate, changed if task.everything else _days_of(recomputed, energy))
    write_status(writer, estate, sums, extents, task.now)
    versions = {name: model.version for name, model in models.items()}
    return Done(estate.institution, tuple(recomputed), tuple(changed), versions, writer.counts)


def _touched_bills(task: Task, billed: Extents) -> dict[str, list[Window]]:
    """Windows of changed bills; a computation on demand takes all of a meter that reach into its time."""
    touched = {name: list(windows) for name, windows in task.touched.items()}
    for name, extent in billed.items():
        if task.since is not None and extent[1] > task.since:
            touched.setdefault(name, []).append(_whole(extent))
    return touched


def _whole(extent: tuple[int, int]) -> Window:
    return Window(extent[0], extent[1] + 1)


def _readable(windows: Sequence[Window], extent: tuple[int, int]) -> list[Window]:
    """The windows cut to the span in which the meter was read; one outside becomes its nearest end."""
    first, last = extent
    cut = [(min(max(w.start, first), last), min(max(w.end, first + 1), last + 1)) for w in windows]
    return [Window(start, max(start + 1, end)) for start, end in cut]


def _days_of(recomputed: Sequence[Recomputed], meters: Container[str]) -> list[Window]:
    return union([part.window for part in recomputed if part.meter in meters])


def _changed_days(task: Task, days: Sequence[Window], spans: Sequence[tuple[int, int]]) -> list[Window]:
    windows = [*days] if task.refresh is None else [*days, task.refresh]
    if task.everything and spans:
        windows.append(Window(min(first for first, _ in spans), max(last for _, last in spans) + 1))
    return union(windows)
