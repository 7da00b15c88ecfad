"""What the dashboard of targets and warnings says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.targets": ("指标与预警", "Targets and warnings"),
    "board.targets.about": (
        "年度指标进度、预警级别与定额水平",
        "Progress against the year's targets, stages and quota levels",
    ),
}
PANELS: Final[Panels] = {
    "targets.issued": (
        "已下达指标",
        "Targets issued",
        "所选机构本年的年度指标数。",
        "Targets of the chosen institutions.",
    ),
    "targets.stage80": (
        "达到 80 %",
        "At 80 %",
        "已用量达到年度指标 80 % 及以上。",
        "At least 80 % of the target is used.",
    ),
    "targets.stage90": (
        "达到 90 %",
        "At 90 %",
        "已用量达到年度指标 90 % 及以上。",
        "At least 90 % of the target is used.",
    ),
    "targets.stage100": ("超指标", "Passed", "已用量达到或超过年度指标。", "The target is used up or passed."),
    "targets.over": (
        "预计超指标",
        "Expected to exceed",
        "预测下限仍高于年度指标，或已经超过。",
        "Even the lower bound of the forecast passes the target.",
    ),
    "targets.progress": (
        "年度指标进度",
        "Progress against targets",
        "按已用占比排序；“应用”为按季节到今日应用的份额，“预计超指标日”按预测中值。",
        "By share used; due by now follows the seasons, the day of passing the median forecast.",
    ),
    "targets.shares": (
        "已用与应用",
        "Used and due by now",
        "已用最多的 20 家；已用高于应用的机构用得快于季节进度。",
        "The 20 that used most; those above their due share use faster than the seasons allow.",
    ),
    "targets.grades": (
        "定额水平",
        "Quota level",
        "近 12 个月单位建筑面积能耗（当量值口径）与约束值、基准值、引导值；空白为无适用定额。",
        "Energy per floor area over 12 months (equivalent value) with its levels; blank where no quota applies.",
    ),
}
