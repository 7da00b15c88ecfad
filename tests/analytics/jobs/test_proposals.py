"""Targets that rules propose: from last year's actual and the quota book, never over what a person decided."""

from __future__ import annotations

import pytest

from analytics.jobs.proposals import missing_targets, rule_of
from analytics.targets import FiveYearPath, FourBranches, Lack, OwnHistory, TowardsPeers
from energy.registry.decisions import Target, TargetRule
from tests.analytics.jobs.conftest import Works
from tests.analytics.jobs.test_official import area, of_year, paper, yantai

NOW = "2026-01-15T06:00:00"
KEY = {"indicator": "nonheating_energy_per_area", "caliber": "sd_2019"}


def rule(name: str = "four_branches", **columns: object) -> dict[str, object]:
    return {"institution": "court", **KEY, "rule": name, **columns}


def proposed(works: Works) -> list[Target]:
    return works.registry.targets.rows(id="court", year=2026)


def test_last_year_between_baseline_and_constraint_goes_down_two_percent(works: Works) -> None:
    yantai(works, "B1F")
    works.registry.import_sheets({"target_rules": [rule()]})
    works.run(now="2026-01-15T07:00:00")
    (found,) = proposed(works)
    # 12.27 lies above the baseline value 11.9: 961,875 kWh x .31 / 24,300 m2 x .98
    assert found.value == pytest.approx(961_875 * 0.31 / 24_300 * 0.98, rel=1e-5)
    assert (found.state, found.rule, found.unit) == ("proposed", "four_branches", "kgce/(m2·a)")
    assert "above the baseline value" in found.note
    assert works.registry.targets.propose([found]) == 0


def test_what_a_person_approved_stays_when_data_change(works: Works) -> None:
    yantai(works, "B1F")
    works.registry.import_sheets({"target_rules": [rule()]})
    works.run(now="2026-01-15T07:00:00")
    (found,) = proposed(works)
    works.registry.import_sheets({"targets": [_approved(found)], "bills": [of_year("main", 900_000)]})
    works.run(now="2026-01-15T08:00:00")
    assert [(row.value, row.approved_by) for row in proposed(works)] == [(found.value, "李")]


def _approved(found: Target) -> dict[str, object]:
    names = ("scope", "id", "year", "indicator", "caliber", "state", "value", "unit", "rule", "note")
    return {**{name: getattr(found, name) for name in names}, "approved_by": "李"}


def test_what_is_missing_is_named(works: Works) -> None:
    works.estate(
        paper("main"),
        bills=[of_year("main", 1000)],
        denominators=[area(10)],
        target_rules=[
            rule(),
            rule("own_history", cut=0.06, source="示例", indicator="water_per_person", caliber="physical"),
        ],
    )
    works.run(now=NOW)
    assert proposed(works) == []
    found = missing_targets(works.registry)
    assert [(m.institution, m.indicator, m.caliber, m.year, m.lack) for m in found] == [
        ("court", "nonheating_energy_per_area", "sd_2019", 2026, Lack.NO_QUOTA),
        ("court", "water_per_person", "physical", 2026, Lack.SHORT_HISTORY),
    ]
    assert found[1].words == ("历史年份不足", "too few years of history")


def test_own_history_of_one_year(works: Works) -> None:
    works.estate(
        paper("main"),
        bills=[of_year("main", 1000)],
        denominators=[area(10)],
        target_rules=[rule("own_history", cut=0.06, n_years=1, source="示例")],
    )
    works.run(now=NOW)
    assert [row.value for row in proposed(works)] == [pytest.approx(31.0 * 0.94)]


def test_rates_that_are_not_stated_are_the_rule_s_own() -> None:
    def of(name: str, **columns: object) -> object:
        return rule_of(TargetRule("court", "energy", "sd_2019", name, source="x", **columns))  # type: ignore[arg-type]

    assert of("four_branches") == FourBranches()
    assert of("four_branches", cut=0.05) == FourBranches(cut_above_constraint=0.05)
    assert of("towards_peers", cut=0.01) == TowardsPeers(0.01)
    assert of("own_history", cut=0.06) == OwnHistory(0.06, "x")
    assert of("five_year_path", cut=0.1, base_year=2025) == FiveYearPath(2025, 0.1, "x")
