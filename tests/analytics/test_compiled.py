"""Compiled kernels outlive the process, also where the package's folder cannot be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNEL = "from analytics.compiled import compiled\n\n@compiled\ndef twice(x):\n    return x + x\n"
CALL = "import kernel; print(kernel.twice(21), sum(kernel.twice.stats.cache_hits.values()))"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a kernel whose `__pycache__` cannot be made, not even by root: a file has its name."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "kernel.py").write_text(KERNEL, encoding="utf-8")
    (folder / "__pycache__").write_text("", encoding="utf-8")
    return folder


def call(package: Path, **places: Path) -> list[str]:
    """What the kernel returns in a process of its own, and how often it was found compiled."""
    ours = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "JIENENG_HOME", "XDG_CACHE_HOME")}
    paths = {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}", **{name: str(place) for name, place in places.items()}}
    done = subprocess.run([sys.executable, "-c", CALL], env=ours | paths, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("place", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "JIENENG_HOME"])
def test_a_kernel_of_a_read_only_package_is_compiled_once(package: Path, tmp_path: Path, place: str) -> None:
    blocked = {"XDG_CACHE_HOME": package / "kernel.py"}
    places = blocked | {place: tmp_path / "kept"}
    assert call(package, **places) == ["42", "0"]
    assert call(package, **places) == ["42", "1"]


def test_without_any_writable_folder_a_kernel_is_compiled_anew(package: Path) -> None:
    blocked = package / "kernel.py"
    places = {"XDG_CACHE_HOME": blocked, "JIENENG_HOME": blocked}
    assert call(package, **places) == ["42", "0"]
    assert call(package, **places) == ["42", "0"]
