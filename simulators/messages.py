"""What gateways send: topic and payload in the list and the column form, with the counts a collector must reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np

from energy.series import FloatArray, IntArray

MAX_READINGS: Final = 10_000
LIST_READINGS: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """One publish of a gateway, with what becomes of its readings: the rest of `readings` is stored."""

    gateway: str
    topic: str
    payload: bytes
    readings: int
    duplicates: int = 0
    parked: Mapping[str, int] = field(default_factory=dict)

    def again(self) -> Message:
        """The same bytes once more, as after a lost acknowledgement."""
        return replace(self, duplicates=self.readings)


@dataclass(slots=True)
class Tally:
    """What a collector must have counted when every message has been taken: sent = stored + duplicate + parked."""

    messages: int = 0
    sent: int = 0
    duplicate: int = 0
    parked: Counter[str] = field(default_factory=Counter)

    @property
    def stored(self) -> int:
        """Readings that must be in the store."""
        return self.sent - self.duplicate - self.parked.total()

    def add(self, message: Message) -> None:
        """Count one message."""
        self.messages += 1
        self.sent += message.readings
        self.duplicate += message.duplicates
        self.parked.update(message.parked)

    def counting(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages unchanged, each counted as it passes."""
        for message in messages:
            self.add(message)
            yield message


@dataclass(slots=True)
class Sender:
    """A gateway's address and its running sequence number."""

    gateway: str
    topic: str
    seq: int = 0

    def columns(self, times: IntArray, names: Sequence[str], values: FloatArray) -> Iterator[Message]:
        """Column form, at most 10,000 readings a message; NaN becomes null, instants without any reading are left out.

        `values` has shape (n_names, n_times).
        """
        known = ~np.isnan(values)
        useful = known.any(axis=0)
        times, values, known = times[useful], values[:, useful], known[:, useful]
        rows = max(1, MAX_READINGS // max(len(names), 1))
        for begin in range(0, len(times), rows):
            part = slice(begin, begin + rows)
            body = {
                "seq": self._next(),
                "times": times[part].tolist(),
                "values": {name: values[i, part].tolist() for i, name in enumerate(names)},
            }
            yield Message(self.gateway, self.topic, msgspec.json.encode(body), int(known[:, part].sum()))

    def listed(
        self, times: IntArray, names: Sequence[str], units: Sequence[str], values: FloatArray, offset_s: int
    ) -> Iterator[Message]:
        """List form with RFC 3339 times of the gateway's own clock, in order of time; NaN is not sent."""
        moment, meter = np.nonzero(~np.isnan(values.T))
        texts = rfc3339(times, offset_s)
        readings = [
            {"meter": names[m], "time": texts[t], "value": float(values[m, t]), "unit": units[m]}
            for t, m in zip(moment.tolist(), meter.tolist(), strict=True)
        ]
        for begin in range(0, len(readings), LIST_READINGS):
            part = readings[begin : begin + LIST_READINGS]
            payload = msgspec.json.encode({"seq": self._next(), "readings": part})
            yield Message(self.gateway, self.topic, payload, len(part))

    def bad(self, body: bytes, reason: str) -> Message:
        """A message of exactly one reading that must end parked; `%d` in the body is the sequence number."""
        return Message(self.gateway, self.topic, body.replace(b"%d", str(self._next()).encode()), 1, 0, {reason: 1})

    def _next(self) -> int:
        self.seq += 1
        return self.seq


def rfc3339(times: IntArray, offset_s: int) -> list[str]:
    """Instants as local wall-clock texts with their offset."""
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    zone = f"{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"
    local = np.datetime_as_string((times + offset_s).astype("M8[s]"), unit="s")
    return [f"{text}{zone}" for text in local.tolist()]
