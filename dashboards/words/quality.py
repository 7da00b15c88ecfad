"""What the dashboard of data quality says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.quality": ("数据质量", "Data quality"),
    "board.quality.about": ("完整率、失联计量器具与搁置读数", "Completeness, silent meters and parked readings"),
}
PANELS: Final[Panels] = {
    "quality.silent": (
        "失联计量器具",
        "Silent meters",
        "所选机构中超过一天未上报或从未上报的计量器具数。",
        "Meters of the chosen institutions that were silent for a day or never heard.",
    ),
    "quality.estimated": (
        "估算占比",
        "Estimated share",
        "所选时段内估算时间的平均份额。",
        "Mean share of time that is estimated.",
    ),
    "quality.clocks": (
        "时钟偏差",
        "Clocks off",
        "时钟偏差 2 分钟及以上的表计数；无实时读数的未知。",
        "Meters whose clock is off by 2 minutes and more; unknown where none is heard live.",
    ),
    "quality.parked": (
        "搁置读数",
        "Parked readings",
        "全部采集器在所选时段内搁置、等待处理的读数。",
        "Readings that all collectors set aside in the range.",
    ),
    "quality.course": (
        "每日完整率",
        "Completeness by day",
        "本级行政区各分类每日完整率。",
        "Completeness of each category by day.",
    ),
    "quality.institutions": (
        "各机构数据质量",
        "Institutions",
        "所选时段平均完整率与估算占比，本月实报与应报；最低者在前。",
        "Mean completeness and estimated share, meters reporting and due; lowest first.",
    ),
    "quality.meters": (
        "失联与迟到",
        "Silent and late meters",
        "所选机构中目前失联、迟到或从未上报的计量器具。",
        "Meters of the chosen institutions that are silent, late or were never heard.",
    ),
    "quality.silent_by": (
        "各机构失联数",
        "Silent meters by institution",
        "目前超过一天未上报或从未上报的计量器具数；没有失联的机构不列出。",
        "Meters silent for a day or never heard; institutions without any are not listed.",
    ),
    "quality.reasons": (
        "搁置原因",
        "Parked by reason",
        "全部区域的搁置读数按原因（报文可能不属于已登记的采集器）；按行政区查看与重放见控制台“数据质量”。",
        "Of all regions, by reason: what is parked may name no known gateway. By region, and to replay: the console.",
    ),
    "quality.lag": (
        "入库延迟",
        "Waiting for the store",
        "最早一条待入库读数的等待时间。",
        "How long the oldest reading has been waiting.",
    ),
}
