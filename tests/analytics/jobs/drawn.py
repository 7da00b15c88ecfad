"""What happens to registers and what people state of them, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar

import numpy as np

from energy.intervals import DAY, HOUR, LocalCalendar
from energy.registry import Registry
from energy.registry.decisions import Correction

ZONES = {
    "Asia/Shanghai": date(2025, 1, 29),
    "Asia/Urumqi": date(2025, 6, 28),
    "Asia/Kolkata": date(2025, 1, 29),
    "Europe/London": date(2025, 3, 28),  # the clock goes forward on the 30th
    "America/New_York": date(2025, 10, 29),  # and back on 2 November
    "Australia/Lord_Howe": date(2025, 9, 30),  # and half an hour forward on 5 October
}
"""Clocks of institutions, with a first day: six days from it on hold the end of a month and the change of the clock."""
N_DAYS = 6

T = TypeVar("T")
Row = dict[str, object]
Step = Callable[[Registry], object]
"""Something a person or a gateway does."""


@dataclass(frozen=True)
class Statement:
    """What a person does about a register, step after step, and what would have done the same at once."""

    steps: Sequence[Step]
    meant: Sequence[Step]


def faulty_register(rng: np.random.Generator, begin: int) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Hourly readings of six days with roll-over, glitches, standstills and gaps of any length; when it was exchanged.

    A register of three digits. The instant of the exchange lies at or after the last reading of the old device.
    """
    n = 24 * N_DAYS + 1
    energy = rng.integers(0, 12, n).astype(float)
    for _ in range(rng.integers(0, 3)):
        at = rng.integers(0, n)
        energy[at : at + rng.integers(2, 20)] = 0.0
    value = (rng.integers(0, 1000) + np.cumsum(energy)) % 1000.0
    time = begin + HOUR * np.arange(n) + rng.choice([0, 0, 0, 600])
    exchange = None
    if rng.random() < 0.3:
        at = rng.integers(1, n)
        value[at:] = (value[at:] + rng.integers(100, 900)) % 1000.0
        exchange = int(time[at - 1] + rng.choice([0, 1800, HOUR]))
    wrong = rng.random(n) < rng.choice([0.0, 0.02, 0.2])
    value[wrong] = rng.integers(0, 1000, int(wrong.sum()))
    keep = rng.random(n) > rng.choice([0.0, 0.1, 0.6])
    for _ in range(rng.integers(0, 3)):
        at = rng.integers(0, n)
        keep[at : at + rng.integers(2, 40)] = False
    keep[rng.integers(0, n)] = True
    return time[keep], value[keep], exchange


def statements(rng: np.random.Generator, row: Row, time: np.ndarray, exchange: int | None) -> Iterator[Statement]:
    """What people state about one register.

    Exchanges are stated where there was one and where there was none, corrections of every kind, another ratio;
    each of them at once, or first in another way, or taken back in the end.
    """
    name = str(row["id"])
    if rng.random() < (0.8 if exchange else 0.1):
        at = exchange or int(rng.integers(time[0] - HOUR, time[-1] + HOUR))
        yield _versions(rng, [_swap(rng, name, at) for _ in range(2)], _state_swap, _remove_swap)
    for number in range(rng.integers(0, 3)):
        first = _correction(rng, name, time, number)
        other = replace(first, end=first.end + int(rng.integers(1, 2 * DAY)), reason="初稿")
        yield _versions(rng, [other, first], _put, _withdraw)
    if rng.random() < 0.3:
        ratios = rng.choice([1, 20, 30], 2, replace=False).tolist()
        steps = [_meter(row | {"ct_ratio": ratio}) for ratio in ratios]
        yield Statement(steps, steps[-1:])


def interleaved(rng: np.random.Generator, chains: Sequence[Sequence[Step]]) -> list[Step]:
    """All steps in any order that keeps the order within each list."""
    left = [iter(chain) for chain in chains]
    turns = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    return [next(left[place]) for place in rng.permutation(turns)]


def _versions(
    rng: np.random.Generator, versions: Sequence[T], state: Callable[[T], Step], undo: Callable[[T], Step]
) -> Statement:
    final = state(versions[-1])
    drawn = rng.random()
    if drawn < 0.4:
        return Statement([final], [final])
    if drawn < 0.7:
        return Statement([state(version) for version in versions], [final])
    return Statement([final, undo(versions[-1])], [])


def _swap(rng: np.random.Generator, name: str, at: int) -> Row:
    return {
        "meter": name,
        "time": datetime.fromtimestamp(at, UTC).isoformat(),
        "old_end": None if rng.random() < 0.3 else float(rng.integers(0, 1000)),
        "new_start": float(rng.integers(0, 1000)),
        "old_ratio": float(rng.choice([1.0, 20.0])),
        "new_ratio": float(rng.choice([1.0, 40.0])),
    }


def _correction(rng: np.random.Generator, name: str, time: np.ndarray, number: int) -> Correction:
    kind = str(rng.choice(["discard", "reading", "amount"]))
    start = int(rng.choice(time)) if rng.random() < 0.5 else int(rng.integers(time[0] - DAY, time[-1] + DAY))
    length = 1 if kind == "reading" else int(rng.choice([1, 900, HOUR, 5 * HOUR, DAY, 3 * DAY]))
    value = None if kind == "discard" else float(rng.integers(0, 1000))
    return Correction(name, start, start + length, kind, "li", 1_760_000_000 + number, "现场核对", value)


def _state_swap(row: Row) -> Step:
    return lambda registry: registry.import_sheets({"swaps": [row]})


def _remove_swap(row: Row) -> Step:
    return lambda registry: registry.remove_rows("swaps", [{"meter": row["meter"], "time": row["time"]}])


def _put(correction: Correction) -> Step:
    return lambda registry: registry.corrections.put([correction])


def _withdraw(correction: Correction) -> Step:
    return _put(replace(correction, state="withdrawn"))


def _meter(row: Row) -> Step:
    return lambda registry: registry.import_sheets({"meters": [row]})


def begin_of(zone: str) -> int:
    """The instant at which the drawn readings of a zone begin."""
    return LocalCalendar(zone).start_of(ZONES[zone])
