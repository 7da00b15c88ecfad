"""What the dashboard of building and meter says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.meter": ("建筑与计量器具", "Building and meter"),
    "board.meter.about": ("负荷、规律、表码与数据状态", "Load, rhythm, register and state of the data"),
}
PANELS: Final[Panels] = {
    "meter.total": ("用量", "Use", "所选时段每日用量合计。", "Sum of the days in the range."),
    "meter.demand": ("最大需量", "Highest demand", "所选时段最大平均功率。", "Highest mean power in the range."),
    "meter.register": ("最新表码", "Newest register", "最近一次读到的表码。", "The display as it was last read."),
    "meter.contact": (
        "通信与数据",
        "Contact and data",
        "状态按应上报周期判断；最近一次读数的时间；昨日应有数据中有效的份额。",
        "State by how often the meter should speak, when it last did, and the valid share of yesterday.",
    ),
    "meter.load": (
        "区间用量",
        "Load profile",
        "每个区间的用量与期望区间；断开处为无数据，竖线为发现。",
        "Use of each interval and its expected band; a break is missing data, lines mark findings.",
    ),
    "meter.days": ("每日用量", "Use by day", "每日合计。", "Sum of each day."),
    "meter.hours": (
        "建筑逐时用电",
        "Hours and days of the building",
        "所选建筑每日每小时用电：深色为高。",
        "Electricity of the building by hour and day: dark is high.",
    ),
    "meter.power": (
        "每日最大与最小负荷",
        "Highest and lowest load",
        "每日区间平均功率的最大与最小值；最小值接近基础负荷。",
        "Highest and lowest mean power of each day; the lowest is close to the base load.",
    ),
    "meter.readings": (
        "表码",
        "Register",
        "原始读数；正常只升不降，陡降为换表或归零。",
        "Raw readings; they only rise, a fall is an exchange or a reset.",
    ),
    "meter.states": (
        "数据状态",
        "State of the data",
        "每个区间用量的来源。",
        "Where the amount of each interval comes from.",
    ),
    "meter.findings": (
        "发现",
        "Findings",
        "该计量器具所选时段内的发现，最新在前。",
        "Findings on this meter in the range, newest first.",
    ),
}
