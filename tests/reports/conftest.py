"""One installation for the tests that only read, and a fresh one for those that change something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.context import Context
from tests.reports.world import context


@pytest.fixture(scope="session")
def ctx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    made = context(tmp_path_factory.mktemp("reports"))
    yield made
    made.store.close()
    made.registry.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Context]:
    made = context(tmp_path)
    yield made
    made.store.close()
    made.registry.close()
