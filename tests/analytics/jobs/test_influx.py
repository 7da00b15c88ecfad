"""The jobs write the same figures into InfluxDB as into the embedded store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from energy.registry import Registry
from energy.storage.influx import Address
from energy.storage.influx_store import InfluxStore
from tests.analytics.jobs.conftest import Works, meter
from tests.servers import Influx

pytestmark = pytest.mark.services


def test_both_stores_end_up_with_the_same_figures(works: Works, influx: Influx, tmp_path: Path) -> None:
    store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
    folder = tmp_path / "influx"
    folder.mkdir()
    other = Works(folder, Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True), store)
    for one in (works, other):
        one.estate(meter("e1", building="b1"), meter("e2", building="b1", parent="e1", item="A"))
        one.hourly("e1", "2026-01-05T00:00:00", [2.0] * 40)
        one.hourly("e2", "2026-01-05T00:00:00", [0.5] * 60)
        one.run()
        one.hourly("e1", "2026-01-07T00:00:00", [2.0] * 10, start=96.0)  # a gap, then late readings that close it
        one.run()
        one.hourly("e1", "2026-01-06T16:00:00", [2.0] * 8, start=80.0)
        one.run()
    for measurement in ("interval", "total", "indicator", "day_profile", "day_part", "directory", "meter_status"):
        ours, theirs = works.rows(measurement), other.rows(measurement)
        np.testing.assert_array_equal(ours.time, theirs.time, measurement)
        for name, values in ours.fields.items():
            np.testing.assert_array_equal(values, theirs.fields[name], f"{measurement}.{name}")
    other.close()
