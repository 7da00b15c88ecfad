"""Bills judged by tariff and meters."""

from __future__ import annotations

import pytest

from analytics.bills import Cause
from analytics.jobs.audits import JudgedBill, judged_bills
from tests.analytics.jobs.conftest import Works, meter

PAPER = meter("paper", kind="manual", digits=None, interval_s=86_400)
USE = {"scope": "institution", "id": "school", "category": "electricity", "tariff": "t"}


def price(yuan: float, **columns: object) -> dict[str, object]:
    return {"tariff": "t", "component": "energy", "price_yuan": yuan, "unit": "yuan/kWh", "source": "x", **columns}


def bill(amount: float, yuan: float) -> dict[str, object]:
    return {
        "meter": "paper",
        "first_day": "2026-01-06",
        "last_day": "2026-01-10",
        "amount": amount,
        "unit": "kWh",
        "yuan": yuan,
    }


def judged(works: Works) -> JudgedBill:
    (found,) = judged_bills(works.store, works.registry, works.registry.snapshot(), "school")
    return found


def test_money_is_judged_by_tariff_and_amount(works: Works) -> None:
    works.estate(PAPER, bills=[bill(100, 85.0)], tariffs=[price(0.8)], tariff_uses=[USE])
    works.run(now="2026-02-01T00:00:00")
    found = judged(works)
    assert found.money.computed == pytest.approx(80.0)
    assert found.money.difference == pytest.approx(5.0)
    assert found.money.is_within is False
    assert (found.meters, found.amount) == ((), None)
    assert found.needs_explanation
    assert found.words[1] == "the money does not follow from the tariff: an explanation is needed"


def test_bands_and_charges_cannot_be_told_from_paper(works: Works) -> None:
    bands = [price(1.0, hours="08:00-24:00"), price(0.5, hours="00:00-08:00")]
    works.estate(PAPER, bills=[bill(100, 85.0)], tariffs=bands, tariff_uses=[USE])
    works.run(now="2026-02-01T00:00:00")
    assert judged(works).money.is_within is None


def test_a_forgotten_multiplier_is_named(works: Works) -> None:
    works.estate(PAPER, meter("e1", parent="paper"), bills=[bill(1200, 960.0)])
    works.hourly("e1", "2026-01-04T00:00:00", [1.0] * 24 * 10)  # 120 kWh in the five days
    works.run(now="2026-02-01T00:00:00")
    found = judged(works)
    assert found.meters == ("e1",)
    assert found.amount is not None
    assert (found.amount.metered, found.amount.difference) == (pytest.approx(120.0), pytest.approx(-1080.0))
    assert (found.amount.cause, found.amount.detail) == (Cause.RATIO, pytest.approx(0.1))


@pytest.mark.parametrize(("amount", "yuan", "computed"), [(0, 15.0, 15.0), (0, 20.0, 15.0), (-100, -65.0, -65.0)])
def test_a_bill_of_nothing_costs_its_charges_and_a_credit_note_is_negative(
    works: Works, amount: float, yuan: float, computed: float
) -> None:
    fixed = {"tariff": "t", "component": "fixed", "price_yuan": 15, "unit": "yuan/month", "source": "x"}
    paper = {**bill(amount, yuan), "first_day": "2026-01-01", "last_day": "2026-01-31"}
    works.estate(PAPER, bills=[paper], tariffs=[price(0.8), fixed], tariff_uses=[USE])
    works.run(now="2026-02-02T00:00:00")
    found = judged(works)
    assert found.money.computed == pytest.approx(computed)
    assert found.needs_explanation is (yuan != computed)


def test_bills_of_several_years_are_judged_together_each_in_the_tiers_of_its_own_year(works: Works) -> None:
    tiers = [price(0.5, tier_period="year"), price(1.0, tier_from=100, tier_period="year")]
    papers = [
        {**bill(200, 150.0), "first_day": f"{year}-01-01", "last_day": f"{year}-12-31"} for year in (2023, 2024, 2025)
    ]
    works.estate(PAPER, bills=papers, tariffs=tiers, tariff_uses=[USE])
    works.run(now="2026-02-01T00:00:00")
    found = judged_bills(works.store, works.registry, works.registry.snapshot(), "school")
    # 100 at .5 and 100 at 1.0 in each year, the leap year among them
    assert [j.money.computed for j in found] == [pytest.approx(150.0)] * 3
    assert [j.needs_explanation for j in found] == [False] * 3


def test_an_institution_without_bills_has_none_to_judge(works: Works) -> None:
    works.estate(meter("e1"))
    assert judged_bills(works.store, works.registry, works.registry.snapshot(), "school") == []


def test_a_bill_is_compared_with_the_main_beside_it_and_two_with_none(works: Works) -> None:
    works.estate(PAPER, meter("e1"), bills=[bill(121, 96.8)])
    works.hourly("e1", "2026-01-04T00:00:00", [1.0] * 24 * 10)  # 120 kWh in the five days
    works.run(now="2026-02-01T00:00:00")
    found = judged(works)
    assert found.meters == ("e1",)
    assert found.amount is not None
    assert found.amount.cause is Cause.WITHIN
    works.registry.import_sheets({"meters": [{**PAPER, "id": "paper2"}]})
    assert judged(works).meters == ()
