"""The recorded register faults (20 registers, 8 kinds of fault), where the data set is at hand."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analytics.registers import (
    GAP_FACTOR,
    RegisterBank,
    RegisterLimits,
    Verdict,
    fit_register_profile,
    judge,
)

_ROOT = Path(__file__).resolve().parents[3] / "shared" / "data" / "anomaly"
DATA = Path(os.environ.get("REGISTER_FAULTS", _ROOT))
KIND = {
    "glitch_low": Verdict.GLITCH,
    "glitch_high": Verdict.GLITCH,
    "digit_swap": Verdict.GLITCH,
    "meter_exchange": Verdict.EXCHANGE,
    "rollover": Verdict.ROLLOVER,
    "stuck": Verdict.STUCK,
    "gap": Verdict.GAP,
    "duplicate": Verdict.DUPLICATE,
}


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _runs(flagged: np.ndarray) -> list[tuple[int, int]]:
    padded = np.diff(np.r_[0, flagged.astype(int), 0])
    return list(zip(np.flatnonzero(padded == 1), np.flatnonzero(padded == -1) - 1, strict=True))


@pytest.mark.skipif(not (DATA / "register_events.csv").exists(), reason="the data set of register faults is not here")
def test_every_recorded_register_fault_is_found_and_named() -> None:
    readings = defaultdict(list)
    with gzip.open(DATA / "register_readings.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            readings[row["building"]].append(
                (_seconds(row["datetime_utc"]), float(row["register_kwh"]), int(row["digits"]))
            )
    events = defaultdict(list)
    with (DATA / "register_events.csv").open() as file:
        for row in csv.DictReader(file):
            events[row["building"]].append((row["kind"], _seconds(row["first"]), _seconds(row["last"])))
    names = list(readings)
    rows = [np.array(readings[name]) for name in names]
    bank = RegisterBank(
        np.r_[0, np.cumsum([len(r) for r in rows])],
        np.concatenate([r[:, 0] for r in rows]).astype(np.int64),
        np.concatenate([r[:, 1] for r in rows]),
    )
    profiles = [fit_register_profile(r[:, 0].astype(np.int64), r[:, 1], gap_s=5400) for r in rows]
    assert all(profiles)
    limits = RegisterLimits(
        np.array([10.0 ** r[0, 2] for r in rows]),
        np.array([p.per_hour for p in profiles if p]),
        np.full(len(rows), 3600 * GAP_FACTOR),
        np.array([p.stuck_s for p in profiles if p]),
    )
    verdict = judge(bank, limits).verdict
    found, named, total, touching, flagged_runs = Counter(), Counter(), Counter(), 0, 0
    for m, name in enumerate(names):
        own = slice(int(bank.offset[m]), int(bank.offset[m + 1]))
        time, marks = bank.time[own], verdict[own]
        runs = _runs((marks != Verdict.ACCEPTED) & (marks != Verdict.FIRST))
        flagged_runs += len(runs)
        touched = set()
        for kind, first, last in events[name]:
            # within two readings of the event
            a = max(int(np.searchsorted(time, first)) - 2, 0)
            b = int(np.searchsorted(time, last, side="right")) + 1
            near = [(x, y) for x, y in runs if x <= b and y >= a]
            touched.update(near)
            total[kind] += 1
            found[kind] += bool(near)
            named[kind] += any(Counter(marks[x : y + 1].tolist()).most_common(1)[0][0] == KIND[kind] for x, y in near)
        touching += len(touched)
    assert found == total, f"missed: {total - found}"
    assert touching / flagged_runs >= 0.99, f"{flagged_runs - touching} false alarms of {flagged_runs}"
    assert named.total() / total.total() >= 0.98, f"misnamed: {total - named}"
