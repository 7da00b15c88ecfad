"""The kill harness itself, with few kills (2,000 and more by `python benchmarks/kill.py`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "benchmarks" / "kill.py"


def harness(*arguments: str) -> list[str]:
    """Run it; the cells of its last line."""
    done = subprocess.run(
        [sys.executable, HARNESS, *arguments], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].split()


@pytest.mark.slow
def test_sixty_kills_lose_double_and_change_nothing() -> None:
    total = harness("--kills", "60", "--per-run", "30", "--seed", "7")
    assert total[1] == "60"
    assert int(total[2]) > 1000  # acknowledged readings: the load was real
    assert total[3:7] == ["0", "0", "0", "0"]


@pytest.mark.slow
def test_a_collector_asked_to_end_under_load_ends_well_and_loses_nothing() -> None:
    total = harness("--stop", "--kills", "12", "--per-run", "6", "--seed", "7")
    assert total[1] == "12"
    assert int(total[2]) > 1000
    assert total[3:7] == ["0", "0", "0", "0"]
