"""Where the pages of a printed sheet end: a heading or caption never stands a page before what it names.

A workbook has no "keep with next" as papers have, so the ends of all pages are counted out by the heights of the rows
and written as page breaks. Our page is a little smaller than that of the program: its own breaks come later than ours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

_POINTS_A_CHARACTER: Final = 5.25
"""Width of a column of one character: 7 of 96 dots an inch, in the font that widths are counted in."""
_SAFETY: Final = 0.96


def room(height: float, width: float, widths: Sequence[float]) -> float:
    """Points of rows on a page of this printable size [points], on which columns [characters] are fitted in width."""
    scale = min(1.0, width / (_POINTS_A_CHARACTER * sum(widths)))
    return _SAFETY * height / scale


def page_ends(heights: Sequence[float], kept: Collection[int], most: float) -> list[int]:
    """Numbers of the rows, from 1, behind which a page ends; a row that is `kept` stays on the page of the next."""
    ends: list[int] = []
    used = 0.0
    for first, last in _groups(len(heights), kept):
        size = sum(heights[first - 1 : last])
        if used and used + size > most:
            ends.append(first - 1)
            used = 0.0
        used += size
    return ends


def _groups(n_rows: int, kept: Collection[int]) -> list[tuple[int, int]]:
    """First and last row of what stays together."""
    groups: list[tuple[int, int]] = []
    first = 1
    for row in range(1, n_rows + 1):
        if row not in kept or row == n_rows:
            groups.append((first, row))
            first = row + 1
    return groups
