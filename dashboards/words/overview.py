"""What the overview says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.overview": ("节能总览", "Overview"),
    "board.overview.about": (
        "本级行政区的用能、进度与数据完整性",
        "Energy, progress and completeness of a region",
    ),
}
PANELS: Final[Panels] = {
    "overview.energy_year": (
        "本年综合能耗",
        "This year",
        "本年累计，吨标准煤，当量值口径（公共机构统计）。",
        "Year to date in tonnes of standard coal, equivalent-value caliber of the national statistics.",
    ),
    "overview.stage80": (
        "达 80 % 的指标",
        "At 80 %",
        "已用量达到年度指标 80 % 及以上的指标数。",
        "Targets of which at least 80 % is used up.",
    ),
    "overview.energy_days": (
        "每日综合能耗",
        "Energy by day",
        "本级行政区每日综合能耗，吨标准煤，当量值口径。",
        "Daily energy of the region in tonnes of standard coal, equivalent value.",
    ),
    "overview.electricity_days": (
        "每日用电",
        "Electricity by day",
        "每日用电与去年同日；断开处为无数据。",
        "Daily electricity and the same day last year; a break is missing data.",
    ),
    "overview.electricity_months": (
        "每月用电",
        "Electricity by month",
        "近 13 个月的用电与去年同月；本月为累计值。",
        "Last 13 months and the same months a year before; the newest month is to date.",
    ),
    "overview.regions": (
        "行政区",
        "Regions",
        "所选行政区及其下级：用量为所选时段合计，综合能耗为本年累计（当量值口径）。",
        "The region and all below: amounts of the range, energy of the year to date (equivalent value).",
    ),
    "overview.ranking": (
        "单位建筑面积能耗排名",
        "Energy per floor area, ranked",
        "近 12 个月，当量值口径；名次为同类同级同气候区内名次，可按机构类型筛选。",
        "Last 12 months, equivalent value; the rank is among the same type, tier and climate zone.",
    ),
    "overview.progress": (
        "年度指标进度",
        "Progress against targets",
        "已用量占年度指标；颜色为预警级别，“应用”为按季节到今日应用的份额。",
        "Share of the year's target used; coloured by stage. Due by now follows the seasons.",
    ),
    "overview.completeness": (
        "各机构数据完整率",
        "Completeness by institution",
        "所选时段平均，最低者在前。",
        "Mean of the range, lowest first.",
    ),
}
