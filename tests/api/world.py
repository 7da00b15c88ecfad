"""A small real installation behind a real HTTP server: three houses of the simulated province, sixty days, computed."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from analytics import jobs
from api.app import create_app
from api.scope import Action
from energy.model import Reading
from energy.registry import Bill, Correction, Finding, Node, Registry, Role, Run, Touched, User
from energy.series import Readings
from energy.storage.base import Store
from simulators.province import Province, build
from tests.serving import serving

FIRST, LAST = date(2025, 3, 1), date(2025, 4, 30)
ZONE = "Asia/Shanghai"


@dataclass
class World:
    """The installation, its address, and a token by user name."""

    registry: Registry
    store: Store
    province: Province
    url: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return self.province.window.end

    def client(self, user: str | None = "root-administrator", **headers: str) -> httpx.Client:
        """A program that carries a user's token."""
        known = {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        return httpx.Client(base_url=self.url, headers=known | headers, timeout=30)

    def add_user(self, name: str, role: Role, node: Node, department: str | None = None) -> str:
        """An account and its token, with everything its role may do."""
        from api.scope import actions_of

        now = int(time.time())
        self.registry.accounts.add(User(name, role, node, department), now=now)
        actions = tuple(sorted(actions_of(role)))
        _, text = self.registry.tokens.issue(name, "test", actions=actions, node=node, now=now, valid_s=86_400)
        self.tokens[name] = text
        return text


def grow(houses: int) -> Province:
    return build(3, FIRST, date(LAST.year, LAST.month, LAST.day), houses=houses)


def load(registry: Registry, store: Store, province: Province) -> None:
    """Province, readings and decisions, straight into registry and store, then one run of the jobs."""
    registry.import_sheets(province.sheets)
    registry.import_sheets(_extras(province))
    start, end = province.window.start, province.window.end
    marks = []
    for name, device in province.devices.items():
        times = list(range(start, end, 3600))
        import numpy as np

        instants = np.array(times, np.int64)
        values = province.read(device, instants)
        known = ~np.isnan(values)
        rows = [Reading(name, int(t), float(v)) for t, v in zip(instants[known], values[known], strict=True)]
        if rows:
            store.write_readings(Readings.of(rows))
            marks.append(Touched(name, rows[0].time, rows[-1].time))
    registry.mark_touched(marks)
    jobs.run(store, registry, now=end)
    _decide(registry, province)


def _extras(province: Province) -> dict[str, list[dict[str, Any]]]:
    """What the scope tests need beside the province: a manual meter for bills, a formula-like name, a department."""
    houses = [house.id for house in province.houses]
    return {
        "meters": [
            {"id": f"{house}-bill", "institution": house, "category": "gas", "unit": "m3", "kind": "manual",
             "name_zh": "=1+1 手抄燃气表"}
            for house in houses
        ],
        "departments": [{"institution": house, "department": "教育局"} for house in houses[:1]],
    }  # fmt: skip


def _decide(registry: Registry, province: Province) -> None:
    start = province.window.start
    for house in (house.id for house in province.houses):
        registry.findings.put(
            [
                Finding(
                    id=f"f-{house}", institution=house, kind="night_use", start=start, end=start + 86_400,
                    excess=120.0, unit="kWh", title_zh="夜间用电偏高", title_en="High use at night",
                    evidence=json.dumps({"actual": 420.0, "usual": 300.0, "kgce": 14.748}),
                )
            ]
        )  # fmt: skip
        meter = f"{house}-bill"
        registry.bills.put([Bill(meter, FIRST, date(2025, 3, 31), 100.0, "m3", yuan=320.0)])
        registry.corrections.put(
            [Correction(meter, start, start + 3600, "discard", "somebody", start, "wrong", state="proposed")]
        )
    registry.runs.put([Run("run-1", "jobs", start, "done", start + 60, "1", json.dumps({"written": 3}))])


@contextlib.contextmanager
def served(world: World, *, home: Path | None = None, clock: Callable[[], float] = time.time) -> Iterator[World]:
    """The installation behind uvicorn on a port of its own."""
    app = create_app(world.registry, world.store, zone=ZONE, home=home, clock=clock)
    with serving(app) as world.url:
        yield world


def accounts(world: World) -> None:
    """A user of every role at the root."""
    for role in Role:
        world.add_user(f"root-{role.value.replace('_', '-')}", role, Node())


def everything(path: Path, store: Store, houses: int = 3) -> World:
    """A filled installation in a folder, not served yet."""
    world = World(Registry.open(f"sqlite:///{path / 'registry.db'}", migrate=True), store, grow(houses))
    load(world.registry, world.store, world.province)
    accounts(world)
    return world


ACTIONS = tuple(Action)
