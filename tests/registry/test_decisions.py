"""Bills, corrections, tariffs, quotas, targets, findings: what people decide is kept, checked and exported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from energy.errors import ImportRefused, NotInRegistry, RegistryError
from energy.intervals import DAY
from energy.registry import (
    ApprovedQuota,
    Bill,
    Correction,
    Finding,
    FindingEvent,
    Registry,
    Run,
    Stage,
    Target,
    Tariff,
    TariffUse,
    Touched,
    read_sheets,
    write_sheets,
)
from tests.registry.sample import Sheets, sample

MANUAL = {"id": "paper", "institution": "office", "category": "electricity", "unit": "kWh", "kind": "manual"}


def decided() -> Sheets:
    """One or two rows of each sheet, on top of the sample."""
    year = {"scope": "institution", "id": "office", "year": 2026, "indicator": "energy", "caliber": "sd_2019"}
    return {
        "meters": [MANUAL],
        "bills": [
            _bill("2026-01-01", "2026-01-31", 1200, yuan=840.5, document="2026-01.pdf"),
            _bill("2026-02-01", "2026-02-28", 1.1, unit="MWh"),
        ],
        "corrections": [
            {"meter": "e0", "start": "2026-01-01T00:00:00+08:00", "end": "2026-01-02T00:00:00+08:00",
             "kind": "discard", "author": "王", "time": "2026-01-05T09:00:00+08:00", "reason": "表计检定"},
        ],
        "tariffs": [
            {"tariff": "sd-10kv", "component": "energy", "band": "peak", "months": "1-3,12", "days": "workday",
             "hours": "08:00-11:00,16:00-24:00", "price_yuan": 0.9, "unit": "kWh", "valid_from": "2025-01-01",
             "source": "example"},
        ],
        "tariff_uses": [{"scope": "institution", "id": "office", "category": "electricity", "tariff": "sd-10kv"}],
        "calorific_values": [
            {"scope": "institution", "id": "office", "value": 10.8, "unit": "kWh/m3", "valid_from": "2026-01-01",
             "source": "example", "confidence": "unsure"},
        ],
        "heating_seasons": [
            {"scope": "institution", "id": "office", "begins": "11-10", "ends": "03-20", "valid_from": "2025-07-01",
             "valid_to": "2026-07-01", "source": "example", "confidence": "sure"},
        ],
        "quotas": [
            {"region": "示例省", "standard": "X 1-2026", "institution_type": "党政机关", "tier": "市级",
             "climate_zone": "寒冷A", "indicator": "energy_per_area", "constraint": 20, "baseline": 11.9, "guide": 6.5,
             "unit": "kgce/(m2·a)", "caliber": "sd_2019", "valid_from": "2026-01-01", "source": "fictitious",
             "confidence": "sure", "approved_by": "李"},
        ],
        "targets": [
            year | {"state": "proposed", "value": 100, "rule": "A > C, r = 4 %"},
            year | {"state": "issued", "value": 98.5, "document": "示例〔2026〕1号", "date": "2026-02-01"},
        ],
        "target_rules": [
            {"institution": "office", "indicator": "nonheating_energy_per_area", "caliber": "sd_2019",
             "rule": "own_history", "cut": 0.06, "n_years": 3, "source": "示例〔2025〕9号", "valid_from": "2026-01-01"},
        ],
        "findings": [
            {"id": "f1", "institution": "school", "meter": "e0", "kind": "off_hours", "title_zh": "夜间用电",
             "start": "2026-01-01T00:00:00Z", "excess": 12.5, "unit": "kWh", "evidence": '{"z": 3.1}'},
        ],
        "finding_events": [{"finding": "f1", "number": 1, "time": "2026-01-02T00:00:00Z", "author": "王"}],
        "stages": [year | {"stage": 0.8, "raised": "2026-09-01T00:00:00Z", "used": 79, "target": 98.5}],
    }  # fmt: skip


def _bill(first: str, last: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"meter": "paper", "first_day": first, "last_day": last, "amount": amount, "unit": "kWh"} | more


@pytest.fixture
def stocked(registry: Registry) -> Registry:
    registry.import_sheets(sample())
    registry.import_sheets(decided())
    return registry


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One registry for many refusals: a refused import leaves it as it was."""
    opened = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('full') / 'r.db'}", migrate=True)
    opened.import_sheets(sample())
    opened.import_sheets(decided())
    yield opened
    opened.close()


