"""Conditions of the installation itself: collectors, lag, spool, disk; and days that stayed incomplete."""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from datetime import timedelta
from typing import Final

import numpy as np

from api.alarms.rules import limit
from api.alarms.view import Condition, Judgement, View, Words
from energy.intervals import DAY
from energy.model import MeterKind
from energy.registry import AlarmRule
from energy.series import Table
from energy.storage.schema import DIFFERENCES, INGEST, TOTAL

_RECENT_S: Final = 900
_MANY: Final = 5
"""From so many institutions on, and if they are most of a region, an incomplete day is the region's matter."""
_SETTLED_HOUR: Final = 6  # late readings of yesterday get the night
_MB: Final = 1_000_000


def collectors(view: View, rule: AlarmRule) -> Judgement:
    """Collectors that gave a sign within a day, and none lately (threshold: seconds)."""
    table = view.store.results(INGEST.name, where={}, start=view.now - DAY, end=view.now + DAY, fields=("readings",))
    found = []
    for name in sorted(set(table.tags["collector"].tolist())) if len(table) else ():
        last = int(table.time[table.tags["collector"] == name].max())
        if view.now - last > limit(rule):
            found.append(_collector(name, last))
    silent = frozenset(c for c in view.standing if c.startswith("collector/") and not len(table))
    return Judgement(tuple(found), silent)  # after a day without any sign the notice stays


def _collector(name: str, last: int) -> Condition:
    return Condition(
        cause=f"collector/{name}",
        scope="root",
        node="",
        since=last,
        title=Words(f"采集程序 {name} 停止工作", f"Collector {name} has stopped"),
        text=Words(
            "采集程序没有心跳。网关数据在此期间由网关或消息代理保存。请检查采集进程和存储。",
            "No sign of the collector. Gateways or the broker keep their data meanwhile: check process and store.",
        ),
        link="/quality",
    )


def lag(view: View, rule: AlarmRule) -> Judgement:
    """Collectors whose readings reach the store late (threshold: seconds)."""
    return _measured(view, "lag_s", limit(rule), 1.0, "lag", "入库延迟", "Readings reach the store late", "s")


def spool(view: View, rule: AlarmRule) -> Judgement:
    """Collectors with much waiting for the store (threshold: MB)."""
    zh, en = "采集缓存积压", "Much waits for the store"
    return _measured(view, "spool_bytes", limit(rule) * _MB, _MB, "spool", zh, en, "MB")


def balance(view: View, rule: AlarmRule) -> Judgement:
    """Collectors whose ledger does not add up, or whose store holds less than it was given (threshold: readings)."""
    start, where = view.now - _RECENT_S, {"reason": list(DIFFERENCES)}
    table = view.store.results(INGEST.name, where=where, start=start, end=view.now + DAY, fields=("readings",))
    if not len(table):
        return Judgement(unjudged=frozenset(c for c in view.standing if c.startswith("balance/")))
    found = []
    for collector in sorted(set(table.tags["collector"].tolist())):
        mine = table.take(table.tags["collector"] == collector)
        newest = mine.take(mine.time == mine.time.max())
        off = dict(zip(newest.tags["reason"].tolist(), newest.fields["readings"].tolist(), strict=True))
        if max(off.values()) >= limit(rule):
            found.append(_unbalanced(collector, off))
    return Judgement(tuple(found))


def _unbalanced(collector: str, off: dict[str, float]) -> Condition:
    lost, missing = (int(off.get(name, 0)) for name in DIFFERENCES)
    return Condition(
        cause=f"balance/{collector}",
        scope="root",
        node="",
        since=0,
        title=Words(f"采集程序 {collector} 的读数账目不平", f"The readings of collector {collector} do not add up"),
        text=Words(
            f"{lost} 条读数去向不明，{missing} 条已写入但数据库中查不到。明细见采集端口 /api/v1/balance?open=1。",
            f"{lost} readings are unaccounted for; the store does not give back {missing} that it took. "
            "By meter and day: /api/v1/balance?open=1 on the ingest port.",
        ),
        link="/quality",
    )


def _measured(view: View, name: str, limit: float, divisor: float, kind: str, zh: str, en: str, unit: str) -> Judgement:
    table = view.store.results(INGEST.name, where={}, start=view.now - _RECENT_S, end=view.now + DAY, fields=(name,))
    if not len(table):
        return Judgement(unjudged=frozenset(c for c in view.standing if c.startswith(f"{kind}/")))
    found = []
    for collector in sorted(set(table.tags["collector"].tolist())):
        value = _newest(table, name, collector)
        if value > limit:
            text = f"{value / divisor:,.0f} {unit} > {limit / divisor:,.0f} {unit} ({collector})"
            cause = f"{kind}/{collector}"
            found.append(Condition(cause, "root", "", view.now, Words(zh, en), Words(text, text), link="/quality"))
    return Judgement(tuple(found))


