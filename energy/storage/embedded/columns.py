"""Columns of numbers and texts as one small blob, and back, to the last bit.

Whole numbers are kept as differences less the smallest difference, in as few bytes as the widest needs, all first
bytes together, then all second bytes (byte shuffle); a column of equal steps costs nothing. Floats that are decimal
fractions of up to six places, as meters and prices are, become whole numbers first; others keep their eight bytes.
Unknown values are left out and marked by one bit a row, and a column without any known value is not kept at all.
The whole is compressed with zstd, whose checksum finds a damaged blob.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from energy.errors import StorageForbidden
from energy.series import ByteArray, FloatArray, IntArray

AnyArray = npt.NDArray[Any]

_MOST_PLACES: Final = 6
_EXACT: Final = float(2**53)
_FLOAT, _INTS, _FIXED, _TEXT = range(4)


class _Column(msgspec.Struct, array_like=True):
    name: str
    kind: int
    known: int  # rows that have a value
    width: int = 0  # bytes kept of each difference
    first: int = 0
    least: int = 0  # smallest difference
    places: int = 0  # decimal places of a fixed-point column
    texts: list[str] = []  # msgspec copies the default for each struct


class _Head(msgspec.Struct, array_like=True):
    rows: int
    columns: list[_Column]


_heads = msgspec.msgpack.Decoder(_Head)
_local = threading.local()


def pack(columns: Mapping[str, AnyArray], *, level: int = 3) -> bytes:
    """One blob of columns of equal length: int64 or uint8, float64 (NaN = unknown), object (str or None = unknown)."""
    head = _Head(len(next(iter(columns.values()))), [])
    parts: list[bytes] = []
    for name, array in columns.items():
        if array.dtype == np.object_:
            column, body = _pack_texts(name, array)
        elif array.dtype == np.float64:
            column, body = _pack_floats(name, array)
        else:
            column, body = _pack_ints(name, array.astype(np.int64, copy=False))
        if column.known:
            head.columns.append(column)
            parts.extend(body)
    encoded = msgspec.msgpack.encode(head)
    return _compressor(level).compress(b"".join([len(encoded).to_bytes(4, "little"), encoded, *parts]))


def unpack(blob: bytes, only: Collection[str] | None = None) -> tuple[int, dict[str, AnyArray]]:
    """Number of rows and the columns kept (those of `only`); a column without any known value is absent."""
    try:
        body = _decompressor().decompress(blob)
        start = 4 + int.from_bytes(body[:4], "little")
        head = _heads.decode(body[4:start])
    except (zstandard.ZstdError, msgspec.DecodeError) as exc:
        raise StorageForbidden(f"the store holds a damaged block ({exc}): restore it from a backup") from exc
    found: dict[str, AnyArray] = {}
    for column in head.columns:
        size = _size(column, head.rows)
        if only is None or column.name in only:
            found[column.name] = _unpack_column(column, head.rows, np.frombuffer(body, np.uint8, size, start))
        start += size
    return head.rows, found


def _pack_ints(name: str, values: IntArray) -> tuple[_Column, list[bytes]]:
    column = _Column(name, _INTS, len(values))
    if not len(values):
        return column, []
    column.first = int(values[0])
    if len(values) == 1:
        return column, []
    steps = np.diff(values)
    column.least = int(steps.min())
    column.width = ((int(steps.max()) - column.least).bit_length() + 7) // 8
    return column, [_shuffle(steps - column.least, column.width)]


def _pack_floats(name: str, values: FloatArray) -> tuple[_Column, list[bytes]]:
    is_known = ~np.isnan(values)
    n_known = int(np.count_nonzero(is_known))
    partly = 0 < n_known < len(values)
    known = values[is_known] if partly else values
    bits = [np.packbits(is_known).tobytes()] if partly else []
    if not n_known:
        return _Column(name, _FLOAT, 0), []
    places = _places(known)
    if places is None:
        return _Column(name, _FLOAT, n_known), [*bits, _shuffle(np.ascontiguousarray(known).view(np.int64), 8)]
    column, body = _pack_ints(name, np.rint(known * 10.0**places).astype(np.int64))
    column.kind, column.places = _FIXED, places
    return column, [*bits, *body]


def _pack_texts(name: str, values: AnyArray) -> tuple[_Column, list[bytes]]:
    is_known = np.array([value is not None for value in values], np.bool_)
    texts = [str(value) for value in values[is_known]]
    bits = [np.packbits(is_known).tobytes()] if 0 < len(texts) < len(values) else []
    return _Column(name, _TEXT, len(texts), texts=texts), bits


def _places(values: FloatArray) -> int | None:
    """Fewest decimal places that give every value back exactly, or None."""
    if _holds_negative_zero(values):
        return None
    few = values[:: max(1, len(values) // 16)]
    if not _is_fixed(few, _MOST_PLACES):
        return None
    for places in range(_MOST_PLACES + 1):
        if _is_fixed(few, places) and _is_fixed(values, places):
            return places
    return None


def _holds_negative_zero(values: FloatArray) -> bool:
    """The sign of zero is part of the value: -0.0 would come back as 0.0."""
    zero = values == 0
    return bool(zero.any()) and bool(np.signbit(values[zero]).any())


def _is_fixed(values: FloatArray, places: int) -> bool:
    scale = 10.0**places
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(values * scale)
    return bool((whole / scale == values).all()) and bool((np.abs(whole) < _EXACT).all())


def _shuffle(values: IntArray, width: int) -> bytes:
    as_bytes = values.astype("<i8", copy=False).view(np.uint8).reshape(-1, 8)
    return as_bytes[:, :width].T.tobytes()


def _unshuffle(body: ByteArray, width: int, count: int) -> IntArray:
    whole = np.zeros((count, 8), np.uint8)
    whole[:, :width] = body.reshape(width, count).T
    return whole.view("<i8").reshape(count).astype(np.int64, copy=False)


def _mask_size(column: _Column, rows: int) -> int:
    return (rows + 7) // 8 if column.known < rows else 0


def _size(column: _Column, rows: int) -> int:
    """Bytes a column takes behind the head."""
    size = _mask_size(column, rows)
    if column.kind == _FLOAT:
        return size + 8 * column.known
    return size + column.width * (column.known - 1) if column.kind in (_INTS, _FIXED) else size


def _unpack_column(column: _Column, rows: int, body: ByteArray) -> AnyArray:
    mask = _mask_size(column, rows)
    known = _unpack_known(column, body[mask:])
    if not mask:
        return known
    texts = column.kind == _TEXT
    whole: AnyArray = np.full(rows, None, np.object_) if texts else np.full(rows, np.nan)
    whole[np.unpackbits(body[:mask], count=rows).view(np.bool_)] = known
    return whole


def _unpack_known(column: _Column, body: ByteArray) -> AnyArray:
    if column.kind == _TEXT:
        return np.array(column.texts, np.object_)
    if column.kind == _FLOAT:
        return _unshuffle(body, 8, column.known).view(np.float64)
    whole = _unpack_ints(column, body)
    return whole if column.kind == _INTS else whole / 10.0**column.places


def _unpack_ints(column: _Column, body: ByteArray) -> IntArray:
    if not column.width:
        return column.first + column.least * np.arange(column.known, dtype=np.int64)
    values = np.empty(column.known, np.int64)
    values[0] = column.first
    np.add(_unshuffle(body, column.width, column.known - 1), column.least, out=values[1:])
    return np.cumsum(values, out=values)


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """One a thread: they are costly to make and not safe to share."""
    made: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if level not in made:
        made[level] = zstandard.ZstdCompressor(level=level, write_checksum=True)
    return made[level]


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    made: zstandard.ZstdDecompressor = _local.decompressor
    return made
