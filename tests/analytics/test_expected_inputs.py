"""Expected use of whatever comes: any resolution, zone, season, gap or sign, without a warning and in any company."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.calendars import calendar_rows
from analytics.design import Design, Terms, Weather, build_design, choose_terms
from analytics.expected import ExpectedModel, WeatherUse, fit_expected
from energy.holidays import country_of, work_calendar
from energy.intervals import DAY, HOUR, LocalCalendar, Window

METERS = ("office", "constant", "zero", "unknown", "feeds_in", "starts_late", "one_value", "holed", "spiked", "tiny",
          "grown", "huge")  # fmt: skip


def site(zone: str, n_days: int, step: int, measured: str) -> tuple[Design, Terms, Window]:
    calendar = LocalCalendar(zone)
    start = calendar.start_of(date(2023, 1, 1))
    times = start + step * np.arange(n_days * DAY // step, dtype=np.int64)
    kinds = work_calendar(country_of(zone)).kind if zone in ("Asia/Shanghai", "Europe/London") else None
    rows = calendar_rows(times, step, calendar, kinds=kinds)
    day = (times - start) / DAY
    temperature = 12 - 11 * np.cos(2 * np.pi * day / 365) - 4 * np.cos(2 * np.pi * day)
    if measured == "thin":
        temperature[np.arange(len(temperature)) % 3 > 0] = np.nan  # a third is not enough
    weather = Weather() if measured == "none" else Weather(temperature, np.maximum(-np.cos(2 * np.pi * day), 0) * 400)
    terms = choose_terms(rows, weather)
    return build_design(terms, rows, weather), terms, Window(start, start + n_days * DAY)


def use(design: Design) -> np.ndarray:
    """One row for each of `METERS`."""
    n = len(design.calendar)
    generator = np.random.default_rng(0)
    office = (5 + 10 * design.calendar.occupied) * generator.gamma(40, 1 / 40, n)
    rows = {name: office.copy() for name in METERS}
    rows["constant"][:] = 7.0
    rows["zero"][:] = 0.0
    rows["unknown"][:] = np.nan
    rows["feeds_in"] -= 12.0
    rows["starts_late"][: n // 2] = np.nan
    rows["one_value"][np.arange(n) != n // 3] = np.nan
    rows["holed"][generator.random(n) < 0.4] = np.nan
    rows["spiked"][n // 2] = 1e7
    rows["tiny"] *= 1e-6
    rows["grown"][n * 2 // 3 :] *= 3
    rows["huge"] *= 1e7
    return np.array([rows[name] for name in METERS], np.float32)


CASES = [
    ("Asia/Shanghai", 365, HOUR, "all"),
    ("Asia/Shanghai", 365, 900, "all"),
    ("Asia/Shanghai", 182, HOUR, "all"),
    ("Europe/London", 366, HOUR, "none"),
    ("America/New_York", 365, HOUR, "thin"),
    ("Australia/Lord_Howe", 365, 900, "none"),
    ("Asia/Shanghai", 9, HOUR, "none"),
    ("Asia/Shanghai", 1, 900, "all"),
]


@pytest.mark.parametrize(("zone", "n_days", "step", "measured"), CASES)
@pytest.mark.parametrize("weather_use", [WeatherUse.ALWAYS, WeatherUse.IF_BETTER])
def test_every_meter_with_a_value_has_an_expectation(
    zone: str, n_days: int, step: int, measured: str, weather_use: WeatherUse
) -> None:
    design, terms, period = site(zone, n_days, step, measured)
    values = use(design)
    model = fit_expected(values, design, terms, period, use=weather_use)
    expected = model.predict(design)
    low, high = model.interval(expected, design)
    some = np.array([name != "unknown" for name in METERS])
    assert terms.has_weather == (measured == "all")
    assert np.isfinite(expected[some]).all()
    assert np.isnan(expected[~some]).all()
    assert (low[some] <= expected[some]).all()
    assert (expected[some] <= high[some]).all()
    assert (expected[METERS.index("zero")] == 0).all()
    assert np.abs(expected[METERS.index("constant")] - 7).max() < 1e-3
    assert expected[METERS.index("feeds_in")].min() < 0
    assert (expected[METERS.index("office")] >= 0).all()
    again = ExpectedModel.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    assert_array_equal(again.predict(design), expected)


@pytest.mark.parametrize("weather_use", list(WeatherUse))
@pytest.mark.parametrize("size", [1e19, 5e29])
def test_use_whose_square_no_float32_holds_is_expected_like_any_other(size: float, weather_use: WeatherUse) -> None:
    design, terms, period = site("Asia/Shanghai", 60, HOUR, "all")
    ordinary = use(design)[:1]
    plain, vast = (
        fit_expected(values.astype(np.float32), design, terms, period, use=weather_use)
        for values in (ordinary, ordinary / ordinary.max() * np.float64(size))
    )
    expected = vast.predict(design)
    scale = size / float(ordinary.max())
    assert_allclose(expected / scale, plain.predict(design), rtol=1e-3)
    assert_allclose(
        vast.interval(expected, design)[1] / scale, plain.interval(plain.predict(design), design)[1], rtol=1e-3
    )


@pytest.mark.parametrize("broken", [2e30, 3e38, -3e38, np.inf, -np.inf])
def test_what_no_meter_sends_is_as_unknown_as_a_gap(broken: float) -> None:
    design, terms, period = site("Asia/Shanghai", 60, HOUR, "all")
    values = np.repeat(use(design)[:1], 2, axis=0)
    values[0, 500] = broken
    values[1, 500] = np.nan
    model = fit_expected(values, design, terms, period)
    expected = model.predict(design)
    for found in (expected, *model.interval(expected, design), model.floor, model.sufficiency.cv_rmse):
        assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("weather_use", list(WeatherUse))
def test_company_and_order_change_no_bit(weather_use: WeatherUse) -> None:
    design, terms, period = site("Europe/London", 365, HOUR, "all")
    values = np.tile(use(design), (4, 1)) * np.repeat(np.arange(1, 5, dtype=np.float32), len(METERS))[:, None]
    whole = fit_expected(values, design, terms, period, use=weather_use).predict(design)
    order = np.random.default_rng(3).permutation(len(values))
    shuffled = fit_expected(values[order], design, terms, period, use=weather_use).predict(design)
    assert_array_equal(shuffled, whole[order])
    parts = [fit_expected(values[a:b], design, terms, period, use=weather_use) for a, b in ((0, 1), (1, 8), (8, 48))]
    assert_array_equal(np.concatenate([part.predict(design) for part in parts]), whole)


def test_what_the_fit_period_had_none_of_takes_no_row() -> None:
    design, terms, _ = site("Asia/Shanghai", 9, HOUR, "none")  # 1 and 2 January 2023 are holidays
    assert (terms.holidays, terms.vacations, terms.harmonics) == (True, False, 0)
    assert design.ahead.shape == (5, 9 * 24)


def test_a_level_that_rose_is_expected_to_stay() -> None:
    """100 kWh/h to the end of June, 150 after: next year begins at 150, less what the ridge holds back."""
    design, terms, period = site("Asia/Shanghai", 365, HOUR, "none")
    level = np.where(np.arange(len(design.calendar)) < 181 * 24, 100.0, 150.0)
    model = fit_expected(level[None].astype(np.float32), design, terms, period)
    assert model.predict(design).mean() == pytest.approx(150, rel=0.05)
    assert model.sufficiency.cv_rmse[0] < 0.06


def test_half_a_year_tells_no_seasons() -> None:
    _, half, _ = site("Asia/Shanghai", 182, HOUR, "all")
    _, whole, _ = site("Asia/Shanghai", 365, HOUR, "all")
    assert (half.harmonics, whole.harmonics) == (0, 4)


def test_models_stored_before_seasons_are_predicted_as_they_were() -> None:
    """Terms of old name neither seasons nor slopes by hour: 10 calendar rows, then those of the weather."""
    old = Terms.from_dict({"step": HOUR, "knots": [5.0, 10.0, 15.0], "span": [0.0, 20.0], "solar": False})
    design, _, _ = site("Asia/Shanghai", 30, HOUR, "all")
    rows = build_design(old, design.calendar, Weather(np.full(30 * 24, 12.0)))
    assert_array_equal(rows.ahead, rows.rows)
    assert len(rows.ahead) == 10 + 2 * 4 + 2


@pytest.mark.parametrize("active_days", [0, 30, 365])
def test_heat_is_expected_in_its_season_and_at_rest_out_of_it(active_days: int) -> None:
    design, terms, period = site("Asia/Shanghai", 365, HOUR, "all")
    season = design.calendar.day - design.calendar.day[0] < active_days
    values = np.where(season, 6.0, 0.5).astype(np.float32) * np.ones((3, 1), np.float32)
    values[1, ~season] = np.nan
    values[2] = np.nan
    expected = fit_expected(values, design, terms, period, season=season).predict(design, season)
    assert np.abs(expected[0, season] - 6).max(initial=0) < 0.01
    assert_array_equal(expected[0, ~season], np.float32(0.5))
    assert np.isfinite(expected[1, season]).all()
    assert np.isnan(expected[1, ~season]).all()
    assert np.isnan(expected[2]).all()
