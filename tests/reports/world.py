"""A school with two years of results written straight into the store, so that each number can be added up by hand.

Electricity of month m is 1000 * m kWh in 2025 and 900 * m in 2024; water is 100 m3 a month; each month has its days'
share. Nothing is simulated: what a report shows must be what stands here.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Any

from api.context import Context
from api.scope import Scope, everything, scope_of
from energy.intervals import LocalCalendar
from energy.registry import Bill, Finding, Node, Registry, Role, Target, Task, User
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from tests.results import write

ZONE = "Asia/Shanghai"
CALENDAR = LocalCalendar(ZONE)
COAL = "gb2589_equivalent_value"
PEERS = "peers 021/寒冷A n=31 (parent)"
EVIL = '=HYPERLINK("http://x")'


def start(*day: int) -> int:
    return CALENDAR.start_of(date(*day))


class FixedContext(Context):
    """A context whose clock stands at noon of 10 January 2026."""

    def now(self) -> int:
        return start(2026, 1, 10) + 12 * 3600


def context(folder: Path) -> Context:
    """The installation of the tests."""
    registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
    store = EmbeddedStore(folder, writes_readings=True, writes_results=True)
    registry.import_sheets(_sheets())
    for year in (2024, 2025):
        _write_year(store, year)
    _judged(registry, store)
    return FixedContext(registry, store, ZONE)


def chief(ctx: Context) -> Scope:
    """Who sees everything."""
    return everything(ctx.snapshot(), user="chief")


def of(ctx: Context, node: Node, role: Role = Role.STATISTICIAN) -> Scope:
    """Who sees one node."""
    return scope_of(User("somebody", role, node), ctx.snapshot(), today=ctx.today())


def _sheets() -> dict[str, list[dict[str, Any]]]:
    return {
        "regions": [
            {"code": "990000", "name_zh": "示例省", "name_en": "Example Province"},
            {"code": "990100", "name_zh": "甲市", "name_en": "Jia City", "parent": "990000"},
        ],
        "institutions": [
            {"id": "school", "name_zh": "甲市第一中学", "name_en": "Jia First School", "region": "990100",
             "type": "021", "department": "甲市教育局", "credit_code": "12990100MB0000001X"},
            {"id": "office", "name_zh": "示例省机关事务管理局", "region": "990000", "type": "01"},
            {"id": "evil", "name_zh": EVIL, "region": "990100", "type": "01"},
        ],
        "meters": [
            {"id": "e", "institution": "school", "category": "electricity", "unit": "kWh", "name_zh": "总电表"},
            {"id": "w", "institution": "school", "category": "water", "unit": "m3", "kind": "manual"},
        ],
        "denominators": [
            {"scope": "institution", "id": "school", "kind": "floor_area", "value": 12000, "unit": "m2"},
            {"scope": "institution", "id": "school", "kind": "users", "value": 800, "unit": "p"},
        ],
    }  # fmt: skip


def electricity(year: int, month: int) -> float:
    return (1000.0 if year == 2025 else 900.0) * month


def _write_year(store: Store, year: int) -> None:
    rows = []
    for month in range(1, 13):
        n = monthrange(year, month)[1]
        for category, amount, price in (("electricity", electricity(year, month), 0.7), ("water", 100.0, 5.0)):
            rows.append(total(category, "month", start(year, month, 1), amount, price, year))
            rows += [
                total(category, "day", start(year, month, day), amount / n, price, year) for day in range(1, n + 1)
            ]
        rows.append(
            total("electricity", "month", start(year, month, 1), electricity(year, month) * 0.4, 0.7, year, "A")
        )
    write(store, "total", rows, {"scope": ["institution"], "id": ["school"], "period": ["day", "month"]})


def total(
    category: str, period: str, time: int, amount: float, price: float, year: int, item: str = "all"
) -> dict[str, Any]:
    """A row of `total`; last year is known for 2025 electricity only."""
    row = {
        "scope": "institution", "id": "school", "period": period, "category": category, "item": item, "time": time,
        "amount": amount, "cost_yuan": amount * price, "coverage": 1.0 if category == "water" else 0.98,
        "estimated_share": 0.0, "n_expected": 1.0, "n_reporting": 1.0,
    }  # fmt: skip
    if year == 2025 and category == "electricity":
        row |= {"last_year": amount * 0.9, "expected": amount * 0.95}
    return row


def _judged(registry: Registry, store: Store) -> None:
    own = {"scope": "institution", "id": "school"}
    values = {"constraint": 20.0, "baseline": 11.9, "guide": 6.5, "coverage": 0.98}
    rows = [
        own | {"period": period, "indicator": "energy", "caliber": COAL, "time": time, "value": value, "coverage": 0.98}
        for period, time, value in (
            ("month", start(2025, 1, 1), 122.9), ("month", start(2025, 2, 1), 245.8),
            ("month", start(2025, 3, 1), 368.7), ("year", start(2025, 1, 1), 9586.2),
        )
    ]  # fmt: skip
    area = {"indicator": "energy_per_area", "caliber": COAL, "time": start(2025, 1, 1), "value": 0.8}
    rows.append(own | {"period": "year"} | area | values)
    limits = {
        "constraint": 20.0, "constraint_low": 16.0, "constraint_high": 24.0, "baseline": 12.2, "baseline_low": 9.0,
        "baseline_high": 14.0, "guide": 9.1, "guide_low": 7.0, "guide_high": 11.0, "coverage": 0.99,
    }  # fmt: skip
    rolling = {"period": "rolling12", "indicator": "energy_per_area", "caliber": COAL, "value": 12.3} | limits
    rows += [
        own | rolling | {"group": PEERS, "adjustment_operating_hours": 1.37, "time": start(2025, month, 1)}
        for month in (3, 12)
    ]
    write(store, "indicator", rows, {"scope": ["institution"], "id": ["school"]})
    progress = {"indicator": "energy", "caliber": COAL, "target": 10_000.0, "coverage": 0.98}
    ahead = {"used": 9586.2, "used_share": 0.95862, "expected_share": 1.0, "forecast": 9586.2, "stage": 0.9}
    where = {"scope": ["institution"], "id": ["school"]}
    write(store, "target", [own | progress | ahead | {"time": start(2025, 12, 31)}], where)
    registry.targets.put(
        [Target("institution", "school", 2025, "energy", COAL, "issued", 10_000.0, document="教后〔2025〕3号")]
    )
    registry.findings.put([
        Finding("f1", "school", "night_base", start(2025, 3, 3), end=start(2025, 3, 9), meter="e", severity=0.8,
                excess=120.0, unit="kWh", excess_yuan=84.0, title_zh="夜间用电偏高", title_en="High night load"),
    ])  # fmt: skip
    registry.bills.put([Bill("w", date(2025, 3, 1), date(2025, 3, 31), 100.0, "m3", 500.0)])
    registry.tasks.give(
        Task("t1", "school", "rectify", "夜间空调未关", "王工", date(2025, 4, 1), "office", start(2025, 3, 10), "f1",
             measure="加装定时器")
    )  # fmt: skip
