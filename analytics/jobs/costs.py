"""Cost of totals: what each meter's days cost by its tariff or its bills, added like amounts.

Days cost their energy. Charges by demand, capacity and month are no day's: they are in months and years
(`analytics.jobs.charges`). A cost that is only a bound, or not known, carries a note that says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.jobs.charges import month_charges
from analytics.jobs.day_costs import day_costs, whole_days
from analytics.jobs.estate import Estate
from analytics.jobs.prices import Books
from analytics.jobs.rows import plain, runs
from analytics.jobs.stepped import Steps, Told, steps_of
from analytics.jobs.sums import Sums
from analytics.rollup import WHOLE, Group
from analytics.stepped import period_cost
from analytics.tariffs import ROUNDING, Clock, Tariff, prices
from analytics.totals import Periods
from energy.intervals import Period, Window
from energy.model import CostNote, Scope
from energy.series import BoolArray, ByteArray, FloatArray, IntArray
from energy.storage.schema import TOTAL


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Yuan of several things (rows) in periods (columns), and `energy.model.CostNote` of each.

    Both arrays have the shape (n_rows, n_periods).
    """

    yuan: FloatArray
    note: ByteArray

    @classmethod
    def of(cls, yuan: FloatArray) -> Costs:
        """Without notes."""
        return cls(yuan, np.zeros(yuan.shape, np.uint8))

    def plus(self, other: Costs) -> Costs:
        """Both together."""
        return Costs(self.yuan + other.yuan, np.maximum(self.note, other.note))

    def where(self, which: BoolArray) -> Costs:
        """Nothing elsewhere."""
        return Costs(np.where(which, self.yuan, 0.0), np.where(which, self.note, CostNote.NONE).astype(np.uint8))

    def less(self, taken: Costs) -> Costs:
        """What is left when something is taken out; not known where that costs only at least something."""
        is_bound = _is_bound(taken.note)
        yuan = np.where(is_bound, np.nan, self.yuan - taken.yuan)
        return Costs(yuan, np.maximum(self.note, taken.note))


def _is_bound(note: ByteArray) -> BoolArray:
    return np.isin(note, [kind for kind in CostNote if kind.is_bound])


def with_costs(books: Books, sums: Sequence[Sums], changed: Sequence[Window], now: int) -> list[Sums]:
    """The sums with what they cost: changed days are priced anew, all others keep the price they have.

    Days cost their energy; months and years, once over, the charges of their billing points too.
    """
    if not sums:
        return []
    by_kind = {part.periods.kind: part for part in sums}
    days, told = by_kind["day"].periods.days[:-1], told_by(sums)
    cost = _stored(books, by_kind["day"])
    for span in _to_price(books, changed, days):
        # As they will be read back: sums over them must not depend on which of them are new.
        cost[:, span] = plain(day_costs(books, told.part(span), days[span]))
    energy = _Energy(books, told, whole_days(books.estate.calendar, days), cost)
    charges = _charges(books, by_kind, now)
    found = []
    for part in sums:
        due = None if part.periods.kind == "day" else _of_periods(charges, by_kind["month"].periods, part.periods)
        of_groups = _of_groups(energy, part, due)
        found.append(replace(part, cost=of_groups.yuan, cost_note=of_groups.note))
    return found


def _of_groups(energy: _Energy, part: Sums, due: Costs | None) -> Costs:
    """What the groups of the sums cost, with the charges that are due in its periods."""
    counted, periods, estate = part.counted, part.periods, energy.books.estate
    assert counted is not None  # the sums are of an institution
    amounts, in_places = part.totals.amount[_of_meters(part)], counted.totals.amount
    of_meters = in_places[: len(amounts)]  # without the nets
    own = energy.own(periods, amounts)
    shared = energy.counted(periods, of_meters, counted.days, own)
    if due is not None:
        own = own.plus(due)
        shared = shared.plus(due.where(counted.days[:, periods.days[1:] - 1 - energy.days.day[0]]))
    reasons = energy.reasons(periods)
    own, shared = (
        _virtual(estate, _explained(costs, np.isfinite(used), reasons))
        for costs, used in ((own, amounts), (shared, of_meters))
    )
    shared = with_nets(estate.nets, shared, in_places)
    return roll_up_costs(part.groups, (own, np.isfinite(amounts)), (shared, np.isfinite(in_places)))


