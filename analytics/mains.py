"""Bills beside meters: of an account and the mains that measure the same, one side counts on each day.

An account is a manual meter, mains are physical ones. They measure the same if they have one category, no item, one
building (or none at all), and the mains lie directly below the account or beside it. A bill of something that these
mains do not measure carries an item, or another building, and is added to them like any meter. What others use is
neither: a bill of theirs is no account of the institution, their meter none of its mains.

On a day that every main in service covers, from its first to its last reading, the mains count and the bill is there
to be compared; on any other day a bill counts where there is one. Nothing is counted twice, and a day is never made
up of both.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.meter_tree import Parents, above, parents
from energy.model import Category, Meter, MeterKind, UsedBy
from energy.series import BoolArray


@dataclass(frozen=True, slots=True)
class Twins:
    """Accounts and the mains that measure the same, as places in a list of meters.

    `let` are meters of others whose use the bills hold and the mains do not.
    """

    accounts: tuple[int, ...]
    mains: tuple[int, ...]
    let: tuple[int, ...] = ()


def twins(meters: Sequence[Meter]) -> tuple[Twins, ...]:
    """Every account of an institution that has mains of its own, with them."""
    accounts: dict[tuple[Category, str | None, str | None], list[int]] = {}
    tree = parents(meters)
    others = [i for i, meter in enumerate(meters) if meter.used_by is UsedBy.OTHERS]
    for i, meter in enumerate(meters):
        if meter.kind is MeterKind.MANUAL and not meter.item and meter.used_by is UsedBy.SELF:
            accounts.setdefault((meter.category, meter.building, meter.parent), []).append(i)
    found = []
    for (category, building, parent), places in accounts.items():
        beside = {parent, *(meters[i].id for i in places)}
        mains = tuple(
            i
            for i, meter in enumerate(meters)
            if meter.kind is MeterKind.PHYSICAL
            and not meter.item
            and meter.used_by is UsedBy.SELF
            and (meter.category, meter.building) == (category, building)
            and meter.parent in beside
        )
        if mains:
            let = tuple(i for i in others if _nearest(tree, i, {*places, *mains, *others}) in places)
            found.append(Twins(tuple(places), mains, let))
    return tuple(found)


def _nearest(tree: Parents, i: int, places: Collection[int]) -> int | None:
    """The first of the places above a meter."""
    return next((place for place in above(tree, i) if place in places), None)


def billed_days(billed: BoolArray, covered: BoolArray, serves: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Days on which the bills count, and days on which they are due.

    Parameters
    ----------
    billed : bool, shape (n_accounts, n_days)
        Whether a bill tells the day.
    covered : bool, shape (n_mains, n_days)
        Whether the main was read before and after the day.
    serves : bool, shape (n_mains, n_days)
        Whether the main is in service.

    Returns
    -------
    tuple of bool, shape (n_days,)
        On all other days the mains count; bills are also due while no main is in service.
    """
    alone = ~serves.any(axis=0)
    by_mains = (covered | ~serves).all(axis=0) & ~alone
    counts = billed.any(axis=0) & ~by_mains
    return np.asarray(counts), np.asarray(counts | alone)
