"""Findings that somebody closed and that go on all the same: they are open again, under their id and history.

Whoever closes a finding says that it is dealt with. What shows then is what was before, so it counts only once as much
time as the finding's kind needs lies wholly after the closing. A finding that people know of, or called no fault, stays
closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from analytics.detection.kinds import Kind
from analytics.jobs.budget import OUTDATED
from energy.intervals import DAY, LocalCalendar, Window
from energy.registry import Registry
from energy.registry.decisions import Finding

GOES_ON_S: Final = 7 * DAY
"""A finding that shows for so long after it was closed goes on; one that speaks of months, for a whole one."""
_QUIET: Final = ("known", "false_alarm")


def resumed(
    registry: Registry, calendar: LocalCalendar, rows: Sequence[Finding], known: Mapping[str, Finding]
) -> dict[str, str]:
    """Ids of closed findings that go on, with a comment that says so.

    Parameters
    ----------
    rows : sequence of Finding
        What is found now.
    known : mapping
        What is stored, by id, before `rows` are.
    """
    found = {}
    for row in rows:
        before = known.get(row.id)
        if before is None or not _is_dealt_with(before) or _end(row) <= _end(before):
            continue
        history = registry.findings.history(row.id)
        if history and _latest_sign(calendar, row) >= history[-1].time:
            day = calendar.date_of(history[-1].time)
            found[row.id] = f"{day} 关闭后仍在持续，重新打开 (went on after it was closed on {day})"
    return found


def _is_dealt_with(row: Finding) -> bool:
    return row.state == "closed" and row.verdict not in _QUIET and row.comment != OUTDATED


def _end(row: Finding) -> int:
    return row.end or row.start


def _latest_sign(calendar: LocalCalendar, row: Finding) -> int:
    """Where the last stretch of the finding begins that would be enough to tell it by itself."""
    if row.kind == Kind.SISTER:
        return int(calendar.edges(Window(_end(row) - 1, _end(row)), "month")[0])
    return _end(row) - GOES_ON_S
