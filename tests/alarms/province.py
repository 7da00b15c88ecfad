"""Sheets of a small or large province, and readings of its meters up to the instant they stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from energy.registry import Registry
from energy.series import Readings
from energy.storage.base import Store
from tests.results import write

NOW = 1_780_282_800  # 2026-06-01 11:00 in Shanghai
QUARTER = 900


def province(
    registry: Registry, *, counties: int = 2, schools: int = 2, gateways: int = 2, meters: int = 3
) -> list[str]:
    """Counties c0.. with institutions c0s0.., gateways c0s0g0.., meters c0s0g0m0..; the meters' ids."""
    regions: list[dict[str, Any]] = [{"code": "990000", "name_zh": "示例省"}]
    sheets: dict[str, list[dict[str, Any]]] = {"institutions": [], "gateways": [], "meters": []}
    for c in range(counties):
        code = f"99{c + 1:02d}00"
        regions.append({"code": code, "name_zh": f"县{c}", "parent": "990000"})
        for s in range(schools):
            school = f"c{c}s{s}"
            sheets["institutions"].append({"id": school, "name_zh": f"学校{c}-{s}", "region": code, "type": "021"})
            for g in range(gateways):
                gateway = f"{school}g{g}"
                sheets["gateways"].append({"id": gateway, "institution": school})
                sheets["meters"] += [
                    {"id": f"{gateway}m{m}", "institution": school, "gateway": gateway, "local": f"m{m}",
                     "category": "electricity", "unit": "kWh", "interval_s": QUARTER, "name_zh": f"表{m}"}
                    for m in range(meters)
                ]  # fmt: skip
    registry.import_sheets({"regions": regions, **sheets})
    return [str(row["id"]) for row in sheets["meters"]]


def heard(store: Store, meters: Sequence[str], at: int | Callable[[str], int]) -> None:
    """The newest reading of each meter is of this instant."""
    times = np.array([at(m) if callable(at) else at for m in meters], np.int64)
    n = len(meters)
    store.write_readings(
        Readings(tuple(meters), np.arange(n, dtype=np.int32), times, np.ones(n), np.zeros(n, np.uint8), times)
    )


def beat(store: Store, at: int, **more: float) -> None:
    """A collector gives a sign of life."""
    write(store, "ingest", [{"collector": "c1", "reason": "ok", "time": at, "readings": 1.0, **more}])
