"""The work of one institution, whole and by itself: it can be done in any process, again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analytics.jobs.estate import Estate
from analytics.jobs.judged import extents_of
from analytics.jobs.limits import KIND, Extents, fit_missing, profile_of
from analytics.jobs.meters import Recomputed, compute_meters
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.sums import compute_sums, write_sums
from energy.intervals import Window
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
    changed = _changed_days(task, recomputed, extents)
    sums = compute_sums(store, estate, changed, extents=extents, now=task.now)
    write_sums(writer, estate, sums, task.former)
    versions = {name: model.version for name, model in models.items()}
    return Done(estate.institution, tuple(recomputed), tuple(changed), versions, writer.counts)


def _whole(extent: tuple[int, int]) -> Window:
    return Window(extent[0], extent[1] + 1)


def _readable(windows: Sequence[Window], extent: tuple[int, int]) -> list[Window]:
    """The windows cut to the span in which the meter was read; one outside becomes its nearest end."""
    first, last = extent
    cut = [(min(max(w.start, first), last), min(max(w.end, first + 1), last + 1)) for w in windows]
    return [Window(start, max(start + 1, end)) for start, end in cut]


def _changed_days(task: Task, recomputed: Sequence[Recomputed], extents: Extents) -> list[Window]:
    energy = {meter.id for meter in task.estate.meters}
    windows = [part.window for part in recomputed if part.meter in energy]
    if task.refresh is not None:
        windows.append(task.refresh)
    spans = [_whole(extents[name]) for name in energy if name in extents]
    if task.everything and spans:
        windows.append(Window(min(w.start for w in spans), max(w.end for w in spans)))
    return union(windows)
