"""The recorded register faults (20 registers, 8 kinds of fault), where the data set is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.vee import read_registers, score

DATA = Path(os.environ.get("REGISTER_FAULTS", Path(__file__).resolve().parents[3] / "shared" / "data"))


@pytest.mark.skipif(
    not (DATA / "anomaly" / "register_events.csv").exists(), reason="the data set of register faults is not here"
)
def test_every_recorded_register_fault_is_found_and_named() -> None:
    found = score(read_registers(DATA))
    assert found.found == found.total, f"missed: {found.total - found.found}"
    assert found.touching / found.runs >= 0.99, f"{found.runs - found.touching} false alarms of {found.runs}"
    assert found.named.total() / found.total.total() >= 0.98, f"misnamed: {found.total - found.named}"
