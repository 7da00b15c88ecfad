"""Readings and results as InfluxDB line protocol, with times in seconds.

Own code, since the client library takes ten times as long and drops what it cannot write (not-a-number, empty tags,
a backslash at a tag's end) without a word; this encoder raises instead. Every number is written as a float, so that a
field never changes its type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Final

import msgspec
import numpy as np

from energy.errors import StorageRejected
from energy.series import Readings, Table
from energy.storage.schema import READING
from energy.storage.tables import AnyArray, series_rows

_BAD_IN_TAG: Final = re.compile(r"[\\\x00-\x1f\x7f]")
_LINES_AT_ONCE: Final = 2_000  # all of a large request at once would be 5 MB in small pieces
_TAG_SPECIAL: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_TEXT_SPECIAL: Final = str.maketrans({"\\": r"\\", '"': r"\""})


def prefix(measurement: str, tags: Mapping[str, str]) -> str:
    """Everything before the fields, with its blank; tags sorted, as the server likes them."""
    return ",".join([measurement, *(f"{tag}={_tag(tag, tags[tag])}" for tag in sorted(tags))]) + " "


def _tag(name: str, value: str) -> str:
    if not value or _BAD_IN_TAG.search(value):
        raise StorageRejected(f"tag {name} = {value!r}: expected a text without backslash and control characters")
    return value.translate(_TAG_SPECIAL)


def text_field(value: str) -> str:
    """A text as a field's value: quoted; line breaks stay as they are."""
    if "\x00" in value:
        raise StorageRejected(f"text {value!r}: holds a null character")
    return f'"{value.translate(_TEXT_SPECIAL)}"'


class ReadingEncoder:
    """Readings as lines; remembers the escaped beginning of each meter's line."""

    def __init__(self) -> None:
        self._prefixes: dict[str, bytes] = {}

    def encode(self, readings: Readings) -> bytes:
        """One line a reading; a flag is written only where there is one.

        Three pieces a line (meter, value, the rest) are made by column and joined once: a third of the cost of
        formatting line by line. JSON writes a finite float as the line protocol reads it, shortest and exact.
        """
        if not np.all(np.isfinite(readings.value)):
            where = int(np.flatnonzero(~np.isfinite(readings.value))[0])
            raise StorageRejected(f"meter {readings.meters[readings.index[where]]}: value is not a finite number")
        begin = self._beginnings(readings.meters)
        parts = (readings.take(slice(n, n + _LINES_AT_ONCE)) for n in range(0, len(readings), _LINES_AT_ONCE))
        return b"".join([_lines(begin, part) for part in parts])[:-1]

    def _beginnings(self, meters: Sequence[str]) -> list[bytes]:
        known = self._prefixes
        for meter in meters:
            if meter not in known:
                known[meter] = f"{READING.name},meter={_tag('meter', meter)} value=".encode()
        return list(map(known.__getitem__, meters))


def _lines(begin: Sequence[bytes], readings: Readings) -> bytes:
    pieces = [b""] * (3 * len(readings))
    pieces[0::3] = map(begin.__getitem__, readings.index.tolist())
    pieces[1::3] = msgspec.json.encode(readings.value.tolist())[1:-1].split(b",")
    pieces[2::3] = _endings(readings)
    return b"".join(pieces)


def _endings(readings: Readings) -> Iterator[bytes]:
    """What follows the value in each line; neighbours mostly share it."""
    received, flag, time = readings.received, readings.flag, readings.time
    same = (received[1:] == received[:-1]) & (flag[1:] == flag[:-1]) & (time[1:] == time[:-1])
    first = np.flatnonzero(np.append(True, ~same))
    rows = zip(received[first].tolist(), flag[first].tolist(), time[first].tolist(), strict=True)
    texts = [b",received=%d%s %d\n" % (r, b",flag=%d" % f if f else b"", t) for r, f, t in rows]
    return chain.from_iterable(map(repeat, texts, np.diff(np.append(first, len(readings))).tolist()))


def encode_table(table: Table, rows_a_body: int) -> Iterator[bytes]:
    """Rows of results as bodies of at most so many lines; unknown fields are left out."""
    begin = np.empty(len(table), np.object_)
    for key, places in series_rows(table).items():
        begin[places] = prefix(table.measurement, dict(zip(table.tags, key, strict=True)))
    for first in range(0, len(table), rows_a_body):
        part = table.take(slice(first, first + rows_a_body))
        columns = [_field_texts(name, values) for name, values in part.fields.items()]
        bodies = ("".join(row)[1:] for row in zip(*columns, strict=True))
        lines = zip(begin[first : first + rows_a_body].tolist(), bodies, part.time.tolist(), strict=True)
        yield "\n".join([f"{start}{fields} {time}" for start, fields, time in lines if fields]).encode()


def _field_texts(name: str, values: AnyArray) -> Sequence[str]:
    if values.dtype != np.float64:
        return [f",{name}={text_field(value)}" if value is not None else "" for value in values.tolist()]
    if np.any(np.isinf(values)):
        raise StorageRejected(f"field {name}: a number is infinite")
    return [f",{name}={value!r}" if value == value else "" for value in values.tolist()]
