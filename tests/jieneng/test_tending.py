"""When the jobs look: a first history is let arrive, marks that never pause are not waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.registry import Registry, Touched
from jieneng import tending

DAY = 86_400


class Arriving(threading.Event):
    """Time that passes only when it is waited for, while readings arrive: as many marks as told."""

    def __init__(self, registry: Registry, marks: int) -> None:
        super().__init__()
        self.registry = registry
        self.left = marks
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        if self.left:
            self.left -= 1
            instant = 2 * DAY * self.left
            self.registry.mark_touched([Touched("m1", instant, instant)])
        return False


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}", migrate=True)
    yield opened
    opened.close()


def test_a_first_history_is_computed_when_it_has_come(registry: Registry) -> None:
    arriving = Arriving(registry, marks=3)
    tending.let_arrive(registry, arriving)
    assert (registry.touched_pending(), arriving.waits) == (3, 4)  # the fourth look finds nothing new


def test_nothing_to_come_is_not_waited_for(registry: Registry) -> None:
    arriving = Arriving(registry, marks=0)
    tending.let_arrive(registry, arriving)
    assert arriving.waits == 1


def test_readings_that_never_pause_are_computed_all_the_same(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "_PATIENCE_S", 0.0)
    tending.let_arrive(registry, Arriving(registry, marks=10**9))
