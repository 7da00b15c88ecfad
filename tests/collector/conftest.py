"""Fixtures of the collector's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.registry import Registry
from tests.collector.world import make_registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = make_registry(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The same registry for tests that only read it."""
    opened = make_registry(tmp_path_factory.mktemp("registry"))
    yield opened
    opened.close()