def _newest(table: Table, name: str, collector: str) -> float:
    mine = table.take(table.tags["collector"] == collector)
    values = np.asarray(mine.fields[name], np.float64)[mine.time == mine.time.max()]
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan


def disk(view: View, rule: AlarmRule) -> Judgement:
    """The disk of the home folder is nearly full (threshold: MB free)."""
    if view.home is None:
        return Judgement()
    free = shutil.disk_usage(view.home).free / _MB
    least = limit(rule)
    if free >= least:
        return Judgement()
    text = Words(
        f"{view.home} 所在磁盘可用空间不足 {least:,.0f} MB。磁盘写满后停止确认消息，网关须自行保存数据。",
        f"Less than {least:,.0f} MB are free on the disk of {view.home}. When it is full, messages are not "
        "acknowledged any more and gateways have to keep them.",
    )
    title = Words("磁盘空间不足", "Disk nearly full")
    return Judgement((Condition("disk/home", "root", "", view.now, title, text, link="/quality"),))


def completeness(view: View, rule: AlarmRule) -> Judgement:
    """Institutions whose yesterday is incomplete (threshold: share of readings); one for a region where most are."""
    today = view.calendar.date_of(view.now)
    start, end = view.calendar.start_of(today - timedelta(days=1)), view.calendar.start_of(today)
    if view.now < end + _SETTLED_HOUR * 3600:
        return Judgement(unjudged=frozenset(c for c in view.standing if c.startswith("completeness/")))
    table = view.store.results(
        TOTAL.name,
        where={"scope": ["institution"], "period": ["day"], "item": ["all"]},
        start=start,
        end=end,
        fields=("coverage",),
    )
    least = limit(rule)
    # What only bills tell is known weeks later, and no reader can mend that.
    read = {(m.institution, m.category.value) for m in view.snapshot.meters.values() if m.kind is MeterKind.PHYSICAL}
    worst: dict[str, float] = {}
    columns = (*(table.tags[tag].tolist() for tag in ("id", "category")), table.fields["coverage"].tolist())
    for name, category, coverage in zip(*columns, strict=True):
        if math.isfinite(coverage) and (name, category) in read:
            worst[name] = min(coverage, worst.get(name, 1.0))
    poor = {name for name, coverage in worst.items() if coverage < least}
    return Judgement(tuple(_incomplete(view, poor, worst, start)))


def _incomplete(view: View, poor: set[str], known: dict[str, float], start: int) -> list[Condition]:
    by_region: dict[str, set[str]] = defaultdict(set)
    for name in known:
        by_region[view.snapshot.institutions[name].region].add(name)
    if len(poor) >= _MANY and len(poor) * 2 > len(known) and len(by_region) > 1:
        return [_many(view, "root", "", len(poor), len(known), start)]
    found = []
    for code, names in sorted(by_region.items()):
        bad = poor & names
        if len(bad) >= _MANY and len(bad) * 2 > len(names):
            found.append(_many(view, "region", code, len(bad), len(names), start))
        else:
            found += [_one(view, name, known[name], start) for name in sorted(bad)]
    return found


def _many(view: View, scope: str, node: str, n: int, of: int, start: int) -> Condition:
    name, day = view.name_of(scope, node), view.calendar.date_of(start).isoformat()
    return Condition(
        cause=f"completeness/{scope}/{node}",
        scope=scope,
        node=node,
        since=start,
        title=Words(f"{name.zh}：多数单位 {day} 数据不完整", f"{name.en}: most institutions are incomplete on {day}"),
        text=Words(f"{of} 家单位中 {n} 家数据不完整。", f"{n} of {of} institutions are incomplete."),
        things=n,
        link="/quality",
    )


def _one(view: View, institution: str, coverage: float, start: int) -> Condition:
    name, day = view.name_of("institution", institution), view.calendar.date_of(start).isoformat()
    return Condition(
        cause=f"completeness/institution/{institution}",
        scope="institution",
        node=institution,
        since=start,
        title=Words(f"{name.zh}：{day} 数据完整率 {coverage:.0%}", f"{name.en}: {coverage:.0%} complete on {day}"),
        text=Words(
            "当日合计不完整，请在数据质量页查看缺数表计。",
            "The day's totals are incomplete: see the data quality page.",
        ),
        link="/quality",
    )
