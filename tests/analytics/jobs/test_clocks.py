"""A gateway of the simulator whose clock is skewed is found with the size of its skew, and no other is (P-16)."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics import jobs
from collector.source import Delivery
from energy.intervals import DAY, HOUR
from energy.registry import Registry
from energy.settings import Settings
from energy.storage import open_store
from energy.storage.schema import METER_STATUS
from energy.storage.status import clocks_by_meter
from simulators.faults import FaultKind
from simulators.province import Province, build
from tests.collector.world import Acks, is_drained, running, settings_for, until
from tests.results import write

WAY_S = 2


@pytest.fixture(scope="module")
def province() -> Province:
    return build(7, date(2024, 1, 1), date(2025, 1, 1), houses=6)


def test_a_skewed_gateway_is_found_with_its_size(province: Province, tmp_path: Path) -> None:
    fault = next(f for f in province.faults if f.kind is FaultKind.CLOCK_SKEW and f.last - f.first >= DAY)
    start, end = fault.first - 6 * HOUR, fault.first + DAY
    settings = settings_for(tmp_path)
    registry = Registry.open(settings.registry_url, migrate=True)
    with closing(registry):
        registry.import_sheets(province.sheets)
        _deliver_live(province, settings, registry, fault.house, start, end)
        with closing(open_store(settings, role="work")) as store:
            jobs.run(store, registry, now=end, institutions=[fault.house])
            found = clocks_by_meter(store, end)
        devices = {d.id: g.id for g in province.gateways[fault.house] for d in g.devices}
        assert {found[m] for m, gateway in devices.items() if gateway == fault.subject and m in found} == {
            fault.size - WAY_S
        }
        others = {found[m] for m, gateway in devices.items() if gateway != fault.subject and m in found}
        assert others <= {float(-WAY_S)}


def _deliver_live(province: Province, settings: Settings, registry: Registry, house: str, start: int, end: int) -> None:
    """What the gateways of one house send each hour, taken two seconds after the true hour."""
    now, acks, sent = [0.0], Acks(), 0
    with running(settings, registry, clock=lambda: now[0]) as (pipeline, _, _deaths):
        for hour in range(start, end, HOUR):
            now[0] = hour + WAY_S
            for message in province.messages(hour, hour + 1, houses=[house]):
                sent += 1
                pipeline.put([Delivery(message.topic.encode(), message.payload, sent, acks)])
            acks.wait(sent)
        until(lambda: is_drained(pipeline))


def test_a_drift_is_told_from_the_days_before(province: Province, tmp_path: Path) -> None:
    house = province.houses[0].id
    end = province.window.start + 40 * DAY
    settings = settings_for(tmp_path)
    with closing(Registry.open(settings.registry_url, migrate=True)) as registry:
        registry.import_sheets(province.sheets)
        _deliver_live(province, settings, registry, house, end - 10 * HOUR, end)
        with closing(open_store(settings, role="work")) as store:
            meter = next(iter(store.latest([d.id for g in province.gateways[house] for d in g.devices])))
            days = [end - n * DAY for n in (3, 2, 1)]  # local midnights, as `end` is
            write(store, "meter_status", [
                {"meter": meter, "time": day, "clock_ahead_s": -WAY_S - 3.0 * n, "institution": house}
                for n, day in zip((3, 2, 1), days, strict=True)
            ])  # fmt: skip
            jobs.run(store, registry, now=end, institutions=[house])
            rows = store.results(METER_STATUS.name, where={"meter": [meter]}, start=end - 2 * DAY, end=end + DAY)
            assert rows.fields["clock_ahead_s"][-1] == -WAY_S
            np.testing.assert_allclose(rows.fields["clock_drift_s_per_day"][-1], 3.0)
