"""From meters to building, institution and region without counting anything twice.

A category's total is the sum of its root meters: those with no meter of the same category above them in the same
place, and the mains below an account that measure the same (`analytics.mains`). An item's total is the sum of the
meters labelled with it, without those below a meter of the same label. What the items leave of the whole is
`unallocated`; what a meter's children leave of it is its balance residual.

What is metered of others (a shop let, piles that charge others' vehicles) is taken out of the meters that hold it, in
the place's whole, its items and its `unallocated`: these sum the nets. The meters' own totals and residuals stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.mains import twins
from analytics.meter_tree import is_below, parents, tops, uncounted
from analytics.totals import Totals, stack
from energy.model import Category, Meter, MeterKind, Scope

WHOLE: Final = "all"
REST: Final = "unallocated"
NET: Final = "net"


@dataclass(frozen=True, slots=True)
class Group:
    """Meters (places in a list) whose sum is the total of one thing.

    With `rest`, the members are the whole from which the meters of `rest` are taken.
    """

    scope: Scope
    id: str
    category: Category
    item: str
    members: tuple[int, ...]
    rest: tuple[int, ...] | None = None


def groups(meters: Sequence[Meter]) -> tuple[list[Group], list[Group]]:
    """The totals that the meters of one institution make, and the nets among their members.

    Returns
    -------
    groups : list of Group
        Of every meter, building and the institution itself.
    nets : list of Group
        What is left of root or item meters without the meters of others behind them (`rest`). Groups of places name
        the k-th of them as member len(meters) + k.

    Notes
    -----
    A virtual meter is a view of others: it counts in a sum only where it carries an item or meters name it as their
    parent. What others use, with all that lies behind their meter, counts in no place.
    """
    tree = _Tree(meters)
    found = [Group(Scope.METER, meter.id, meter.category, WHOLE, (i,)) for i, meter in enumerate(meters)]
    for i, children in tree.children.items():
        below = [child for child in children if child not in tree.mains]  # an account's mains measure what it does
        found.append(Group(Scope.METER, meters[i].id, meters[i].category, REST, (i,), tuple(below or children)))
    by_category: dict[Category, list[int]] = {}
    for i, meter in enumerate(meters):
        if i not in tree.uncounted:
            by_category.setdefault(meter.category, []).append(i)
    for category, places in by_category.items():
        for building in sorted({b for i in places if (b := meters[i].building) is not None}):
            own = [i for i in places if meters[i].building == building]
            found += _of_place(tree, Scope.BUILDING, building, category, own)
        institution = meters[places[0]].institution
        found += _of_place(tree, Scope.INSTITUTION, institution, category, places)
    return found, list(tree.nets.values())


def _of_place(tree: _Tree, scope: Scope, name: str, category: Category, places: list[int]) -> Iterator[Group]:
    roots = tree.roots(places)
    if roots:
        yield Group(scope, name, category, WHOLE, tree.net(roots))
    labels = sorted(
        {meter.item[:n] for i in places for meter in [tree.meters[i]] for n in range(1, len(meter.item) + 1)}
    )
    first_level: list[int] = []
    for label in labels:
        members = tree.labelled(places, label)
        yield Group(scope, name, category, label, tree.net(members))
        if len(label) == 1:
            first_level += members
    if roots and first_level:
        yield Group(scope, name, category, REST, tree.net(roots), tree.net(first_level))


class _Tree:
    """Who is above whom among the meters of one institution.

    Attributes
    ----------
    mains : dict
        Of each account that has any: the mains that measure the same.
    uncounted : set of int
        Meters of others, and all that lie behind them.
    others : list of int
        The topmost of these.
    nets : dict
        By its members: what is left of them without others, numbered from the last meter on.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self.meters = meters
        self.parents = parents(meters)
        self.children: dict[int, list[int]] = {}
        for i, parent in enumerate(self.parents):
            if parent is not None:
                self.children.setdefault(parent, []).append(i)
        self.pairs = twins(meters)
        self.mains = {account: pair.mains for pair in self.pairs for account in pair.accounts}
        self.uncounted = uncounted(meters)
        self.others = tops(self.parents, sorted(self.uncounted))
        self.nets: dict[tuple[int, ...], Group] = {}

    def roots(self, places: Sequence[int]) -> list[int]:
        """Meters whose sum is the whole of the places."""
        found = tops(self.parents, [i for i in places if self.counts(i)])
        return sorted({*found, *(main for top in found for main in self.mains.get(top, ()))})

    def labelled(self, places: Sequence[int], label: str) -> list[int]:
        """The topmost meters of an item."""
        return tops(self.parents, [i for i in places if self.meters[i].item.startswith(label)])

    def counts(self, i: int) -> bool:
        """False for a virtual meter that only shows others."""
        return self.meters[i].kind is not MeterKind.VIRTUAL or i in self.children

    def net(self, members: Sequence[int]) -> tuple[int, ...]:
        """The members, and in place of those with meters of others behind them what is left."""
        found: list[int] = []
        for part in sorted({self._together(i, members) for i in members}):
            others = [i for i in self.others if is_below(self.parents, i, part)]
            found += [self._number(part, others)] if others else part
        return tuple(sorted(found))

    def _together(self, i: int, members: Sequence[int]) -> tuple[int, ...]:
        """A member with those that measure the same: who uses something behind a main uses it behind its account."""
        same = next((pair for pair in self.pairs if i in pair.accounts or i in pair.mains), None)
        return (i,) if same is None else tuple(sorted({*same.accounts, *same.mains} & set(members)))

    def _number(self, part: tuple[int, ...], others: Sequence[int]) -> int:
        first = self.meters[part[0]]
        self.nets.setdefault(part, Group(Scope.METER, first.id, first.category, NET, part, tuple(others)))
        return len(self.meters) + list(self.nets).index(part)


