"""Marks of what has to be computed again, handed from collector and people to the jobs without a gap.

Every mark bears the epoch in which it was written. The jobs raise the epoch and take all older marks in one
transaction, and delete them only after they have computed: whoever is killed in between finds them again. A writer
holds the counters while it writes, so that no mark of an old epoch can appear after that epoch was taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from energy.intervals import DAY
from energy.registry.database import lock_counters
from energy.registry.tables import RevisionRow, TouchedRow

NEAR: Final = DAY
"""Marks of one meter no further apart than this become one."""


@dataclass(frozen=True, slots=True, order=True)
class Touched:
    """A span of one meter in which something changed: the first and the last instant, both included."""

    meter: str
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"meter {self.meter}: touched until {self.last}, before {self.first} where it begins")


def merged(marks: Iterable[Touched]) -> list[Touched]:
    """The same marks as few as possible, by meter and time."""
    spans: dict[str, list[Touched]] = defaultdict(list)
    for mark in sorted(marks):
        mine = spans[mark.meter]
        if mine and mark.first <= mine[-1].last + NEAR:
            mine[-1] = Touched(mark.meter, mine[-1].first, max(mine[-1].last, mark.last))
        else:
            mine.append(mark)
    return [mark for mine in spans.values() for mark in mine]


def add(connection: Connection, marks: Sequence[Touched]) -> None:
    """Write marks under the present epoch."""
    if not marks:
        return
    _, epoch = lock_counters(connection)
    rows = [{"epoch": epoch, "meter": m.meter, "first": m.first, "last": m.last} for m in merged(marks)]
    connection.execute(insert(TouchedRow), rows)


def take(connection: Connection) -> tuple[int, list[Touched]]:
    """Begin a new epoch; the marks of all older ones, merged."""
    _, epoch = lock_counters(connection)
    connection.execute(update(RevisionRow).values(touched_epoch=epoch + 1))
    rows = connection.execute(select(TouchedRow.meter, TouchedRow.first, TouchedRow.last))
    return epoch + 1, merged(Touched(*row) for row in rows)


def pending(connection: Connection) -> int:
    """How many marks wait for the jobs or are being worked on."""
    return int(connection.execute(select(func.count()).select_from(TouchedRow)).scalar_one())


def forget(connection: Connection, epoch: int) -> None:
    """Delete the marks of epochs before this one."""
    connection.execute(delete(TouchedRow).where(TouchedRow.epoch < epoch))
