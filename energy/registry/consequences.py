"""What a change of the registry means for figures already computed: the spans to compute again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from energy.registry.importing import Change
from energy.registry.touched import Touched

# A meter's name, gateway or local name changes no figure; everything else of it does.
_HARMLESS: Final = {"name_zh", "name_en", "gateway", "local"}


def touched_by(changes: Sequence[Change]) -> list[Touched]:
    """Swaps touch their instant; a meter that was altered or moved is touched from its beginning until now."""
    marks: list[Touched] = []
    for change in changes:
        if change.sheet == "swaps":
            marks.append(Touched(change.after["meter"], change.after["time"], change.after["time"]))
        elif change.sheet == "meters" and _changes_figures(change):
            marks.append(Touched(change.after["id"], 0, int(time.time())))
    return marks


def _changes_figures(change: Change) -> bool:
    if change.before is None:
        return False  # a new meter has no readings yet
    before = change.before
    return any(before[name] != value for name, value in change.after.items() if name not in _HARMLESS)
