"""Panels that several dashboards show."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels

PANELS: Final[Panels] = {
    "coverage": (
        "数据完整率",
        "Completeness",
        "所选时段内每日完整率的平均值；低于 90 % 的数字不宜用于考核。",
        "Mean of the days in the range; below 90 % figures should not be used for assessment.",
    ),
    "amounts": (
        "所选时段用量",
        "Used in the range",
        "各分类所选时段合计；没有计量的分类不列出。",
        "Sum of the range by category; a category without meters is not listed.",
    ),
    "heard": (
        "本月实报 / 应报",
        "Reporting",
        "本月应上报的计量器具数与实际上报数。",
        "Meters that should have reported this month, and those that did.",
    ),
    "open_findings": (
        "未关闭的发现",
        "Open findings",
        "近一年内开始、尚未关闭的发现数。",
        "Findings of the last year that nobody has closed.",
    ),
}
