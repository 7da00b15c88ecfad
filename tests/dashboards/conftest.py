"""One filled InfluxDB bucket and one browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from energy.storage.influx import Address, opened
from energy.storage.influx_store import InfluxStore
from tests.console.chromium import chromium_path, launched
from tests.dashboards import stage
from tests.servers import Influx


@dataclass(frozen=True)
class Stage:
    """A filled bucket that may only be read, and the range in which its data lie."""

    influx: Influx
    start: int
    end: int


@pytest.fixture(scope="session")
def stage_set(influx_server: Influx, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The small province, as of the last day of the stage."""
    influx_server.new_bucket("stage")
    address = Address(influx_server.url, influx_server.org, "stage", influx_server.token)
    store = InfluxStore(address)
    try:
        now = stage.fill(store, tmp_path_factory.mktemp("stage"))
    finally:
        store.close()
    with opened(address) as connection:
        token = connection.make_token("read")
    reading = Influx(influx_server.folder, influx_server.port, org=influx_server.org, bucket="stage", token=token)
    return Stage(reading, now - stage.DAYS * 86_400, now)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Real Chromium without a window."""
    with launched(chromium_path()) as chromium:
        yield chromium
