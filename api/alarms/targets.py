"""Conditions of targets and findings: stages reached, the year's outlook, open findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from api.alarms.view import Condition, Judgement, View, Words
from energy.caliber import caliber
from energy.errors import ReferenceTableError
from energy.intervals import DAY
from energy.reference import indicator
from energy.registry import AlarmRule, Finding, Stage
from energy.storage.schema import TARGET

_WITHDRAWN_S: Final = 30 * DAY
_FINDING_AGE_S: Final = 30 * DAY
_OUTLOOK_S: Final = 15 * DAY  # forecasts are made each Monday and on the newest day
_WATCH, _OVER = 1, 2


def stages(view: View, rule: AlarmRule) -> Judgement:
    """Stages of this year's targets that were reached (threshold: least stage), or withdrawn lately."""
    year = view.calendar.date_of(view.now).year
    rows = view.registry.stages.rows(year=[year, year - 1])
    wanted = [row for row in rows if row.stage >= (rule.threshold or 0.0) and _is_fresh(row, year, view.now)]
    found = (_stage(view, row) for row in wanted)
    return Judgement(tuple(condition for condition in found if condition is not None))


def _is_fresh(row: Stage, year: int, now: int) -> bool:
    if row.withdrawn is not None:
        return now - row.withdrawn < _WITHDRAWN_S
    return row.year == year or now - row.raised < _WITHDRAWN_S


def _stage(view: View, row: Stage) -> Condition | None:
    place = _place(view, row.scope, row.id)
    if place is None:
        return None
    name, what, counting = view.name_of(row.scope, row.id), _indicator(row.indicator), _caliber(row.caliber)
    used, target, share = what.amount(row.used), what.amount(row.target), row.used / row.target
    title = Words(
        f"{name.zh}：{row.year} 年{what.name.zh}已达年度指标的 {row.stage:.0%}",
        f"{name.en}: {what.name.en} has reached {row.stage:.0%} of the target of {row.year}",
    )
    text = Words(
        f"累计 {used}，年度指标 {target}，已用 {share:.1%}（口径：{counting.zh}）。",
        f"Used {used} of the target {target}: {share:.1%} (caliber: {counting.en}).",
    )
    if row.withdrawn is not None:
        title = Words(f"已撤回：{title.zh}", f"Withdrawn: {title.en}")
        text = Words(
            f"数据更正后累计为 {used}（年度指标 {target}），低于该级预警。",
            f"After a correction the use is {used} of {target}, below this stage.",
        )
    return Condition(
        cause=f"stage/{row.scope}/{row.id}/{row.year}/{row.indicator}/{row.caliber}/{row.stage:g}/{row.raised}",
        scope=place[0],
        node=place[1],
        since=row.raised,
        title=title,
        text=text,
        severity="critical" if row.stage >= 1.0 and row.withdrawn is None else None,
        link=_link(place),
        is_withdrawn=row.withdrawn is not None,
    )


def outlooks(view: View, rule: AlarmRule) -> Judgement:
    """Targets that the forecast of the year passes (threshold: 1 = likely or surely, 2 = surely only)."""
    table = view.store.results(TARGET.name, where={}, start=view.now - _OUTLOOK_S, end=view.now + DAY)
    newest: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in table.records():
        if math.isfinite(row["outlook"]):
            newest[tuple(row[tag] for tag in TARGET.tags)] = row  # rows come in the order of time
    found = (_outlook(view, row) for row in newest.values() if row["outlook"] >= (rule.threshold or _WATCH))
    return Judgement(tuple(condition for condition in found if condition is not None))


def _outlook(view: View, row: dict[str, Any]) -> Condition | None:
    place = _place(view, row["scope"], row["id"])
    if place is None:
        return None
    year = view.calendar.date_of(row["time"]).year
    is_over = row["outlook"] >= _OVER
    name, what = view.name_of(row["scope"], row["id"]), _indicator(row["indicator"])
    share, counting = row["forecast"] / row["target"], _caliber(row["caliber"])
    forecast, target = what.amount(row["forecast"]), what.amount(row["target"])
    zh, en = ("将超过" if is_over else "可能超过"), ("will pass" if is_over else "may pass")
    day = _breach(view, row["breach_ms"])
    subject = f"{row['scope']}/{row['id']}/{year}/{row['indicator']}/{row['caliber']}"
    return Condition(
        cause=f"outlook/{subject}/{'over' if is_over else 'watch'}",
        scope=place[0],
        node=place[1],
        since=row["time"],
        title=Words(
            f"{name.zh}：按目前用量，{year} 年{what.name.zh}{zh}年度指标",
            f"{name.en}: at this rate {what.name.en} of {year} {en} the target",
        ),
        text=Words(
            f"全年预测 {forecast}，为年度指标 {target} 的 {share:.0%}"
            + (f"；预计 {day.isoformat()} 超过" if day else "")
            + f"（口径：{counting.zh}）。",
            f"Forecast {forecast}, {share:.0%} of the target {target}"
            + (f"; passed about {day.isoformat()}" if day else "")
            + f" (caliber: {counting.en}).",
        ),
        severity="critical" if is_over else None,
        link=_link(place),
    )


def findings(view: View, rule: AlarmRule) -> Judgement:
    """Findings that are open or were taken back (threshold: least severity); old history raises nothing."""
    rows = view.registry.findings.rows(state=["open", "waiting", "withdrawn"])
    wanted = [row for row in rows if row.severity >= (rule.threshold or 0.0) and _is_recent(row, view.now)]
    return Judgement(tuple(_finding(row) for row in wanted if row.institution in view.snapshot.institutions))


def _is_recent(row: Finding, now: int) -> bool:
    return now - (row.end if row.end is not None else row.start) < _FINDING_AGE_S


def _finding(row: Finding) -> Condition:
    return Condition(
        cause=f"finding/{row.id}",
        scope="institution",
        node=row.institution,
        since=row.start,
        title=Words(row.title_zh or row.kind, row.title_en or row.title_zh or row.kind),
        text=Words(row.text_zh, row.text_en or row.text_zh),
        link=f"/findings/{row.id}",
        is_withdrawn=row.state == "withdrawn",
    )


def _place(view: View, scope: str, identity: str) -> tuple[str, str] | None:
    """Whose matter a target is; None for what the registry does not know any more."""
    if scope == "building":
        building = view.snapshot.buildings.get(identity)
        return None if building is None else ("institution", building.institution)
    known = view.snapshot.regions if scope == "region" else view.snapshot.institutions
    return (scope, identity) if identity in known else None


def _link(place: tuple[str, str]) -> str:
    scope, node = place
    return f"/institutions/{node}" if scope == "institution" else "/targets"


@dataclass(frozen=True, slots=True)
class _What:
    """What a target counts, and in which unit."""

    name: Words
    unit: str

    def amount(self, value: float) -> str:
        """As people read it: no digit that no meter would stand for."""
        return f"{value:,.{0 if abs(value) >= 1000 else 2}f} {self.unit}".rstrip()


def _indicator(key: str) -> _What:
    try:
        found = indicator(key)
    except ReferenceTableError:  # written by a version with another list
        return _What(Words(key, key), "")
    return _What(Words(found.name_zh, found.name_en), found.unit)


def _caliber(key: str) -> Words:
    try:
        found = caliber(key)
    except ReferenceTableError:
        return Words(key, key)
    return Words(found.name_zh, found.name_en)


def _breach(view: View, breach_ms: float) -> date | None:
    return view.calendar.date_of(int(breach_ms // 1000)) if math.isfinite(breach_ms) else None
