"""Ranking of institutions among their like: same type, tier and climate zone, rolling twelve months.

Institutions whose data are incomplete are listed apart and have no rank: a gap would look like thrift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.series import BoolArray, FloatArray, IntArray

MIN_COVERAGE: Final = 0.95


class RankState(IntEnum):
    """Whether an institution takes part."""

    NO_GROUP = 0
    INCOMPLETE = 1
    RANKED = 2


RANK_WORDS: Final = MappingProxyType(
    {
        RankState.NO_GROUP: (
            "类型、级别或气候区未登记, 不参与排名",
            "type, tier or climate zone not stated: not ranked",
        ),
        RankState.INCOMPLETE: ("数据不全, 不参与排名", "incomplete data: not ranked"),
        RankState.RANKED: ("参与排名", "ranked"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Places of institutions; all of shape (n,).

    Attributes
    ----------
    rank : float64
        1 = the lowest indicator; equal values share the better place. NaN without a place.
    rank_of : float64
        How many of the group are ranked; NaN without a group.
    state : int64
        `RankState`.
    """

    rank: FloatArray
    rank_of: FloatArray
    state: IntArray


def is_complete(values: FloatArray, coverage: FloatArray) -> BoolArray:
    """Whether enough of each value is known to compare it with others; NaN coverage counts as none."""
    return np.isfinite(values) & (np.nan_to_num(coverage) >= MIN_COVERAGE)


def rank(values: FloatArray, coverage: FloatArray, groups: Sequence[str]) -> Ranking:
    """Places within each group.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Indicator of the rolling twelve months, lower is better; NaN where unknown.
    coverage : ndarray, shape (n,)
        Share of the twelve months that is known; NaN counts as none.
    groups : sequence of str
        Type x tier x zone; "" where one of them is not stated.
    """
    unique, place = np.unique(np.array(groups, dtype=str), return_inverse=True)
    has_group = unique[place] != ""
    complete = is_complete(values, coverage)
    ranked = np.flatnonzero(has_group & complete)
    order = ranked[np.lexsort((values[ranked], place[ranked]))]
    group, value = place[order], values[order]
    first_of_group = np.searchsorted(group, group, "left")
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    first_of_tie = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
    out = np.full(len(values), np.nan)
    out[order] = first_of_tie - first_of_group + 1
    rank_of = np.bincount(group, minlength=len(unique))[place].astype(np.float64)
    state = np.where(has_group, np.where(complete, RankState.RANKED, RankState.INCOMPLETE), RankState.NO_GROUP)
    return Ranking(out, np.where(has_group, rank_of, np.nan), state.astype(np.int64))
