"""A run that is killed anywhere leaves nothing behind that the next run does not put right."""

from __future__ import annotations

import os
import shutil
import signal
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from analytics.jobs import run
from energy.registry import Registry
from energy.series import Table
from energy.storage.embedded import EmbeddedStore
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.everything import everything

NOW = instant("2026-03-01T00:00:00")


class Mortal(EmbeddedStore):
    """An embedded store whose process dies by SIGKILL right before or after its n-th replacement."""

    def __init__(self, folder: Path, *, at: int, after: bool) -> None:
        super().__init__(folder, writes_readings=False)
        self._left = at
        self._after = after

    def replace(self, table: Table, *, where: Mapping[str, Sequence[str]], start: int, end: int) -> tuple[int, int]:
        self._left -= 1
        if self._left == 0 and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = super().replace(table, where=where, start=start, end=end)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


def run_and_die(folder: Path, at: int, after: bool) -> bool:
    """Run the jobs in a child that is killed at its n-th write; True if it died before it was done."""
    child = os.fork()
    if child == 0:  # pragma: no cover - the child never comes back
        try:
            registry = Registry.open(f"sqlite:///{folder / 'registry.db'}")
            run(Mortal(folder, at=at, after=after), registry, now=NOW)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """An estate that was computed once and then received late readings, an exchange of values and a new meter."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    works = Works.open(folder)
    works.estate(
        meter("e1", building="b1"), meter("e2", building="b1", parent="e1", item="A"), meter("c1", institution="court")
    )
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 30)
    works.run()
    works.hourly("e1", "2026-01-06T20:00:00", [2.0] * 30, start=88.0)
    for name in ("e2", "c1"):
        works.hourly(name, "2026-01-05T00:00:00", [0.5] * 70)
    works.close()
    return folder


def test_a_run_killed_at_any_write_is_put_right_by_the_next(prepared: Path, tmp_path: Path) -> None:
    straight = Works.open(Path(shutil.copytree(prepared, tmp_path / "straight")))
    straight.run()
    expected = everything(straight)
    straight.close()
    at, died = 0, True
    while died:
        at += 4  # every fourth write, once before and once after it
        for after in (False, True):
            folder = Path(shutil.copytree(prepared, tmp_path / f"killed{at}{after}"))
            died = run_and_die(folder, at, after)
            works = Works.open(folder)
            works.run()
            assert everything(works) == expected, (at, after)
            assert works.registry.take_touched()[1] == []
            works.close()
            shutil.rmtree(folder)
    assert at > 20


def test_marks_survive_a_run_that_dies(prepared: Path) -> None:
    assert run_and_die(prepared, 1, after=False)
    works = Works.open(prepared)
    assert {mark.meter for mark in works.registry.take_touched()[1]} == {"e1", "e2", "c1"}
    works.close()
