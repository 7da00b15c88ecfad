"""Levels of a quota from the figures of institutions of one kind."""

from __future__ import annotations

from datetime import date

import pytest

from analytics.jobs.derivation import Kind, ProposedQuota, proposed_quota
from analytics.levels import OutlierRule, Shares
from energy.errors import ImportRefused, RegistryError
from energy.intervals import LocalCalendar
from tests.analytics.jobs.conftest import Works
from tests.analytics.jobs.test_peers import bureau, december, world

KIND = Kind("990000", "党政机关", "electricity_per_area", "physical", tier="县级")
SHARES = Shares(constraint=0.8, baseline=0.5, guide=0.2)


@pytest.fixture
def offices(works: Works) -> Works:
    """Ten offices with 1.00, 1.01 .. kWh/m2, the second incomplete, the last far off; and one of another tier."""
    works.estate()
    rows = [bureau(i) for i in range(10)]
    works.registry.import_sheets({"institutions": [*rows, bureau(10, tier="省级")]})
    world(works, 11)
    far_off = {"meter": "m-o09", "first_day": "2025-01-01", "last_day": "2025-12-31", "amount": 900, "unit": "kWh"}
    works.registry.import_sheets({"bills": [far_off]})
    works.run(now="2026-01-15T06:00:00")
    return works


def proposed(works: Works, kind: Kind = KIND) -> ProposedQuota:
    calendar = LocalCalendar("Asia/Shanghai")
    return proposed_quota(works.store, works.registry.snapshot(), calendar, kind, date(2025, 12, 1), shares=SHARES)


def test_levels_rest_on_complete_institutions_of_the_kind_without_the_abnormal(offices: Works) -> None:
    found = proposed(offices)
    assert len(found.institutions) == 10
    assert found.derivation.cleaned.rule is OutlierRule.QUARTILES  # one of 9 among 1.0x is no normal distribution
    # 1.00, 1.02, 1.03 .. 1.08 stay: 8 values, of which the share p lies below place 9 p (Hyndman and Fan, 6)
    assert (found.derivation.n_kept, found.derivation.n_dropped) == (8, 2)
    levels = found.derivation.levels
    assert levels.constraint == pytest.approx(1.07 + 0.2 * 0.01)  # place 7.2
    assert levels.baseline == pytest.approx(1.04 + 0.5 * 0.01)  # place 4.5
    assert levels.guide == pytest.approx(1.00 + 0.8 * 0.02)  # place 1.8


def test_a_proposal_holds_for_nobody_until_somebody_approves_it(offices: Works) -> None:
    row = proposed(offices).row("示例标准")
    with pytest.raises(ImportRefused, match="approved_by"):
        offices.registry.import_sheets({"quotas": [row]})
    offices.registry.import_sheets({"quotas": [{**row, "approved_by": "王五"}]})
    offices.run(now="2026-01-15T06:00:00")
    own = december(offices)
    assert own.fields["constraint"][list(own.tags["id"]).index("o05")] == pytest.approx(1.072)


def test_a_kind_of_which_nothing_is_known_is_an_answer(offices: Works) -> None:
    with pytest.raises(RegistryError, match="0 institutions of class '医院'"):
        proposed(offices, Kind("990000", "医院", "electricity_per_area", "physical"))
