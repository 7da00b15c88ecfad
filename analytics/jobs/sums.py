"""Second stage: parts of days become totals of days, months and years of meters, buildings and the institution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.consumption import DayParts
from analytics.expectation import ExpectedDays, ExpectedTotals, meter_expected, roll_up_expected, virtual_expected
from analytics.jobs.estate import Estate, metered_apart, service
from analytics.jobs.habits import Habits, speaking
from analytics.jobs.limits import Extents
from analytics.jobs.meters import spoken_of
from analytics.jobs.resting import may_rest, rests, without
from analytics.jobs.rows import Writer, plain, repeated, runs, table
from analytics.jobs.same_span import up_to_last_reading
from analytics.mains import billed_days
from analytics.rollup import Group, roll_up, virtual_totals, with_nets
from analytics.totals import Periods, Totals, meter_totals, stack
from energy.intervals import DAY, RESOLUTIONS, LocalCalendar, Period, Window
from energy.model import CostNote, Meter, MeterKind, Scope, ValueKind
from energy.series import BoolArray, ByteArray, FloatArray, Table
from energy.storage.base import ResultStore
from energy.storage.schema import DAY_PART, TOTAL

PERIODS: tuple[Period, ...] = ("day", "month", "year")
_NEVER = Window(0, 0)
_PARTS = ("inner", "head", "tail", "inner_s", "valid_s", "estimated_s")


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What of each meter counts in buildings and institution (`analytics.mains`).

    Attributes
    ----------
    totals : Totals
        One row a meter, and behind them one a net (`analytics.rollup`).
    days : bool, shape (n_meters, n_days)
        The days on which the meter does.
    """

    totals: Totals
    days: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Totals of groups (rows) in consecutive periods (columns), and which of the periods are to be written.

    Attributes
    ----------
    last_year : ndarray
        Amounts of the same periods a year before; of one that still runs, of the same span (`same_span`).
    counted : Counted or None
        What of each meter counts in places; None in the sums of regions, which know no meters.
    """

    periods: Periods
    groups: tuple[Group, ...]
    totals: Totals
    last_year: FloatArray
    wanted: BoolArray
    expected: ExpectedTotals
    counted: Counted | None = None
    cost: FloatArray | None = None
    cost_note: ByteArray | None = None


def compute_sums(
    store: ResultStore, estate: Estate, changed: Sequence[Window], *, extents: Extents, now: int, habits: Habits
) -> list[Sums]:
    """Totals of every group of the institution, in the years that the changed days can reach."""
    if not changed or not estate.meters:
        return []
    calendar = estate.calendar
    span = years_around(calendar, changed, max([now, *(last for _, last in extents.values())]))
    parts = _day_parts(store, calendar, [m.id for m in estate.meters], span)
    days = Periods.covering(calendar, span, "day")
    due = [_expected(calendar, meter, extents, now) for meter in estate.meters]
    resting = {
        i: rests(_is_told(parts[meter.id].parts, days), days, estate.heating)
        for i, meter in enumerate(estate.meters)
        if may_rest(meter)
    }
    meters = _Meters(estate, extents, parts, habits, due, _shares(estate, days, parts, extents, due), resting)
    own = {name: found.parts for name, found in parts.items()}
    cut = up_to_last_reading(store, calendar, own, extents, now)
    found = []
    for kind in PERIODS:
        periods = Periods.covering(calendar, span, kind)
        totals, counted = meters.totals(periods, own)
        found.append(
            Sums(
                periods,
                estate.groups,
                totals,
                meters.last_year(periods, totals, cut, now),
                reached(periods, changed),
                meters.expected(periods, counted),
                Counted(counted, meters.shares.counts),
            )
        )
    return found


def reached(periods: Periods, changed: Sequence[Window]) -> BoolArray:
    """Periods that share an instant with any of the windows, and those a year later that are held against them."""
    wanted = overlapping(periods, changed)
    before = periods.a_year_before()
    return wanted | ((before >= 0) & wanted[before])


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """Days on which each meter counts in places, shape (n_meters, n_days), and when those that share are due."""

    first_day: int
    counts: BoolArray
    due: Mapping[int, Sequence[Window]]


def _shares(
    estate: Estate, days: Periods, parts: Mapping[str, _Days], extents: Extents, due: Sequence[Window]
) -> _Shares:
    """Bills and mains that measure the same, day by day, and what is metered of others; all else counts always."""
    counts = np.ones((len(estate.meters), len(days)), np.bool_)
    apart = {i: metered_apart(estate.calendar, estate.meters[i], extents).within(due[i]) for i in estate.others}
    windows: dict[int, Sequence[Window]] = {i: [window] for i, window in apart.items()}
    for i, window in apart.items():
        counts[i] = _in(days, window)
    for pair in estate.twins:
        billed = np.stack([_is_told(parts[estate.meters[i].id].parts, days) for i in pair.accounts])
        covered = np.stack([_is_covered(estate.meters[i], parts, days, extents) for i in pair.mains])
        serves = np.stack([_in(days, due[i]) for i in pair.mains])
        by_bill, bill_due = billed_days(billed, covered, serves)
        for places, on, asked in (((*pair.accounts, *pair.let), by_bill, bill_due), (pair.mains, ~by_bill, ~by_bill)):
            spans = [Window(int(days.edges[a]), int(days.edges[b])) for a, b in runs(asked)]
            for i in places:
                counts[i] &= on
                windows[i] = [span.within(apart.get(i, due[i])) for span in spans]
    return _Shares(int(days.days[0]), counts, windows)


def _in(days: Periods, window: Window) -> BoolArray:
    """Days that share an instant with the window."""
    return np.asarray((days.start < window.end) & (days.edges[1:] > window.start))


def _is_told(parts: DayParts, days: Periods) -> BoolArray:
    """Days of which anything is known."""
    return _of_days(np.ones(len(parts)), parts, days) > 0


def _is_covered(meter: Meter, parts: Mapping[str, _Days], days: Periods, extents: Extents) -> BoolArray:
    """Days between the meter's first and last reading; of one without a register only those it wholly knows."""
    read = _read(meter, extents)
    inside = (days.start >= read.start) & (days.edges[1:] <= read.end)
    if meter.value_kind is not ValueKind.REGISTER:
        own = parts[meter.id].parts
        inside &= _of_days(own.inner_s, own, days) >= np.diff(days.edges)
    return np.asarray(inside)


