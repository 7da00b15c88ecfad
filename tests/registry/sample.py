"""A small registry that the tests change in one place each."""

from __future__ import annotations

from typing import Any

Sheets = dict[str, list[dict[str, Any]]]


def sample() -> Sheets:
    """A city with a school and an office; meters with a parent, a virtual one, a swap, a sensor; dated facts."""
    return {
        "regions": [
            {"code": "990000", "name_zh": "示例省", "name_en": "Example Province", "climate_zone": "寒冷A"},
            {"code": "990100", "name_zh": "甲市", "parent": "990000"},
            {"code": "990200", "name_zh": "乙市", "parent": "990000", "climate_zone": "寒冷B"},
        ],
        "institutions": [
            {"id": "school", "name_zh": "甲市第一中学", "region": "990100", "type": "021", "department": "甲市教育局"},
            {"id": "office", "name_zh": "乙市机关", "region": "990200", "type": "01", "climate_zone": "夏热冬冷"},
        ],
        "departments": [
            {"institution": "school", "department": "旧教委", "valid_to": "2020-01-01"},
            {"institution": "school", "department": "教育体育局", "valid_from": "2020-01-01", "valid_to": "2024-07-01"},
        ],
        "sites": [{"id": "campus", "institution": "school", "name_zh": "校园", "timezone": "Asia/Urumqi"}],
        "buildings": [
            {"id": "b1", "institution": "school", "site": "campus", "name_zh": "教学楼", "letter": "D"},
            {"id": "b2", "institution": "office", "name_zh": "办公楼", "letter": "A"},
        ],
        "gateways": [
            {"id": "g1", "institution": "school", "name_zh": "一号网关"},
            {"id": "g2", "institution": "office"},
        ],
        "meters": [
            _meter("e0", local="main", digits=8, ct_ratio=40, pt_ratio=2.5, rated_kw=630),
            _meter("e1", local="light", item="A1", parent="e0", building="b1"),
            _meter("e2", local="hvac", item="B", parent="e0", building="b1", value_kind="amount", interval_s=3600),
            {"id": "rest", "institution": "school", "category": "electricity", "unit": "kWh", "kind": "virtual",
             "formula": "e0 - e1 - e2"},
            {"id": "w0", "institution": "office", "gateway": "g2", "local": "main", "category": "02", "unit": "m³"},
        ],
        "sensors": [
            {"id": "t0", "institution": "school", "gateway": "g1", "local": "out", "quantity": "temperature",
             "unit": "℃", "place": "region:990100", "interval_s": 1800},
        ],
        "swaps": [
            {"meter": "e0", "time": "2025-03-01T10:00:00+08:00", "old_end": 99120.5, "new_start": 0.0, "old_ratio": 80},
        ],
        "denominators": [
            {"scope": "building", "id": "b1", "kind": "floor_area", "value": 12000, "unit": "m2",
             "valid_to": "2023-09-01"},
            {"scope": "building", "id": "b1", "kind": "floor_area", "value": 15000.5, "unit": "m2",
             "valid_from": "2023-09-01"},
            {"scope": "institution", "id": "school", "kind": "users", "value": 1300, "unit": "p"},
        ],
        "calendars": [
            {"institution": "school", "date_from": "2026-01-17", "date_to": "2026-02-22", "kind": "vacation",
             "name": "寒假"},
        ],
    }  # fmt: skip


def _meter(identity: str, **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "institution": "school", "gateway": "g1", "category": "electricity", "unit": "kWh",
    } | more  # fmt: skip


def row_of(sheets: Sheets, sheet: str, identity: str) -> dict[str, Any]:
    """The row of an id, to be changed in place."""
    key = "code" if sheet == "regions" else "id"
    return next(row for row in sheets[sheet] if row[key] == identity)
