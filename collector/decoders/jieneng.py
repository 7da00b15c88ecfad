"""The platform's own payload: a list of readings, or columns of many meters over the same instants.

Many messages are decoded as one JSON array, which costs a third of decoding them one by one. Between two messages
stands a random number that no sender can know, so that text which closes its own message and opens another can never
shift readings from one gateway to the next. If anything in the array is not plain, its messages are taken one by one,
and what is still not plain goes to `exact.py`, which names the reason.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import chain
from typing import cast

import msgspec
import numpy as np

from collector.decoders import exact
from collector.decoders.base import Columns, Limits, Problem, join
from collector.decoders.times import epochs
from energy.errors import PayloadError
from energy.model import Reason
from energy.series import IntArray


class _Reading(msgspec.Struct, gc=False, omit_defaults=True):
    meter: str
    time: int | float | str
    value: float
    unit: str | None = None


class _Message(msgspec.Struct, gc=False, omit_defaults=True):
    readings: list[_Reading] | None = None
    times: list[int | float | str] | None = None
    values: dict[str, list[float | None]] | None = None
    seq: int | None = None


_ONE = msgspec.json.Decoder(_Message)
_MANY = msgspec.json.Decoder(list[_Message | int])
_SECRET_BITS = 62


class JienengDecoder:
    """List and column form (design: `readings`, or `times` and `values`)."""

    def decode(self, payloads: Sequence[bytes], limits: Limits) -> Columns:
        """Readings and problems of these messages."""
        if len(payloads) > 1 and max(map(len, payloads)) <= limits.message_bytes:
            plain = _joined(payloads)
            if plain is not None:
                return plain.columns(limits)
        return _one_by_one(payloads, limits)


class _Plain:
    """Messages that hold just the fields we know, and the readings of those in list form by field."""

    def __init__(self, messages: list[_Message]) -> None:
        self.messages = messages
        self.lists = [message.readings for message in messages if message.readings is not None]
        self.rows = rows = list(chain.from_iterable(self.lists))
        self.times = [row.time for row in rows]
        self.units = [row.unit for row in rows]
        self.n_units = len(rows) - self.units.count(None)

    def accounts_for(self, text: bytes) -> bool:
        """True if the text holds just the fields that were read.

        Every key costs one colon, and no colon can hide where nothing is escaped. One colon more than the fields read
        (and the colons within times) account for is a key given twice, or a field we do not know.
        """
        if b"\\" in text:
            return False
        columns = [message for message in self.messages if message.readings is None]
        if any(message.times is None or message.values is None for message in columns):
            return False
        open_colons = text.count(b":") - len(self.lists) - 3 * len(self.rows) - self.n_units
        open_colons -= sum([message.seq is not None for message in self.messages])
        open_colons -= sum([2 + len(message.values or ()) for message in columns])
        if open_colons:  # none can be missing: what is left stands in times, or it should not be there
            open_colons -= sum([_colons_in(message.times or ()) for message in columns]) + _colons_in(self.times)
        return not open_colons

    def columns(self, limits: Limits) -> Columns:
        """The readings by column, in the order of the messages."""
        if len(self.lists) == len(self.messages):
            return self._of_lists(limits)
        listed = [n for n, message in enumerate(self.messages) if message.readings is not None]
        parts = [_Plain([self.messages[n] for n in listed])._of_lists(limits)]
        numbers = [np.array(listed, np.int64)]
        for n, message in enumerate(self.messages):
            if message.readings is None:
                parts.append(_from_columns(message, limits))
                numbers.append(np.array([n]))
        return join(parts, numbers, len(self.messages))

    def _of_lists(self, limits: Limits) -> Columns:
        counts = list(map(len, self.lists))
        if counts and max(counts) > limits.message_readings:
            return self._without_large(counts, limits)
        rows = self.rows
        time, bad = epochs(self.times)
        columns = Columns(
            local=[row.meter for row in rows],
            message=np.repeat(np.arange(len(counts), dtype=np.int64), counts),
            length=None,
            time=time,
            value=np.fromiter([row.value for row in rows], np.float64, len(rows)),  # five times as quick as array
            unit=self.units if self.n_units else None,
            seq=[message.seq for message in self.messages],
        )
        return _without(columns, rows, bad) if bad else columns

    def _without_large(self, counts: list[int], limits: Limits) -> Columns:
        """The columns of the other messages, and a problem for each that holds too many readings."""
        large = [n for n, count in enumerate(counts) if count > limits.message_readings]
        for n in large:
            self.messages[n].readings = []
        columns = _Plain(self.messages)._of_lists(limits)
        columns.problems.extend(_too_many(n, counts[n], limits) for n in large)
        return columns


def _joined(payloads: Sequence[bytes]) -> _Plain | None:
    """All messages of one array; None if any of them is not plain."""
    secret = secrets.randbits(_SECRET_BITS)
    text = b"[" + f",{secret},".encode().join(payloads) + b"]"
    try:
        parts = _MANY.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(parts) != 2 * len(payloads) - 1 or parts[1::2] != [secret] * (len(payloads) - 1):
        return None
    messages = parts[::2]
    if int in set(map(type, messages)):  # a bare number is no message
        return None
    plain = _Plain(cast(list[_Message], messages))
    return plain if plain.accounts_for(text) else None


def _colons_in(times: Sequence[int | float | str]) -> int:
    return sum([time.count(":") for time in times if type(time) is str])


def _one_by_one(payloads: Sequence[bytes], limits: Limits) -> Columns:
    plain: list[_Message] = []
    places: list[int] = []
    parts: list[Columns] = []
    others: list[int] = []
    for place, payload in enumerate(payloads):
        message = _single(payload, limits)
        if message is not None:
            plain.append(message)
            places.append(place)
        else:
            parts.append(exact.read(payload, limits).columns())
            others.append(place)
    numbers = [np.array([place]) for place in others]
    return join([_Plain(plain).columns(limits), *parts], [np.array(places, np.int64), *numbers], len(payloads))


def _single(payload: bytes, limits: Limits) -> _Message | None:
    if len(payload) > limits.message_bytes:
        return None
    try:
        message = _ONE.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return message if _Plain([message]).accounts_for(payload) else None


def _without(columns: Columns, rows: list[_Reading], bad: list[tuple[int, PayloadError]]) -> Columns:
    """The same columns without the rows whose time is none; these become problems."""
    keep = np.ones(len(rows), np.bool_)
    for place, error in bad:
        keep[place] = False
        body = msgspec.json.encode({"readings": [rows[place]]})
        columns.problems.append(
            Problem(int(columns.message[place]), Reason(error.reason), error.detail, rows[place].meter[:64], 1, body)
        )
    places = np.flatnonzero(keep).tolist()
    return Columns(
        local=[columns.local[n] for n in places],
        message=columns.message[keep],
        length=None,
        time=columns.time[keep],
        value=columns.value[keep],
        unit=[columns.unit[n] for n in places] if columns.unit else None,
        seq=columns.seq,
        problems=columns.problems,
    )


def _from_columns(message: _Message, limits: Limits) -> Columns:
    times, values = message.times, message.values
    assert times is not None  # both stated by _is_plain
    assert values is not None
    count = sum(map(len, values.values()))
    time, bad = epochs(times)
    if count > limits.message_readings:
        return _only(_too_many(0, count, limits), message.seq)
    if bad or any(len(column) != len(times) for column in values.values()):
        return exact.read(msgspec.json.encode(message), limits).columns()
    value = np.array(list(values.values()), np.float64).reshape(len(values), len(times))  # null becomes NaN
    present = ~np.isnan(value)
    return Columns(
        local=list(values),
        message=np.zeros(len(values), np.int64),
        length=present.sum(axis=1),
        time=np.broadcast_to(time, value.shape)[present],
        value=value[present],
        unit=None,
        seq=[message.seq],
    )


def _only(problem: Problem, seq: int | None) -> Columns:
    none: IntArray = np.zeros(0, np.int64)
    return Columns([], none, None, none, np.zeros(0), None, [seq], [problem])


def _too_many(message: int, count: int, limits: Limits) -> Problem:
    detail = f"{count} readings, at most {limits.message_readings}"
    return Problem(message, Reason.TOO_MANY_READINGS, detail)