def _of_days(values: FloatArray, parts: DayParts, days: Periods) -> FloatArray:
    """Values of the known days on their places among the days; 0 elsewhere."""
    found = np.zeros(len(days))
    inside = (parts.day >= days.days[0]) & (parts.day < days.days[-1])
    found[parts.day[inside] - days.days[0]] = values[inside]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Meters:
    """The meters of an institution, what is known and expected of each, when it is due and on which days it counts."""

    estate: Estate
    extents: Extents
    parts: Mapping[str, _Days]
    habits: Habits
    due: Sequence[Window]
    shares: _Shares
    resting: Mapping[int, Sequence[Window]]

    def totals(self, periods: Periods, parts: Mapping[str, DayParts]) -> tuple[Totals, Totals]:
        """Totals of the groups, and the rows that groups of places sum (`Counted`)."""
        rows = [self._of_meter(i, periods, parts, [window]) for i, window in enumerate(self.due)]
        meters = virtual_totals(stack(rows), self.estate.formulas)
        counted = meters
        if self.shares.due:
            split = {
                i: self._of_meter(i, periods, self._counting(i, periods, parts), due)
                for i, due in self.shares.due.items()
            }
            counted = stack([split.get(i) or meters.rows([i]) for i in range(len(rows))])
        counted = with_nets(self.estate.nets, self._apart(counted))
        return roll_up(self.estate.groups, meters, counted), counted

    def last_year(self, periods: Periods, totals: Totals, cut: Mapping[str, DayParts], now: int) -> FloatArray:
        """Amounts of the groups a year before each period; beside one that still runs, of the same span."""
        before = periods.a_year_before()
        amounts = np.where(before >= 0, totals.amount[:, before], np.nan)
        for running in np.flatnonzero((periods.start <= now) & (periods.edges[1:] > now) & (before >= 0)):
            amounts[:, running] = self._same_span(periods.at(before[running]), cut)
        return amounts

    def _apart(self, counted: Totals) -> Totals:
        """Nothing is taken out while what others use is not metered apart."""
        nothing = np.isnan(counted.amount) & (counted.expected_s == 0) & self._is_of_others
        return replace(counted, amount=np.where(nothing, 0.0, counted.amount))

    @property
    def _is_of_others(self) -> BoolArray:
        """Meters that the nets take out, shape (n_meters, 1)."""
        return np.isin(np.arange(len(self.estate.meters)), list(self.estate.others))[:, None]

    def expected(self, periods: Periods, counted: Totals) -> ExpectedTotals:
        """Expected totals of the groups; `counted` tells of what an amount is known."""
        rows = [self._expected_of(meter, periods) for meter in self.estate.meters]
        of_meters = ExpectedTotals(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
        of_meters = virtual_expected(of_meters, self.estate.formulas)
        heard = np.isfinite(counted.amount)
        nothing = (counted.expected_s[: len(rows)] == 0) & self._is_of_others
        apart = ExpectedTotals(np.where(nothing, 0.0, of_meters.amount), np.where(nothing, 0.0, of_meters.half))
        nets = roll_up_expected(self.estate.nets, apart, heard[: len(rows)])
        return roll_up_expected(self.estate.groups, of_meters.above(nets), heard)

    def _expected_of(self, meter: Meter, periods: Periods) -> tuple[FloatArray, FloatArray]:
        """Expected totals of one meter and their half widths; NaN where no model speaks of the month."""
        months = periods.days[:-1].astype("M8[D]").astype("M8[M]").astype(np.int64)
        spread, drift = np.full(len(periods), np.nan), np.full(len(periods), np.nan)
        for month in np.unique(months).tolist():
            if (habit := speaking(self.habits, meter.id, 1970 + month // 12, month % 12 + 1)) is not None:
                spread[months == month], drift[months == month] = habit.model.day_spread[0], habit.model.drift[0]
        known, read = self.parts[meter.id].expected, _read(meter, self.extents)
        return meter_expected(known, periods, read=read, day_spread=spread, drift=drift)

    def _same_span(self, period: Periods, cut: Mapping[str, DayParts]) -> FloatArray:
        """Amounts of the groups in one period of last year as far as it is cut; without meters read after its start."""
        first_day_ends = int(period.start[0]) + DAY
        known = {
            name: own if name in self.extents and self.extents[name][0] < first_day_ends else own.take(own.day < 0)
            for name, own in cut.items()
        }
        return np.asarray(self.totals(period, known)[0].amount[:, 0])

    def _of_meter(self, i: int, periods: Periods, parts: Mapping[str, DayParts], expected: Sequence[Window]) -> Totals:
        meter, resting = self.estate.meters[i], self.resting.get(i, ())
        due = [part for span in expected for part in without(span, resting)]
        found = meter_totals(parts[meter.id], periods, read=_read(meter, self.extents), expected=due)
        if not resting:
            return found
        return replace(found, present=found.present & (np.isfinite(found.amount) | (found.expected_s > 0)))

    def _counting(self, i: int, periods: Periods, parts: Mapping[str, DayParts]) -> Mapping[str, DayParts]:
        """The parts of one meter on the days on which it counts in places."""
        name = self.estate.meters[i].id
        own = parts[name]
        own = own.take((own.day >= periods.days[0]) & (own.day < periods.days[-1]))
        return {name: own.take(self.shares.counts[i, own.day - self.shares.first_day])}


def _read(meter: Meter, extents: Extents) -> Window:
    """The time of which a meter's readings or bills speak; empty for one that was never read."""
    if meter.id not in extents:
        return _NEVER
    extent = extents[meter.id]  # of a manual meter the days of its bills, or what people read now and then
    return Window(*extent) if meter.kind is MeterKind.MANUAL else spoken_of(meter, extent)


def _expected(calendar: LocalCalendar, meter: Meter, extents: Extents, now: int) -> Window:
    """When the meter should have been heard: in service, up to now. One that was never heard is expected too."""
    open_window = service(calendar, meter)
    step = min(max(meter.interval_s, RESOLUTIONS["15min"]), RESOLUTIONS["hour"])
    heard = extents.get(meter.id)
    until = max(now // step * step, heard[1] if heard else 0)
    return Window(min(open_window.start, until), max(min(open_window.end, until), min(open_window.start, until)))


def overlapping(periods: Periods, windows: Sequence[Window]) -> BoolArray:
    """True for periods that share an instant with any of the windows."""
    found = np.zeros(len(periods), bool)
    for window in windows:
        first = np.searchsorted(periods.edges, window.start, side="right") - 1
        last = np.searchsorted(periods.edges, window.end)
        found[max(int(first), 0) : max(int(last), 0)] = True
    return found


def years_around(calendar: LocalCalendar, changed: Sequence[Window], latest: int) -> Window:
    """Local years from the one before the first change to the one after the last, but not beyond the present."""
    first = int(calendar.edges(Window(changed[0].start, changed[0].start + 1), "year")[0])
    first = int(calendar.edges(Window(first - 1, first), "year")[0])
    last = int(calendar.edges(Window(changed[-1].end - 1, changed[-1].end), "year")[-1])
    following = int(calendar.edges(Window(last, last + 1), "year")[-1])
    return Window(first, last if last > latest else following)


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """What is stored of the days of one meter."""

    parts: DayParts
    expected: ExpectedDays


def _day_parts(store: ResultStore, calendar: LocalCalendar, meters: Sequence[str], span: Window) -> dict[str, _Days]:
    found = store.results(DAY_PART.name, where={"meter": meters}, start=span.start, end=span.end)
    names = found.tags["meter"]
    day = calendar.day_number(found.time)
    columns = [np.asarray(found.fields[name], np.float64) for name in _PARTS]
    expected = np.asarray(found.fields["expected"], np.float64)
    seconds = np.asarray(found.fields["expected_s"], np.float64)
    parts: dict[str, _Days] = {}
    for meter in meters:
        own = np.flatnonzero(names == meter)
        known = DayParts(day[own], *(column[own] for column in columns))
        parts[meter] = _Days(known, ExpectedDays(day[own], expected[own], seconds[own]))
    return parts


def scopes(estate: Estate, former: Sequence[str] = ()) -> dict[Scope, Sequence[str]]:
    """Ids of everything that totals of this institution speak of, by scope; `former` buildings too."""
    return {
        Scope.METER: [meter.id for meter in estate.meters],
        Scope.BUILDING: sorted({*estate.buildings, *former}),
        Scope.INSTITUTION: [estate.institution],
    }


def write_sums(writer: Writer, sums: Sequence[Sums], ids: Mapping[Scope, Sequence[str]]) -> None:
    """Replace the totals of the wanted periods of these ids."""
    for part in sums:
        for first, last in runs(part.wanted):
            window = Window(int(part.periods.edges[first]), int(part.periods.edges[last]))
            for scope, names in ids.items():
                where: dict[str, Sequence[str]] = {"scope": [scope.value], "id": names, "period": [part.periods.kind]}
                writer.replace(total_table(part, scope, first, last), where, window)


def total_table(sums: Sums, scope: Scope, first: int, last: int) -> Table:
    """Rows of `total` of one scope in the periods first .. last - 1."""
    places = [i for i, group in enumerate(sums.groups) if group.scope is scope]
    totals = sums.totals.rows(places)
    shown = totals.present[:, first:last]
    row, column = np.nonzero(shown)
    counts = shown.sum(axis=1)
    own = [sums.groups[i] for i in places]

    nothing = np.full(len(row), np.nan)

    def cells(values: FloatArray) -> FloatArray:
        return np.asarray(values[:, first:last][row, column], np.float64)

    return table(
        TOTAL,
        sums.periods.start[first:last][column],
        {
            "scope": repeated([scope.value], [len(row)]),
            "id": repeated([group.id for group in own], counts),
            "period": repeated([sums.periods.kind], [len(row)]),
            "category": repeated([group.category.value for group in own], counts),
            "item": repeated([group.item for group in own], counts),
        },
        {
            "amount": plain(cells(totals.amount)),
            "expected": _shown(cells(sums.expected.amount[places])),
            "expected_low": _shown(cells(sums.expected.low[places])),
            "expected_high": _shown(cells(sums.expected.high[places])),
            "coverage": cells(totals.coverage),
            "estimated_share": cells(totals.estimated_share),
            "last_year": plain(cells(sums.last_year[places])),
            "n_expected": cells(totals.n_expected),
            "n_reporting": cells(totals.n_reporting),
            "cost_yuan": nothing if sums.cost is None else plain(cells(sums.cost[places])),
            "cost_note": nothing
            if sums.cost_note is None
            else _noted(sums.cost_note[places][:, first:last][row, column]),
        },
    )


def _noted(note: ByteArray) -> FloatArray:
    return np.where(note == CostNote.NONE, np.nan, note)


def _shown(values: FloatArray) -> FloatArray:
    """Expected amounts to three places: what is beyond is far below their certainty."""
    return np.round(values, 3)
