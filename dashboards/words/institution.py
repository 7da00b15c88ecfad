"""What the institution's dashboard says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.institution": ("公共机构", "Institution"),
    "board.institution.about": (
        "一家机构的用量、期望值、年度指标与同类比较",
        "Use, expectation, target and peers of one institution",
    ),
}
PANELS: Final[Panels] = {
    "institution.season": (
        "供热季热量",
        "Heat of the season",
        "每日集中供热量与去年同日；非供热季为零或无数据。",
        "Daily district heat and the same day last year; outside the season zero or no data.",
    ),
    "institution.heating": (
        "供暖季能耗",
        "Heating by season",
        "单位采暖建筑面积供暖能耗，按供暖季开始的年份；跨年三月结束后给出，缺核心月份则空白。",
        "Heating energy per heated area by the year a season began; told once its March is over, blank where unknown.",
    ),
    "institution.per_area": (
        "单位建筑面积能耗",
        "Energy per floor area",
        "近 12 个月，当量值口径。",
        "Last 12 months, equivalent value.",
    ),
    "institution.expected": (
        "实测与期望值",
        "Measured against expected",
        "按天气、日历与历史推算的期望区间；超出区间的日子值得查看，竖线为发现。",
        "Band expected from weather, calendar and history; days outside it deserve a look. Lines mark findings.",
    ),
    "institution.items": (
        "分项用电",
        "Electricity by end use",
        "所选时段各分项用电；“未分项”为总表减去各分项。",
        "End uses in the range; not itemised is the main meter less its items.",
    ),
    "institution.items_days": (
        "每日分项用电",
        "End uses by day",
        "每日各分项用电，叠加。",
        "End uses of each day, stacked.",
    ),
    "institution.months": (
        "每月用量",
        "Use by month",
        "所选分类近 13 个月与去年同月；本月为累计值。",
        "Chosen category, last 13 months and a year before; the newest month is to date.",
    ),
    "institution.target": (
        "年度指标进度",
        "Progress of the target",
        "已用、应用与全年预测占年度指标的份额；超过 100 % 即超指标。",
        "Used, due and forecast as shares of the year's target; above 100 % it is passed.",
    ),
    "institution.used": (
        "已用占年度指标",
        "Used of the target",
        "80 %、90 %、100 % 为预警级别。",
        "80, 90 and 100 % are the stages.",
    ),
    "institution.peers": (
        "同类机构",
        "Peers",
        "同类机构近 12 个月单位建筑面积能耗（当量值口径）与名次。",
        "Institutions of the same type: energy per floor area over 12 months (equivalent value), and rank.",
    ),
    "institution.hours": (
        "逐时热力图",
        "Hours and days",
        "所选分类每日每小时用量：深色为高；夜间与周末的深色值得查看。",
        "Chosen category by hour and day: dark is high; dark nights and weekends deserve a look.",
    ),
    "institution.buildings": (
        "建筑",
        "Buildings",
        "各建筑所选时段用电与完整率；点击进入建筑与计量器具。",
        "Electricity of the range and completeness; a click leads to building and meter.",
    ),
    "institution.findings": (
        "未关闭的发现",
        "Open findings",
        "所选时段内开始、尚未关闭的发现，按金额×可信度从高到低；点击到控制台处理。",
        "Began in the range and not closed, by yuan × certainty; a click leads to the console.",
    ),
}
