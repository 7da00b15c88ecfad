"""Expected consumption: recovers known habits, says what it lacks, reproduces itself from storage."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.calendars import CalendarRows, calendar_rows
from analytics.design import Design, Terms, Weather, build_design, choose_terms
from analytics.expected import ExpectedModel, WeatherUse, fit_expected
from analytics.spread import half_of_sum
from energy.holidays import work_calendar
from energy.intervals import HOUR, LocalCalendar, Window

SHANGHAI = LocalCalendar("Asia/Shanghai")
NEW_YEAR_2023 = SHANGHAI.start_of(date(2023, 1, 1))
N_DAYS = 365


def hours(n_days: int, start: int = NEW_YEAR_2023, zone: LocalCalendar = SHANGHAI, step: int = HOUR) -> CalendarRows:
    times = start + step * np.arange(n_days * 86_400 // step, dtype=np.int64)
    return calendar_rows(times, step, zone, kinds=work_calendar("CN").kind)


def temperatures(n: int, step: int = HOUR) -> np.ndarray:
    day = np.arange(n) * step / 86_400
    wander = np.random.default_rng(1).normal(0, 3, n // 24 + 2)
    return (
        15
        - 12 * np.cos(2 * np.pi * day / 365)
        + 4 * np.sin(2 * np.pi * day)
        + np.interp(day, range(len(wander)), wander)
    )


def setting(n_days: int = N_DAYS, step: int = HOUR, with_weather: bool = True) -> tuple[Design, Terms, np.ndarray]:
    calendar = hours(n_days, step=step)
    temperature = temperatures(len(calendar), step)
    weather = Weather(temperature if with_weather else None)
    terms = choose_terms(calendar, weather)
    return build_design(terms, calendar, weather), terms, temperature


def period(n_days: int = N_DAYS) -> Window:
    return Window(NEW_YEAR_2023, NEW_YEAR_2023 + n_days * 86_400)


def office(design: Design, temperature: np.ndarray) -> np.ndarray:
    """40 kWh/h at rest, 60 more while occupied, 2 per kelvin above the 90 % temperature knot while occupied."""
    hot = np.maximum(temperature - float(np.round(np.quantile(temperature, 0.9))), 0)
    return 40 + design.calendar.occupied * (60 + 2 * hot)


@pytest.mark.parametrize("step", [900, HOUR])
def test_a_known_habit_is_expected_exactly(step: int) -> None:
    design, terms, temperature = setting(step=step)
    use = office(design, temperature).astype(np.float32)[None]
    model = fit_expected(use, design, terms, period())
    assert_allclose(model.predict(design), use, rtol=0.01)
    assert model.sufficiency.is_sufficient[0]
    assert model.sufficiency.reasons(0) == ()


def test_a_gap_does_not_pull_the_expectation_down() -> None:
    design, terms, temperature = setting()
    use = office(design, temperature).astype(np.float32)[None]
    holed = use.copy()
    holed[:, 3000:3800] = np.nan
    model = fit_expected(holed, design, terms, period())
    assert_allclose(model.predict(design), use, rtol=0.01)
    assert model.sufficiency.reasons(0) == ("month",)
    assert model.sufficiency.days[0] == pytest.approx((365 - 34) / 365, abs=0.004)


def test_without_weather_the_model_says_so_and_uses_the_calendar() -> None:
    design, terms, temperature = setting(with_weather=False)
    model = fit_expected(office(design, temperature).astype(np.float32)[None], design, terms, period())
    assert not terms.has_weather
    assert not model.uses_weather[0]
    occupied = model.predict(design)[0, design.calendar.occupied]
    assert occupied.min() > 95  # 40 + 60, give or take the unknown weather


def test_water_keeps_weather_terms_only_where_they_help() -> None:
    design, terms, temperature = setting()
    noise = np.random.default_rng(4).gamma(3.0, 1.0, (1, len(temperature)))
    cooling_tower = 5 + np.maximum(temperature - 20, 0)[None] + noise
    kitchen = (np.array([[3.0]]) + 2 * design.calendar.occupied[None]) * noise
    use = np.concatenate([cooling_tower, kitchen]).astype(np.float32)
    model = fit_expected(use, design, terms, period(), use=WeatherUse.IF_BETTER)
    assert_array_equal(model.uses_weather, [True, False])
    assert_array_equal(model.slopes[1, design.n_calendar :], 0)


def test_shifted_workdays_and_holidays_are_expected_as_people_live_them() -> None:
    calendar = hours(N_DAYS)
    day_2023 = calendar.day - (date(2023, 1, 1) - date(1970, 1, 1)).days
    worked_saturday = (date(2023, 10, 7) - date(2023, 1, 1)).days  # 国庆调休上班, notice of the State Council
    assert calendar.occupied[(day_2023 == worked_saturday) & (calendar.hour == 10)].all()
    national_day = (date(2023, 10, 2) - date(2023, 1, 1)).days  # a Monday off
    assert not calendar.occupied[day_2023 == national_day].any()
    assert_array_equal(calendar.slot[day_2023 == national_day] // 24, 6)


def test_heat_outside_the_season_is_the_resting_level() -> None:
    design, terms, temperature = setting()
    season = (np.arange(len(temperature)) < 24 * 74) | (
        np.arange(len(temperature)) >= 24 * 318
    )  # to 15 March, from 15 Nov.
    heat = np.where(season, np.maximum(18 - temperature, 0) * 0.5 + 3, 0.25).astype(np.float32)[None]
    model = fit_expected(heat, design, terms, period(), season=season)
    expected = model.predict(design, season)
    assert_array_equal(expected[0, ~season], np.float32(0.25))
    assert_allclose(expected[0, season].sum(), heat[0, season].sum(), rtol=0.03)


def test_the_model_reproduces_itself_from_storage() -> None:
    design, terms, temperature = setting()
    use = np.stack([office(design, temperature), np.full(len(temperature), np.nan)]).astype(np.float32)
    model = fit_expected(use, design, terms, period())
    again = ExpectedModel.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    assert_array_equal(again.predict(design), model.predict(design))
    assert again.period == model.period
    assert again.terms == model.terms
    assert np.isnan(again.predict(design)[1]).all()
    assert_array_equal(again.interval(again.predict(design), design), model.interval(model.predict(design), design))


def test_results_do_not_depend_on_how_meters_are_batched() -> None:
    design, terms, temperature = setting(120)
    generator = np.random.default_rng(2)
    use = (office(design, temperature) * generator.gamma(30, 1 / 30, (40, len(temperature)))).astype(np.float32)
    use[generator.random(use.shape) < 0.02] = np.nan
    whole = fit_expected(use, design, terms, period(120)).predict(design)
    order = generator.permutation(40)
    assert_array_equal(fit_expected(use[order], design, terms, period(120)).predict(design), whole[order])


def test_interval_holds_four_fifths_of_what_happens_next() -> None:
    design, terms, temperature = setting()
    generator = np.random.default_rng(7)
    shape = (60, len(temperature))
    first = office(design, temperature) + generator.normal(0, 5, shape)
    drift = np.exp(generator.normal(0, 0.07, (60, 1)))  # a steady year before halves the prior's variance
    later = (office(design, temperature) + generator.normal(0, 5, shape)) * drift
    model = fit_expected(first.astype(np.float32), design, terms, period())
    expected = model.predict(design)
    low, high = model.interval(expected, design)
    assert 0.75 <= ((later >= low) & (later <= high)).mean() <= 0.85
    year = expected.sum(axis=1, dtype=float)
    half = half_of_sum(year, N_DAYS, model.day_spread, model.drift)
    assert 0.65 <= (np.abs(later.sum(axis=1) - year) <= half).mean() <= 0.92


@pytest.mark.parametrize("n_days", [1, 8])
def test_short_periods_give_a_model_that_admits_it(n_days: int) -> None:
    design, terms, temperature = setting(n_days)
    use = office(design, temperature)[None].astype(np.float32)
    model = fit_expected(use, design, terms, period(n_days))
    assert not model.sufficiency.is_sufficient[0]
    assert np.isfinite(model.predict(design)).all()


def test_a_period_without_intervals_gives_a_model_without_profile() -> None:
    design, terms, _ = setting(0)
    model = fit_expected(np.zeros((1, 0), np.float32), design, terms, period(0))
    assert model.sufficiency.reasons(0) == ("period", "days", "month", "cv_rmse", "nmbe")
    assert np.isnan(model.profile).all()


def test_no_meters_give_no_models() -> None:
    design, terms, _ = setting(30)
    model = fit_expected(np.zeros((0, 30 * 24), np.float32), design, terms, period(30))
    assert len(model) == 0
    assert model.predict(design).shape == (0, 30 * 24)


def test_a_model_with_temperature_terms_refuses_a_period_without_weather() -> None:
    design, terms, _ = setting(60)
    with pytest.raises(ValueError, match="no temperature"):
        build_design(terms, design.calendar, Weather())


def test_zones_with_summer_time_share_the_slot_of_the_repeated_hour() -> None:
    london = LocalCalendar("Europe/London")
    start = london.start_of(date(2017, 10, 29))  # clocks go back at 02:00 local
    rows = calendar_rows(start + HOUR * np.arange(25, dtype=np.int64), HOUR, london)
    assert rows.slot.tolist()[:4] == [144, 145, 145, 146]
    assert len(set(rows.day.tolist())) == 1
