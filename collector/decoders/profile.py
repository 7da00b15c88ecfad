"""A gateway's profile: its payload format, and what its devices do that others do not.

Words with blanks between them, the format first: `jieneng`, `senml`, `senml fine-times sentinel=65535,4294967295`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from collector.decoders.base import Columns, Decoder, Limits, Problem
from collector.decoders.jieneng import JienengDecoder
from collector.decoders.senml import SenmlDecoder
from collector.decoders.times import LAST_SECOND
from energy.errors import SettingsError
from energy.model import Reason
from energy.series import BoolArray, IntArray

DEFAULT_PROFILE: Final = "jieneng"
DECODERS: Final[Mapping[str, Decoder]] = MappingProxyType({DEFAULT_PROFILE: JienengDecoder(), "senml": SenmlDecoder()})
_FINE_TIMES: Final = "fine-times"
_SENTINEL: Final = "sentinel="
_FINEST: Final = 3  # thousandths of thousandths of thousandths: nanoseconds


@dataclass(frozen=True, slots=True)
class Peculiar:
    """A decoder for devices that send finer times than seconds, or numbers that mean "no value"."""

    decoder: Decoder
    sentinels: tuple[float, ...] = ()
    has_fine_times: bool = False

    def decode(self, payloads: Sequence[bytes], limits: Limits) -> Columns:
        """Readings and problems of these messages."""
        columns = self.decoder.decode(payloads, limits)
        if self.has_fine_times:
            columns = replace(columns, time=_seconds(columns.time))
        means_none = np.isin(columns.value, self.sentinels)
        return _without(columns, means_none) if means_none.any() else columns


def decoder_of(profile: str) -> Decoder:
    """The decoder of a profile; SettingsError says what was expected and what came."""
    name, *peculiarities = profile.split() or [DEFAULT_PROFILE]
    if name not in DECODERS:
        raise SettingsError(f"profile {profile!r}: expected a format first ({', '.join(DECODERS)}), got {name!r}")
    decoder = Peculiar(DECODERS[name])
    for word in peculiarities:
        decoder = _with(decoder, word, profile)
    return decoder if peculiarities else decoder.decoder


def _with(decoder: Peculiar, word: str, profile: str) -> Peculiar:
    if word == _FINE_TIMES:
        return replace(decoder, has_fine_times=True)
    try:
        if not word.startswith(_SENTINEL):
            raise ValueError
        values = tuple(float(text) for text in word.removeprefix(_SENTINEL).split(","))
    except ValueError:
        raise SettingsError(
            f"profile {profile!r}: expected {_FINE_TIMES} or {_SENTINEL}NUMBER,NUMBER after the format, got {word!r}"
        ) from None
    return replace(decoder, sentinels=decoder.sentinels + values)


def _seconds(time: IntArray) -> IntArray:
    """Seconds of instants that may be milliseconds, microseconds or nanoseconds, told apart by their size."""
    for _ in range(_FINEST):
        time = np.where(time > LAST_SECOND, time // 1000, time)
    return time


def _without(columns: Columns, means_none: BoolArray) -> Columns:
    """The same columns without these rows, which become problems."""
    run, keep = columns.row_run, ~means_none
    return replace(
        columns,
        length=np.bincount(run[keep], minlength=len(columns.local)),
        time=columns.time[keep],
        value=columns.value[keep],
        problems=[*columns.problems, *_problems(columns, run, means_none)],
    )


def _problems(columns: Columns, run: IntArray, means_none: BoolArray) -> Iterator[Problem]:
    """One problem a run, its body in our own list form, which every decoder reads."""
    for number in np.unique(run[means_none]).tolist():
        local, rows = columns.local[number], np.flatnonzero(means_none & (run == number)).tolist()
        unit = {"unit": columns.unit[number]} if columns.unit and columns.unit[number] else {}
        readings = [
            {"meter": local, "time": int(columns.time[row]), "value": float(columns.value[row]), **unit} for row in rows
        ]
        detail = f'{local[:64]}: {columns.value[rows[0]]:.17g} means "no value" by the gateway\'s profile'
        body = msgspec.json.encode({"readings": readings})
        yield Problem(int(columns.message[number]), Reason.SENTINEL, detail, local[:64], len(rows), body)
