"""The reader's budget day by day: what is shown, what waits, what leaves the list."""

from __future__ import annotations

import json
from dataclasses import replace

from analytics.jobs.budget import METER_A_YEAR, OUTDATED, Budget, shown_at
from energy.intervals import LocalCalendar
from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

MONDAY = instant("2026-03-02T00:00:00")
CALENDAR = LocalCalendar("Asia/Shanghai")


def finding(name: str, severity: float, *, seen: int = MONDAY, days: int = 30, on: str = "e1") -> Finding:
    evidence = json.dumps({"seen": seen})
    return Finding(name, "school", "level", seen, seen + days * DAY, on, severity=severity, evidence=evidence)


def by_name(rows: list[Finding]) -> dict[str, Finding]:
    return {row.id: row for row in rows}


def test_what_finds_no_room_is_shown_on_the_next_days_the_worthiest_first() -> None:
    new = [finding(name, severity) for name, severity in (("a", 1.0), ("b", 9.0), ("c", 5.0))]
    rows = by_name(Budget(CALENDAR, 1).share_out(new, [], MONDAY + DAY + 6 * HOUR))
    assert {name: row.state for name, row in rows.items()} == {"b": "open", "c": "open", "a": "waiting"}
    assert (shown_at(rows["b"]), shown_at(rows["c"]), shown_at(rows["a"])) == (MONDAY, MONDAY + DAY, None)


def test_what_waited_is_shown_when_there_is_room_and_counts_on_that_day() -> None:
    budget = Budget(CALENDAR, 1)
    waiting = [replace(finding("old", 3.0), state="waiting"), replace(finding("older", 2.0), state="waiting")]
    budget.count([*waiting, finding("before", 8.0)])
    rows = by_name(budget.share_out([finding("new", 1.0, seen=MONDAY + 2 * DAY)], waiting, MONDAY + 2 * DAY + HOUR))
    assert {name: row.state for name, row in rows.items()} == {"old": "open", "older": "waiting", "new": "waiting"}
    assert shown_at(rows["old"]) == MONDAY + 2 * DAY


def test_what_ended_two_weeks_ago_leaves_the_list_unseen() -> None:
    waiting = [replace(finding("gone", 3.0, days=1), state="waiting")]
    [row] = Budget(CALENDAR, 5).share_out([], waiting, MONDAY + 16 * DAY)
    assert (row.state, row.comment, shown_at(row)) == ("closed", OUTDATED, None)


def test_what_is_worth_a_yuan_waits_until_it_has_grown_and_what_has_no_price_does_not() -> None:
    worth = {"small": (1.9, 2.4), "saved": (8.0, -9.0), "unpriced": (1.0, None)}
    new = [replace(finding(name, severity), excess_yuan=yuan) for name, (severity, yuan) in worth.items()]
    rows = by_name(Budget(CALENDAR, 9).share_out(new, [], MONDAY))
    assert {name: row.state for name, row in rows.items()} == {"small": "waiting", "saved": "open", "unpriced": "open"}
    [grown] = Budget(CALENDAR, 9).share_out([], [replace(rows["small"], severity=2.1)], MONDAY + DAY)
    assert (grown.state, shown_at(grown)) == ("open", MONDAY + DAY)
    [row] = Budget(CALENDAR, 9, least_yuan=1.0).share_out([new[0]], [], MONDAY)
    assert row.state == "open"


def test_a_restless_meter_does_not_take_the_room_of_others() -> None:
    new = [finding(f"n{i}", 9.0) for i in range(METER_A_YEAR + 1)] + [finding("other", 1.0, on="e2")]
    rows = by_name(Budget(CALENDAR, 100).share_out(new, [], MONDAY))
    assert sum(row.state == "waiting" for row in rows.values()) == 1
    assert rows["other"].state == "open"


def test_a_finding_over_the_budget_is_promoted_by_a_later_run_and_says_so(works: Works) -> None:
    gateways = [{"id": f"g{i}", "institution": "school"} for i in range(3)]
    works.estate(*(meter(f"e{i}", gateway=f"g{i}", local="a") for i in range(3)), gateways=gateways)
    start = instant("2026-02-01T00:00:00")
    for i in range(3):  # three gateways fall silent on one day; the budget of three meters is one finding a day
        works.read(f"e{i}", [start + h * HOUR for h in range(24 * 20)], [2.0 * h for h in range(24 * 20)])
    works.run("2026-02-21T12:00:00")
    assert sorted(row.state for row in works.registry.findings.rows()) == ["open", "waiting", "waiting"]
    assert works.rows("finding", institution="school").fields["open"].tolist() == [1.0]  # what waits marks no chart
    works.run("2026-02-22T01:00:00")
    assert sorted(row.state for row in works.registry.findings.rows()) == ["open", "open", "waiting"]
    works.run("2026-02-22T09:00:00")  # the same day: no more room
    assert sorted(row.state for row in works.registry.findings.rows()) == ["open", "open", "waiting"]
    works.run("2026-02-23T01:00:00")
    rows = works.registry.findings.rows()
    assert [row.state for row in rows] == ["open"] * 3
    events = [event for row in rows for event in works.registry.findings.history(row.id)]
    assert [(event.author, event.state) for event in events] == [("jieneng", "open")] * 2
    shown = works.rows("finding", institution="school")
    assert shown.fields["open"].tolist() == [1.0, 1.0, 1.0]
