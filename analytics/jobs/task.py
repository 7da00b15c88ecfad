"""The work of one institution, whole and by itself: it can be done in any process, again and again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.jobs.bills import billed_extents, bills_of, compute_bills
from analytics.jobs.conversion import is_heat_of_gas
from analytics.jobs.costs import told_by, with_costs
from analytics.jobs.estate import Estate
from analytics.jobs.habits import Expectations, Habits, fit_due, keep, load_habits, spoken_from, years_of
from analytics.jobs.intensities import write_indicators
from analytics.jobs.judged import extents_of
from analytics.jobs.limits import KIND, Extents, fit_missing, profile_of, refit_outgrown
from analytics.jobs.meters import Recomputed, compute_meters
from analytics.jobs.outlook import Outlook, look, years_to_judge
from analytics.jobs.prices import is_repriced, keep_prices, tariffs_of
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.shapes import write_shapes
from analytics.jobs.spans import Spans
from analytics.jobs.standing import write_status
from analytics.jobs.sums import compute_sums, scopes, write_sums
from analytics.jobs.surroundings import Surroundings
from analytics.jobs.virtual import compute_virtual
from analytics.jobs.watch import Watcher
from analytics.jobs.worth import with_worth
from energy.intervals import DAY, Window
from energy.model import Scope
from energy.registry import Registry
from energy.storage.base import Store

LONG_S = 180 * DAY
"""More touched time of a meter than this is judged at once."""


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
    weather : tuple of Window
        When temperatures came that its models look at.
    """

    estate: Estate
    touched: Mapping[str, Sequence[Window]]
    now: int
    everything: bool = False
    refresh: Window | None = None
    since: int | None = None
    refit: bool = False
    former: tuple[str, ...] = ()
    weather: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task."""

    institution: str
    recomputed: tuple[Recomputed, ...]
    changed: tuple[Window, ...]
    models: Mapping[str, int]
    counts: Written = field(default_factory=Written)
    outlook: Outlook | None = None


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
        models |= {model.subject: model for model in fitted}
        touched |= {model.subject: [_whole(extents[model.subject])] for model in fitted}
    if task.since is not None:
        for name, (first, last) in extents.items():
            if last >= task.since:
                touched.setdefault(name, []).append(Window(max(first, task.since), last + 1))
    if task.everything:
        for meter in estate.meters:
            if meter.id in extents and is_heat_of_gas(meter.category, meter.unit):
                touched.setdefault(meter.id, []).append(_whole(extents[meter.id]))  # its calorific value may be another
    profiles = {name: profile_of(model) for name, model in models.items()}
    spans = Spans(store, estate, profiles, extents)
    expectations, fresh = _expectations(task, registry, spans, touched)
    readable = {name: _readable(windows, extents[name]) for name, windows in touched.items() if name in extents}
    recomputed = compute_meters(writer, spans, readable, expectations)
    compute_virtual(writer, estate, recomputed, _all_read(estate, extents) if task.everything else None)
    bills = bills_of(registry, estate, extents)
    billed = billed_extents(estate.calendar, bills)
    unread = {name: windows for name, windows in _touched_bills(task, billed, fresh).items() if name not in extents}
    recomputed += compute_bills(writer, estate, bills, unread, expectations)
    extents |= billed
    energy = {meter.id for meter in estate.meters}
    paid = tariffs_of(registry, estate)
    everything = task.everything or is_repriced(registry, estate, paid)
    ends = [extents[name] for name in energy if name in extents]
    changed = _changed_days(task, _days_of(recomputed, energy), ends if everything else ())
    sums = compute_sums(store, estate, changed, extents=extents, now=task.now, habits=expectations.habits)
    sums = with_costs(store, estate, paid, bills, sums, changed, task.now)
    ids = scopes(estate, task.former)
    write_sums(writer, sums, ids)
    places: dict[Scope, Sequence[str]] = {s: names for s, names in ids.items() if s is not Scope.METER}
    write_indicators(writer, estate.calendar, sums, estate.denominators, places, estate.heating, task.now)
    write_shapes(store, writer, estate, changed if task.everything else _days_of(recomputed, energy))
    write_status(store, writer, estate, sums, extents, task.now)
    outlook = _outlook(task, store, registry, spans, expectations, changed)
    if outlook is not None and sums:
        outlook = with_worth(outlook, estate, expectations.around, paid, told_by(sums))
    # Models are kept last: a run that dies before finds them missing, fits the same ones and writes the same figures.
    versions = {name: model.version for name, model in models.items()}
    versions |= {model.subject: n for model, n in zip(fitted, registry.save_models(fitted), strict=True)}
    keep(registry, fresh)
    keep_prices(registry, estate, paid)
    if outlook is not None:
        registry.save_models(outlook.fresh)
    return Done(estate.institution, tuple(recomputed), tuple(changed), versions, writer.counts, outlook)


def _outlook(
    task: Task,
    store: Store,
    registry: Registry,
    spans: Spans,
    expectations: Expectations,
    changed: Sequence[Window],
) -> Outlook | None:
    """What is found in the years of which closed days changed; None where none did."""
    years = years_to_judge(task.estate, spans.extents, changed, task.now)
    if not years:
        return None
    watcher = Watcher(registry, spans, expectations.around, expectations.habits)
    return look(
        store,
        registry,
        watcher,
        expectations,
        years,
        now=task.now,
        refit=task.refit,
        is_new_day=task.refresh is not None,
    )


def _touched_bills(task: Task, billed: Extents, fresh: Habits) -> dict[str, list[Window]]:
    """Windows of changed bills; and all bills of a meter where what shapes their days changed, or on demand."""
    touched = {name: list(windows) for name, windows in task.touched.items()}
    spoken = {since.year for _, since in fresh}
    for name, extent in billed.items():
        whole = _whole(extent)
        is_wanted = task.since is not None and extent[1] > task.since
        is_reshaped = task.everything or any(window.overlaps(whole) for window in task.weather)
        if is_wanted or is_reshaped or not spoken.isdisjoint(years_of(task.estate.calendar, extent)):
            touched.setdefault(name, []).append(whole)
    return touched


def _expectations(
    task: Task, registry: Registry, spans: Spans, touched: dict[str, list[Window]]
) -> tuple[Expectations, Habits]:
    """What is expected of the meters, and the new models among it; `touched` grows by what these and weather change."""
    estate, extents = task.estate, spans.extents
    around = Surroundings(spans.store, estate)
    habits = load_habits(registry, estate, extents)
    energy = [meter.id for meter in estate.meters if meter.id in extents]
    came = {name: [*touched.get(name, ()), *task.weather] for name in energy}
    for meter in estate.meters:
        if meter.id in extents and sum(w.end - w.start for w in touched.get(meter.id, ())) >= LONG_S:
            spans.judged(meter, _whole(extents[meter.id]))  # what follows asks for year after year of it
    fresh = fit_due(spans, around, habits, came=came, now=task.now, refit=task.refit)
    habits = habits | fresh
    for name, since in fresh:
        touched.setdefault(name, []).append(spoken_from(estate.calendar, since))
    for name in energy:
        own = [since for meter, since in habits if meter == name and habits[meter, since].model.terms.has_weather]
        windows = [w for w in task.weather for since in own if w.overlaps(spoken_from(estate.calendar, since))]
        touched.setdefault(name, []).extend(windows)
    return Expectations(estate, around, habits), fresh


def _all_read(estate: Estate, extents: Extents) -> Window | None:
    """The local days in which any meter of energy was read."""
    read = [extents[meter.id] for meter in estate.meters if meter.id in extents]
    if not read:
        return None
    edges = estate.calendar.edges(Window(min(first for first, _ in read), max(last for _, last in read) + 1), "day")
    return Window(int(edges[0]), int(edges[-1]))


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
    if spans:
        windows.append(Window(min(first for first, _ in spans), max(last for _, last in spans) + 1))
    return union(windows)
