"""The kill harness itself, with few kills (2,000 and more by `python benchmarks/kill.py`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "benchmarks" / "kill.py"


@pytest.mark.slow
def test_sixty_kills_lose_double_and_change_nothing() -> None:
    done = subprocess.run(
        [sys.executable, HARNESS, "--kills", "60", "--per-run", "30", "--seed", "7"],
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    total = done.stdout.splitlines()[-1].split()
    assert total[1] == "60"
    assert int(total[2]) > 1000  # acknowledged readings: the load was real
    assert total[3:7] == ["0", "0", "0", "0"]