def test_every_sheet_survives_a_file(stocked: Registry, tmp_path: Path) -> None:
    exported = stocked.export_sheets()
    assert all(exported[name] for name in decided())
    write_sheets(exported, tmp_path / "all.xlsx")
    result = stocked.import_sheets(read_sheets(tmp_path / "all.xlsx"))
    assert sum(result.added.values()) == sum(result.changed.values()) == 0
    assert stocked.export_sheets() == exported


def test_a_run_that_goes_on_is_not_set_back_by_importing_what_was_exported(stocked: Registry) -> None:
    stocked.runs.put([Run("r1", "analyse", 1)])
    exported = stocked.export_sheets()
    stocked.runs.put([Run("r1", "analyse", 1, "done", 2)])
    assert sum(stocked.import_sheets(exported).changed.values()) == 0
    assert stocked.runs.rows()[0].state == "done"


def test_rows_come_back_as_typed_values(stocked: Registry) -> None:
    assert stocked.bills.rows(meter="paper")[0] == Bill(
        "paper", date(2026, 1, 1), date(2026, 1, 31), 1200.0, "kWh", 840.5, "2026-01.pdf"
    )
    (tariff,) = stocked.tariffs.rows(tariff=["sd-10kv", "other"])
    assert tariff == Tariff(
        "sd-10kv", "energy", 0.9, "kWh", "example", "peak", "1-3,12", "workday", "08:00-11:00,16:00-24:00",
        valid_from=date(2025, 1, 1),
    )  # fmt: skip
    assert stocked.tariff_uses.rows() == [TariffUse("institution", "office", "electricity", "sd-10kv")]
    (quota,) = stocked.quotas.rows(indicator="energy_per_area")
    assert isinstance(quota, ApprovedQuota)
    assert (quota.constraint, quota.baseline, quota.guide, quota.valid_to) == (20.0, 11.9, 6.5, None)
    assert [(t.state, t.value, t.date) for t in stocked.targets.rows(year=2026)] == [
        ("issued", 98.5, date(2026, 2, 1)),
        ("proposed", 100.0, None),
    ]
    (correction,) = stocked.corrections.rows(state="active")
    assert correction.end - correction.start == DAY
    assert stocked.bills.rows(meter="nobody") == []


