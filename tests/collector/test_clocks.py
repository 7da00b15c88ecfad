"""Both times are kept; what is more than five minutes ahead is never stored, and tells how far ahead it was (P-16)."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.clocks import Clocks, ClockWatch, leads
from collector.health import Health
from collector.metrics import exposition
from collector.watch import Watch
from energy.model import Reason
from energy.registry import Registry
from energy.storage import open_store
from tests.collector.test_pipeline import send
from tests.collector.world import NOW, T0, is_drained, judge, make_judge, message, rows, running, settings_for, until
from tests.results import write

FUTURE_S = 300


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-40 * FUTURE_S, 40 * FUTURE_S), min_size=1, max_size=40, unique=True))
def test_whatever_lies_five_minutes_ahead_is_parked_and_nothing_else(registry: Registry, ahead: list[int]) -> None:
    judged = judge(own := make_judge(registry), message(*[("e-side", NOW + s, float(s + 20_000)) for s in ahead]))
    far = [NOW + s for s in ahead if s > FUTURE_S]
    assert sorted(t for _, t, _ in rows(own, judged)) == sorted(NOW + s for s in ahead if s <= FUTURE_S)
    assert {parked.reason for parked in judged.group.parked} == ({Reason.CLOCK_FUTURE} if far else set())
    assert judged.group.counts["parked:clock_future"] == len(far)


def test_stored_readings_keep_the_devices_time_and_ours(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry, clock=lambda: NOW + 7) as (pipeline, store, _deaths):
        send(pipeline, message(("e-side", NOW + 200, 1.0)))
        until(lambda: is_drained(pipeline))
        held = store.readings(["e2"], T0, NOW + 900)["e2"]
        assert (held.time.tolist(), held.received.tolist()) == ([NOW + 200], [NOW + 7])


def test_what_was_refused_tells_how_far_ahead_its_gateway_is(tmp_path: Path, registry: Registry) -> None:
    now = [float(NOW)]
    with running(settings_for(tmp_path), registry, clock=lambda: now[0]) as (pipeline, _, _deaths):
        for quarter in range(3):
            now[0] = NOW + 900.0 * quarter
            send(pipeline, message(("e-side", int(now[0]) + 3600, 1.0), ("e-main", int(now[0]) + 3590, 2.0)))
        assert leads(pipeline.spool.path, NOW) == {"g1": 3600 - 5.0}  # each meter's parts by themselves: their median
        assert leads(pipeline.spool.path, NOW + 900 * 3) == {}  # long ago tells nothing of now


@pytest.mark.parametrize(("ahead", "off"), [(119.0, 0), (-150.0, 1)])
def test_clocks_are_measured_without_naming_gateways(
    tmp_path: Path, registry: Registry, ahead: float, off: int
) -> None:
    config = settings_for(tmp_path)
    with closing(open_store(config, role="work")) as results:
        write(
            results,
            "meter_status",
            [{"meter": m, "time": int(time.time()), "clock_ahead_s": ahead} for m in ("e1", "e2")],
        )
    with running(config, registry) as (pipeline, _, _deaths):
        watch = Watch(pipeline)
        health = Health(pipeline, watch, None)
        assert "jieneng_gateway_clocks_off" not in exposition(pipeline, health).decode()  # not looked yet is not none
        watch.clocks.look()
        assert watch.clocks.last == Clocks(known=1, off=off, largest=ahead)
        text = exposition(pipeline, health).decode()
        assert f"jieneng_gateway_clocks_off {off}.0" in text
        assert f"jieneng_gateway_clock_ahead_seconds {ahead}" in text
        assert "g1" not in text


def test_where_nothing_is_known_no_offset_is_claimed(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        clocks = ClockWatch(pipeline)
        clocks.look()
        assert clocks.last == Clocks(known=0, off=0, largest=None)
