"""What the dashboard of findings says."""

from __future__ import annotations

from typing import Final

from dashboards.words.entries import Panels, Terms

TERMS: Final[Terms] = {
    "board.findings": ("发现", "Findings"),
    "board.findings.about": ("异常、费用与处理状态", "What stands out, what it costs, and its state"),
}
PANELS: Final[Panels] = {
    "findings.open": ("未关闭", "Open", "所选时段内开始、尚未关闭的发现。", "Began in the range and not closed."),
    "findings.all": ("全部发现", "All findings", "所选时段内开始的发现。", "Findings that began in the range."),
    "findings.cost": (
        "多付费用",
        "Extra cost",
        "多用的发现涉及的费用合计，元；少用或少计的不抵扣。",
        "What findings of too much use cost, in yuan; what was used or counted too little takes nothing off.",
    ),
    "findings.worst": (
        "最高金额×可信度",
        "Highest yuan × certainty",
        "所选时段内最值得处理的发现。",
        "The finding of the range that is most worth acting on.",
    ),
    "findings.kinds": ("按类型", "By kind", "各类型发现数。", "Number of findings of each kind."),
    "findings.days": ("按开始日期", "By day of beginning", "每日开始的发现数。", "Findings that began on each day."),
    "findings.cost_by": (
        "按机构",
        "By institution",
        "各机构发现数与多付费用。",
        "Findings and extra cost of each institution.",
    ),
    "findings.list": (
        "未关闭的发现",
        "Open findings",
        "按金额×可信度从高到低；点击标题到控制台标记、派单或说明。",
        "By yuan × certainty, the worthiest first; a click on the title leads to the console, to judge or assign.",
    ),
    "findings.timeline": (
        "全部发现的时间线",
        "Timeline of all findings",
        "所选时段内开始的发现，含已关闭的；最新在前。",
        "Findings that began in the range, closed ones too; newest first.",
    ),
}
