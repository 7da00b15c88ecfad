"""Promises P-13 and P-14: the figures follow from the set of readings, whatever order they came in and how often."""

from __future__ import annotations

import os

import numpy as np
import pytest

from energy.registry import FittedModel
from tests.analytics.jobs.conftest import HOUR, Works, instant, meter
from tests.analytics.jobs.everything import everything

CASES = int(os.environ.get("INVARIANCE_CASES", "200"))
"""Registers compared in one run; INVARIANCE_CASES=10000 for the long one."""
_AT_ONCE = 20
_DAYS = 6


def faulty_register(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hourly readings of six days with roll-over, glitches, an exchange, standstills and gaps of any length."""
    n = 24 * _DAYS + 1
    energy = rng.integers(0, 12, n).astype(float)
    for _ in range(rng.integers(0, 3)):
        at = rng.integers(0, n)
        energy[at : at + rng.integers(2, 20)] = 0.0
    value = (rng.integers(0, 1000) + np.cumsum(energy)) % 1000.0
    if rng.random() < 0.3:
        at = rng.integers(1, n)
        value[at:] = (value[at:] + rng.integers(100, 900)) % 1000.0
    wrong = rng.random(n) < rng.choice([0.0, 0.02, 0.2])
    value[wrong] = rng.integers(0, 1000, int(wrong.sum()))
    keep = rng.random(n) > rng.choice([0.0, 0.1, 0.6])
    for _ in range(rng.integers(0, 3)):
        at = rng.integers(0, n)
        keep[at : at + rng.integers(2, 40)] = False
    keep[rng.integers(0, n)] = True
    time = instant("2026-01-29T00:00:00") + HOUR * np.arange(n) + rng.choice([0, 0, 0, 600])
    return time[keep], value[keep]


def profiles(works: Works, names: list[str]) -> None:
    payload = {"per_hour": 11.0, "stuck_s": 6.0 * HOUR, "n_increments": 100}
    for name in names:
        works.registry.save_models([FittedModel.of(name, "register_profile", start=0, end=1, payload=payload)])


@pytest.mark.parametrize("seed", range(-(-CASES // _AT_ONCE)))
def test_order_and_repetition_of_readings_change_no_figure(works: Works, tmp_path_factory, seed: int) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    names = [f"m{i}" for i in range(_AT_ONCE)]
    rows = [meter(name, digits=3, building="b1" if i % 3 else None) for i, name in enumerate(names)]
    works.estate(*rows)
    straight = Works.open(tmp_path_factory.mktemp("straight"))
    straight.estate(*rows)
    for one in (works, straight):
        profiles(one, names)
    pieces = []
    for name in names:
        time, value = faulty_register(rng)
        straight.read(name, time.tolist(), value.tolist())
        order = rng.permutation(len(time))
        for part in np.array_split(order, min(len(order), rng.integers(1, 5))):
            pieces.append((name, time[part], value[part]))
            if rng.random() < 0.3:
                pieces.append((name, time[part], value[part]))
    straight.run()
    for start in range(0, len(pieces), 17):
        for place in rng.permutation(np.arange(start, min(start + 17, len(pieces)))):
            name, time, value = pieces[place]
            works.read(name, time.tolist(), value.tolist())
        works.run()
    expected, came = everything(straight), everything(works)
    # Findings have a history: withdrawn ones stay, and one keeps the id and state it was raised with.
    del expected["finding"], came["finding"]
    assert len(expected["interval"]) > 100 * _AT_ONCE
    assert came == expected
    assert standing(works) == standing(straight)
    straight.close()


def standing(works: Works) -> list[tuple[object, ...]]:
    """What is found now, by its content."""
    rows = [row for row in works.registry.findings.rows() if row.state != "withdrawn"]
    return sorted((row.meter, row.kind, row.start, row.end, row.excess, row.text_zh) for row in rows)
