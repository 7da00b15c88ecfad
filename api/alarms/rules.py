"""What deserves a notice, as data. Rows of the registry replace the rule of the same id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analytics.clocks import WARN_S as CLOCK_S
from energy.backups import WARN_DAYS as BACKUP_DAYS
from energy.certificates import WARN_DAYS
from energy.registry import AlarmRule

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR

BUILT_IN: Final = (
    AlarmRule("stage", "stage", 0.8, "warning", 0, note="least stage of a yearly target, as a share"),
    AlarmRule("outlook", "outlook", 1, "warning", 30 * _DAY, note="1 = watch and over, 2 = over only"),
    AlarmRule("finding", "finding", 0.0, "warning", 7 * _DAY, note="least severity of a finding"),
    AlarmRule("silent", "silent", 3, "warning", 6 * _HOUR, note="missed readings in a row"),
    AlarmRule("completeness", "completeness", 0.8, "info", 2 * _DAY, note="least share of a day's readings"),
    AlarmRule("clock", "clock", CLOCK_S, "warning", _DAY, note="seconds that a gateway's clock is off"),
    AlarmRule("collector", "collector", 300, "critical", _HOUR, note="seconds without a sign of a collector"),
    AlarmRule("balance", "balance", 1, "critical", _HOUR, note="readings that do not add up, by meter and day"),
    AlarmRule("lag", "lag", 900, "warning", _HOUR, note="seconds from reading to store"),
    AlarmRule("spool", "spool", 1000, "warning", _HOUR, note="MB waiting for the store"),
    AlarmRule("disk", "disk", 2000, "critical", _HOUR, note="MB free on the disk of the home folder"),
    AlarmRule("certificate", "certificate", WARN_DAYS, "warning", _DAY, note="days until a certificate ends"),
    AlarmRule("backup", "backup", BACKUP_DAYS, "warning", _DAY, note="days since the last backup"),
    AlarmRule("holidays", "holidays", 30, "warning", 7 * _DAY, note="days until the last known year of holidays ends"),
    AlarmRule("jobs", "jobs", _HOUR, "warning", _HOUR, note="seconds in which no run of the jobs ended whole"),
    AlarmRule("store", "store", None, "critical", _HOUR, note="the store does not answer"),
)


def stated(set_by_people: Sequence[AlarmRule]) -> list[AlarmRule]:
    """All rules as they stand: what people set before the built-in rule of the same id."""
    return list({rule.id: rule for rule in (*BUILT_IN, *set_by_people)}.values())


def limit(rule: AlarmRule) -> float:
    """The threshold of a rule; where it states none, that of the built-in rule of its kind."""
    (built_in,) = (one for one in BUILT_IN if one.kind == rule.kind)
    return rule.threshold or built_in.threshold or 0.0


def threshold(set_by_people: Sequence[AlarmRule], kind: str) -> float:
    """The threshold of a built-in rule as it stands, also where the rule is switched off."""
    (rule,) = (rule for rule in stated(set_by_people) if rule.id == kind)
    return limit(rule)


def effective(set_by_people: Sequence[AlarmRule]) -> list[AlarmRule]:
    """The rules that count: those not switched off."""
    return [rule for rule in stated(set_by_people) if rule.is_active]
