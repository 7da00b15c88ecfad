"""The table of institutions: places among their like, by the last twelve months alone."""

from __future__ import annotations

import io
from datetime import date

import httpx
import numpy as np
from openpyxl import load_workbook

from energy.intervals import LocalCalendar
from energy.series import Table
from energy.storage.schema import INDICATOR
from tests.console.forms import text_of
from tests.console.world import HOUSE, ZONE, World

INCOMPLETE = "sl-dx"


def february(world: World, institution: str, numbers: dict[str, float], group: str | None = None) -> None:
    """The rolling year to February 2025 of one institution."""
    start = LocalCalendar(ZONE).start_of(date(2025, 2, 1))
    tags = {
        "scope": "institution",
        "id": institution,
        "period": "rolling12",
        "indicator": "energy_per_area",
        "caliber": "gb2589_equivalent_value",
    }
    fields: dict[str, np.ndarray] = {name: np.array([numbers.get(name, np.nan)]) for name in INDICATOR.fields}
    fields["group"] = np.array([group], object)
    table = Table("indicator", np.array([start]), {k: np.array([v], object) for k, v in tags.items()}, fields)
    world.store.replace(table, where={k: [v] for k, v in tags.items()}, start=start, end=start + 1)


def test_a_place_is_that_of_the_last_twelve_months_and_incomplete_data_have_none(
    admin: httpx.Client, world: World
) -> None:
    """Not of the year so far, nor among all of one type, whatever their tier and zone."""
    february(world, HOUSE, {"value": 12.3, "rank": 3.0, "rank_of": 22.0, "coverage": 0.99})
    february(world, INCOMPLETE, {"value": 4.5, "rank_of": 22.0, "coverage": 0.9})
    shown = text_of(admin.get("/places"))
    assert "3/22" in shown
    assert "数据不全, 不参与排名" in shown
    assert "单位建筑面积能耗, 近 12 个月" in shown
    sheet = load_workbook(io.BytesIO(admin.get("/places.xlsx").content)).active
    assert sheet is not None
    head, *rows = sheet.values
    at = head.index("同类排名")
    ranks = {row[0]: row[at] for row in rows}
    assert ranks[HOUSE] == "3/22"
    assert {rank for name, rank in ranks.items() if name != HOUSE} == {None}
    assert "12.3" in text_of(admin.get(f"/institutions/{HOUSE}"))  # of 2025, told in March


def test_limits_of_peers_stand_with_interval_members_parent_group_and_own_adjustment(
    admin: httpx.Client, world: World
) -> None:
    limits = {"constraint": 20.0, "constraint_low": 16.0, "constraint_high": 24.0, "baseline": 12.2, "guide": 9.1}
    own = {"value": 12.3, "coverage": 0.99, "adjustment_operating_hours": 1.37}
    february(world, HOUSE, limits | own, "peers 021/寒冷A n=31 (parent)")
    shown = text_of(admin.get(f"/institutions/{HOUSE}"))
    part = shown[shown.index("同类限值") :]
    limits = ("16 – 24", "教育事业 · 寒冷A", "31", "同类不足, 采用上一级分组")
    for said in (*limits, "使用时间: +1.37", "人员密度: 未修正"):
        assert said in part, said
    february(world, HOUSE, {"value": 12.3, "constraint": 20.0, "coverage": 0.99}, "DB99/T 1-2025")
    assert "同类限值" not in text_of(admin.get(f"/institutions/{HOUSE}"))
