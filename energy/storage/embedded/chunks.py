"""Sealed readings: one row a meter and month of 30 days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

import numpy as np

from energy.intervals import DAY
from energy.series import FloatArray, IntArray
from energy.storage.embedded.columns import pack, unpack
from energy.storage.embedded.hot import TIME_BITS, Batch, keys

SPAN: Final = 30 * DAY
"""Seconds in one chunk: 30 days, counted from 1970."""

_MONTH_BITS: Final = 16


def chunk_ids(numbers: IntArray, times: IntArray) -> IntArray:
    """Row number of the chunk that holds each (meter number, time): a meter's chunks are neighbours in the file."""
    return (numbers << _MONTH_BITS) | (times // SPAN)


def chunk_id(number: int, time: int) -> int:
    """Row number of the chunk that holds one instant of one meter."""
    return (number << _MONTH_BITS) | (time // SPAN)


def encode(batch: Batch) -> bytes:
    """A chunk's readings, all of one meter, as a blob."""
    return pack({"time": batch.time, "value": batch.value, "flag": batch.flag, "received": batch.received})


def decode(chunk: int, blob: bytes) -> Batch:
    """All readings of a chunk."""
    _, columns = unpack(blob)
    key = keys(np.array([chunk >> _MONTH_BITS]), columns["time"])
    return Batch(key, columns["value"], columns["flag"].astype(np.uint8), columns["received"])


def decode_values(blob: bytes) -> tuple[IntArray, FloatArray]:
    """Only times and values of a chunk: what matrices need."""
    _, columns = unpack(blob, ("time", "value"))
    return columns["time"], columns["value"]


def blobs_between(connection: sqlite3.Connection, number: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """A meter's chunks that may hold readings in [start, end), in order of time."""
    return connection.execute(
        "SELECT chunk, data FROM sealed WHERE chunk BETWEEN ? AND ? ORDER BY chunk",
        (chunk_id(number, start), chunk_id(number, end - 1)),
    )


def split(batch: Batch) -> Iterator[tuple[int, Batch]]:
    """The parts of a batch by the chunk they belong to."""
    ids = chunk_ids(batch.key >> TIME_BITS, batch.time)
    edges = np.flatnonzero(np.diff(ids)) + 1
    for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(ids)], strict=True):
        if last > first:
            yield int(ids[first]), batch.take(slice(first, last))
