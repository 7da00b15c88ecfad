"""Stepped prices (阶梯) through the jobs: gaps, missing beginnings, meters below a main, gas paid as heat."""

from __future__ import annotations

import numpy as np
import pytest

from energy.model import CostNote
from tests.analytics.jobs.conftest import Works, meter
from tests.analytics.jobs.test_costs import price, use

JANUARY = "2026-01-01T00:00:00"
STEPS = [price(0.5), price(0.6, tier_from=100), price(0.9, tier_from=300)]
OF_THE_YEAR = [{**row, "tier_period": "year"} for row in STEPS]


def month_of(works: Works, name: str, when: str = JANUARY) -> tuple[float, float]:
    found = works.total(name, "month", when)
    return found["cost_yuan"], found["cost_note"]


def test_every_step_of_a_month_is_paid(works: Works) -> None:
    works.estate(meter("e1"), tariffs=STEPS, tariff_uses=[use()])
    works.hourly("e1", JANUARY, [1.0] * 24 * 31)
    works.run(now="2026-02-02T00:00:00")
    # 744 kWh: 100 at .5, 200 at .6, 444 at .9
    cost, note = month_of(works, "school")
    assert cost == pytest.approx(50 + 120 + 444 * 0.9)
    assert np.isnan(note)
    # the fifth day runs from 96 to 120 kWh, the thirteenth from 288 to 312
    assert works.total("e1", "day", "2026-01-05T00:00:00")["cost_yuan"] == pytest.approx(4 * 0.5 + 20 * 0.6)
    assert works.total("e1", "day", "2026-01-13T00:00:00")["cost_yuan"] == pytest.approx(12 * 0.6 + 12 * 0.9)
    assert works.total("e1", "year", JANUARY)["cost_yuan"] == pytest.approx(50 + 120 + 444 * 0.9)


def test_steps_of_a_year_go_on_from_month_to_month(works: Works) -> None:
    works.estate(meter("e1"), tariffs=OF_THE_YEAR, tariff_uses=[use()])
    works.hourly("e1", JANUARY, [0.25] * 24 * 59)
    works.run(now="2026-03-02T00:00:00")
    # 186 kWh in January; February goes on to 354
    assert month_of(works, "e1")[0] == pytest.approx(50 + 86 * 0.6)
    assert month_of(works, "e1", "2026-02-01T00:00:00")[0] == pytest.approx(114 * 0.6 + 54 * 0.9)
    assert works.total("e1", "year", JANUARY)["cost_yuan"] == pytest.approx(50 + 120 + 54 * 0.9)


def test_a_gap_of_a_register_keeps_the_steps_after_it(works: Works) -> None:
    works.estate(meter("e1"), tariffs=STEPS, tariff_uses=[use()])
    works.hourly("e1", JANUARY, [1.0] * 24 * 3)
    works.hourly("e1", "2026-01-21T00:00:00", [1.0] * 24 * 11, start=400.0)
    works.run(now="2026-02-02T00:00:00")
    # 72, then 328 in the gap, then 264: 664 kWh in all
    assert works.total("e1", "day", "2026-01-22T00:00:00")["cost_yuan"] == pytest.approx(24 * 0.9)
    assert month_of(works, "e1")[0] == pytest.approx(50 + 120 + 364 * 0.9)


def test_a_month_whose_beginning_nobody_read_costs_at_least_its_known_use(works: Works) -> None:
    works.estate(meter("e1"), tariffs=STEPS, tariff_uses=[use()])
    works.hourly("e1", "2026-01-16T00:00:00", [0.5] * 24 * 16)
    works.run(now="2026-02-02T00:00:00")
    # 192 kWh are known, fifteen days are not: they can have used 180 at 12 a day
    cost, note = month_of(works, "e1")
    assert cost == pytest.approx(50 + 92 * 0.6)
    assert note == CostNote.STEP_BOUND
    assert np.isnan(works.total("e1", "day", "2026-01-16T00:00:00")["cost_yuan"])
    assert works.total("e1", "day", "2026-01-16T00:00:00")["cost_note"] == CostNote.STEP_UNKNOWN
    # after 108 known the day lies between 108 and 300 whatever was before
    assert works.total("e1", "day", "2026-01-25T00:00:00")["cost_yuan"] == pytest.approx(12 * 0.6)


