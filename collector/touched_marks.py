"""Tells the jobs which spans of which meters changed, without writing the same mark twice in one epoch."""

from __future__ import annotations

from typing import Final

import numpy as np

from energy.registry import Registry, Spans
from energy.series import BoolArray, Int32Array, IntArray

_NEAR: Final = 86_400  # readings of one meter no further apart than this share a mark
_NOWHERE: Final = np.iinfo(np.int64).max


class TouchedMarks:
    """Marks of one forwarder: call `mark` after the store has confirmed, before the spool forgets."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._epoch = -1
        self._first: IntArray = np.zeros(0, np.int64)
        self._last: IntArray = np.zeros(0, np.int64)
        """By meter number, a span that is surely written; empty (the first after the last) where none is."""

    def mark(self, meter: Int32Array, time: IntArray, names: tuple[str, ...]) -> None:
        """Mark the spans of these readings; `names` gives a meter's id by its number."""
        if not len(meter):
            return
        epoch = self._registry.touched_epoch()
        if epoch != self._epoch:
            self._forget(len(names))
            self._epoch = epoch
        who, first, last = spans(meter, time)
        if len(names) > len(self._first):
            self._grow(len(names))
        is_new = ~((self._first[who] <= first) & (last <= self._last[who]))
        if is_new.any():
            self._write(who[is_new], first[is_new], last[is_new], names)

    def _write(self, who: Int32Array, first: IntArray, last: IntArray, names: tuple[str, ...]) -> None:
        self._registry.mark_spans(Spans(list(map(names.__getitem__, who.tolist())), first, last))
        near = self._is_near(who, first, last)  # whoever reads near marks merges them
        self._first[who] = np.where(near, np.minimum(first, self._first[who]), first)
        self._last[who] = np.where(near, np.maximum(last, self._last[who]), last)

    def _is_near(self, who: Int32Array, first: IntArray, last: IntArray) -> BoolArray:
        known_first, known_last = self._first[who], self._last[who]
        is_known: BoolArray = known_first != _NOWHERE
        return is_known & (first <= known_last + _NEAR) & (known_first <= last + _NEAR)

    def _forget(self, size: int) -> None:
        self._first, self._last = np.full(size, _NOWHERE), np.zeros(size, np.int64)

    def _grow(self, size: int) -> None:
        more = size - len(self._first)
        self._first = np.append(self._first, np.full(more, _NOWHERE))
        self._last = np.append(self._last, np.zeros(more, np.int64))


def spans(meter: Int32Array, time: IntArray) -> tuple[Int32Array, IntArray, IntArray]:
    """The spans that these readings of each meter fall into: whose, the first and the last instant."""
    order = np.lexsort((time, meter))
    meter, time = meter[order], time[order]
    begins = np.flatnonzero(np.append(True, (meter[1:] != meter[:-1]) | (time[1:] - time[:-1] > _NEAR)))
    ends = np.append(begins[1:], len(time)) - 1
    return meter[begins], time[begins], time[ends]
