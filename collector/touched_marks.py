"""Tells the jobs which spans of which meters changed, without writing the same mark twice in one epoch."""

from __future__ import annotations

from typing import Final

import numpy as np

from energy.registry import Registry, Touched
from energy.series import Readings

_NEAR: Final = 86_400  # readings of one meter no further apart than this share a mark


class TouchedMarks:
    """Marks of one forwarder: call `mark` after the store has confirmed, before the spool forgets."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._epoch = -1
        self._written: dict[str, Touched] = {}

    def mark(self, readings: Readings) -> None:
        """Mark the spans of these readings."""
        epoch = self._registry.touched_epoch()
        if epoch != self._epoch:
            self._written.clear()
            self._epoch = epoch
        new = [mark for mark in spans(readings) if not self._is_written(mark)]
        if new:
            self._registry.mark_touched(new)
        for mark in new:
            self._written[mark.meter] = self._hull(mark)

    def _is_written(self, mark: Touched) -> bool:
        known = self._written.get(mark.meter)
        return known is not None and known.first <= mark.first and mark.last <= known.last

    def _hull(self, mark: Touched) -> Touched:
        """What is surely written of this meter around the mark: near marks are merged by whoever reads them."""
        known = self._written.get(mark.meter)
        if known is None or mark.first > known.last + _NEAR or known.first > mark.last + _NEAR:
            return mark
        return Touched(mark.meter, min(mark.first, known.first), max(mark.last, known.last))


def spans(readings: Readings) -> list[Touched]:
    """The spans of each meter that these readings fall into."""
    if not len(readings):
        return []
    order = np.lexsort((readings.time, readings.index))
    meter, time = readings.index[order], readings.time[order]
    begins = np.append(True, (meter[1:] != meter[:-1]) | (time[1:] - time[:-1] > _NEAR))
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(time)) - 1
    return [
        Touched(readings.meters[m], begin, end)
        for m, begin, end in zip(meter[first].tolist(), time[first].tolist(), time[last].tolist(), strict=True)
    ]
