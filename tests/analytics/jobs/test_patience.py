"""The store that the jobs use asks again while a server is busy, and gives up where it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.jobs.patience import Patient
from energy.errors import StorageRejected, StorageUnavailable
from energy.series import Series
from energy.storage.embedded import EmbeddedStore


class Owing(EmbeddedStore):
    """Owes so many answers before it gives one, as a server does whose disk is busy."""

    owed = 0
    asked = 0
    error: type[Exception] = StorageUnavailable

    def readings(self, meters, start, end):  # type: ignore[no-untyped-def]
        self.asked += 1
        if self.asked <= self.owed:
            raise self.error("timeout")
        return super().readings(meters, start, end)


@pytest.fixture
def store(tmp_path: Path) -> Owing:
    return Owing(tmp_path, writes_readings=True)


def test_what_a_busy_server_owed_is_asked_again(store: Owing) -> None:
    store.owed = 2
    found = Patient(store, pauses_s=(0, 0, 0)).readings(["m"], 0, 10)
    assert (list(found), type(found["m"]), store.asked) == (["m"], Series, 3)


def test_a_server_that_is_gone_ends_the_run(store: Owing) -> None:
    store.owed = 9
    with pytest.raises(StorageUnavailable):
        Patient(store, pauses_s=(0, 0, 0)).readings(["m"], 0, 10)
    assert store.asked == 4


def test_what_is_refused_is_not_asked_again(store: Owing) -> None:
    store.owed, store.error = 9, StorageRejected
    with pytest.raises(StorageRejected):
        Patient(store, pauses_s=(0, 0, 0)).readings(["m"], 0, 10)
    assert store.asked == 1
