"""What the dashboard of collector and system says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.collector": ("采集与系统", "Collector and system"),
    "board.collector.about": ("读数到达、入库与排队情况", "Readings arriving, stored and waiting"),
}
PANELS: Final[Panels] = {
    "collector.stored": ("已入库", "Stored", "所选时段入库读数。", "Readings stored in the range."),
    "collector.duplicate": (
        "重复",
        "Duplicates",
        "重复到达、只存一次的读数。",
        "Readings that came again and were stored once.",
    ),
    "collector.parked": (
        "搁置",
        "Parked",
        "无法使用、原样保留的读数。",
        "Readings that could not be used and are kept as they came.",
    ),
    "collector.lag": (
        "入库延迟",
        "Waiting",
        "最早一条待入库读数的等待时间。",
        "How long the oldest reading has been waiting.",
    ),
    "collector.spool": (
        "落盘队列",
        "Spool",
        "已确认、待入库数据占用的磁盘。",
        "Disk held by readings that wait for the store.",
    ),
    "collector.flow": (
        "每分钟读数",
        "Readings a minute",
        "每分钟入库与重复的读数。",
        "Readings stored and duplicate, a minute.",
    ),
    "collector.set_aside": (
        "每分钟搁置",
        "Parked a minute",
        "每分钟搁置的读数按原因。",
        "Readings set aside a minute, by reason.",
    ),
    "collector.spool_course": (
        "落盘队列",
        "Spool",
        "存储不可用时上升，恢复后归零。",
        "Rises while the store is away, falls when it is back.",
    ),
    "collector.collectors": ("采集器", "Collectors", "各采集器所选时段情况。", "Each collector in the range."),
}
