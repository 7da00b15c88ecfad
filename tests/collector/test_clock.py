"""The server's clock may jump: readings are judged by it, and nothing waits for it (P-17)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from collector.source import Delivery
from collector.spool import SpoolReader
from energy.registry import Registry
from tests.collector.world import NOW, TOPIC, Acks, is_drained, message, running, settings_for, until

YEAR_2038 = 2_147_483_648
"""One second beyond what 32 bits hold."""


@pytest.mark.parametrize("jump", [3600, -3600, 86_400, -86_400, YEAR_2038 - NOW], ids=str)
def test_a_jump_of_the_clock_stalls_nothing_and_loses_nothing(tmp_path: Path, registry: Registry, jump: int) -> None:
    now, acks = [float(NOW)], Acks()
    with running(settings_for(tmp_path), registry, clock=lambda: now[0]) as (pipeline, _, deaths):
        for number, place in enumerate((0.0, float(jump), 0.0), 1):
            now[0] = NOW + place
            reading = ("e-side", int(now[0]) - 900 * number, float(number))
            pipeline.put([Delivery(TOPIC, message(reading), number, acks)])
            acks.wait(number)
        until(lambda: is_drained(pipeline))
        assert (acks.codes, pipeline.counters["stored"], deaths) == ({1: 0, 2: 0, 3: 0}, 3, [])


def test_true_readings_park_while_the_server_is_behind_and_are_taken_afterwards(
    tmp_path: Path, registry: Registry
) -> None:
    now, acks = [NOW - 3600.0], Acks()
    with running(settings_for(tmp_path), registry, clock=lambda: now[0]) as (pipeline, _, _deaths):
        pipeline.put([Delivery(TOPIC, message(("e-side", NOW, 1.0)), 1, acks)])
        acks.wait(1)
        assert pipeline.counters["parked:clock_future"] == 1
        now[0] = float(NOW)
        with closing(SpoolReader(pipeline.spool.path)) as reader:
            parked = reader.parked()
        assert pipeline.replay(parked).result(20) == 1
        until(lambda: is_drained(pipeline))
        assert pipeline.counters["stored"] == 1
