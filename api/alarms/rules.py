"""What deserves a notice, as data. Rows of the registry replace the rule of the same id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from energy.registry import AlarmRule

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR

BUILT_IN: Final = (
    AlarmRule("stage", "stage", 0.8, "warning", 0, note="least stage of a yearly target, as a share"),
    AlarmRule("outlook", "outlook", 1, "warning", 30 * _DAY, note="1 = watch and over, 2 = over only"),
    AlarmRule("finding", "finding", 0.0, "warning", 7 * _DAY, note="least severity of a finding"),
    AlarmRule("silent", "silent", 3, "warning", 6 * _HOUR, note="missed readings in a row"),
    AlarmRule("completeness", "completeness", 0.8, "info", 2 * _DAY, note="least share of a day's readings"),
    AlarmRule("collector", "collector", 300, "critical", _HOUR, note="seconds without a sign of a collector"),
    AlarmRule("lag", "lag", 900, "warning", _HOUR, note="seconds from reading to store"),
    AlarmRule("spool", "spool", 1000, "warning", _HOUR, note="MB waiting for the store"),
    AlarmRule("disk", "disk", 2000, "critical", _HOUR, note="MB free on the disk of the home folder"),
    AlarmRule("store", "store", None, "critical", _HOUR, note="the store does not answer"),
)


def stated(set_by_people: Sequence[AlarmRule]) -> list[AlarmRule]:
    """All rules as they stand: what people set before the built-in rule of the same id."""
    return list({rule.id: rule for rule in (*BUILT_IN, *set_by_people)}.values())


def effective(set_by_people: Sequence[AlarmRule]) -> list[AlarmRule]:
    """The rules that count: those not switched off."""
    return [rule for rule in stated(set_by_people) if rule.is_active]
