"""What the platform would do with a message: the collector's own judgement, without keeping anything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from collector.checks import Clock
from collector.decoders import Limits
from collector.judge import Judge
from collector.lookup import Lookup
from collector.recent import Recent
from collector.source import Delivery
from energy.registry import Snapshot
from energy.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that would be parked."""

    reason: str
    meter: str
    count: int
    detail: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """The verdict on one message, counted in readings."""

    accepted: int
    duplicate: int
    parked: tuple[Finding, ...]
    unknown_fields: int

    @property
    def is_clean(self) -> bool:
        """True when nothing would be parked."""
        return not self.parked


class _NoAnswer:
    """Nobody waits for an acknowledgement."""

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Nothing to do."""


def examine(topic: str, payload: bytes, snapshot: Snapshot, settings: IngestSettings) -> DryRun:
    """Judge one message against a registry, as if no reading had come before it."""
    numbers = {name: number for number, name in enumerate(snapshot.meters)}
    recent = Recent(settings.recent_per_meter)
    recent.grow(len(numbers))
    for number in numbers.values():
        recent.learn(number, None)
    judge = Judge(
        Lookup.of(snapshot, numbers), recent, Limits(settings.max_message_bytes, settings.max_message_readings)
    )
    past = int(settings.clock_past.timestamp())
    clock = Clock(int(time.time()), past, settings.clock_future_s, settings.too_late_s)
    judged = judge.judge([Delivery(topic.encode(), payload, 0, _NoAnswer())], clock)
    counts = judged.group.counts
    return DryRun(
        accepted=len(judged.fresh) if judged.fresh is not None else 0,
        duplicate=counts["duplicate"],
        parked=tuple(Finding(p.reason.value, p.meter, p.count, p.detail) for p in judged.group.parked),
        unknown_fields=counts["unknown_fields"],
    )
