"""The slow, exact reading of one message in our own forms: names what is wrong with each part of it.

The fast path of `jieneng.py` sends here whatever it cannot take as it stands. Everything that decodes is handed on;
every part that does not is a `Problem` of its own, so that a bad reading never takes its neighbours with it.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from collector.decoders.base import Columns, Limits, Problem
from collector.decoders.times import epoch
from energy.errors import PayloadError
from energy.model import Reason, is_id

_LIST_FIELDS = frozenset({"seq", "readings"})
_COLUMN_FIELDS = frozenset({"seq", "times", "values"})
_READING_FIELDS = frozenset({"meter", "time", "value", "unit"})
_LONGEST_INTEGER = 100  # digits; anything longer is out of range whatever it is, and not worth converting
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Exact:
    """One message: its good rows (local name, time, value, unit) and its problems."""

    rows: list[tuple[str, int, float, str | None]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seq: int | None = None
    unknown_fields: int = 0

    def park(self, error: PayloadError, local: object, part: object, count: int = 1) -> None:
        """Set a part aside, ready to be sent again; NaN and lone surrogates stay as they were sent."""
        name = local if isinstance(local, str) else ""
        body = json.dumps(part, ensure_ascii=True).encode()
        self.problems.append(Problem(0, Reason(error.reason), error.detail, name[:64], max(count, 1), body))

    def refuse(self, error: PayloadError) -> None:
        """Set the whole message aside."""
        self.rows.clear()
        self.problems = [Problem(0, Reason(error.reason), error.detail)]

    def columns(self) -> Columns:
        """The same by column."""
        units = [row[3] for row in self.rows]
        return Columns(
            local=[row[0] for row in self.rows],
            message=np.zeros(len(self.rows), np.int64),
            length=None,
            time=np.array([row[1] for row in self.rows], np.int64),
            value=np.array([row[2] for row in self.rows], np.float64),
            unit=units if any(unit is not None for unit in units) else None,
            seq=[self.seq],
            problems=self.problems,
            unknown_fields=self.unknown_fields,
        )


def read(payload: bytes, limits: Limits) -> Exact:
    """Everything that can be said about one message in list or column form."""
    exact = Exact()
    try:
        message = parse(payload, limits)
        if not isinstance(message, dict):
            raise PayloadError(Reason.NOT_OBJECT, f"expected a JSON object, got {type(message).__name__}")
        refuse_doubled(message)
        exact.seq = _seq(message.get("seq"))
        if "readings" in message:
            _read_list(message, limits, exact)
        else:
            _read_columns(message, limits, exact)
    except PayloadError as exc:
        exact.refuse(exc)
    return exact


def parse(payload: bytes, limits: Limits) -> Any:
    """The JSON value that a message is; PayloadError names why it is none."""
    text = _text(payload, limits)
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, limits),
            parse_int=lambda digits: int(digits[:_LONGEST_INTEGER]),
        )
    except RecursionError as exc:
        raise PayloadError(Reason.TOO_DEEP, "nested too deeply") from exc
    except ValueError as exc:
        raise PayloadError(Reason.BAD_JSON, str(exc)[:200]) from exc


class _Doubled(dict[str, Any]):
    """An object in which a key stands twice."""

    key: str


def _object(pairs: list[tuple[str, Any]], limits: Limits) -> dict[str, Any]:
    if len(pairs) > limits.fields:
        raise PayloadError(Reason.TOO_MANY_FIELDS, f"an object has {len(pairs)} keys, at most {limits.fields}")
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    doubled = _Doubled(plain)
    counts = Counter(key for key, _ in pairs)
    doubled.key = next(key for key, n in counts.items() if n > 1)
    return doubled


def _text(payload: bytes, limits: Limits) -> str:
    if not payload:
        raise PayloadError(Reason.EMPTY, "the message has no payload")
    if len(payload) > limits.message_bytes:
        raise PayloadError(Reason.OVERSIZE, f"{len(payload)} bytes, at most {limits.message_bytes}")
    if payload.startswith(_GZIP):
        _refuse_gzip(payload, limits)
    if b"\0" in payload[:4]:
        raise PayloadError(Reason.BAD_ENCODING, "expected UTF-8, this looks like UTF-16 or UTF-32")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if payload.lstrip()[:1] in (b"{", b"[") or payload[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise PayloadError(Reason.BAD_ENCODING, f"not UTF-8 at byte {exc.start}") from exc
        raise PayloadError(Reason.BAD_JSON, f"not JSON: begins with the bytes {payload[:8].hex()}") from exc


def _refuse_gzip(payload: bytes, limits: Limits) -> None:
    try:
        size = len(zlib.decompressobj(31).decompress(payload, limits.message_bytes + 1))
    except zlib.error:
        size = 0
    if size > limits.message_bytes:
        raise PayloadError(Reason.OVERSIZE, f"compressed, and more than {limits.message_bytes} bytes unpacked")
    raise PayloadError(Reason.BAD_JSON, "compressed payloads are not taken")


def refuse_doubled(value: object) -> None:
    """PayloadError if a key stands twice in this object."""
    if isinstance(value, _Doubled):
        raise PayloadError(Reason.DUPLICATE_KEY, f"key {value.key[:64]!r} stands twice in one object")


def _seq(seq: object) -> int | None:
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def _read_list(message: dict[str, Any], limits: Limits, exact: Exact) -> None:
    if "times" in message or "values" in message:
        raise PayloadError(Reason.TYPE, "expected either readings, or times and values, got both")
    readings = message["readings"]
    if not isinstance(readings, list):
        raise PayloadError(Reason.TYPE, f"readings: expected a list, got {type(readings).__name__}")
    refuse_too_many(len(readings), limits)
    exact.unknown_fields += len(message.keys() - _LIST_FIELDS)
    for reading in readings:
        try:
            exact.rows.append(_reading(reading))
            exact.unknown_fields += len(reading.keys() - _READING_FIELDS)
        except PayloadError as exc:
            local = reading.get("meter") if isinstance(reading, dict) else None
            exact.park(exc, local, {"readings": [reading]})


def _read_columns(message: dict[str, Any], limits: Limits, exact: Exact) -> None:
    times, values = message.get("times"), message.get("values")
    if not isinstance(times, list) or not isinstance(values, dict):
        raise PayloadError(Reason.TYPE, "expected the list `readings`, or the list `times` and the object `values`")
    refuse_doubled(values)
    refuse_too_many(sum(len(column) for column in values.values() if isinstance(column, list)), limits)
    exact.unknown_fields += len(message.keys() - _COLUMN_FIELDS)
    for local, column in values.items():
        if isinstance(column, list) and len(column) == len(times):
            _read_column(local, times, column, exact)
            continue
        got = f"{len(column)} values" if isinstance(column, list) else type(column).__name__
        error = PayloadError(Reason.TYPE, f"values of {local[:64]!r}: expected {len(times)} values, got {got}")
        count = sum(value is not None for value in column) if isinstance(column, list) else 1
        exact.park(error, local, {"times": times, "values": {local: column}}, count)


def _read_column(local: str, times: list[Any], column: list[Any], exact: Exact) -> None:
    for time, value in zip(times, column, strict=True):
        if value is None:
            continue
        try:
            exact.rows.append(_reading({"meter": local, "time": time, "value": value}))
        except PayloadError as exc:
            exact.park(exc, local, {"times": [time], "values": {local: [value]}})


def refuse_too_many(count: int, limits: Limits) -> None:
    """PayloadError if one message holds more readings than allowed."""
    if count > limits.message_readings:
        raise PayloadError(Reason.TOO_MANY_READINGS, f"{count} readings, at most {limits.message_readings}")


def _reading(reading: object) -> tuple[str, int, float, str | None]:
    if not isinstance(reading, dict):
        raise PayloadError(Reason.TYPE, f"reading: expected an object, got {type(reading).__name__}")
    refuse_doubled(reading)
    unit = reading.get("unit")
    if unit is not None and not isinstance(unit, str):
        raise PayloadError(Reason.TYPE, f"unit: expected text, got {type(unit).__name__}")
    return meter_name(reading.get("meter")), epoch(reading.get("time")), finite(reading.get("value")), unit


def meter_name(name: object) -> str:
    """A meter's name at its gateway."""
    if not isinstance(name, str):
        raise PayloadError(Reason.TYPE, f"meter: expected text, got {type(name).__name__}")
    if not is_id(name):
        raise PayloadError(Reason.BAD_ID, f"meter {name[:64]!a}: expected 1 to 64 of A-Z a-z 0-9 _ . -")
    return name


def finite(value: object) -> float:
    """A value as a float; true, texts, NaN and infinities are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PayloadError(Reason.TYPE, f"value: expected a number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise PayloadError(Reason.NOT_FINITE, f"value {value} is not a finite number")
    return float(value)
