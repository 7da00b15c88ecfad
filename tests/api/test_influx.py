"""The same figures from a real InfluxDB 2 as from the embedded store."""

from __future__ import annotations

from pathlib import Path

import pytest

from energy.storage.influx import Address
from energy.storage.influx_store import InfluxStore
from tests.api.world import World, everything, served
from tests.servers import Influx

pytestmark = pytest.mark.services
DAYS = {"first": "2025-03-01", "last": "2025-04-29"}
INSTANTS = {"start": "2025-03-10T00:00:00+08:00", "end": "2025-03-12T00:00:00+08:00"}


def test_both_stores_answer_alike(world: World, influx: Influx, tmp_path: Path) -> None:
    store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
    other = everything(tmp_path, store, houses=1)
    house = other.province.houses[0].id
    with served(other), other.client() as ours, world.client() as theirs:
        for path, query in (
            (f"institutions/{house}/consumption", DAYS),
            (f"institutions/{house}/expected", DAYS | {"period": "month"}),
            (f"institutions/{house}/indicators", DAYS),
            (f"meters/{house}.b1.e/readings", INSTANTS),
            (f"meters/{house}.b1.e/intervals", INSTANTS),
        ):
            answers = [client.get(f"/api/v1/{path}", params=query).json() for client in (ours, theirs)]
            assert answers[0] == answers[1], path
    store.close()
    other.registry.close()
