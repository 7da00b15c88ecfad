"""One installation for all tests of the API; those that change something change something of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from energy.storage.embedded import EmbeddedStore
from tests.api.tree import planting as planting
from tests.api.tree import tree as tree
from tests.api.world import World, everything, served


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("api")
    store = EmbeddedStore(folder, writes_readings=True)
    filled = everything(folder, store)
    with served(filled, home=folder):
        yield filled
    store.close()
    filled.registry.close()
