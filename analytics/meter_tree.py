"""Which meter lies behind which: parents as places in a list of meters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from energy.model import Meter, UsedBy

Parents = Sequence[int | None]
"""Place of each meter's parent; None for one without, or whose parent is not in the list or of another category."""


def parents(meters: Sequence[Meter]) -> Parents:
    """The parents of an institution's meters."""
    place = {meter.id: i for i, meter in enumerate(meters)}
    named = [place.get(meter.parent) if meter.parent is not None else None for meter in meters]
    return [None if i is None or meters[i].category is not meters[k].category else i for k, i in enumerate(named)]


def above(parents: Parents, i: int) -> Iterator[int]:
    """All above one, the nearest first."""
    seen = {i}
    parent = parents[i]
    while parent is not None and parent not in seen:
        seen.add(parent)
        yield parent
        parent = parents[parent]


def is_below(parents: Parents, i: int, places: Collection[int]) -> bool:
    """Whether any of the places is above it."""
    return any(place in places for place in above(parents, i))


def tops(parents: Parents, places: Sequence[int]) -> list[int]:
    """Those of the places that have none of them above."""
    chosen = set(places)
    return [i for i in places if not is_below(parents, i, chosen)]


def uncounted(meters: Sequence[Meter]) -> set[int]:
    """Meters of others, and all that lie behind them: in no figure of a place."""
    tree = parents(meters)
    others = {i for i, meter in enumerate(meters) if meter.used_by is UsedBy.OTHERS}
    return {i for i in range(len(meters)) if i in others or is_below(tree, i, others)}
