"""Simulated loads look like recorded ones, and the year of the province like a year of its climate zone."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from benchmarks.compare_loads import FIGURES, figures, of_province, of_recording
from energy.intervals import HOUR, LocalCalendar
from energy.model import Category
from simulators import replay
from simulators.loads import register_steps
from simulators.province import Province, build
from simulators.shapes import PROFILES, presence
from simulators.streams import Streams, autoregressive


@pytest.fixture(scope="module")
def province() -> Province:
    return build(1, date(2024, 1, 1), date(2025, 1, 1))


def test_the_median_simulated_building_lies_within_the_recorded_ones(province: Province) -> None:
    recorded, simulated = of_recording(replay.sample()), np.median(of_province(province), axis=0)
    low, high = np.percentile(recorded, [5, 95], axis=0)
    assert {n: bool(a <= x <= b) for n, a, x, b in zip(FIGURES, low, simulated, high, strict=True)} == dict.fromkeys(
        FIGURES, True
    )


def test_figures_of_a_load_made_by_hand() -> None:
    calendar = LocalCalendar("UTC")
    start = calendar.start_of(date(2024, 1, 1))  # a Monday
    hours = np.arange(14 * 24)
    load = np.where(hours % 168 < 120, np.where(hours % 24 < 8, 1.0, 2.0), 1.0)
    found = dict(zip(FIGURES, figures(load + 1e-6 * (hours % 5), start, "UTC"), strict=True))
    assert found["night / day"] == pytest.approx(0.5, rel=1e-5)
    assert found["weekend / workday"] == pytest.approx(0.6, rel=1e-5)  # 1 against (8 x 1 + 16 x 2) / 24
    assert found["residual CV"] == pytest.approx(0, abs=1e-5)


def test_the_weather_is_that_of_its_climate_zone(province: Province) -> None:
    """寒冷A: 2000 <= HDD18 < 3800 and CDD26 <= 90; 寒冷B: CDD26 > 90 (DB37/5026-2022)."""
    for region in province.sheets["regions"]:
        days = province.skies[str(region["code"])].temperature.reshape(-1, 24).mean(axis=1)
        heating, cooling = np.maximum(18 - days, 0).sum(), np.maximum(days - 26, 0).sum()
        assert 2000 <= heating < 3800
        assert (cooling <= 90) == (region["climate_zone"] == "寒冷A"), region["name_en"]


def test_heat_flows_in_the_heating_season_only(province: Province) -> None:
    day = province.at.day_of_year  # 2024: 16 March is day 76, 15 November day 320
    for house in province.houses:
        amounts = province.loads(house.id).amounts[f"{house.id}.h-main"]
        assert not amounts[(day >= 76) & (day < 320)].any()
        assert amounts[(day < 60) | (day > 340)].min() >= 0
        assert amounts.sum() > 0


def test_a_school_rests_in_its_vacation_and_an_office_at_the_spring_festival(province: Province) -> None:
    def present(key: str, first: date, last: date) -> float:
        people = presence(PROFILES[key], province.at, np.ones(province.at.n_days))
        begin, end = ((day - date(2024, 1, 1)).days * 24 for day in (first, last))
        return float(people[begin:end].mean())

    july, june = (date(2024, 7, 10), date(2024, 8, 25)), (date(2024, 6, 3), date(2024, 6, 28))
    assert present("school", *july) < 0.3 * present("school", *june)
    assert present("office", *july) > 0.9 * present("office", *june)
    festival, january = (date(2024, 2, 10), date(2024, 2, 18)), (date(2024, 1, 8), date(2024, 1, 13))
    assert present("office", *festival) < 0.3 * present("office", *january)
    shifted, sunday = (date(2024, 2, 18), date(2024, 2, 19)), (date(2024, 2, 25), date(2024, 2, 26))
    assert present("office", *shifted) > 3 * present("office", *sunday)  # 调休: a Sunday that was worked


def test_water_never_stops_and_no_amount_is_negative(province: Province) -> None:
    for house in province.houses:
        known = province.loads(house.id)
        assert all(amounts.min() >= 0 for amounts in known.amounts.values())
        assert known.amounts[f"{house.id}.w-main"].min() > 0


def test_registers_never_fall_within_an_hour_and_agree_with_it_at_its_ends(province: Province) -> None:
    device = next(d for d in province.devices.values() if d.category is Category.ELECTRICITY)
    amounts = np.array([10.0, 0.0, 300.0])
    minutes = np.arange(0, 3 * HOUR + 1, 300)
    steps = register_steps(device, amounts, 50, 0, minutes)
    assert np.all(np.diff(steps) >= 0)
    expected = 50 + np.floor(np.array([0.0, 10.0, 10.0, 310.0]) * device.steps_per_unit)
    assert steps[::12].tolist() == expected.tolist()


def test_the_doubling_sum_is_the_loop_over_time() -> None:
    noise = Streams(1).named("x").standard_normal(300)
    slow, value = [], 0.0
    for innovation in noise:
        value = 0.7 * value + innovation
        slow.append(value * np.sqrt(1 - 0.7**2))
    assert autoregressive(noise, 0.7) == pytest.approx(slow, abs=1e-6)
    assert autoregressive(noise[:1], 0.7) == pytest.approx(slow[:1])
