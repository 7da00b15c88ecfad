"""The embedded store: the contract, freshly written and sealed, and what only files have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.series import Readings
from energy.storage.embedded import EmbeddedStore
from tests.storage.contract import ReadingContract, ResultContract


class SealingStore(EmbeddedStore):
    """Seals after each write, so that the contract is also proved of sealed chunks."""

    def write_readings(self, readings: Readings) -> None:
        super().write_readings(readings)
        self.seal()


@pytest.fixture(params=[EmbeddedStore, SealingStore], ids=["fresh", "sealed"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedStore]:
    store: EmbeddedStore = request.param(tmp_path, writes_readings=True)
    yield store
    store.close()


class TestReadings(ReadingContract):
    pass


class TestResults(ResultContract):
    pass
