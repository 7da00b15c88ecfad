"""Break-downs: exact at every level and time, kept version by version, changed by two people only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from energy.breakdown import Breakdown
from energy.errors import BreakdownRefused, ImportRefused, NotInRegistry
from energy.registry import Registry, Subject, Version
from tests.registry.sample import sample

TODAY = date(2026, 1, 20)
REGION = Subject("region", "990100", 2026, "energy", "gb2589_equivalent_value")
SCHOOL = REGION.part("institution:school")
PAPER = "示例〔2026〕1号"


@pytest.fixture(autouse=True)
def issued_whole(registry: Registry) -> None:
    registry.import_sheets(sample())
    issue(registry, REGION, 1000.5)


def issue(registry: Registry, subject: Subject, value: float, *, time: int = 1) -> None:
    row = {name: getattr(subject, name) for name in ("scope", "id", "year", "indicator", "caliber")}
    more = {"state": "issued", "value": value, "unit": "kgce", "document": PAPER}
    registry.issue_target(row | more, author="chief", time=time)


def split(total: str, reserve: str, **parts: str) -> Breakdown:
    named = {name.replace("_", ":"): Decimal(amount) for name, amount in parts.items()}
    return Breakdown(Decimal(total), named, Decimal(reserve))


def propose(registry: Registry, subject: Subject, parts: Breakdown, *, reason: str = "年度分解") -> Version:
    return registry.breakdowns.propose(subject, parts, author="planner", time=2, reason=reason)


def hold(registry: Registry, subject: Subject, parts: Breakdown, *, reason: str = "年度分解") -> Version:
    proposed = propose(registry, subject, parts, reason=reason)
    return registry.breakdowns.decide(proposed.breakdown, "approve", author="chief", time=3, today=TODAY)


def holding(registry: Registry, subject: Subject) -> tuple[Version, Mapping[str, Decimal]]:
    (version,) = [v for v in registry.breakdowns.standing([subject.id], 2026) if v.state == "active"]
    return version, registry.breakdowns.splits([version])[version.breakdown].parts


def issued(registry: Registry, subject: Subject) -> list[float]:
    return [t.value for t in registry.targets.rows(scope=subject.scope, id=subject.id, state="issued")]


def test_an_approved_break_down_issues_its_parts(registry: Registry) -> None:
    proposed = propose(registry, REGION, split("1000.5", "100.25", institution_school="900.25"))
    assert issued(registry, SCHOOL) == []  # nothing counts before somebody approves
    registry.breakdowns.decide(proposed.breakdown, "approve", author="chief", time=3, today=TODAY)
    (target,) = registry.targets.rows(id="school", state="issued")
    assert (target.value, target.unit, target.document, target.date) == (900.25, "kgce", PAPER, TODAY)
    assert (target.approved_by, target.note) == ("chief", "年度分解")


def test_levels_hang_together_and_a_change_takes_from_the_reserve_below(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    hold(registry, SCHOOL, split("900", "50", building_b1="850"))
    hold(registry, REGION, split("1000.5", "130.5", institution_school="870"), reason="调整")
    version, parts = holding(registry, SCHOOL)
    assert (version.total, version.reserve, parts) == (870, 20, {"building:b1": 850})
    assert (version.author, version.reason, version.number) == ("chief", "调整", 2)
    with pytest.raises(BreakdownRefused, match=r"institution:school has passed on 850 of 870.* came 849"):
        hold(registry, REGION, split("1000.5", "151.5", institution_school="849"))
    assert issued(registry, SCHOOL) == [870.0]  # the refused one left nothing behind
    assert holding(registry, REGION)[0].reserve == Decimal("130.5")


def test_every_version_stays_with_author_time_reason_and_approver(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    refused = propose(registry, REGION, split("1000.5", "0.5", institution_school="1000"), reason="扩建")
    registry.breakdowns.decide(refused.breakdown, "refuse", author="chief", time=5, today=TODAY)
    hold(registry, REGION, split("1000.5", "90.5", institution_school="910"), reason="新食堂")
    history = registry.breakdowns.history(REGION)
    assert [(v.number, v.base, v.state, v.author, v.reason, v.decided_by) for v in history] == [
        (1, 0, "replaced", "planner", "年度分解", "chief"),
        (2, 1, "refused", "planner", "扩建", "chief"),
        (3, 1, "active", "planner", "新食堂", "chief"),
    ]
    splits = registry.breakdowns.splits(history)
    assert [splits[v.breakdown].parts["institution:school"] for v in history] == [900, 1000, 910]


def test_a_version_made_from_an_older_one_is_refused(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    first, second = (propose(registry, REGION, split("1000.5", r, institution_school=p)) for r, p in
                     (("90.5", "910"), ("80.5", "920")))  # fmt: skip
    registry.breakdowns.decide(first.breakdown, "approve", author="chief", time=4, today=TODAY)
    with pytest.raises(BreakdownRefused, match="proposed on version 1, version 2 holds now"):
        registry.breakdowns.decide(second.breakdown, "approve", author="chief", time=5, today=TODAY)
    with pytest.raises(BreakdownRefused, match="it is active"):
        registry.breakdowns.decide(first.breakdown, "refuse", author="chief", time=6, today=TODAY)


def test_a_part_left_out_loses_its_target_unless_it_passed_it_on(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    hold(registry, REGION, split("1000.5", "1000.5"))
    assert issued(registry, SCHOOL) == []
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    hold(registry, SCHOOL, split("900", "0", building_b1="900"))
    with pytest.raises(BreakdownRefused, match="institution:school has passed its part on"):
        hold(registry, REGION, split("1000.5", "1000.5"))


def test_a_whole_that_is_issued_anew_moves_its_reserve(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    issue(registry, REGION, 1100.0, time=9)
    version, parts = holding(registry, REGION)
    assert (version.total, version.reserve, parts["institution:school"]) == (1100, 200, 900)
    assert (version.reason, version.time) == (PAPER, 9)
    with pytest.raises(BreakdownRefused, match="has passed on 900 of 1100"):
        issue(registry, REGION, 899.0)
    assert issued(registry, REGION) == [1100.0]


def test_nothing_changes_a_part_behind_the_back_of_its_whole(registry: Registry) -> None:
    hold(registry, REGION, split("1000.5", "100.5", institution_school="900"))
    with pytest.raises(BreakdownRefused, match="institution:school is a part of the target of region:990100"):
        issue(registry, SCHOOL, 950.0)
    rows = [t for t in registry.export_sheets("targets")["targets"] if t["id"] in ("school", "990100")]
    with pytest.raises(ImportRefused) as caught:
        registry.import_sheets({"targets": [row | {"value": 5.0} for row in rows]})
    assert [p.partition(": ")[2] for p in caught.value.problems] == [
        "institution:school is a part of the target of region:990100: change the break-down there",
        "region:990100 is broken down: expected 1000.5, issue it by itself",
    ]
    registry.import_sheets({"targets": rows})  # the same again changes nothing


@pytest.mark.parametrize(
    ("subject", "parts", "message"),
    [
        (REGION, split("1000", "100", institution_school="900"), r"of the issued 1000\.5, came one of 1000"),
        (SCHOOL, split("900", "0", building_b1="900"), "only an issued target can be broken down"),
        (REGION, split("1000.5", "1000.4999", institution_school="0.0001"), r"in steps of 0\.001, came 0\.0001"),
        (REGION, split("1000.5", "1000.5", institution_school="0"), "parts above 0, or left out"),
    ],
)
def test_what_is_no_break_down_of_the_issued_target_is_refused(
    registry: Registry, subject: Subject, parts: Breakdown, message: str
) -> None:
    with pytest.raises(BreakdownRefused, match=message):
        propose(registry, subject, parts)
    assert registry.breakdowns.history(subject) == []


def test_a_version_that_nobody_knows_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotInRegistry, match="break-down 'b' is not known here"):
        registry.breakdowns.decide("b", "approve", author="chief", time=1, today=TODAY)
