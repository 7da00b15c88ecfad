"""Conditions of what somebody has to renew in time: certificates, backups and the holidays of the next year."""

from __future__ import annotations

import numpy as np

from api.alarms.rules import limit
from api.alarms.view import Condition, Judgement, View, Words
from energy.backups import last_backup
from energy.certificates import read_certificate
from energy.errors import MissingReference, SettingsError
from energy.holidays import country_of, work_calendar
from energy.intervals import DAY
from energy.registry import AlarmRule
from energy.storage.schema import INGEST


def certificates(view: View, rule: AlarmRule) -> Judgement:
    """Certificates that end soon, have ended, or cannot be read (threshold: days ahead)."""
    found = []
    for key, file in view.certificates.items():
        cause = f"certificate/{key}"
        try:
            held = read_certificate(key, file)
        except SettingsError as exc:
            title = Words(f"证书无法读取：{key}", f"A certificate cannot be read: {key}")
            found.append(_own(cause, view.now, title, Words(str(exc), str(exc))))
            continue
        left = held.days_left(view.now)
        if left <= limit(rule):
            day = view.calendar.date_of(held.end).isoformat()
            title = (
                Words(f"证书已过期：{key}", f"A certificate has ended: {key}")
                if left <= 0
                else Words(f"证书将于 {day} 到期：{key}", f"A certificate ends on {day}: {key}")
            )
            text = Words(
                f"{held.file}（{held.subject}）有效期至 {day}。到期后使用该证书的连接将被拒绝，请及时更换并重启。",
                f"{held.file} ({held.subject}) holds until {day}. After it, connections that use it are refused: "
                "renew it and restart.",
            )
            found.append(_own(cause, held.end, title, text, severity="critical" if left <= 0 else None))
    return Judgement(tuple(found))


def backups(view: View, rule: AlarmRule) -> Judgement:
    """A backup that is too old, or was never made although there is something to lose (threshold: days)."""
    if view.home is None:
        return Judgement()
    most = limit(rule)
    try:
        last = last_backup(view.home)
    except SettingsError as exc:
        title = Words("备份记录无法读取", "The note of the last backup cannot be read")
        return Judgement((_own("backup/home", view.now, title, Words(str(exc), str(exc))),))
    if last is None:
        if not _is_at_work_since(view, most):
            return Judgement()
        title = Words("从未备份", "No backup was ever made")
        since = view.now
    else:
        if view.now - last.time <= most * DAY:
            return Judgement()
        day = view.calendar.date_of(last.time).isoformat()
        title = Words(f"最近一次备份为 {day}", f"The last backup is of {day}")
        since = last.time
    text = Words(
        f"已超过 {most:g} 天没有备份。请运行 jieneng backup，并将副本保存到其他机器。",
        f"There was no backup for more than {most:g} days: run jieneng backup and keep the copy off this machine.",
    )
    return Judgement((_own("backup/home", since, title, text),))


def holidays(view: View, rule: AlarmRule) -> Judgement:
    """The holidays of the country are known for days ahead no longer (threshold: days); they come with a version."""
    try:
        known = work_calendar(country_of(view.calendar.zone))
    except MissingReference:
        return Judgement()  # no version would bring them
    end = int(view.calendar.day_start(np.array([known.last_day + 1]))[0])
    if end - view.now > limit(rule) * DAY:
        return Judgement()
    year = view.calendar.date_of(end).year
    title = Words(f"本版本没有 {year} 年节假日", f"This version does not know the holidays of {year}")
    text = Words(
        f"在更新之前，{year} 年按普通周末预计用能，按日类型分时的电价无法计算电费。请在发布放假通知后更新本平台。",
        f"Until it is updated, use in {year} is expected as on plain weekends, and prices that tell kinds of day apart "
        "give no cost. Update once the notice of the holidays has been published.",
    )
    return Judgement((_own(f"holidays/{known.country}", view.now, title, text),))


def _is_at_work_since(view: View, days: float) -> bool:
    """Whether a collector was at work that long ago: a fresh installation has nothing to lose yet."""
    end = view.now - int(days * DAY)
    return len(view.store.results(INGEST.name, where={}, start=end - DAY, end=end, fields=("readings",))) > 0


def _own(cause: str, since: int, title: Words, text: Words, *, severity: str | None = None) -> Condition:
    return Condition(cause, "root", "", since, title, text, severity=severity, link="/quality")