def told_by(sums: Sequence[Sums]) -> Told:
    """What the sums of an institution tell of its days."""
    by_kind = {part.periods.kind: part for part in sums}
    totals = by_kind["day"].totals.rows(_of_meters(by_kind["day"]))

    def between(first: int, end: int) -> FloatArray:
        for kind in ("month", "year"):
            part = by_kind[kind]
            place = int(np.searchsorted(part.periods.days, first))
            if tuple(part.periods.days[place : place + 2]) == (first, end):
                return np.asarray(part.totals.amount[_of_meters(part), place])
        return np.full(len(totals.amount), np.nan)

    return Told(totals.amount, np.maximum(totals.expected_s - totals.valid_s, 0.0), between)


def _of_meters(part: Sums) -> list[int]:
    """Rows of the meters' own totals, in the order of the meters."""
    return [i for i, group in enumerate(part.groups) if group.scope is Scope.METER and group.item == WHOLE]


def _charges(books: Books, sums: Mapping[Period, Sums], now: int) -> Costs:
    """Charges of the months in every year to be written; 0 in a month of which the meter knows no amount."""
    months, years = sums["month"], sums["year"]
    year = np.searchsorted(years.periods.days, months.periods.days[:-1], side="right") - 1
    yuan, note = month_charges(books, months.periods, years.wanted[year], now)
    return Costs(yuan, note).where(np.isfinite(months.totals.amount[_of_meters(months)]))


def _of_periods(charges: Costs, months: Periods, periods: Periods) -> Costs:
    """Charges of months, or of the years they lie in."""
    column = np.searchsorted(periods.days, months.days[:-1], side="right") - 1
    begins = np.flatnonzero(np.diff(column, prepend=-1))
    return Costs(np.add.reduceat(charges.yuan, begins, axis=1), np.maximum.reduceat(charges.note, begins, axis=1))


def _virtual(estate: Estate, costs: Costs) -> Costs:
    """Cost of virtual meters by their formulas: what a difference costs is the difference of the costs."""
    yuan, note = costs.yuan.copy(), costs.note.copy()
    for row, terms in estate.formulas.items():
        note[row] = np.maximum.reduce([note[term] for term, _ in terms])
        yuan[row] = np.add.reduce(
            [np.where(_is_bound(note[term]) & (factor < 0), np.nan, yuan[term] * factor) for term, factor in terms]
        )
    return Costs(yuan, note)


def _explained(costs: Costs, is_used: BoolArray, reasons: ByteArray) -> Costs:
    """With a note wherever something was used and its cost is not known, and none where nothing was."""
    is_unknown = is_used & np.isnan(costs.yuan)
    note = np.where(is_unknown & (costs.note <= CostNote.STEP_BOUND), reasons, costs.note)
    return Costs(costs.yuan, np.where(is_used, note, CostNote.NONE).astype(np.uint8))


