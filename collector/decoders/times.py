"""Instants as gateways write them: seconds since 1970, or RFC 3339 with an offset."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import numpy as np

from energy.errors import PayloadError
from energy.model import Reason
from energy.series import IntArray

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?!24)\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # fromisoformat alone is too kind: it takes compact forms, weeks, hour 24 and offsets like +08
LAST_SECOND: Final = 253_402_300_799
"""The year 9999: a greater number counts milliseconds or finer (as milliseconds 1978: nothing recent is in doubt)."""
_LONGEST = 40
_FAR = 9.0e18  # any number beyond is cut here: as far as int64 goes, nanoseconds of this century among it
_cache: dict[float | str, int] = {}  # texts only; numbers are asked for together with them
_CACHE_SIZE = 65_536


def epoch(time: object) -> int:
    """UTC epoch seconds of one instant as sent; PayloadError says what is wrong with it."""
    if isinstance(time, str):
        known = _cache.get(time)
        return known if known is not None else _remember(time)
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise PayloadError(Reason.TYPE, f"time: expected seconds since 1970 or RFC 3339, got {_kind(time)}")
    if not math.isfinite(time):
        raise PayloadError(Reason.BAD_TIME, f"time {time} is not an instant")
    return math.floor(max(-_FAR, min(time, _FAR)))


def epochs(times: Sequence[int | float | str]) -> tuple[IntArray, list[tuple[int, PayloadError]]]:
    """UTC epoch seconds of many instants, and the places (with what is wrong) of those that are none."""
    kinds = set(map(type, times))
    if kinds == {int}:
        with suppress(OverflowError):
            return np.fromiter(times, np.int64, len(times)), []
    if str not in kinds:
        seconds = np.floor(np.clip(np.fromiter(times, np.float64, len(times)), -_FAR, _FAR))
        return seconds.astype(np.int64), []
    result = np.zeros(len(times), np.int64)
    bad: list[tuple[int, PayloadError]] = []
    known = list(map(_cache.get, times))
    if None not in known:
        return np.fromiter(known, np.int64, len(known)), []
    for place, time in enumerate(times):
        try:
            result[place] = epoch(time)
        except PayloadError as exc:
            bad.append((place, exc))
    return result, bad


def _remember(text: str) -> int:
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    instant = _cache[text] = _parse(text)
    return instant


def _parse(text: str) -> int:
    if len(text) > _LONGEST or _RFC3339.fullmatch(text) is None:
        if len(text) >= 9 and text.isascii() and text.strip().isdigit():
            raise PayloadError(Reason.TYPE, f"time: expected a number of seconds, got them as text {text[:40]!r}")
        raise PayloadError(
            Reason.BAD_TIME, f"time {text[:60]!r}: expected RFC 3339 with an offset, as 2026-01-01T00:15:00+08:00"
        )
    try:
        moment = datetime.fromisoformat(text.upper())
        return math.floor((moment - _EPOCH).total_seconds())
    except (ValueError, OverflowError) as exc:
        raise PayloadError(Reason.BAD_TIME, f"time {text!r}: {exc}") from exc


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _kind(value: object) -> str:
    return "null" if value is None else {bool: "true or false", list: "a list", dict: "an object"}[type(value)]
