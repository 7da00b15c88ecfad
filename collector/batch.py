"""Readings as one blob: what a row of the spool holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from energy.errors import SpoolCorrupt
from energy.series import BoolArray, ByteArray, FloatArray, Int32Array, IntArray

_LATE: Final = 0x80  # a bit of the flag byte: the store has to say whether this reading is new
_ROW_BYTES: Final = 4 + 8 + 8 + 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Checked readings as they lie on the disk, by the meter numbers of the spool.

    `late` marks readings older than what is held per meter: only the store can say whether they are new.
    """

    meter: Int32Array
    time: IntArray
    value: FloatArray
    flag: ByteArray
    late: BoolArray
    received: int

    def __len__(self) -> int:
        return len(self.time)

    def split(self, size: int) -> Iterator[Batch]:
        """Parts of at most `size` readings, in order."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield Batch(
                self.meter[part], self.time[part], self.value[part], self.flag[part], self.late[part], self.received
            )

    def encode(self) -> bytes:
        """The blob, without `received`."""
        flag = self.flag | np.where(self.late, _LATE, 0).astype(np.uint8)
        columns = (self.meter.astype("<i4"), self.time.astype("<i8"), self.value.astype("<f8"), flag)
        return b"".join(column.tobytes() for column in columns)

    @classmethod
    def decode(cls, blob: bytes, received: int, checksum: int) -> Batch:
        """The batch of a blob, or SpoolCorrupt when the blob is not what was written."""
        if len(blob) % _ROW_BYTES or zlib.crc32(blob, received & 0xFFFFFFFF) != checksum:
            raise SpoolCorrupt(f"a batch of {len(blob)} bytes does not match its checksum {checksum}")
        n = len(blob) // _ROW_BYTES
        flag = np.frombuffer(blob, np.uint8, n, 20 * n)
        return cls(
            np.frombuffer(blob, "<i4", n, 0).astype(np.int32),
            np.frombuffer(blob, "<i8", n, 4 * n).astype(np.int64),
            np.frombuffer(blob, "<f8", n, 12 * n).astype(np.float64),
            flag & ~np.uint8(_LATE),
            (flag & _LATE) != 0,
            received,
        )


def checksum_of(blob: bytes, received: int) -> int:
    """Checksum of a blob together with the time it was received."""
    return zlib.crc32(blob, received & 0xFFFFFFFF)
