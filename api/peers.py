"""Limits among peers as people read them: interval, whose limits they are, what of the own value is due to what.

Rows come from `api.shielding.shielded`: what a reader may not be told is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from analytics.jobs.peers import ADJUSTMENTS, DRIVERS, ENDS, LIMITS, peers_named
from analytics.peers import NOTE_WORDS, Note
from api.official import OFFICIAL
from energy.errors import ReferenceTableError
from energy.reference import code

Text = tuple[str, str]
"""Chinese, English."""
_DRIVERS: Final = MappingProxyType(
    {"users_per_area": ("人员密度", "persons per area"), "operating_hours": ("使用时间", "hours of use")}
)


class Limit(NamedTuple):
    """One limit and its 80 % interval."""

    name: str
    value: float
    low: float
    high: float


class Adjustment(NamedTuple):
    """Part of the own value that is due to a driver, in its unit; NaN where it is not adjusted for."""

    driver: Text
    part: float


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """What peers say of one indicator of one period.

    Attributes
    ----------
    limits : tuple of Limit
        Constraint, baseline and guide value.
    n_members : int
        Members of the group whose value is known.
    group : tuple of str
        The group in words, Chinese and English.
    note : tuple of str, optional
        What must be said beside the group.
    adjustments : tuple of Adjustment
    """

    limits: tuple[Limit, ...]
    n_members: int
    group: Text
    note: Text | None
    adjustments: tuple[Adjustment, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> PeerLimits | None:
        """From a row of `indicator`; None where limits are a quota's, or may not be told."""
        peers = peers_named(row["group"] or "")
        if peers is None:
            return None
        return cls(
            tuple(Limit(name, row[name], row[low], row[high]) for name, (low, high) in zip(LIMITS, ENDS, strict=True)),
            peers.n_members,
            _group(peers.label),
            NOTE_WORDS[Note.PARENT_GROUP] if peers.is_parent else None,
            tuple(Adjustment(_DRIVERS[name], row[field]) for name, field in zip(DRIVERS, ADJUSTMENTS, strict=True)),
        )


def _group(label: str) -> Text:
    """Type, tier and zone of a group like `021/市级/寒冷A`; tier and zone only where it is divided by them."""
    kind, *more = label.split("/")
    parts = [_kind(kind), *(OFFICIAL.get(word, (word, word)) for word in more)]
    return " · ".join(zh for zh, _ in parts), " · ".join(en for _, en in parts)


def _kind(key: str) -> Text:
    try:
        found = code("institution", key)
    except ReferenceTableError:
        return key, key
    return found.name_zh, found.name_en
