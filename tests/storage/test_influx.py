"""The InfluxDB store against a real InfluxDB 2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from energy.storage.influx import Address
from energy.storage.influx_store import InfluxStore
from tests.servers import Influx
from tests.storage.contract import ReadingContract, ResultContract

pytestmark = pytest.mark.services


@pytest.fixture
def store(influx: Influx) -> Iterator[InfluxStore]:
    store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
    yield store
    store.close()


class TestReadings(ReadingContract):
    pass


class TestResults(ResultContract):
    pass