def _stored(books: Books, part: Sums) -> FloatArray:
    """Cost of the meters' days as it was written last, shape (n_meters, n_days)."""
    names = [meter.id for meter in books.estate.meters]
    where = {"scope": [Scope.METER.value], "id": names, "period": ["day"], "item": [WHOLE]}
    edges = part.periods.edges
    rows = books.store.results(TOTAL.name, where=where, start=int(edges[0]), end=int(edges[-1]), fields=("cost_yuan",))
    out = np.full((len(names), len(part.periods)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    row = np.array([place[name] for name in rows.tags["id"]], np.int64)
    out[row, np.searchsorted(edges, rows.time, side="right") - 1] = np.asarray(rows.fields["cost_yuan"], np.float64)
    return out


def _to_price(books: Books, changed: Sequence[Window], days: IntArray) -> list[slice]:
    """Days to price: the changed ones, and where tiers are, the whole of their months or years."""
    calendar = books.estate.calendar
    tiered = {v.tier_period for paying in books.paid.values() for v in paying.versions if v.is_stepped}
    kind: Period = "year" if "year" in tiered else "month" if tiered else "day"
    edges = [calendar.day_number(calendar.edges(window, kind))[[0, -1]] for window in changed]
    found = np.zeros(len(days), np.bool_)
    for first, end in edges:
        found |= (days >= first) & (days < end)
    return [slice(first, end) for first, end in runs(found)]


@dataclass(frozen=True, slots=True, eq=False)
class _Energy:
    """Cost of the energy of days and periods, without charges.

    Attributes
    ----------
    days : Clock
        The local days.
    cost : float64, shape (n_meters, n_days)
        Of each day; NaN where it has none.
    """

    books: Books
    told: Told
    days: Clock
    cost: FloatArray

    def own(self, periods: Periods, amounts: FloatArray) -> Costs:
        """Of every meter, shape (n_meters, n_periods)."""
        if periods.kind == "day":
            return Costs.of(self.cost)
        column = np.searchsorted(periods.days, self.days.day, side="right") - 1
        found = Costs.of(period_costs(self.cost, self.told.amount, amounts, column))
        for row in np.flatnonzero((np.isfinite(amounts) & np.isnan(found.yuan)).any(axis=1)).tolist():
            found.yuan[row] = self._at_mean(row, found.yuan[row], amounts[row], column)
        for row, step in steps_of(self.books.estate, self.books.paid, self.days, self.told).items():
            if step.is_own:
                self._stepped(found, row, step, periods, amounts[row])
        return self._sure(found, np.isfinite(self.told.amount), column)

    def _at_mean(self, row: int, yuan: FloatArray, amounts: FloatArray, column: IntArray) -> FloatArray:
        """Periods of which only the whole is known, at the mean price of their hours; NaN where a day has no price."""
        versions = self._versions(row)
        if not versions or any(version.is_stepped for version in versions):
            return yuan
        by_day = prices(versions, self.days)
        mean = np.bincount(column, by_day, len(yuan)) / np.bincount(column, minlength=len(yuan))
        return np.where(np.isnan(yuan), amounts * mean, yuan)

    def _stepped(self, found: Costs, row: int, steps: Steps, periods: Periods, amounts: FloatArray) -> None:
        """Periods of one billing point that lie in one period of its steps; others are their days and the mean."""
        versions = self._versions(row)
        edges = np.searchsorted(self.days.day, periods.days)
        for place in np.flatnonzero(np.isfinite(amounts)).tolist():
            span = slice(int(edges[place]), int(edges[place + 1]))
            days, reached = self.days.take(span), steps.reached.part(span)
            if periods.kind == "month" or all(v.tier_period == "year" for v in versions):
                yuan, is_bound = period_cost(versions, days, reached, self.cost[row, span], float(amounts[place]))
                found.yuan[row, place] = yuan
                found.note[row, place] = CostNote.STEP_BOUND if is_bound else CostNote.NONE

    def counted(self, periods: Periods, amounts: FloatArray, counts: BoolArray, own: Costs) -> Costs:
        """Of what counts in places: the own cost of a meter that always does, the days that count of any other."""
        if periods.kind == "day":
            return Costs.of(np.where(counts, self.cost, np.nan))
        column = np.searchsorted(periods.days, self.days.day, side="right") - 1
        part = period_costs(
            np.where(counts, self.cost, np.nan), np.where(counts, self.told.amount, np.nan), amounts, column
        )
        always = counts.all(axis=1, keepdims=True)
        note = np.where(always, own.note, CostNote.NONE).astype(np.uint8)
        is_used = counts & np.isfinite(self.told.amount)
        return self._sure(Costs(np.where(always, own.yuan, part), note), is_used, column)

    def _sure(self, costs: Costs, is_used: BoolArray, column: IntArray) -> Costs:
        """Unknown where a day that was used waits for its holidays: the mean of other days says nothing of it."""
        for row in np.flatnonzero(np.isfinite(costs.yuan).any(axis=1)).tolist():
            waits = is_used[row] & np.isnan(self.cost[row]) & self._needs_holidays(row)
            costs.yuan[row, np.bincount(column[waits], minlength=costs.yuan.shape[1]) > 0] = np.nan
        return costs

    def reasons(self, periods: Periods) -> ByteArray:
        """Why a meter's period would have no cost, shape (n_meters, n_periods)."""
        column = np.searchsorted(periods.days, self.days.day, side="right") - 1
        out = np.full((len(self.books.estate.meters), len(periods)), CostNote.NO_TARIFF, np.uint8)
        for row in range(len(out)):
            by_day = np.full(len(self.days.day), CostNote.NO_TARIFF, np.uint8)
            for version in self._versions(row):
                by_day[version.holds_on(self.days.day)] = _reason(version)
            by_day[self._needs_holidays(row)] = CostNote.HOLIDAYS_NOT_PUBLISHED
            # A tariff that is missing on some days only is none of the reasons where another speaks of the others.
            np.maximum.at(out[row], column, by_day)
        return out

    def _needs_holidays(self, row: int) -> BoolArray:
        """Days whose price hangs on holidays that nobody has published, shape (n_days,)."""
        found = np.zeros(len(self.days.day), np.bool_)
        for version in self._versions(row):
            if version.tells_days_apart:
                found |= version.holds_on(self.days.day) & version.needs_holidays(self.days)
        return found

    def _versions(self, row: int) -> Sequence[Tariff]:
        """What a meter pays by; nothing where nobody said."""
        paying = self.books.paid.get(self.books.estate.meters[row].id)
        return () if paying is None else paying.versions


def _reason(version: Tariff) -> CostNote:
    """Why a day on which the version is valid would have no cost."""
    if np.isnan(version.per_amount):
        return CostNote.NO_CALORIFIC_VALUE
    return CostNote.STEP_UNKNOWN if version.is_stepped else CostNote.NO_TARIFF


def period_costs(cost: FloatArray, amount_of_days: FloatArray, amount: FloatArray, column: IntArray) -> FloatArray:
    """Cost of months or years from the days in them, shape (n_meters, n_periods). [yuan]

    Parameters
    ----------
    cost, amount_of_days : ndarray, shape (n_meters, n_days)
        Of each day; NaN where unknown.
    amount : ndarray, shape (n_meters, n_periods)
        Of each period: more than its days where a gap's total is known and its days are not.
    column : int64, shape (n_days,)
        Period of each day.

    Returns
    -------
    ndarray
        What the days do not hold costs the mean of the period. NaN where nothing has a price.
    """
    n_meters, n_periods = amount.shape
    out = np.full(amount.shape, np.nan)
    both = np.isfinite(cost) & np.isfinite(amount_of_days)
    for row in range(n_meters):
        own = both[row]
        paid = np.bincount(column[own], cost[row, own], n_periods)
        used = np.bincount(column[own], amount_of_days[row, own], n_periods)
        any_day = np.bincount(column[own], minlength=n_periods) > 0
        rest = amount[row] - used
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(used != 0, paid / used, np.nan)
        is_rest = np.abs(rest) > ROUNDING * np.abs(amount[row])
        out[row] = np.where(any_day, paid + np.where(is_rest, rest * mean, 0.0), np.nan)
    return np.where(np.isfinite(amount), out, np.nan)


def roll_up_costs(groups: Sequence[Group], meters: tuple[Costs, BoolArray], counted: tuple[Costs, BoolArray]) -> Costs:
    """Cost of each group, shape (n_groups, n_periods): unknown where a member that used something has no cost.

    Parameters
    ----------
    groups : sequence of Group
    meters : Costs and bool, shape (n_meters, n_periods)
        Cost of each meter, and where its amount is known.
    counted : Costs and bool
        The same of what counts in places.
    """

    found = []
    for group in groups:
        of = meters if group.scope is Scope.METER else counted
        whole = _together(group.members, *of)
        found.append(whole if group.rest is None else whole.less(_together(group.rest, *of)))
    return Costs(np.stack([costs.yuan for costs in found]), np.stack([costs.note for costs in found]))


def with_nets(nets: Sequence[Group], meters: Costs, amount: FloatArray) -> Costs:
    """Cost of what counts of the meters, and behind it of the nets: what others used costs the mean of its period.

    Parameters
    ----------
    nets : sequence of Group
    meters : Costs
        Of what counts of each meter.
    amount : float64, shape (n_meters + n_nets, n_periods)
        What counts of each meter, and what is left in each net; NaN where unknown.
    """
    n = len(meters.yuan)
    yuan, note = [meters.yuan], [meters.note]
    for left, net in zip(amount[n:], nets, strict=True):
        whole = _together(net.members, meters, np.isfinite(amount[:n]))
        used = np.nansum(amount[list(net.members)], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(used == left, 1.0, np.where(used > 0, left / used, np.nan))
        yuan.append((whole.yuan * share)[None])
        note.append(whole.note[None])
    return Costs(np.concatenate(yuan), np.concatenate(note))


def _together(members: Sequence[int], costs: Costs, known: BoolArray) -> Costs:
    """Of several meters, where the amount of any is known."""
    rows = list(members)
    total = np.where(known[rows], costs.yuan[rows], 0.0).sum(axis=0)
    note = np.where(known[rows], costs.note[rows], CostNote.NONE).max(axis=0)
    return Costs(np.where(known[rows].any(axis=0), total, np.nan), note.astype(np.uint8))
