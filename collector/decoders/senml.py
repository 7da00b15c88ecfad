"""SenML, the IETF's format for sensor readings, in JSON (RFC 8428): a list of records with base fields.

A record is a reading when it holds a number (`v`). Texts, switches and data have no place in a register and are
parked; sums (`s`) are counted as fields that nobody reads. Instants must be absolute: one that is relative to "now"
would move with every delay on the way.

A parked reading is kept in our own list form, which is an object and never a list: so both are read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import numpy as np

from collector.decoders import exact
from collector.decoders.base import Columns, Limits, join
from collector.decoders.exact import Exact
from collector.decoders.times import epoch
from energy.errors import PayloadError
from energy.model import Reason

_BASE = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_READ = frozenset({"bn", "bt", "bu", "bv", "bver", "n", "t", "u", "v"})
_OTHER_VALUES = ("vs", "vb", "vd")
_VERSION: Final = 10  # of RFC 8428; a pack without `bver` is of this one
_ABSOLUTE: Final = 2**28  # RFC 8428 section 4.5.3: smaller times are relative to now
_AS_ID = str.maketrans(":/", "..")


class SenmlDecoder:
    """Packs of SenML records."""

    def decode(self, payloads: Sequence[bytes], limits: Limits) -> Columns:
        """Readings and problems of these messages."""
        parts = [_read(payload, limits).columns() for payload in payloads]
        return join(parts, [np.array([place]) for place in range(len(parts))], len(payloads))


@dataclass(slots=True)
class _Base:
    """What earlier records of a pack say for all that follow."""

    name: str = ""
    time: float = 0
    value: float = 0
    unit: str | None = None

    def follow(self, record: dict[str, Any]) -> None:
        """Take over the base fields of one more record."""
        if record.get("bver", _VERSION) not in range(1, _VERSION + 1):
            raise PayloadError(Reason.TYPE, f"bver: expected at most {_VERSION}, got {record['bver']!r:.40}")
        self.name = _of(record, "bn", str, self.name)
        self.time = _of(record, "bt", (int, float), self.time)
        self.value = _of(record, "bv", (int, float), self.value)
        self.unit = _of(record, "bu", str, self.unit)


def _read(payload: bytes, limits: Limits) -> Exact:
    found = Exact()
    try:
        pack = exact.parse(payload, limits)
        if isinstance(pack, dict):
            return exact.read(payload, limits)
        _read_pack(pack, limits, found)
    except PayloadError as exc:
        found.refuse(exc)
    return found


def _read_pack(pack: object, limits: Limits, found: Exact) -> None:
    if not isinstance(pack, list):
        raise PayloadError(Reason.TYPE, f"expected a SenML pack, a list of records, got {type(pack).__name__}")
    exact.refuse_too_many(len(pack), limits)
    base = _Base()
    for record in pack:
        if not isinstance(record, dict):
            raise PayloadError(Reason.TYPE, f"SenML record: expected an object, got {type(record).__name__}")
        exact.refuse_doubled(record)
        _refuse_unknown_duty(record)
        base.follow(record)
        if record.keys() - _BASE:
            _read_record(record, base, found)


def _read_record(record: dict[str, Any], base: _Base, found: Exact) -> None:
    resolved = _resolved(record, base)
    try:
        found.rows.append(_reading(resolved))
        found.unknown_fields += len(record.keys() - _READ)
    except PayloadError as exc:
        found.park(exc, resolved["n"], [resolved])


def _resolved(record: dict[str, Any], base: _Base) -> dict[str, Any]:
    """The record as it stands by itself (RFC 8428 section 4.6), what is of a wrong type left as it is."""
    fields = {name: value for name, value in record.items() if name not in _BASE}
    name, time, value = fields.get("n", ""), fields.get("t", 0), fields.get("v")
    fields["n"] = base.name + name if isinstance(name, str) else name
    fields["t"] = base.time + time if _is_number(time) else time
    if _is_number(value):
        fields["v"] = base.value + value
    if base.unit is not None:
        fields.setdefault("u", base.unit)
    return fields


def _reading(fields: dict[str, Any]) -> tuple[str, int, float, str | None]:
    if "v" not in fields:
        came = next((name for name in (*_OTHER_VALUES, "s") if name in fields), "none")
        raise PayloadError(Reason.TYPE, f"value: expected the number `v`, got {came}")
    unit = _of(fields, "u", str, None)
    name = fields["n"].translate(_AS_ID) if isinstance(fields["n"], str) else fields["n"]
    return exact.meter_name(name), _instant(fields["t"]), exact.finite(fields["v"]), unit


def _instant(time: object) -> int:
    if isinstance(time, str):  # our own form may be RFC 3339, SenML is always a number
        raise PayloadError(Reason.TYPE, "t: expected seconds since 1970, got text")
    seconds = epoch(time)
    if abs(seconds) < _ABSOLUTE:
        raise PayloadError(Reason.BAD_TIME, f"t {seconds}: expected seconds since 1970, got a time relative to now")
    return seconds


def _refuse_unknown_duty(record: dict[str, Any]) -> None:
    """RFC 8428 section 4.4: a field whose name ends in `_` changes what a pack means; who knows it not, refuses."""
    duty = next((name for name in record if name.endswith("_")), None)
    if duty is not None:
        raise PayloadError(Reason.TYPE, f"field {duty[:64]!a} must be understood, and is not known here")


def _of(fields: dict[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    value = fields.get(name, default)
    if value is default:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = "text" if kind is str else "a number"
        raise PayloadError(Reason.TYPE, f"{name}: expected {wanted}, got {type(value).__name__}")
    return value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
