"""The meters of one gateway by the names it gives them.

A gateway mostly names the same meters in the same order, message by message, round by round. So the numbers of a whole
list of names are remembered: to see that it is the same list costs a tenth of looking its names up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Final

import numpy as np

from energy.series import Int32Array

UNKNOWN: Final = -1


class Roster:
    """Numbers of meters by local name; used by the commit thread alone."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self.find: Callable[[str, int], int] = numbers.get
        """Number of a meter by its local name, or the second argument."""
        self._size = len(numbers)
        self._lists: dict[str, Int32Array] = {}
        self._n_remembered = 0

    def numbers(self, names: list[str]) -> Int32Array:
        """Numbers of a message's meters; UNKNOWN where there is none."""
        text = "\n".join(names)
        known = self._lists.get(text)
        if known is not None and len(known) == len(names):  # so that no name sent can hold a line's end
            return known
        numbers = np.fromiter(map(self.find, names, repeat(UNKNOWN)), np.int32, len(names))
        if len(names) <= self._size and numbers.min() != UNKNOWN:
            self._remember(text, numbers)
        return numbers

    def _remember(self, text: str, numbers: Int32Array) -> None:
        self._n_remembered += len(numbers)
        if self._n_remembered > 2 * self._size:  # it names them in ever new orders: keep no more than it has
            self._lists.clear()
            self._n_remembered = len(numbers)
        self._lists[text] = numbers


NOBODY: Final = Roster({})
