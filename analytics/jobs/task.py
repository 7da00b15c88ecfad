"""The work of one institution, whole and by itself: it can be done in any process, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from analytics.bills import Bill
from analytics.jobs.bills import billed_extents, bills_of, compute_bills
from analytics.jobs.conversion import is_heat_of_gas
from analytics.jobs.costs import told_by, with_costs
from analytics.jobs.estate import Estate
from analytics.jobs.habits import Expectations, Habits, fit_due, kept, load_habits, spoken_from, years_of
from analytics.jobs.intensities import write_indicators
from analytics.jobs.judged import extents_of
from analytics.jobs.limits import KIND, Extents, fit_missing, profile_of, refit_outgrown
from analytics.jobs.meters import Recomputed, compute_meters
from analytics.jobs.outlook import Outlook, look, years_to_judge
from analytics.jobs.prices import Books, Paid, is_repriced, priced_by, tariffs_of
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.shapes import write_shapes
from analytics.jobs.spans import Spans
from analytics.jobs.standing import write_status
from analytics.jobs.sums import Sums, compute_sums, scopes, write_sums
from analytics.jobs.surroundings import Surroundings
from analytics.jobs.virtual import compute_virtual
from analytics.jobs.watch import Watcher
from analytics.jobs.worth import with_worth
from energy.intervals import DAY, Window
from energy.model import Scope
from energy.registry import FittedModel, Registry
from energy.storage.base import Store

UNTOLD: Final = "untold"
"""Kind of the model that remembers days of an institution that nothing above it was told of yet."""
LONG_S: Final = 180 * DAY
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
    untold : tuple of Window
        Days that a run which was broken off computed and told nobody of.
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
    untold: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task."""

    institution: str
    recomputed: tuple[Recomputed, ...]
    changed: tuple[Window, ...]
    models: Mapping[str, int]
    counts: Written = field(default_factory=Written)
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that could not be done, and what was wrong."""

    institution: str
    error: str


def perform(task: Task, store: Store, registry: Registry) -> Done:
    """Compute everything of one institution that the task names, and write it."""
    work = _Work(task, store, registry, Writer(store, Written()))
    metered = _metered(work)
    told = _told(work, metered)
    outlook = _outlook(work, metered, told)
    versions = _keep(work, metered, told, outlook)
    return Done(
        task.estate.institution, tuple(metered.recomputed), tuple(told.changed), versions, work.writer.counts, outlook
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """A task, and what it is done with."""

    task: Task
    store: Store
    registry: Registry
    writer: Writer


@dataclass(frozen=True, slots=True, eq=False)
class _Registers:
    """Register profiles of the meters, those among them that are new, and what is to be judged by them."""

    models: Mapping[str, FittedModel]
    fitted: Sequence[FittedModel]
    touched: dict[str, list[Window]]


@dataclass(frozen=True, slots=True, eq=False)
class _Metered:
    """What readings and bills say: the days that were computed again, and by which models."""

    spans: Spans
    registers: _Registers
    expectations: Expectations
    fresh: Habits
    bills: Mapping[str, Sequence[Bill]]
    recomputed: Sequence[Recomputed]

    @property
    def days(self) -> list[Window]:
        """Days of energy that were computed again."""
        energy = {meter.id for meter in self.spans.estate.meters}
        return union([part.window for part in self.recomputed if part.meter in energy])


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Totals with their costs, the days in which they may have changed, and whether that is because of the prices."""

    sums: Sequence[Sums]
    changed: Sequence[Window]
    paid: Paid
    is_repriced: bool


def _metered(work: _Work) -> _Metered:
    """Judge what was touched, write intervals and parts of days, and spread what was billed."""
    task, estate = work.task, work.task.estate
    extents = extents_of(work.store, [meter.id for meter in (*estate.meters, *estate.sensors)])
    registers = _registers(work, extents)
    profiles = {name: profile_of(model) for name, model in registers.models.items()}
    spans = Spans(work.store, estate, profiles, extents)
    touched = registers.touched
    expectations, fresh = _expectations(task, work.registry, spans, touched)
    readable = {name: _readable(windows, extents[name]) for name, windows in touched.items() if name in extents}
    recomputed = compute_meters(work.writer, spans, readable, expectations)
    compute_virtual(work.writer, estate, recomputed, _all_read(estate, extents) if task.everything else None)
    bills = bills_of(work.registry, estate, extents)
    billed = billed_extents(estate.calendar, bills)
    unread = {name: windows for name, windows in _touched_bills(task, billed, fresh).items() if name not in extents}
    recomputed += compute_bills(work.writer, estate, bills, unread, expectations)
    extents |= billed  # from here on a meter is known for the time of its bills too
    return _Metered(spans, registers, expectations, fresh, bills, recomputed)


