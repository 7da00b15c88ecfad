"""Marks of what has to be computed again, handed from collector and people to the jobs without a gap.

Every mark bears the epoch in which it was written. The jobs raise the epoch and take all older marks in one
transaction, and delete them only after they have computed: whoever is killed in between finds them again. A writer
holds the counters while it writes, so that no mark of an old epoch can appear after that epoch was taken.

Live readings touch a span each, so marks travel by column and lie in the table as blobs: a row for each would cost
the collector more than everything else it does with a reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import msgspec
import numpy as np
from sqlalchemy import Connection, delete, func, insert, select, update

from energy.intervals import DAY
from energy.registry.database import lock_counters
from energy.registry.tables import RevisionRow, TouchedRow
from energy.series import IntArray

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


class _Page(msgspec.Struct, array_like=True):
    meters: list[str]
    first: bytes
    last: bytes


_pages: Final = msgspec.msgpack.Decoder(_Page)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Many marks by column."""

    meters: Sequence[str]
    first: IntArray
    last: IntArray

    @classmethod
    def of(cls, marks: Iterable[Touched]) -> Self:
        """The same marks by column."""
        held = list(marks)
        first, last = [mark.first for mark in held], [mark.last for mark in held]
        return cls([mark.meter for mark in held], np.array(first, np.int64), np.array(last, np.int64))

    def marks(self) -> list[Touched]:
        """The same marks one by one."""
        return list(map(Touched, self.meters, self.first.tolist(), self.last.tolist()))

    def encode(self) -> bytes:
        """As they lie in the table."""
        first, last = self.first.astype("<i8"), self.last.astype("<i8")
        return msgspec.msgpack.encode(_Page(list(self.meters), first.tobytes(), last.tobytes()))

    @classmethod
    def decode(cls, blob: bytes) -> Self:
        """The marks of a blob."""
        page = _pages.decode(blob)
        return cls(page.meters, np.frombuffer(page.first, "<i8"), np.frombuffer(page.last, "<i8"))


def merged(marks: Iterable[Touched]) -> list[Touched]:
    """The same marks as few as possible, by meter and time."""
    return _merged([Spans.of(marks)])


def _merged(pages: Sequence[Spans]) -> list[Touched]:
    names = sorted({name for page in pages for name in page.meters})
    if not names:
        return []
    number = {name: place for place, name in enumerate(names)}
    meter = np.array([number[name] for page in pages for name in page.meters], np.int64)
    first, last = np.concatenate([page.first for page in pages]), np.concatenate([page.last for page in pages])
    order = np.lexsort((first, meter))
    meter, first, last = meter[order], first[order], last[order]
    # Lifted by its meter's number, the end of a mark can be compared with those of all marks before it at once.
    lift = meter * (int(last.max()) - int(first.min()) + NEAR + 2)
    reach = np.maximum.accumulate(last + lift)
    begins = np.flatnonzero(np.append(True, first[1:] + lift[1:] > reach[:-1] + NEAR))
    ends = np.append(begins[1:], len(order)) - 1
    spans = Spans([names[n] for n in meter[begins].tolist()], first[begins], reach[ends] - lift[ends])
    return spans.marks()


def add(connection: Connection, spans: Spans) -> None:
    """Write marks under the present epoch."""
    if not spans.meters:
        return
    _, epoch = lock_counters(connection)
    connection.execute(insert(TouchedRow), {"epoch": epoch, "marks": len(spans.meters), "data": spans.encode()})


def take(connection: Connection) -> tuple[int, list[Touched]]:
    """Begin a new epoch; the marks of all older ones, merged."""
    _, epoch = lock_counters(connection)
    connection.execute(update(RevisionRow).values(touched_epoch=epoch + 1))
    return epoch + 1, _merged([Spans.decode(row[0]) for row in connection.execute(select(TouchedRow.data))])


def since(connection: Connection, epoch: int) -> set[str]:
    """Meters that were marked since an epoch began."""
    blobs = connection.execute(select(TouchedRow.data).where(TouchedRow.epoch >= epoch))
    return {meter for (blob,) in blobs for meter in Spans.decode(blob).meters}


def pending(connection: Connection) -> int:
    """How many marks wait for the jobs or are being worked on."""
    return int(connection.execute(select(func.coalesce(func.sum(TouchedRow.marks), 0))).scalar_one())


def forget(connection: Connection, epoch: int) -> None:
    """Delete the marks of epochs before this one."""
    connection.execute(delete(TouchedRow).where(TouchedRow.epoch < epoch))
