"""What reports say, in both languages; the Chinese words are the official ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from api.reports.document import Language

WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "monthly": ("{name}{year}年{month}月能源资源消费月报", "{name}: energy and water, {year}-{month:02d}"),
        "yearly": ("{name}{year}年度能源资源消费分析报告", "{name}: yearly energy and water analysis {year}"),
        "publication": ("{name}{year}年第{quarter}季度能源资源消费公示", "{name}: published use, Q{quarter} {year}"),
        "institution": ("单位名称", "Institution"),
        "credit_code": ("统一社会信用代码", "Credit code"),
        "region": ("行政区划", "Region"),
        "type": ("单位类型", "Type"),
        "span": ("统计期间", "Period"),
        "span_of": ("{first} 至 {last}", "{first} to {last}"),
        "area": ("建筑面积", "Floor area"),
        "users": ("用能人数", "Energy users"),
        "made": ("编制日期", "Made on"),
        "complete": ("数据完整率", "Completeness"),
        "not_stated": ("待补充", "to be added"),
        "h_overview": ("一、总体情况", "1. Overview"),
        "h_indicators": ("二、综合能耗、碳排放与定额对标", "2. Standard coal, CO2 and quotas"),
        "h_items": ("三、分项用电", "3. Electricity by end use"),
        "h_course": ("四、用量走势", "4. Course"),
        "h_targets": ("五、年度指标进度", "5. Progress of yearly targets"),
        "h_findings": ("六、异常与整改", "6. Findings and rectification"),
        "h_quality": ("七、数据质量与说明", "7. Data quality and notes"),
        "overview": (
            "{span}，本单位{parts}。数据完整率 {coverage}，应报表计 {expected} 块，实报 {reporting} 块。",
            "{span}: {parts}. Completeness {coverage}; {reporting} of {expected} meters reported.",
        ),
        "part": ("{category} {amount} {unit}", "{category} {amount} {unit}"),
        "part_change": ("（同比 {change}）", " ({change} on last year)"),
        "no_figures": ("本期没有可用的合计数据", "no totals are known for this period"),
        "t_totals": ("表 {n}  分类能源资源消费量（{span}）", "Table {n}  Use by category ({span})"),
        "category": ("分类", "Category"),
        "amount": ("消费量", "Use"),
        "unit": ("单位", "Unit"),
        "cost": ("费用（元）", "Cost (yuan)"),
        "last_year": ("上年同期", "Last year"),
        "change": ("同比", "Change"),
        "expected": ("期望用量", "Expected"),
        "excess": ("较期望", "vs exp."),
        "coverage": ("完整率", "Complete"),
        "estimated": ("估计占比", "Est."),
        "reported": ("应报/实报", "Due/in"),
        "n_totals": (
            "注：“—”表示未知，不等于零；一期中任一时段未知则合计未知。期望用量由天气、日历和历史用量推算，不含不可预见事项。",
            "Note: a dash means unknown, never zero. Expected use follows weather, calendar and history.",
        ),
        "n_unknown": (
            "注：“—”表示未知，不等于零；一期中任一时段未知则合计未知。",
            "Note: a dash means unknown, never zero; a sum of which one part is unknown is unknown.",
        ),
        "t_indicators": ("表 {n}  指标与定额（{span}）", "Table {n}  Indicators and quotas ({span})"),
        "indicator": ("指标", "Indicator"),
        "value": ("数值", "Value"),
        "caliber": ("口径", "Caliber"),
        "constraint": ("约束值", "Limit"),
        "baseline": ("基准值", "Base"),
        "guide": ("引导值", "Guide"),
        "judgement": ("评价", "Grade"),
        "no_indicators": ("本期没有可计算的指标（缺面积、人数或分类合计）。", "No indicator could be computed."),
        "n_calibers": (
            "口径说明：{list}。不同口径的数值不可比较。",
            "Calibers: {list}. Never compare across calibers.",
        ),
        "t_peers": ("表 {n}  同类限值", "Table {n}  Limits among peers"),
        "of_rolling12": ("至 {month} 的 12 个月", "12 months to {month}"),
        "of_season": ("{month} 起的供暖季", "heating season from {month}"),
        "interval": ("80 % 区间", "80 % int."),
        "n_peers": (
            "注：无定额时由同类机构推算，已按本单位影响因素修正；置信区间按 10 % 取整。同类限值不是定额。",
            "Note: where no quota exists, for own drivers; intervals in steps of 10 %. Not a quota.",
        ),
        "t_peer_groups": ("表 {n}  同类分组与本单位修正", "Table {n}  Peer groups and own adjustments"),
        "peer_group": ("同类分组", "Peer group"),
        "peer_members": ("成员数", "Members"),
        "not_adjusted": ("未修正", "not adjusted"),
        "n_adjusted": (
            "注：修正是数值中由该因素引起的部分，限值已计入；因素未知则不作修正。",
            "Note: an adjustment is the part of the value due to that driver; the limits allow for it.",
        ),
        "t_items": ("表 {n}  分项用电量（{span}，单位 kWh）", "Table {n}  Electricity by end use ({span}, kWh)"),
        "item": ("分项", "End use"),
        "share": ("占比", "Share"),
        "unallocated": ("未分项", "not sub-metered"),
        "no_items": ("没有分项计量，或本期分项未知。", "No sub-metering, or unknown in this period."),
        "c_course": ("图 {n}  {category}（{unit}）", "Figure {n}  {category} ({unit})"),
        "measured": ("实际", "measured"),
        "last": ("上年同期", "last year"),
        "t_targets": ("表 {n}  年度指标进度（截至 {on}）", "Table {n}  Progress of targets (up to {on})"),
        "target": ("年度指标", "Target"),
        "used": ("累计", "Used so far"),
        "used_share": ("已用比例", "Is at"),
        "should": ("应用比例", "Should be"),
        "forecast": ("全年预测", "Forecast"),
        "forecast_share": ("预测/指标", "Fc./target"),
        "no_targets": ("未下达或未录入年度指标。", "No target was issued or entered."),
        "t_findings": ("表 {n}  本期异常（{count} 项）", "Table {n}  Findings ({count})"),
        "finding": ("异常", "Finding"),
        "since": ("开始", "Since"),
        "extra": ("多用量", "Excess"),
        "extra_yuan": ("多支出（元）", "Excess yuan"),
        "state": ("状态", "State"),
        "no_findings": ("本期未发现异常。", "No findings in this period."),
        "t_tasks": ("表 {n}  整改与说明（{count} 项）", "Table {n}  Rectification and explanations ({count})"),
        "problem": ("问题", "Problem"),
        "measure": ("措施", "Measure"),
        "responsible": ("责任人", "Person"),
        "deadline": ("期限", "Deadline"),
        "no_tasks": ("本期没有整改事项。", "Nothing to rectify in this period."),
        "missing": ("待补充：{list}。", "To be added: {list}."),
        "nothing_missing": ("本期分类合计齐全。", "All totals of this period are known."),
        "poor": ("{category}完整率 {coverage}", "{category} {coverage} complete"),
        "unknown_amount": ("{category}消费量未知", "use of {category} unknown"),
        "not_over": (
            "统计期间尚未结束，合计和指标在期末后给出",
            "the period is not over: totals and indicators follow at its end",
        ),
        "so_far": ("{month}（至今）", "{month} (so far)"),
        "no_cost": ("{category}费用未知（缺电价、水价或账单）", "cost of {category} unknown (no tariff or bill)"),
        "no_last": ("{category}上年同期未知", "last year of {category} unknown"),
        "notes": (
            "本报告依据登记册第 {revision} 版和截至 {now} 入库的读数生成；此后补传或更正的数据不改变本文件。",
            "Made from registry revision {revision} and readings stored by {now}; later data do not change this file.",
        ),
        "foot": ("{name} · {span} · 节能平台编制", "{name} · {span} · made by Jieneng"),
        "st_open": ("待处理", "open"),
        "st_waiting": ("观察中", "waiting"),
        "st_closed": ("已关闭", "closed"),
        "st_submitted": ("待复核", "submitted"),
        "rectify": ("整改", "rectify"),
        "explain": ("作出说明", "explain"),
        "t_months": ("表 {n}  逐月消费量", "Table {n}  Use by month"),
        "month": ("月份", "Month"),
        "whole_year": ("全年", "Year"),
        "electricity": ("电", "electricity"),
        "water": ("水", "water"),
        "gas": ("天然气", "natural gas"),
        "heat": ("热力", "heat"),
        "cooling": ("集中供冷", "cooling"),
        "other": ("其他能源", "other energy"),
        "coal": ("煤炭", "coal"),
        "lpg": ("液化石油气", "LPG"),
        "gasoline": ("汽油", "gasoline"),
        "diesel": ("柴油", "diesel"),
        "p_correction": ("更正说明 {n}（{day}，{author}）：{text}", "Correction {n} ({day}, {author}): {text}"),
        "p_approved": (
            "本公示数据由 {author} 于 {day} 核定，公示后不再变动；此后发现的差异列入更正说明。",
            "Approved by {author} on {day}; these figures do not change. What turns out later is noted below.",
        ),
        "h_published": ("一、公示数据", "1. Published figures"),
        "h_corrections": ("二、更正说明", "2. Corrections"),
        "no_corrections": ("无。", "None."),
        "f_code": ("序号", "No."),
        "f_field": ("指标名称", "Field"),
        "f_value": ("数值", "Value"),
        "f_source": ("来源", "Source"),
        "f_note": ("备注", "Note"),
        "f_unsure": ("待核实", "to be verified"),
        "f_unsure_list": ("待核实：{list}", "To be verified: {list}"),
        "summary_of": ("{name}{title}", "{name}: {title}"),
        "department": ("主管部门", "Department"),
        "own_level": ("本级", "own level"),
        "whole_region": ("合计", "total"),
        "n_known": ("实报机构数（应报 {n}）", "institutions known (of {n})"),
        "signed_head": ("单位负责人", "Head"),
        "signed_statistics": ("统计负责人", "Head of statistics"),
        "signed_writer": ("填表人", "Filled by"),
        "signed_phone": ("联系电话", "Phone"),
        "f_banner": (
            "非正式样表 —— 表式与字段按公开资料整理，报送前请以主管部门下发的正式表式为准",
            "Not an official form: fields follow public sources; use the form your authority issued",
        ),
        "f_state": ("填报状态", "State"),
        "f_ready": ("可以报送", "can be submitted"),
        "f_not_ready": ("尚不能报送", "cannot be submitted yet"),
        "f_missing": ("待补充（{count} 项）：{list}", "To be added ({count}): {list}"),
        "s_missing": (
            "待补充（{count} 家单位）：{fields}。单位：{names}。",
            "To be added ({count}): {fields}. By: {names}.",
        ),
        "s_field": ("{field} {n} 家", "{field} ({n})"),
        "s_stop": ("；", "; "),  # names of fields hold commas themselves
        "s_more": (" 等", " and others"),
        "f_open": (
            "尚未填报，如有须补充（{count} 项）：{list}",
            "Not stated, to be added where there is any ({count}): {list}",
        ),
        "f_none_missing": ("必填项齐全。", "All required fields are filled."),
        "f_differs": (
            "{field}：填报 {entered} {unit}，计量 {metered} {unit}，相差 {difference}",
            "{field}: entered {entered} {unit}, metered {metered} {unit}, difference {difference}",
        ),
        "f_because": ("{differs}（{note}）", "{differs} ({note})"),
        "f_cost": ("{category}费用", "cost of {category}"),
        "f_unexplained": ("以下差异超过 {tolerance} 且未说明，报送前须说明：{list}", "To be explained first: {list}"),
        "f_explained": ("已说明的差异：{list}", "Differences explained: {list}"),
        "from_meter": ("计量", "meters"),
        "from_bill": ("账单", "bills"),
        "from_registry": ("登记册", "registry"),
        "from_entry": ("填报", "entered"),
        "computed": ("计算", "computed"),
        "n_others": (
            "未计入他人使用且单独计量的用能：{list}。",
            "Not counted, since others use it and it is metered separately: {list}.",
        ),
        "n_form": (
            "表式版本：{version}；填报期：{span}。“待核实”表示该字段在本版本中的口径未经正式文件核实。",
            "Version {version}; period {span}. 'to be verified': not checked against the official text.",
        ),
    }
)


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 0 if language == "zh" else 1

    def __call__(self, key: str, **parts: object) -> str:
        """The text of a key with its parts filled in."""
        text = WORDS[key][self._place]
        return text.format(**parts) if parts else text

    def name(self, zh: str, en: str) -> str:
        """The name in this language, the other where it has none."""
        return (zh or en) if self._place == 0 else (en or zh)

    @property
    def stop(self) -> str:
        """What stands between the members of a list."""
        return "、" if self._place == 0 else ", "
