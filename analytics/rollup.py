"""From meters to building, institution and region without counting anything twice.

A category's total is the sum of its root meters: those with no meter of the same category above them in the same
place, and the mains below an account that measure the same (`analytics.mains`). An item's total is the sum of the
meters labelled with it, without those below a meter of the same label. What the items leave of the whole is
`unallocated`; what a meter's children leave of it is its balance residual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.mains import twins
from analytics.totals import Totals, stack
from energy.model import Category, Meter, MeterKind, Scope

WHOLE: Final = "all"
REST: Final = "unallocated"


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


def groups(meters: Sequence[Meter]) -> list[Group]:
    """The totals that the meters of one institution make: of every meter, building and the institution itself.

    A virtual meter is a view of others: it counts in a sum only where it carries an item or meters name it as their
    parent.
    """
    tree = _Tree(meters)
    found = [Group(Scope.METER, meter.id, meter.category, WHOLE, (i,)) for i, meter in enumerate(meters)]
    for i, children in tree.children.items():
        below = [child for child in children if child not in tree.mains]  # an account's mains measure what it does
        found.append(Group(Scope.METER, meters[i].id, meters[i].category, REST, (i,), tuple(below or children)))
    by_category: dict[Category, list[int]] = {}
    for i, meter in enumerate(meters):
        by_category.setdefault(meter.category, []).append(i)
    for category, places in by_category.items():
        for building in sorted({b for i in places if (b := meters[i].building) is not None}):
            own = [i for i in places if meters[i].building == building]
            found += _of_place(tree, Scope.BUILDING, building, category, own)
        institution = meters[places[0]].institution
        found += _of_place(tree, Scope.INSTITUTION, institution, category, places)
    return found


def _of_place(tree: _Tree, scope: Scope, name: str, category: Category, places: list[int]) -> Iterator[Group]:
    roots = tree.roots(places)
    if roots:
        yield Group(scope, name, category, WHOLE, tuple(roots))
    labels = sorted(
        {meter.item[:n] for i in places for meter in [tree.meters[i]] for n in range(1, len(meter.item) + 1)}
    )
    first_level: list[int] = []
    for label in labels:
        members = tree.labelled(places, label)
        yield Group(scope, name, category, label, tuple(members))
        if len(label) == 1:
            first_level += members
    if roots and first_level:
        yield Group(scope, name, category, REST, tuple(roots), tuple(sorted(first_level)))


class _Tree:
    """Who is above whom among the meters of one institution."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self.meters = meters
        place = {meter.id: i for i, meter in enumerate(meters)}
        self.parent: list[int | None] = [
            place.get(meter.parent) if meter.parent is not None else None for meter in meters
        ]
        self.children: dict[int, list[int]] = {}
        for i, parent in enumerate(self.parent):
            if parent is not None and meters[parent].category is meters[i].category:
                self.children.setdefault(parent, []).append(i)
        self.mains = {account: pair.mains for pair in twins(meters) for account in pair.accounts}
        """Of each account that has any: the mains that measure the same."""

    def roots(self, places: Sequence[int]) -> list[int]:
        """Meters whose sum is the whole of the places."""
        tops = self.tops(places, self.counts)
        return sorted({*tops, *(main for top in tops for main in self.mains.get(top, ()))})

    def labelled(self, places: Sequence[int], label: str) -> list[int]:
        """The topmost meters of an item."""
        return self.tops(places, lambda i: self.meters[i].item.startswith(label))

    def counts(self, i: int) -> bool:
        """False for a virtual meter that only shows others."""
        return self.meters[i].kind is not MeterKind.VIRTUAL or i in self.children

    def tops(self, places: Sequence[int], fits: Callable[[int], bool]) -> list[int]:
        """Places that fit and have none above them that fits too, of the same category and among the places."""
        fitting = {i for i in places if fits(i)}
        return [i for i in places if i in fitting and not any(above in fitting for above in self._above(i))]

    def _above(self, i: int) -> Iterator[int]:
        seen = {i}
        parent = self.parent[i]
        while parent is not None and parent not in seen:
            seen.add(parent)
            yield parent
            parent = self.parent[parent]


def roll_up(found: Sequence[Group], meters: Totals, counted: Totals | None = None) -> Totals:
    """Totals of the groups (rows in their order) from the totals of the meters (rows in the meters' order).

    `counted` is what of each meter counts in places, where that is less than its own total (`analytics.mains`).
    """
    of_places = meters if counted is None else counted
    return stack([_total(group, meters if group.scope is Scope.METER else of_places) for group in found])


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