def test_a_meter_that_came_into_service_later_used_nothing_before(works: Works) -> None:
    works.estate(meter("e1", active_from="2026-01-16"), tariffs=STEPS, tariff_uses=[use()])
    works.hourly("e1", "2026-01-16T00:00:00", [0.5] * 24 * 16)
    works.run(now="2026-02-02T00:00:00")
    cost, note = month_of(works, "e1")
    assert cost == pytest.approx(50 + 92 * 0.6)
    assert np.isnan(note)
    assert works.total("e1", "day", "2026-01-16T00:00:00")["cost_yuan"] == pytest.approx(6.0)


def test_meters_below_a_main_share_its_steps(works: Works) -> None:
    works.estate(meter("e1"), meter("e2", parent="e1"), meter("e3", parent="e1"), tariffs=STEPS, tariff_uses=[use()])
    works.hourly("e1", JANUARY, [1.0] * 24 * 31)
    works.hourly("e2", JANUARY, [0.25] * 24 * 31)
    works.hourly("e3", JANUARY, [0.75] * 24 * 31)
    works.run(now="2026-02-02T00:00:00")
    whole = 50 + 120 + 444 * 0.9
    assert month_of(works, "e2")[0] == pytest.approx(whole / 4)
    assert month_of(works, "e3")[0] == pytest.approx(whole * 3 / 4)
    assert month_of(works, "school")[0] == pytest.approx(whole)


def gas(name: str, unit: str) -> dict[str, object]:
    return meter(name, category="gas", unit=unit)


def stated(value: float, unit: str = "kWh/m3", **columns: object) -> dict[str, object]:
    return {
        "scope": "region", "id": "990000", "value": value, "unit": unit, "source": "supplier", "confidence": "sure",
        **columns,
    }  # fmt: skip


HEAT_PRICE = {**price(0.35), "unit": "yuan/kWh"}


def test_gas_paid_as_heat_is_priced_by_its_calorific_value(works: Works) -> None:
    values = [stated(10.0, valid_to="2026-01-06"), stated(36.0, "MJ/m3", valid_from="2026-01-07")]
    works.estate(gas("g1", "m3"), tariffs=[HEAT_PRICE], tariff_uses=[use(category="gas")], calorific_values=values)
    works.hourly("g1", "2026-01-05T00:00:00", [2.0] * 24 * 3)
    works.run(now="2026-02-02T00:00:00")
    days = [works.total("g1", "day", f"2026-01-0{day}T00:00:00", category="gas") for day in (5, 6, 7)]
    assert days[0]["cost_yuan"] == pytest.approx(48 * 10 * 0.35)
    assert np.isnan(days[1]["cost_yuan"])
    assert days[1]["cost_note"] == CostNote.NO_CALORIFIC_VALUE
    assert days[2]["cost_yuan"] == pytest.approx(48 * 10 * 0.35)  # 36 MJ are 10 kWh


def test_gas_paid_as_heat_is_not_priced_where_nobody_states_its_calorific_value(works: Works) -> None:
    works.estate(gas("g1", "m3"), tariffs=[HEAT_PRICE], tariff_uses=[use(category="gas")])
    works.hourly("g1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run(now="2026-02-02T00:00:00")
    month = works.total("school", "month", JANUARY, category="gas")
    assert month["amount"] == pytest.approx(48.0)
    assert np.isnan(month["cost_yuan"])
    assert month["cost_note"] == CostNote.NO_CALORIFIC_VALUE
    works.registry.import_sheets({"calorific_values": [stated(9.8)]})
    works.run(now="2026-02-03T00:00:00")
    assert works.total("school", "month", JANUARY, category="gas")["cost_yuan"] == pytest.approx(48 * 9.8 * 0.35)


def test_gas_metered_and_paid_as_heat_costs_its_kwh(works: Works) -> None:
    works.estate(
        gas("g1", "kWh"), tariffs=[HEAT_PRICE], tariff_uses=[use(category="gas")], calorific_values=[stated(9.8)]
    )
    works.hourly("g1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run(now="2026-02-02T00:00:00")
    assert works.total("g1", "month", JANUARY, category="gas")["cost_yuan"] == pytest.approx(48 * 0.35)
