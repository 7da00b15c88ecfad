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
        messages = _joined(payloads, limits)
        if messages is None:
            return _one_by_one(payloads, limits)
        return _columns(messages, limits)


def _joined(payloads: Sequence[bytes], limits: Limits) -> list[_Message] | None:
    """All messages of one array; None if any of them is not plain."""
    if len(payloads) < 2 or max(map(len, payloads)) > limits.message_bytes:
        return None
    secret = secrets.randbits(_SECRET_BITS)
    text = b"[" + f",{secret},".encode().join(payloads) + b"]"
    try:
        parts = _MANY.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(parts) != 2 * len(payloads) - 1 or parts[1::2] != [secret] * (len(payloads) - 1):
        return None
    messages = cast(list[_Message], parts[::2])  # a bare number among them is not plain
    return messages if _is_plain(text, messages) else None


def _is_plain(text: bytes, messages: Sequence[_Message]) -> bool:
    """True if the text holds just the fields that were read.

    Every key costs one colon, and no colon can hide where nothing is escaped. One colon more than the fields read
    (and the colons within times) account for is a key given twice, or a field we do not know.
    """
    if b"\\" in text:
        return False
    try:
        return text.count(b":") == _colons(messages)
    except AttributeError:  # a bare number
        return False


def _colons(messages: Sequence[_Message]) -> int:
    """Colons that the fields read account for, over all messages; -1 if one has neither list nor column form."""
    columns = [message for message in messages if message.readings is None]
    rows = list(chain.from_iterable([message.readings for message in messages if message.readings is not None]))
    colons = len(messages) - [message.seq for message in messages].count(None)
    colons += len(messages) - len(columns) + 4 * len(rows) - [row.unit for row in rows].count(None)
    colons += _colons_in([row.time for row in rows])
    for message in columns:
        if message.times is None or message.values is None:
            return -1
        colons += 2 + len(message.values) + _colons_in(message.times)
    return colons


def _colons_in(times: Sequence[int | float | str]) -> int:
    if str not in set(map(type, times)):
        return 0
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
    return join([_columns(plain, limits), *parts], [np.array(places, np.int64), *numbers], len(payloads))


def _single(payload: bytes, limits: Limits) -> _Message | None:
    if len(payload) > limits.message_bytes:
        return None
    try:
        message = _ONE.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return message if _is_plain(payload, [message]) else None


def _columns(messages: list[_Message], limits: Limits) -> Columns:
    lists = [message.readings for message in messages]
    if None not in lists:
        return _from_lists(messages, cast(list[list[_Reading]], lists), limits)
    listed = [n for n, message in enumerate(messages) if message.readings is not None]
    parts = [_columns([messages[n] for n in listed], limits)]
    numbers = [np.array(listed, np.int64)]
    for n, message in enumerate(messages):
        if message.readings is None:
            parts.append(_from_columns(message, limits))
            numbers.append(np.array([n]))
    return join(parts, numbers, len(messages))


def _from_lists(messages: list[_Message], lists: list[list[_Reading]], limits: Limits) -> Columns:
    counts = list(map(len, lists))
    problems = []
    if counts and max(counts) > limits.message_readings:
        problems = [_too_many(n, count, limits) for n, count in enumerate(counts) if count > limits.message_readings]
        lists = [rows if len(rows) <= limits.message_readings else [] for rows in lists]
        counts = list(map(len, lists))
    rows = list(chain.from_iterable(lists))
    units = [row.unit for row in rows]
    time, bad = epochs([row.time for row in rows])
    columns = Columns(
        local=[row.meter for row in rows],
        message=np.repeat(np.arange(len(lists), dtype=np.int64), counts),
        length=None,
        time=time,
        value=np.fromiter(
            [row.value for row in rows], np.float64, len(rows)
        ),  # of a list, five times as quick as array
        unit=units if units.count(None) < len(units) else None,
        seq=[message.seq for message in messages],
        problems=problems,
    )
    return _without(columns, rows, bad) if bad else columns


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
