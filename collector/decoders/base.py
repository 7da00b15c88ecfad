"""What a decoder is: bytes of messages in, columns of readings and named problems out.

A new payload format is one module with a `Decoder`, one line in `decoders/__init__.py`, and golden folders under
`tests/collector/payloads/`. A decoder judges only the form of a message; whether a reading can be true is the work
of `collector.checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from energy.model import Reason
from energy.series import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a message may be."""

    message_bytes: int = 1_048_576
    message_readings: int = 10_000
    fields: int = 10_000  # keys in one JSON object


class Problem(msgspec.Struct, gc=False):
    """Why a message, or a part of it, cannot become readings.

    `body` is the part in question, ready to be sent again; None means the whole message.
    """

    message: int
    reason: Reason
    detail: str
    local: str = ""
    count: int = 1
    body: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Readings of several messages, by column, in runs of one meter.

    A run is a stretch of rows of one message and one local meter name: one row in a list of readings, a whole
    column in column form. So names are looked up once a run.

    Attributes
    ----------
    local : list of str
        Name of the meter at its gateway, one a run.
    message : int64, shape (n_runs,)
        Which message the run came in.
    length : int64, shape (n_runs,) or None
        Rows of each run; None where every run has one row.
    time, value : int64 and float64, shape (n_rows,)
        As sent; not yet judged.
    unit : list of (str | None) or None
        Unit sent, one a run; None where no message names one.
    seq : list of (int | None)
        Sequence number, one a message.
    """

    local: list[str]
    message: IntArray
    length: IntArray | None
    time: IntArray
    value: FloatArray
    unit: list[str | None] | None
    seq: list[int | None]
    problems: list[Problem] = field(default_factory=list)
    unknown_fields: int = 0

    def __len__(self) -> int:
        return len(self.time)

    @property
    def row_run(self) -> IntArray:
        """The run of each row."""
        if self.length is None:
            return np.arange(len(self.local), dtype=np.int64)
        return np.repeat(np.arange(len(self.local), dtype=np.int64), self.length)


class Decoder(Protocol):
    """Reads one payload format."""

    def decode(self, payloads: Sequence[bytes], limits: Limits) -> Columns:
        """Readings and problems of these messages; never raises for anything a gateway can send."""


def join(parts: Sequence[Columns], messages: Sequence[IntArray], n_messages: int) -> Columns:
    """One `Columns` from several; `messages[i]` gives the final number of each message of `parts[i]`."""
    seq: list[int | None] = [None] * n_messages
    for part, numbers in zip(parts, messages, strict=True):
        for number, value in zip(numbers.tolist(), part.seq, strict=True):
            seq[number] = value
        for problem in part.problems:
            problem.message = int(numbers[problem.message])
    has_unit = any(part.unit is not None for part in parts)
    has_length = any(part.length is not None for part in parts)
    none = np.zeros(0, np.int64)
    return Columns(
        local=[name for part in parts for name in part.local],
        message=np.concatenate([none, *(n[p.message] for p, n in zip(parts, messages, strict=True))]),
        length=np.concatenate([none, *(_lengths(part) for part in parts)]) if has_length else None,
        time=np.concatenate([none, *(part.time for part in parts)]),
        value=np.concatenate([np.zeros(0), *(part.value for part in parts)]),
        unit=[u for p in parts for u in (p.unit or [None] * len(p.local))] if has_unit else None,
        seq=seq,
        problems=[problem for part in parts for problem in part.problems],
        unknown_fields=sum(part.unknown_fields for part in parts),
    )


def _lengths(part: Columns) -> IntArray:
    return part.length if part.length is not None else np.ones(len(part.local), np.int64)
