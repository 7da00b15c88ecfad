"""Prices of holidays and weekends through the jobs: a Spring Festival, and a year whose holidays nobody published."""

from __future__ import annotations

import numpy as np
import pytest

from energy.model import CostNote
from energy.registry import Touched
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.test_costs import price, use

FESTIVE = "spring_festival,labour_day,national_day"
OTHERWISE = "workday,weekend,new_year,qingming,dragon_boat,mid_autumn,other"
NOON, ELSE = "10:00-14:00", "14:00-10:00"
DEEP_VALLEY = [
    price(0.7, band="flat", hours=ELSE),
    price(0.7, band="flat", hours=NOON, days=OTHERWISE),
    price(0.2, band="deep_valley", hours=NOON, days=FESTIVE),
]
OF_FEBRUARY = [{**row, "months": "1-2"} for row in DEEP_VALLEY] + [price(0.8, months="3-12")]


def told(works: Works, period: str, when: str, name: str = "school") -> tuple[float, float]:
    found = works.total(name, period, when)
    return found["cost_yuan"], found["cost_note"]


def test_a_february_with_the_spring_festival(works: Works) -> None:
    works.estate(meter("e1"), tariffs=DEEP_VALLEY, tariff_uses=[use()])
    works.hourly("e1", "2026-02-01T00:00:00", [1.0] * 24 * 28)
    works.run(now="2026-03-02T00:00:00")
    # 14 February, a Saturday, is worked for the nine days off from the 15th on
    for day, noons in [("14", 0), ("15", 1), ("23", 1), ("24", 0)]:
        cost, note = told(works, "day", f"2026-02-{day}T00:00:00")
        assert cost == pytest.approx(24 * 0.7 - noons * 4 * 0.5), day
        assert np.isnan(note)
    assert told(works, "month", "2026-02-01T00:00:00")[0] == pytest.approx(28 * 24 * 0.7 - 9 * 4 * 0.5)


def test_a_year_whose_holidays_nobody_published_has_no_cost_and_says_why(works: Works) -> None:
    works.estate(meter("e1"), tariffs=DEEP_VALLEY, tariff_uses=[use()])
    works.hourly("e1", "2026-12-30T00:00:00", [1.0] * 24 * 4)
    works.run(now="2027-02-01T00:00:00")
    cost, note = told(works, "day", "2026-12-31T00:00:00")
    assert cost == pytest.approx(24 * 0.7)
    assert np.isnan(note)
    for period, when in [
        ("day", "2027-01-02T00:00:00"),
        ("month", "2027-01-01T00:00:00"),
        ("year", "2027-01-01T00:00:00"),
    ]:
        for name in ("e1", "school", "990101"):
            cost, note = told(works, period, when, name)
            assert np.isnan(cost), (period, name)
            assert note == CostNote.HOLIDAYS_NOT_PUBLISHED


def test_the_mean_of_sure_months_is_no_guess_at_a_spring_festival(works: Works) -> None:
    works.estate(meter("e1"), tariffs=OF_FEBRUARY, tariff_uses=[use()])
    works.hourly("e1", "2027-02-27T00:00:00", [1.0] * 24 * 4)
    works.run(now="2027-04-01T00:00:00")
    assert told(works, "month", "2027-03-01T00:00:00")[0] == pytest.approx(48 * 0.8)
    cost, note = told(works, "year", "2027-01-01T00:00:00")
    assert np.isnan(cost)
    assert note == CostNote.HOLIDAYS_NOT_PUBLISHED


def test_a_bill_tells_the_cost_whatever_the_holidays_are(works: Works) -> None:
    bill = {
        "meter": "e1",
        "first_day": "2027-01-01",
        "last_day": "2027-01-31",
        "amount": 310,
        "unit": "kWh",
        "yuan": 200,
    }
    works.estate(
        meter("e1", kind="manual", digits=None, interval_s=86_400),
        tariffs=DEEP_VALLEY, tariff_uses=[use()], bills=[bill],
    )  # fmt: skip
    works.registry.mark_touched([Touched("e1", instant("2027-01-01T00:00:00"), instant("2027-02-01T00:00:00") - 1)])
    works.run(now="2027-02-01T00:00:00")
    cost, note = told(works, "month", "2027-01-01T00:00:00")
    assert cost == pytest.approx(200.0)
    assert np.isnan(note)


def test_steps_need_the_holidays_too(works: Works) -> None:
    dearer = [{**row, "price_yuan": 2 * float(str(row["price_yuan"])), "tier_from": 50} for row in DEEP_VALLEY]
    works.estate(meter("e1"), tariffs=[*DEEP_VALLEY, *dearer], tariff_uses=[use()])
    works.hourly("e1", "2027-01-01T00:00:00", [1.0] * 24 * 31)
    works.run(now="2027-02-02T00:00:00")
    cost, note = told(works, "month", "2027-01-01T00:00:00")
    assert np.isnan(cost)
    assert note == CostNote.HOLIDAYS_NOT_PUBLISHED