@pytest.mark.parametrize(
    ("sheet", "row", "problem"),
    [
        ("bills", _bill("2026-01-31", "2026-02-03", 1), "column first_day: expected days that are not on another bill"),
        ("bills", _bill("2026-03-02", "2026-03-01", 1), "column last_day: expected 2026-03-02 or later"),
        ("bills", _bill("2026-03-01", "2026-03-31", 1, unit="m3"), "column unit: expected a unit that can become the"),
        ("bills", _bill("2026-03-01", "2026-03-31", 1, meter="e0"), "column meter: expected a meter of kind manual"),
        ("bills", _bill("2026-03-01", "2026-03-31", 1, meter="no"), "column meter: expected an id of sheet meters"),
        ("corrections", {"value": 5}, "column value: expected no value for kind discard, came 5"),
        ("corrections", {"kind": "amount"}, "column value: expected a value for kind amount, came nothing"),
        ("corrections", {"end": "2025-01-01T00:00:00Z"}, "column end: expected an instant after start"),
        ("tariffs", {"valid_from": "2026-01-01"}, "column valid_from: expected a validity apart from [2025-01-01, ope"),
        ("tariffs", {"hours": "8-11"}, "column hours: expected spans of the day like 08:00-11:30,17:00-24:00"),
        (
            "tariffs",
            {"days": "spring"},
            "column days: expected days like holiday or spring_festival,weekend, of all, re",
        ),
        ("tariffs", {"days": "workday,"}, "column days: expected days like holiday"),
        ("tariffs", {"months": "13"}, "column months: expected months like 1-3,7,12"),
        ("tariff_uses", {"tariff": "gone", "category": "gas"}, "column tariff: expected a tariff of sheet tariffs"),
        ("tariff_uses", {"id": "gone"}, "column id: expected an id of sheet institutions, came 'gone'"),
        ("quotas", {"standard": "Y", "guide": 12}, "column constraint: expected constraint >= baseline >= guide"),
        ("quotas", {"caliber": "sd_2018"}, "column caliber: expected a key of the table of calibers, sd_2019?"),
        ("targets", {"state": "issued", "year": 2027}, "column document: expected the number of the document"),
        ("targets", {"id": "gone"}, "column id: expected an id of sheet institutions, came 'gone'"),
        ("targets", {"indicator": "energie"}, "column indicator: expected a key of the table of indicators, energy?"),
        ("target_rules", {"cut": None}, "column cut: expected a value: rule own_history has none of its own"),
        ("target_rules", {"cut": 1.0}, "column cut: expected a number at least 0 and less than 1, came 1"),
        ("target_rules", {"rise": 0.01}, "column rise: expected nothing: rule own_history does not know it, came 0.01"),
        ("target_rules", {"rule": "four_branches", "n_years": None, "cut": 0.03}, "column cut: expected 0.04 to 1.0"),
        ("target_rules", {"rule": "five_year_path"}, "column base_year: expected a value"),
        ("target_rules", {"valid_from": "2027-01-01"}, "column valid_from: expected a validity apart from"),
        ("findings", {"id": "f2", "verdict": "maybe"}, "column verdict: expected one of confirmed, false_alarm, known"),
        ("finding_events", {"finding": "f9"}, "column finding: expected an id of sheet findings, came 'f9'"),
    ],
)
def test_nonsense_is_refused(full: Registry, sheet: str, row: dict[str, Any], problem: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        full.import_sheets({sheet: [decided()[sheet][0] | row]})
    assert any(problem in text for text in caught.value.problems), caught.value.problems


def test_a_bill_and_a_correction_are_computed_again(registry: Registry) -> None:
    registry.import_sheets(sample())
    registry.forget_touched(registry.take_touched()[0])
    registry.import_sheets(decided())
    epoch, marks = registry.take_touched()
    day = (date(2026, 1, 1) - date(1970, 1, 1)).days * DAY
    correction = Touched("e0", day - 8 * 3600, day + 16 * 3600)
    assert marks == [correction, Touched("paper", day - DAY, day + 60 * DAY)]  # 59 days of bills, one more each side
    registry.forget_touched(epoch)
    registry.corrections.put([replace(registry.corrections.rows()[0], state="withdrawn")])
    epoch, marks = registry.take_touched()
    assert marks == [correction]
    registry.forget_touched(epoch)
    shorter = replace(registry.corrections.rows()[0], state="active", end=correction.first + 3600)
    registry.corrections.put([shorter])
    assert registry.take_touched()[1] == [correction]  # the hours it speaks of no more, too


def test_put_adds_changes_and_leaves_what_is_so_already(stocked: Registry) -> None:
    proposal = Target("institution", "school", 2026, "energy", "sd_2019", "proposed", 50.0, rule="own history")
    assert stocked.targets.put([proposal]) == 1
    assert stocked.targets.put([proposal]) == 0
    assert stocked.targets.put([replace(proposal, value=49.0)]) == 1
    assert stocked.targets.rows(id="school") == [replace(proposal, value=49.0)]


def test_jobs_update_a_finding_and_never_what_people_decided(stocked: Registry) -> None:
    stocked.findings.decide("f1", author="王", time=100, verdict="known", comment="装修", assignee="李")
    (before,) = stocked.findings.rows(id="f1")
    stocked.findings.put([Finding("f1", "school", "off_hours", before.start, excess=99.0, state="open")])
    (after,) = stocked.findings.rows(id="f1")
    assert after.excess == 99.0
    assert (after.verdict, after.comment, after.assignee) == ("known", "装修", "李")


def test_findings_come_by_worth_whichever_way_they_deviate(stocked: Registry) -> None:
    saved = Finding("saved", "school", "low", 100, severity=50.0, excess_yuan=-60.0)
    dear = Finding("dear", "school", "level", 100, severity=40.0, excess_yuan=45.0)
    later = Finding("later", "school", "level", 200, severity=40.0, excess_yuan=80.0)
    stocked.findings.put([dear, saved, later])
    rows = stocked.findings.worthiest(id=["saved", "dear", "later"]).page(10)
    assert [row.id for row in rows] == ["saved", "later", "dear"]
    assert sorted(rows, key=lambda row: row.rank) == rows


def test_the_history_of_a_finding_is_kept(stocked: Registry) -> None:
    stocked.findings.decide("f1", author="王", time=100, assignee="李")
    closed = stocked.findings.decide("f1", author="李", time=200, state="closed", verdict="confirmed", comment="已修")
    assert (closed.state, closed.verdict, closed.assignee) == ("closed", "confirmed", "李")
    assert stocked.findings.history("f1")[1:] == [
        FindingEvent("f1", 2, 100, "王", "open", None, "", "李"),
        FindingEvent("f1", 3, 200, "李", "closed", "confirmed", "已修", "李"),
    ]


def test_a_verdict_taken_back_is_none_and_stays_in_the_history(stocked: Registry) -> None:
    stocked.findings.decide("f1", author="王", time=100, verdict="false_alarm", comment="误报")
    after = stocked.findings.decide("f1", author="李", time=200, verdict="none")
    assert (after.verdict, after.comment) == (None, "误报")
    assert stocked.findings.rows(id="f1")[0].verdict is None
    assert [(e.author, e.verdict) for e in stocked.findings.history("f1")[1:]] == [("王", "false_alarm"), ("李", None)]


def test_a_decision_needs_a_finding_and_a_known_word(stocked: Registry) -> None:
    with pytest.raises(NotInRegistry, match="finding 'f9'"):
        stocked.findings.decide("f9", author="王", time=1)
    with pytest.raises(RegistryError, match="verdict: expected one of confirmed, false_alarm, known, came 'perhaps'"):
        stocked.findings.decide("f1", author="王", time=1, verdict="perhaps")
    assert len(stocked.findings.history("f1")) == 1


def test_a_stage_is_raised_once_and_withdrawn_visibly(registry: Registry) -> None:
    stage = Stage("institution", "office", 2026, "energy", "sd_2019", 0.8, raised=1000, used=79.0, target=98.5)
    assert [registry.stages.put([stage]) for _ in range(2)] == [1, 0]
    registry.stages.put([replace(stage, withdrawn=2000, reason="更正")])
    assert registry.stages.rows(id="office", year=2026) == [replace(stage, withdrawn=2000, reason="更正")]


def test_a_run_is_recorded_from_start_to_end(registry: Registry) -> None:
    run = Run("r1", "nightly", started=100, version="0.1.0")
    registry.runs.put([run])
    registry.runs.put([replace(run, state="done", ended=160, counts='{"meters": 3}')])
    (found,) = registry.runs.rows(job="nightly")
    assert (found.state, found.ended, found.counts) == ("done", 160, '{"meters": 3}')


def test_rows_of_nobody_are_refused_by_the_database(registry: Registry) -> None:
    with pytest.raises(RegistryError, match=r"(?i)foreign key"):
        registry.bills.put([Bill("nobody", date(2026, 1, 1), date(2026, 1, 31), 1.0, "kWh")])
    with pytest.raises(RegistryError, match=r"(?i)foreign key"):
        registry.corrections.put([Correction("nobody", 0, 1, "discard", "王", 2, "r")])


def test_two_people_decide_at_once_and_both_are_in_the_history(
    stocked: Registry, open_another: Callable[[], Registry]
) -> None:
    def decide(registry: Registry, name: str) -> None:
        for n in range(8):
            registry.findings.decide("f1", author=name, time=n, comment=f"{name}{n}")

    threads = [threading.Thread(target=decide, args=(open_another(), name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.number for event in stocked.findings.history("f1")] == list(range(1, 18))


def test_a_proposal_never_takes_the_place_of_what_a_person_decided(stocked: Registry) -> None:
    def proposal(year: int, value: float) -> Target:
        return Target("institution", "school", year, "energy", "sd_2019", "proposed", value, "kgce", rule="own_history")

    approved = replace(proposal(2027, 90.0), approved_by="李")
    stated = replace(proposal(2028, 80.0), rule="")
    issued = replace(proposal(2029, 70.0), state="issued", document="示例〔2029〕1号")
    stocked.targets.put([approved, stated, issued])
    assert stocked.targets.propose([proposal(year, 50.0) for year in (2027, 2028, 2029, 2030)]) == 1
    assert stocked.targets.propose([proposal(2030, 55.0)]) == 1
    assert stocked.targets.rows(year=[2027, 2028, 2029, 2030]) == [approved, stated, issued, proposal(2030, 55.0)]
