"""Ranks and peers' limits as a caller may be told them: nothing from which a stranger's figure could be taken.

The jobs compare all institutions of the installation. Who sees some of a group could take these off, so a group is
told only to who sees all of it, or none of at least five others (`analytics.disclosure`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Final

import numpy as np

from analytics.disclosure import may_show
from analytics.jobs.peers import LIMIT_FIELDS, divisions_of, peers_named
from api.scope import Scope
from energy.series import BoolArray, Table

_PLACE: Final = ("rank", "rank_of")
_LIMITS: Final = (*LIMIT_FIELDS, "group")


class _Groups:
    """How many institutions of each group there are, and how many the caller sees."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @cached_property
    def _all(self) -> Counter[str]:
        return self._count(self._scope.snapshot.institutions)

    @cached_property
    def _own(self) -> Counter[str]:
        return self._count(self._scope.institutions)

    def _count(self, institutions: Iterable[str]) -> Counter[str]:
        return Counter(label for name in institutions for label in set(divisions_of(self._scope.snapshot, name)))

    def may_show(self, label: str, n_members: int) -> bool:
        """Of a group with so many members whose figures are known: own ones that are not known count as if they were.

        That can only hide too much.
        """
        own = self._own[label]
        knows_all = n_members <= own == self._all[label]
        return may_show(n_members, n_members if knows_all else min(own, n_members - 1))


def shielded(scope: Scope, rows: Table) -> Table:
    """Rows of `indicator`, of things the caller sees, with what would tell of others unknown."""
    if scope.is_whole or not len(rows):
        return rows
    groups, n = _Groups(scope), len(rows)
    place: BoolArray = np.zeros(n, np.bool_)
    limits: BoolArray = np.ones(n, np.bool_)
    for i, (name, rank_of, group) in enumerate(
        zip(rows.tags["id"].tolist(), rows.fields["rank_of"].tolist(), rows.fields["group"].tolist(), strict=True)
    ):
        if np.isfinite(rank_of):
            place[i] = groups.may_show(divisions_of(scope.snapshot, name)[0], int(rank_of))
        if group is not None and (peers := peers_named(group)) is not None:
            limits[i] = groups.may_show(peers.label, peers.n_members)
    fields = dict(rows.fields)
    for names, shown in ((_PLACE, place), (_LIMITS, limits)):
        for field in names:
            unknown = np.array([None if field == "group" else np.nan], fields[field].dtype)
            fields[field] = np.where(shown, fields[field], unknown)
    return Table(rows.measurement, rows.time, rows.tags, fields)
