"""Promises P-13 and P-14: the figures follow from the set of readings and of what people stated of them.

Whatever order they came in and how often, and whatever was stated first and mended later; through collector and jobs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from collector.pipeline import Pipeline
from collector.source import Delivery
from energy.registry import FittedModel, Registry
from energy.storage.embedded import EmbeddedStore
from tests.analytics.jobs.conftest import HOUR, Works, instant, meter
from tests.analytics.jobs.drawn import ZONES, Step, begin_of, faulty_register, interleaved, statements
from tests.analytics.jobs.everything import differing, everything
from tests.collector.world import Acks, is_drained, message, running, settings_for, until

CASES = int(os.environ.get("INVARIANCE_CASES", "200"))
"""Registers compared in one run; INVARIANCE_CASES=10000 for the long one."""
_AT_ONCE = 50
_N_INSTITUTIONS = 4
_STEPS_BETWEEN_RUNS = 90
_NOW = "2026-03-01T00:00:00"


@contextmanager
def collecting(folder: Path) -> Iterator[tuple[Works, Pipeline]]:
    """An installation whose readings come through the collector."""
    registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
    works = Works(folder, registry, EmbeddedStore(folder, writes_readings=False))
    with running(settings_for(folder), registry, clock=lambda: instant(_NOW)) as (pipeline, _, _):
        yield works, pipeline
    works.close()


def sheets(zones: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """A county with an institution on each of these clocks, and meters by turns in and outside of its building."""
    ids = [f"i{k}" for k in range(len(zones))]
    meters = [
        meter(
            f"m{k}",
            institution=ids[k % len(ids)],
            gateway=f"g-{ids[k % len(ids)]}",
            local=f"m{k}",
            digits=3,
            building=f"b-{ids[k % len(ids)]}" if k % 3 else None,
        )
        for k in range(_AT_ONCE)
    ]
    return {
        "regions": [{"code": "990000", "name_zh": "示例省"}],
        "institutions": [{"id": i, "name_zh": "单位", "region": "990000", "type": "021"} for i in ids],
        "sites": [
            {"id": f"s-{i}", "institution": i, "name_zh": "院", "timezone": zone}
            for i, zone in zip(ids, zones, strict=True)
        ],
        "buildings": [{"id": f"b-{i}", "institution": i, "name_zh": "楼"} for i in ids],
        "gateways": [{"id": f"g-{i}", "institution": i, "name_zh": "网关"} for i in ids],
        "meters": meters,
    }


def found(registry: Registry, estate: dict[str, list[dict[str, object]]]) -> None:
    """The estate, with profiles of its registers that no order of readings could move."""
    registry.import_sheets(estate)
    payload = {"per_hour": 11.0, "stuck_s": 6.0 * HOUR, "n_increments": 100}
    for row in estate["meters"]:
        registry.save_models([FittedModel.of(str(row["id"]), "register_profile", start=0, end=1, payload=payload)])


def send(pipeline: Pipeline, row: dict[str, object], time: np.ndarray, value: np.ndarray, _: Registry) -> None:
    """A gateway sends readings, and hears that they are safe."""
    acks = Acks()
    rows = [(row["local"], t, v) for t, v in zip(time.tolist(), value.tolist(), strict=True)]
    topic = f"jieneng/v1/{row['institution']}/{row['gateway']}/readings".encode()
    pipeline.put([Delivery(topic, message(*rows), 1, acks)])
    acks.wait(1)


@pytest.mark.parametrize("seed", range(-(-CASES // _AT_ONCE)))
def test_order_and_repetition_of_readings_and_statements_change_no_figure(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    zones = [str(zone) for zone in rng.permutation(list(ZONES))[:_N_INSTITUTIONS]]
    estate = sheets(zones)
    folders = tmp_path / "straight", tmp_path / "mixed"
    with ExitStack() as stack:
        for folder in folders:
            folder.mkdir()
        (straight, in_order), (works, anyhow) = (stack.enter_context(collecting(folder)) for folder in folders)
        for one in (works, straight):
            found(one.registry, estate)
        chains: list[Sequence[Step]] = []
        for k, row in enumerate(estate["meters"]):
            time, value, exchange = faulty_register(rng, begin_of(zones[k % len(zones)]))
            send(in_order, row, time, value, straight.registry)
            chains += [[partial(send, anyhow, row, time[part], value[part])] for part in pieces(rng, len(time))]
            for statement in statements(rng, row, time, exchange):
                chains.append(statement.steps)
                for step in statement.meant:
                    step(straight.registry)
        until(lambda: is_drained(in_order))
        straight.run(now=_NOW)
        steps = interleaved(rng, chains)
        for start in range(0, len(steps), _STEPS_BETWEEN_RUNS):
            for step in steps[start : start + _STEPS_BETWEEN_RUNS]:
                step(works.registry)
            until(lambda: is_drained(anyhow))
            works.run(now=_NOW)
        expected, came = everything(straight), everything(works)
        # Findings have a history: withdrawn ones stay, and one keeps the id and state it was raised with.
        del expected["finding"], came["finding"]
        assert len(expected["interval"]) > 100 * _AT_ONCE
        assert {name: differing(rows, expected[name]) for name, rows in came.items() if rows != expected[name]} == {}
        assert standing(works) == standing(straight)


def pieces(rng: np.random.Generator, n: int) -> Iterator[np.ndarray]:
    """Places of n readings in any order and up to four messages, some of which come twice."""
    for part in np.array_split(rng.permutation(n), min(n, rng.integers(1, 5))):
        yield part
        if rng.random() < 0.3:
            yield part


def standing(works: Works) -> list[tuple[object, ...]]:
    """What is found now, by its content."""
    rows = [row for row in works.registry.findings.rows() if row.state != "withdrawn"]
    return sorted((row.meter, row.kind, row.start, row.end, row.excess, row.text_zh) for row in rows)