def roll_up(found: Sequence[Group], meters: Totals, counted: Totals | None = None) -> Totals:
    """Totals of the groups (rows in their order) from the totals of the meters (rows in the meters' order).

    `counted` is what of each meter counts in places, where that is less than its own total (`analytics.mains`), and
    behind it the nets.
    """
    of_places = meters if counted is None else counted
    return stack([_total(group, meters if group.scope is Scope.METER else of_places) for group in found])


def with_nets(nets: Sequence[Group], counted: Totals) -> Totals:
    """What of each meter counts in places, and behind it the nets: the rows that groups of places name."""
    return stack([counted, roll_up(nets, counted)]) if nets else counted


def _total(group: Group, meters: Totals) -> Totals:
    whole = meters.rows(list(group.members)).together()
    if group.rest is None:
        return whole
    members, taken = meters.rows(list(group.members)), meters.rows(list(group.rest))
    # A member of which nothing is due, such as a bill beside a main that is read, leaves nothing unknown.
    every = (np.isfinite(members.amount) | (members.expected_s == 0)).all(axis=0)
    every &= np.isfinite(taken.amount).all(axis=0)
    amount = np.where(every, whole.amount - taken.together().amount, np.nan)
    both = stack([whole, taken.together()]).together()
    return Totals(
        amount, both.valid_s, both.estimated_s, both.expected_s, both.n_expected, both.n_reporting, whole.present
    )


def virtual_totals(meters: Totals, formulas: Mapping[int, Sequence[tuple[int, float]]]) -> Totals:
    """The meters' totals with the rows of virtual meters computed by their formulas.

    Parameters
    ----------
    meters : Totals
        One row a meter; rows of virtual meters are ignored.
    formulas : mapping
        Row of each virtual meter to (row, factor) of the meters it sums; virtual ones among them come earlier in
        the mapping. One unknown term makes the sum unknown.
    """
    amount, valid = meters.amount.copy(), meters.valid_s.copy()
    estimated, expected = meters.estimated_s.copy(), meters.expected_s.copy()
    reporting, present = meters.n_reporting.copy(), meters.present.copy()
    for row, terms in formulas.items():
        of = [term for term, _ in terms]
        amount[row] = np.add.reduce(np.array([amount[term] * factor for term, factor in terms]), axis=0)
        valid[row], estimated[row] = valid[of].min(axis=0), estimated[of].max(axis=0)
        expected[row], present[row] = expected[of].min(axis=0), present[of].all(axis=0)
        reporting[row] = np.isfinite(amount[row])
    n_expected = (expected > 0).astype(np.float64)
    return Totals(amount, valid, estimated, expected, n_expected, reporting, present)


def order_of_formulas(formulas: Mapping[int, Sequence[tuple[int, float]]]) -> list[int]:
    """Virtual meters so that each comes after those it uses; members of a circle are left out (they stay unknown)."""
    done: list[int] = []
    waiting = dict(formulas)
    while waiting:
        ready = [row for row, terms in waiting.items() if not any(term in waiting for term, _ in terms)]
        if not ready:
            break
        done += ready
        for row in ready:
            del waiting[row]
    return done
