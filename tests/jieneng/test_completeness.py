"""Completeness as shown is completeness as it is, from gateways that lose readings to the API's answer (P-51).

A known part of what the simulator's gateways send is lost before it reaches the collector: single readings at random,
and all of one gateway for hours. What then reads as completeness is compared with what was lost, meter by meter and
day by day: readings received by readings due, and the share of the time whose use is known, counted here by hand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from analytics import jobs
from api.app import create_app
from api.scope import actions_of
from collector.source import Delivery
from energy.intervals import DAY, HOUR, LocalCalendar
from energy.registry import Node, Registry, Role, User
from energy.settings import Settings
from energy.storage import open_store
from energy.storage.base import Store
from simulators.province import Province, build
from tests.collector.world import Acks, is_drained, running, settings_for, until
from tests.serving import serving

FIRST = date(2026, 3, 2)
DAYS = 3
QUARTER = 900
HOUSE, DEAD = "sl-jgsw", "sl-jgsw-g2"
LOST = 0.07
TOLERANCE = 0.001
"""0.1 percentage points."""
FILLED_S = 2 * HOUR
"""Gaps up to this long are filled, and counted as known (docs/jobs.md)."""


@dataclass
class Sent:
    """Instants of the readings of each meter that left their gateway and were not lost."""

    start: int
    kept: dict[str, list[int]] = field(default_factory=dict)

    def received(self, meter: str, day: int) -> float:
        begin = self.start + day * DAY
        return sum(begin <= t < begin + DAY for t in self.kept[meter]) / 96

    def known(self, meter: str, day: int) -> float:
        """Share of the quarter hours of a day whose use is known, or filled over a short gap: one by one."""
        begin, times = self.start + day * DAY, sorted(self.kept[meter])
        known = 0
        for quarter in range(begin, begin + DAY, QUARTER):
            before = max((t for t in times if t <= quarter), default=None)
            after = min((t for t in times if t >= quarter + QUARTER), default=None)
            known += before is not None and after is not None and after - before <= FILLED_S
        return known / 96


@dataclass
class World:
    """The installation after three days, and the truth about them."""

    store: Store
    sent: Sent
    client: httpx.Client
    calendar: LocalCalendar = field(default_factory=LocalCalendar)

    def shown(self, measurement: str, name: str, day: int, **tags: str) -> float:
        """What one row of the store says; `day` 0 is the first."""
        at = self.sent.start + day * DAY
        where = {key: [value] for key, value in tags.items()}
        (value,) = self.store.results(measurement, where=where, start=at, end=at + 1, fields=(name,)).fields[name]
        return float(value)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("lossy")
    settings = settings_for(home)
    province = build(11, FIRST, FIRST + timedelta(days=DAYS + 1), houses=1)
    sheets = dict(province.sheets)
    sheets["meters"] = [dict(row, interval_s=QUARTER) for row in sheets["meters"] if row["kind"] == "physical"]
    start = province.window.start
    with closing(Registry.open(settings.registry_url, migrate=True)) as registry:
        sheets["sensors"] = [dict(row, interval_s=QUARTER) for row in sheets["sensors"]]
        registry.import_sheets(sheets)
        sent = _lose(province, settings, registry, chance=np.random.default_rng(5))
        with closing(open_store(settings, role="work")) as store:
            for day in range(1, DAYS + 1):
                jobs.run(store, registry, now=start + day * DAY + HOUR, since=start)
            now = int(time.time())
            registry.accounts.add(User("all", Role.VIEWER, Node()), now=now)
            actions = tuple(sorted(actions_of(Role.VIEWER)))
            _, token = registry.tokens.issue("all", "test", actions=actions, node=Node(), now=now, valid_s=DAY)
            app = create_app(registry, store, zone="Asia/Shanghai")
            head = {"Authorization": f"Bearer {token}"}
            with serving(app) as url, httpx.Client(base_url=url, headers=head, timeout=30) as client:
                yield World(store, sent, client)


def _lose(province: Province, settings: Settings, registry: Registry, *, chance: np.random.Generator) -> Sent:
    """Send through a collector what is not lost, and note it by meter."""
    start, acks, n = province.window.start, Acks(), 0
    sent = Sent(start)
    meter_of = {(g.id, d.local): d.id for g in province.gateways[HOUSE] for d in g.devices}
    outage = range(start + 30 * HOUR, start + 41 * HOUR)
    messages = province.messages(start, start + DAYS * DAY + QUARTER, QUARTER, houses=[HOUSE])
    with running(settings, registry, clock=lambda: start + 10.0 * DAY) as (pipeline, _, _deaths):
        for n, message in enumerate(messages, 1):
            body = json.loads(message.payload)
            for local, column in body["values"].items():
                for place, instant in enumerate(body["times"]):
                    if chance.random() < LOST or (message.gateway == DEAD and instant in outage):
                        column[place] = None
                    elif column[place] is not None:
                        sent.kept.setdefault(meter_of[message.gateway, local], []).append(instant)
            pipeline.put([Delivery(message.topic.encode(), json.dumps(body).encode(), n, acks)])
        acks.wait(n)
        until(lambda: is_drained(pipeline))
    return sent


def meters(world: World) -> list[str]:
    return sorted(world.sent.kept)


def test_enough_was_lost_to_tell(world: World) -> None:
    shares = [world.sent.received(m, day) for m in meters(world) for day in range(DAYS)]
    assert len(shares) > 60
    assert 0.3 < min(shares) < 0.6  # the gateway that was silent for eleven hours
    assert 0.9 < float(np.median(shares)) < 0.95


def test_received_by_due_is_the_truth_of_every_meter_and_day(world: World) -> None:
    for meter in meters(world):
        for day in range(DAYS):
            shown = world.shown("meter_status", "received_day", day + 1, meter=meter)
            assert shown == pytest.approx(world.sent.received(meter, day), abs=TOLERANCE), (meter, day)


def test_the_api_counts_what_came_and_what_was_due(world: World) -> None:
    for meter in meters(world):
        day = FIRST + timedelta(days=1)
        window = {"start": f"{day}T00:00:00+08:00", "end": f"{day + timedelta(days=1)}T00:00:00+08:00"}
        answer = world.client.get(f"/api/v1/meters/{meter}/readings", params=window).json()
        assert answer["n_came"] / answer["n_due"] == pytest.approx(world.sent.received(meter, 1), abs=TOLERANCE), meter


def test_coverage_of_totals_is_the_time_whose_use_is_known_in_store_and_api(world: World) -> None:
    n_told = 0
    for meter in meters(world):
        last = FIRST + timedelta(days=DAYS - 1)
        days = {"first": FIRST.isoformat(), "last": last.isoformat()}
        answer = world.client.get(f"/api/v1/meters/{meter}/consumption", params=days).json()
        if not answer["series"]:
            continue  # a sensor: it has no consumption
        n_told += 1
        told = {row["start"]: row["coverage"] for row in answer["series"][0]["rows"]}
        for day in range(DAYS):
            truth = pytest.approx(world.sent.known(meter, day), abs=TOLERANCE)
            total = {"scope": "meter", "id": meter, "period": "day", "item": "all"}
            assert world.shown("total", "coverage", day, **total) == truth, (meter, day)
            assert told[world.sent.start + day * DAY] == truth, (meter, day)
            assert world.shown("meter_status", "coverage_day", day + 1, meter=meter) == truth, (meter, day)
    assert n_told > 20
