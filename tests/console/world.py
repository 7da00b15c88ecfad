"""A small province that people already work with, behind a real server whose clock stands still.

Five institutions of the simulated province with their first 68 days of 2025: readings straight into the embedded
store, one run of the jobs, tariffs and targets, one finding with a price, bills, a silent gateway.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from analytics import jobs
from api.app import create_app
from energy.intervals import DAY, HOUR, LocalCalendar, Window
from energy.model import Flag
from energy.registry import Bill, Finding, Node, Registry, Role, Target, Touched, User
from energy.series import Readings, Table
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from energy.storage.schema import TARGET
from simulators.province import Province, build
from tests.serving import serving

ZONE: Final = "Asia/Shanghai"
FIRST, LAST = date(2025, 1, 1), date(2025, 3, 9)
PASSWORD: Final = "correct horse battery 9"
HOUSE: Final = "jz-yy1"
"""The hospital: the institution whose forecast is furthest above its target."""
METER: Final = "jz-yy1.b1.e"
FINDING: Final = "f-night-1"


@dataclass
class World:
    """The installation and where it is served."""

    registry: Registry
    store: Store
    province: Province
    home: Path
    url: str = ""

    @property
    def now(self) -> int:
        """The instant at which its clock stands: 16:00 of the last day."""
        return LocalCalendar(ZONE).start_of(LAST) + 16 * HOUR

    def compute(self) -> None:
        """What the jobs do every few seconds."""
        jobs.run(self.store, self.registry, now=self.now, zone=ZONE)

    def link(self, user: str) -> str:
        """A one-time link that signs a user in."""
        return f"{self.url}/enter/{self.registry.accounts.one_time_link(user, now=self.now)}"


@contextlib.contextmanager
def served(home: Path, houses: int = 5) -> Iterator[World]:
    """The filled installation behind uvicorn on a port of its own."""
    store = EmbeddedStore(home, writes_readings=True)
    registry = Registry.open(f"sqlite:///{home / 'registry.db'}", migrate=True)
    world = World(registry, store, build(3, FIRST, date(2025, 3, 10), houses=houses), home)
    fill(world)
    app = create_app(
        registry,
        store,
        zone=ZONE,
        home=home,
        ingest_url="http://127.0.0.1:8081",
        clock=lambda: world.now,
        parked=parked,
    )
    try:
        with serving(app) as world.url:
            yield world
    finally:
        store.close()
        registry.close()


def parked(_since: int) -> list[tuple[str, str, int]]:
    """What the collector set aside: of the hospital, of another institution, of a gateway nobody knows."""
    return [(f"{HOUSE}-g1", "bad_unit", 30), ("sl-dx-g1", "implausible", 12), ("stranger", "bad_topic", 5)]


def fill(world: World) -> None:
    """Ledger, readings, one run, and what people and detectors would have brought by now."""
    world.registry.import_sheets(world.province.sheets)
    decisions = world.province.decisions
    world.registry.import_sheets({name: decisions[name] for name in ("tariffs", "tariff_uses")})
    _accounts(world)
    _bills(world)
    _readings(world)
    world.compute()
    _targets(world)
    _finding(world)


def _accounts(world: World) -> None:
    accounts = world.registry.accounts
    people = (
        User("admin", Role.ADMINISTRATOR, Node(), display="示例管理员"),
        User("manager", Role.ENERGY_MANAGER, Node("institution", HOUSE), display="王工"),
        User("viewer", Role.VIEWER, Node("region", "990101")),
    )
    for user in people:
        accounts.add(user, now=world.now)
        accounts.set_password(user.name, PASSWORD)


def _bills(world: World) -> None:
    row = {"id": "jz-yy1.bill", "institution": HOUSE, "category": "diesel", "unit": "L", "kind": "manual",
           "name_zh": "备用发电机柴油", "name_en": "Diesel of the emergency generator"}  # fmt: skip
    world.registry.import_sheets({"meters": [row]})
    world.registry.bills.put(
        [Bill("jz-yy1.bill", date(2025, 1, 1), date(2025, 1, 31), 310.0, "L", yuan=2_170.0, document="2501-77")]
    )


def _readings(world: World) -> None:
    """Every hour of every device; one gateway has been silent for three days."""
    province, marks = world.province, []
    silent = province.gateways[HOUSE][-1].id
    for name, device in province.devices.items():
        last = world.now - 3 * DAY if device.gateway == silent else world.now + 1
        instants = np.arange(province.window.start, last, HOUR, dtype=np.int64)
        values = province.read(device, instants)
        known = ~np.isnan(values)
        n = int(known.sum())
        flags = np.full(n, int(Flag.NONE), np.uint8)
        index = np.zeros(n, np.int32)
        world.store.write_readings(Readings((name,), index, instants[known], values[known], flags, instants[known]))
        marks.append(Touched(name, province.window.start, world.now))
    world.registry.mark_touched(marks)


def _targets(world: World) -> None:
    """Issued targets and how they stand today: the hospital beyond 90 %, another on its way, one only proposed."""
    day = LocalCalendar(ZONE).start_of(LAST)
    shares = {HOUSE: (0.93, 1.18), "sl-dx": (0.82, 1.02), "jz-jgsw": (0.18, 0.94)}
    rows = []
    for name, (used, forecast) in shares.items():
        subject = {
            "scope": "institution",
            "id": name,
            "year": 2025,
            "indicator": "electricity_per_area",
            "caliber": "physical",
        }
        rows.append(Target(**subject, state="issued", value=120.0, unit="kWh/(m2·a)", document="示例文号〔2025〕1号"))
        numbers = {
            "target": 120.0, "used": 120 * used, "expected_share": 0.19, "used_share": used, "forecast": 120 * forecast,
            "forecast_low": 114 * forecast, "forecast_high": 126 * forecast,
            "stage": 0.9 if used >= 0.9 else 0.8 if used >= 0.8 else 0.0,
            "outlook": 3.0 if forecast > 1.1 else 2.0 if forecast > 1 else 1.0,
            "breach_ms": 1000.0 * (day + 120 * DAY) if forecast > 1 else np.nan, "coverage": 0.97,
        }  # fmt: skip
        tags = {"scope": "institution", "id": name, "indicator": "electricity_per_area", "caliber": "physical"}
        table = Table(
            TARGET.name, np.array([day], np.int64), {k: np.array([v], object) for k, v in tags.items()},
            {k: np.array([v], np.float64) for k, v in numbers.items()},
        )  # fmt: skip
        world.store.replace(table, where={k: [v] for k, v in tags.items()}, start=day, end=day + 1)
    rows.append(_target("sl-jgsw", "proposed", 61.5, rule="A≤C: −2 %"))
    world.registry.targets.put(rows)


def _target(institution: str, state: str, value: float, *, document: str = "", rule: str = "") -> Target:
    return Target(
        "institution", institution, 2025, "electricity_per_area", "physical", state, value, "kWh/(m2·a)", document,
        rule=rule,
    )  # fmt: skip


def _finding(world: World) -> None:
    calendar = LocalCalendar(ZONE)
    start = calendar.start_of(date(2025, 3, 3)) + 20 * HOUR
    world.registry.findings.put(
        [
            Finding(
                id=FINDING, institution=HOUSE, meter=METER, kind="off_hours", start=start, end=start + 3 * DAY,
                severity=0.8, certainty=0.92, excess=4_210.0, unit="kWh", excess_yuan=2_890.0,
                title_zh="非工作时间用能偏高", title_en="High use outside working hours",
                text_zh="3 月 3 日 20:00 起三夜多用 4210 kWh。可能原因：空调未关。先查：夜间到场查看。",
                text_en="Three nights with 4210 kWh more. Likely: cooling left on. First: visit at night.",
                evidence=json.dumps(
                    {
                        "actual": 61_300.0, "usual": 57_090.0, "hours": 36, "also": ["jz-yy1.b1.e-a"],
                        "terms": [["night", 4.2], ["point", 0.9]],
                    }
                ),
            ),
            Finding(
                id="f-water-2", institution="sl-dx", kind="leak", start=start - 5 * DAY, severity=0.5, excess=96.0,
                unit="m3", title_zh="疑似漏水", title_en="Suspected leak",
            ),
        ]
    )  # fmt: skip


def totals(world: World, scope: str, identity: str, category: str, day: date) -> float:
    """The stored total of one local day, for a test to compare with."""
    start = LocalCalendar(ZONE).start_of(day)
    window = Window(start, start + 1)
    where = {"scope": [scope], "id": [identity], "period": ["day"], "category": [category], "item": ["all"]}
    rows = world.store.results("total", where=where, start=window.start, end=window.end, fields=["amount"])
    return float(rows.fields["amount"][0])
