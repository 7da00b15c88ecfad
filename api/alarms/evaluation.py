"""From conditions to notices: what is new is opened, what is over is closed, what was wrong is withdrawn visibly."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from api.alarms import clocks, computing, plant, silence, targets, upkeep
from api.alarms.messages import announcements
from api.alarms.rules import effective
from api.alarms.view import Condition, Judgement, View, Words
from energy.errors import StorageError
from energy.intervals import DAY, DEFAULT_ZONE, LocalCalendar
from energy.registry import AlarmRule, Notice, Registry
from energy.registry.alarms import Event
from energy.storage.base import Store

logger = logging.getLogger(__name__)
_LOOK_BACK_S: Final = 40 * DAY
_WITHOUT_STORE: Final = ("stage", "finding", "disk", "certificate", "jobs")
Judge = Callable[[View, AlarmRule], Judgement]
Change = tuple[Notice, Event]

JUDGES: Final[Mapping[str, Judge]] = MappingProxyType(
    {
        "collector": plant.collectors,  # first: what else is silent follows from it
        "stage": targets.stages,
        "outlook": targets.outlooks,
        "finding": targets.findings,
        "silent": silence.silent,
        "completeness": plant.completeness,
        "clock": clocks.clocks,
        "balance": plant.balance,
        "lag": plant.lag,
        "spool": plant.spool,
        "disk": plant.disk,
        "certificate": upkeep.certificates,
        "backup": upkeep.backups,
        "holidays": upkeep.holidays,
        "jobs": computing.jobs,
    }
)


def evaluate(
    registry: Registry,
    store: Store,
    now: int,
    *,
    zone: str = DEFAULT_ZONE,
    home: Path | None = None,
    certificates: Mapping[str, Path] | None = None,
    leads: Mapping[str, float] | None = None,
) -> list[Notice]:
    """Compare what is so with what was said, write notices and queue their messages; the notices opened now.

    Safe to run again at any time: a cause that stands is not raised twice, also not after a restart.
    """
    lately = registry.alarms.notices(since=now - _LOOK_BACK_S)
    by_cause = {n.cause: n for n in reversed(lately)} | {n.cause: n for n in registry.alarms.standing()}
    view = View(
        registry,
        store,
        registry.snapshot(),
        LocalCalendar(zone),
        now,
        home,
        {cause: n for cause, n in by_cause.items() if n.ended is None},
        {cause: n.ended for cause, n in by_cause.items() if n.ended is not None},
        leads or {},
        certificates or {},
    )
    changes = list(_changes(view, effective(registry.alarms.rules()), by_cause))
    if changes:
        messages = announcements(registry, view.snapshot, changes, now=now)
        registry.alarms.record(changes, messages, now=now)
    return [notice for notice, event in changes if event == "opened"]


def _changes(view: View, rules: Iterable[AlarmRule], by_cause: Mapping[str, Notice]) -> Iterator[Change]:
    ordered = sorted(rules, key=lambda rule: [*JUDGES, "store"].index(rule.kind))
    trouble, covered = "", set()
    for rule in ordered:
        judgement = Judgement()
        if rule.kind == "store":
            judgement = _store(view, trouble)
        elif trouble and rule.kind not in _WITHOUT_STORE:
            covered.add(rule.kind)
            continue
        else:
            try:
                judgement = JUDGES[rule.kind](view, rule)
            except StorageError as exc:
                trouble = str(exc)
                covered.add(rule.kind)
                continue
        covered.add(rule.kind)
        changes = list(_of_rule(view, rule, judgement, by_cause))
        view = _after(view, changes)
        yield from changes
    for notice in view.standing.values():
        if notice.kind not in covered:  # its rule was switched off
            yield _ended(notice, view.now, "closed")


def _after(view: View, changes: Iterable[Change]) -> View:
    """The view with what was just found: a collector that has stopped explains silent meters."""
    standing = dict(view.standing)
    for notice, _ in changes:
        if notice.ended is None:
            standing[notice.cause] = notice
        else:
            standing.pop(notice.cause, None)
    ended = {**view.ended, **{n.cause: n.ended for n, _ in changes if n.ended is not None}}
    return replace(view, standing=standing, ended=ended)


def _of_rule(view: View, rule: AlarmRule, judgement: Judgement, by_cause: Mapping[str, Notice]) -> Iterator[Change]:
    now_so = {condition.cause: condition for condition in judgement.conditions}
    for condition in now_so.values():
        before = by_cause.get(condition.cause)
        is_standing = before is not None and before.ended is None
        if condition.is_withdrawn:
            if before is not None and is_standing:
                yield _withdrawn(before, condition, view.now)
        elif before is not None and is_standing:
            if (before.things, before.title_zh) != (condition.things, condition.title.zh):
                yield _renewed(before, condition), "changed"
        elif before is not None and before.ended is not None and view.now - before.ended <= rule.quiet_s:
            state = "acknowledged" if before.acknowledged_by else "open"
            yield replace(_renewed(before, condition), ended=None, state=state), "reopened"
        else:
            yield _opened(rule, condition, view.now, before)
    for cause, notice in view.standing.items():
        if notice.kind == rule.kind and cause not in now_so and cause not in judgement.unjudged:
            yield _ended(notice, view.now, "closed")


def _opened(rule: AlarmRule, condition: Condition, now: int, before: Notice | None) -> Change:
    identity = _identity(condition.cause, condition.since)
    if before is not None and before.id == identity:
        identity = _identity(condition.cause, now)  # the very same, once more after it had ended
    notice = Notice(
        id=identity,
        cause=condition.cause,
        kind=rule.kind,
        scope=condition.scope,
        node=condition.node,
        severity=condition.severity or rule.severity,
        opened=now,
        title_zh=condition.title.zh,
        title_en=condition.title.en,
        text_zh=condition.text.zh,
        text_en=condition.text.en,
        things=condition.things,
        link=condition.link,
    )
    return notice, "opened"


def _identity(cause: str, since: int) -> str:
    return hashlib.sha256(f"{cause}|{since}".encode()).hexdigest()[:24]


def _renewed(notice: Notice, condition: Condition) -> Notice:
    return replace(
        notice,
        things=condition.things,
        title_zh=condition.title.zh,
        title_en=condition.title.en,
        text_zh=condition.text.zh,
        text_en=condition.text.en,
    )


def _withdrawn(notice: Notice, condition: Condition, now: int) -> Change:
    return replace(_renewed(notice, condition), ended=now, state="withdrawn"), "withdrawn"


def _ended(notice: Notice, now: int, event: Event) -> Change:
    return replace(notice, ended=now, state="closed"), event


def _store(view: View, trouble: str) -> Judgement:
    if not trouble:
        return Judgement()
    logger.warning("alarms cannot read the store: %s", trouble)
    title = Words("时序数据库无响应", "The time-series store does not answer")
    text = Words(
        "读数暂存在采集缓存，不会丢失；恢复前图表与合计不更新。",
        "Readings wait in the spool and are not lost; charts and totals stand still until it is back.",
    )
    return Judgement((Condition("store/results", "root", "", view.now, title, text, link="/quality"),))
