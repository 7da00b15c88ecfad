"""What the dashboard of water and night flow says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.water": ("用水与夜间流量", "Water and night flow"),
    "board.water.about": ("用水、夜间流量与疑似漏损", "Water, night flow and likely leaks"),
}
PANELS: Final[Panels] = {
    "water.total": ("用水量", "Water", "所选行政区所选时段合计。", "Sum of region and range."),
    "water.night": (
        "平均夜间流量",
        "Mean night flow",
        "所选机构 02:00-05:00 的平均流量，每机构每夜。",
        "Mean flow of 02:00-05:00, per institution and night.",
    ),
    "water.institutions": (
        "各机构夜间流量",
        "Night flow by institution",
        "夜间流量占比 = 夜间流量 × 24 / 日均用水；高占比多为漏损或常流。",
        "Night share = night flow x 24 / water per day; a high share mostly means leaks.",
    ),
    "water.per_person": (
        "人均用水量",
        "Water per person",
        "近 12 个月，用水最多的 20 家。",
        "Last 12 months, the 20 that use most.",
    ),
    "water.nights": (
        "夜间流量",
        "Night flow",
        "所选机构每夜 02:00-05:00 平均流量；竖线为夜间漏水发现。",
        "Mean flow of 02:00-05:00 of each night; lines mark findings of night flow.",
    ),
    "water.hours": ("逐时用水", "Hours and days", "每日每小时用水：深色为高。", "Water by hour and day: dark is high."),
    "water.months": (
        "每月用水",
        "Water by month",
        "近 13 个月与去年同月；本月为累计值。",
        "Last 13 months and a year before; the newest month is to date.",
    ),
}