def _registers(work: _Work, extents: Extents) -> _Registers:
    """Fit the profiles that are due; what was touched grows by the meters whose profile or unit is another now."""
    task, estate = work.task, work.task.estate
    models = work.registry.models(KIND, [meter.id for meter in (*estate.meters, *estate.sensors)])
    known = {} if task.refit else {name: profile_of(model) for name, model in models.items()}
    fitted = fit_missing(work.store, estate, known, extents, task.now)
    if task.refresh is not None:
        fitted += refit_outgrown(work.store, estate, known, extents, task.now)
    touched = {name: list(windows) for name, windows in task.touched.items()}
    touched |= {model.subject: [_whole(extents[model.subject])] for model in fitted}
    if task.since is not None:
        for name, (first, last) in extents.items():
            if last >= task.since:
                touched.setdefault(name, []).append(Window(max(first, task.since), last + 1))
    if task.everything:
        for meter in estate.meters:
            if meter.id in extents and is_heat_of_gas(meter.category, meter.unit):
                touched.setdefault(meter.id, []).append(_whole(extents[meter.id]))  # its calorific value may be another
    return _Registers(models | {model.subject: model for model in fitted}, fitted, touched)


def _told(work: _Work, metered: _Metered) -> _Told:
    """Write totals, indicators, shapes of days and the state of the meters."""
    task, estate, writer = work.task, work.task.estate, work.writer
    extents = metered.spans.extents
    paid = tariffs_of(work.registry, estate)
    repriced = is_repriced(work.registry, estate, paid)
    ends = [extents[meter.id] for meter in estate.meters if meter.id in extents]
    days = union([*metered.days, *_unheard(metered, task.now)])
    changed = _changed_days(task, days, ends if task.everything or repriced else ())
    sums = compute_sums(work.store, estate, changed, extents=extents, now=task.now, habits=metered.expectations.habits)
    sums = with_costs(Books(work.store, estate, paid, metered.bills), sums, changed, task.now)
    ids = scopes(estate, task.former)
    write_sums(writer, sums, ids)
    places: dict[Scope, Sequence[str]] = {s: names for s, names in ids.items() if s is not Scope.METER}
    write_indicators(
        writer, estate.calendar, sums, estate.denominators, places, estate.heating, task.now, estate.office
    )
    write_shapes(work.store, writer, estate, changed if task.everything else metered.days, extents)
    write_status(work.store, writer, estate, sums, extents, task.now)
    return _Told(sums, changed, paid, repriced)


def _outlook(work: _Work, metered: _Metered, told: _Told) -> Outlook | None:
    """What is found, with its worth, in the years of which closed days changed; None where none did."""
    task, spans, expectations = work.task, metered.spans, metered.expectations
    years = years_to_judge(task.estate, spans.extents, told.changed, task.now)
    if not years:
        return None
    outlook = look(
        work.store,
        work.registry,
        Watcher(work.registry, spans, expectations.around, expectations.habits),
        expectations,
        years,
        now=task.now,
        refit=task.refit,
        is_new_day=task.refresh is not None,
    )
    if not told.sums:
        return outlook
    return with_worth(outlook, task.estate, expectations.around, told.paid, told_by(told.sums))


def _keep(work: _Work, metered: _Metered, told: _Told, outlook: Outlook | None) -> dict[str, int]:
    """Keep the new models, all or none, when what they made is written; the version of each register profile.

    A run that dies before finds them missing, fits the same ones and writes the same figures. One that dies after must
    still tell regions, peers, targets and readers of findings about every day that they changed.
    """
    task, estate, registers = work.task, work.task.estate, metered.registers
    models = [*registers.fitted, *kept(metered.fresh), priced_by(estate, told.paid)]
    if registers.fitted or metered.fresh or told.is_repriced or task.since is not None:
        models.append(untold(estate.institution, told.changed))
    if outlook is not None:
        models += outlook.fresh
    saved = work.registry.save_models(models)
    versions = {name: model.version for name, model in registers.models.items()}
    return versions | {model.subject: n for model, n in zip(registers.fitted, saved, strict=False)}


def untold(institution: str, days: Sequence[Window]) -> FittedModel:
    """Remember days whose figures changed beyond what was touched, until everything above them was computed too."""
    payload = {"days": [[window.start, window.end] for window in days]}
    return FittedModel.of(institution, UNTOLD, start=0, end=0, payload=payload)


def untold_days(model: FittedModel | None) -> tuple[Window, ...]:
    """The days that a run which was broken off left; usually none."""
    return () if model is None else tuple(Window(start, end) for start, end in model.json()["days"])


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


def _unheard(metered: _Metered, now: int) -> Iterator[Window]:
    """The time since the last reading or bill, of meters whose last one is new: it may have begun elsewhere before."""
    energy = {meter.id for meter in metered.spans.estate.meters}
    for part in metered.recomputed:
        _, last = metered.spans.extents.get(part.meter, (0, part.window.start))
        if part.meter in energy and last <= part.window.end:
            yield Window(last, max(last, now))


def _changed_days(task: Task, days: Sequence[Window], spans: Sequence[tuple[int, int]]) -> list[Window]:
    windows = [*days, *task.untold] if task.refresh is None else [*days, *task.untold, task.refresh]
    if spans:
        first, last = min(first for first, _ in spans), max(last for _, last in spans) + 1
        windows.append(Window(first, max(last, task.now)))  # silent meters have rows up to now
    return union(windows)
