"""Indicators against published figures, what is in and out, corrections, grades and the derivation of levels."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.levels import (
    GRADE_WORDS,
    Grade,
    Levels,
    OutlierRule,
    Shares,
    clean,
    derive,
    grade,
    normality,
    quantile,
)
from analytics.quota_book import QuotaEntry, QuotaKey, entry_of, quota_on, tier_and_variant
from analytics.quotas import (
    SCOPES,
    Account,
    Factor,
    Part,
    Purpose,
    figure,
    office_corrections,
    scope_of,
)
from energy.caliber import caliber
from energy.errors import MissingReference
from energy.model import Category
from energy.reference import Quota, quotas, table
from energy.series import FloatArray

NATIONAL = caliber("gb2589_equivalent_value")
SHANDONG = caliber("sd_2019")
PHYSICAL = caliber("physical")


def year(value: float) -> FloatArray:
    return np.array([value])


def part(purpose: Purpose, amount: float, *, category: Category = Category.ELECTRICITY, metered: bool = True) -> Part:
    return Part(purpose.value, category, purpose, year(amount), metered)


def test_the_balance_of_chongqing_2015() -> None:
    # Published report: 63.81e8 kWh, 14482.41e4 m3, 5.47e4 t, 7927.99e4 L, 506.81e4 L -> 110.75e4 tce (parts: 110.73)
    account = Account(
        {
            Category.ELECTRICITY: year(63.81e8),
            Category.GAS: year(14482.41e4),
            Category.COAL: year(5.47e7),
            Category.GASOLINE: year(7927.99e4),
            Category.DIESEL: year(506.81e4),
        }
    )
    found = figure(account, scope_of("energy"), NATIONAL)
    assert found.value[0] / 1e7 == pytest.approx(110.75, abs=0.05)
    assert (found.indicator, found.caliber, found.standard) == (
        "energy",
        "gb2589_equivalent_value",
        "GB/T 2589-2020",
    )
    # 79.69e6 m2 and 5.015e6 persons of the same report
    per_area = figure(account, scope_of("energy_per_area"), NATIONAL, year(79.69e6))
    assert per_area.value[0] == pytest.approx(1107.5e6 / 79.69e6, rel=1e-3)


def test_non_heating_energy_of_yantai_court_2025() -> None:
    # Published: 1,040,085 kWh, of it 78,210 for heating, 24,300 m2 -> 12.27; 13.27 with the heating in it is wrong
    court = Account({Category.ELECTRICITY: year(1_040_085)}, (part(Purpose.HEATING, 78_210),))
    found = figure(court, scope_of("nonheating_energy_per_area"), SHANDONG, year(24_300))
    assert found.value[0] == pytest.approx(12.27, abs=0.005)
    assert found.left_out == ("heating",)
    assert found.kept_in == ()
    levels = quota_on(
        [entry_of(row) for row in quotas()],
        QuotaKey("DB37/T 2672-2019", "党政机关", "市级以下", "寒冷A", "nonheating_energy_per_area"),
        date(2025, 7, 1),
    )
    assert (found.indicator, found.caliber) == (levels.key.indicator, levels.caliber)
    assert levels.levels == Levels(20.0, 11.9, 6.5)
    assert GRADE_WORDS[Grade(int(grade(found.value, levels.levels)[0]))] == ("达标", "within the limit")


def test_what_nobody_metered_stays_in_and_the_figure_says_so() -> None:
    court = Account({Category.ELECTRICITY: year(1000.0)}, (part(Purpose.HEATING, 100.0, metered=False),))
    found = figure(court, scope_of("nonheating_energy_per_area"), SHANDONG, year(1.0))
    assert_allclose(found.value, [310.0])
    assert (found.left_out, found.kept_in) == ((), ("heating",))


def test_an_unknown_part_makes_the_figure_unknown() -> None:
    hidden = Account({Category.ELECTRICITY: year(1000.0)}, (part(Purpose.HEATING, math.nan),))
    assert_array_equal(figure(hidden, scope_of("nonheating_energy_per_area"), SHANDONG, year(1.0)).value, [np.nan])
    # but it does not concern an indicator that counts heating
    assert_allclose(figure(hidden, scope_of("energy_per_area"), SHANDONG, year(1.0)).value, [310.0])


@pytest.mark.parametrize("denominator", [math.nan, 0.0])
def test_without_a_denominator_there_is_no_intensity(denominator: float) -> None:
    account = Account({Category.ELECTRICITY: year(1000.0)})
    assert_array_equal(figure(account, scope_of("energy_per_area"), NATIONAL, year(denominator)).value, [np.nan])


def test_use_of_others_never_counts_where_it_is_metered() -> None:
    account = Account(
        {Category.ELECTRICITY: year(1000.0)}, (part(Purpose.LET, 100.0), part(Purpose.CHARGING_OTHERS, 50.0))
    )
    assert_allclose(figure(account, scope_of("energy"), NATIONAL).value, [850 * 0.1229])


def test_special_use_is_out_of_conventional_electricity_only() -> None:
    account = Account({Category.ELECTRICITY: year(1000.0)}, (part(Purpose.SPECIAL, 300.0),))
    assert_allclose(figure(account, scope_of("conventional_electricity_per_area"), PHYSICAL, year(10.0)).value, [70.0])
    assert_allclose(figure(account, scope_of("nonheating_energy_per_area"), SHANDONG, year(10.0)).value, [31.0])


def test_vehicle_fuel_follows_the_caliber() -> None:
    fuel = part(Purpose.TRANSPORT, 100.0, category=Category.GASOLINE)
    account = Account({Category.ELECTRICITY: year(1000.0), Category.GASOLINE: year(100.0)}, (fuel,))
    scope = scope_of("energy_per_area")
    # 100 L x 1.0741 kgce/L (0.73 kg/L x 1.4714 kgce/kg)
    assert_allclose(figure(account, scope, NATIONAL, year(1.0)).value, [122.9 + 107.41])
    demonstration = figure(account, scope, caliber("demonstration_unit"), year(1.0))
    assert_allclose(demonstration.value, [122.9])
    assert demonstration.left_out == ("transport",)


def test_heating_counts_only_what_is_metered_as_heating() -> None:
    account = Account(
        {Category.ELECTRICITY: year(1000.0), Category.HEAT: year(50.0)},
        (part(Purpose.HEATING, 50.0, category=Category.HEAT), part(Purpose.HEATING, 100.0)),
    )
    scope = scope_of("heating_energy_per_heated_area")
    assert_allclose(figure(account, scope, SHANDONG, year(100.0)).value, [(50 * 34.12 + 100 * 0.31) / 100])
    guessed = Account(
        {Category.HEAT: year(50.0)}, (part(Purpose.HEATING, 50.0, category=Category.HEAT, metered=False),)
    )
    assert_array_equal(figure(guessed, scope, SHANDONG, year(100.0)).value, [np.nan])
    assert_array_equal(figure(Account({}), scope, SHANDONG, year(100.0)).value, [np.nan])


def test_water_is_not_added_to_energy_and_bed_days_are_in_litres() -> None:
    account = Account({Category.ELECTRICITY: year(1000.0), Category.WATER: year(365.0)})
    assert_allclose(figure(account, scope_of("energy"), NATIONAL).value, [122.9])
    # 365 m3 over 1,000 bed-days: 365 L a bed-day
    assert_allclose(figure(account, scope_of("water_per_bed_day"), PHYSICAL, year(1000.0)).value, [365.0])


@pytest.mark.parametrize(
    ("indicator", "persons", "expected"),
    [
        ("water_per_university_person", 900 + 100 + 0.5 * 500, 36.0),  # enrolled + foreign + half of the staff
        ("water_per_school_person", 500 + 2 * 300 + 150, 36.0),  # day pupils + twice the boarders + staff
    ],
)
def test_water_of_schools_is_divided_by_their_standard_persons(indicator: str, persons: float, expected: float) -> None:
    """DB37/T 4452-2021: m3 a person and year."""
    account = Account({Category.WATER: year(45_000.0)})
    assert_allclose(figure(account, scope_of(indicator), PHYSICAL, year(persons)).value, [expected])


@pytest.mark.parametrize("counting", ["gb2589_equivalent_value", "physical"])
@pytest.mark.parametrize(
    ("indicator", "category"),
    [
        ("heating_energy_per_heated_area", Category.ELECTRICITY),  # no part of it is metered as heating
        ("water_per_person", Category.ELECTRICITY),
        ("energy", Category.WATER),
    ],
)
def test_where_nothing_of_an_indicator_is_known_every_period_is_unknown(
    indicator: str, category: Category, counting: str
) -> None:
    found = figure(Account({category: np.ones(3)}), scope_of(indicator), caliber(counting))
    assert found.value.shape == (3,)
    assert np.isnan(found.value).all()


def test_gas_cannot_be_added_to_kilowatt_hours() -> None:
    account = Account({Category.ELECTRICITY: year(1000.0), Category.GAS: year(10.0)})
    with pytest.raises(MissingReference, match="GB/T 51161-2016 gives no coefficient to add electricity, gas"):
        figure(account, scope_of("nonheating_kwh_per_area"), PHYSICAL, year(10.0))
    kitchen = Account(account.whole, (part(Purpose.SPECIAL, 10.0, category=Category.GAS),))
    assert_allclose(figure(kitchen, scope_of("nonheating_kwh_per_area"), PHYSICAL, year(10.0)).value, [100.0])


def test_heat_that_is_unknown_in_one_period_leaves_the_kilowatt_hours_of_the_others() -> None:
    whole = {Category.ELECTRICITY: np.array([5.0, 5.0, 5.0]), Category.HEAT: np.array([0.0, np.nan, 0.0])}
    scope = replace(scope_of("nonheating_kwh_per_area"), without=frozenset())
    assert_array_equal(figure(Account(whole), scope, PHYSICAL).value, [5.0, np.nan, 5.0])


def test_a_gap_in_purchased_heat_hides_no_other_use() -> None:
    heat = year(np.nan)
    whole = {Category.ELECTRICITY: year(1000.0), Category.HEAT: heat}
    account = Account(whole, (Part("heat", Category.HEAT, Purpose.HEATING, heat, is_metered=True),))
    assert_allclose(figure(account, scope_of("nonheating_kwh_per_area"), PHYSICAL, year(10.0)).value, [100.0])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("不分级/空调供暖", ("不分级", "空调供暖")),
        ("B类(机械通风/空调)", ("B类(机械通风/空调)", "")),
        ("市级", ("市级", "")),
        ("", ("", "")),
    ],
)
def test_a_stroke_in_brackets_divides_no_tier(text: str, parts: tuple[str, str]) -> None:
    assert tier_and_variant(text) == parts


def test_an_account_knows_the_whole_of_every_part() -> None:
    with pytest.raises(ValueError, match="parts of categories without a whole: heating"):
        Account({}, (part(Purpose.HEATING, 1.0),))


def test_an_indicator_without_a_scope_rule_has_no_answer() -> None:
    with pytest.raises(MissingReference, match="no scope rule for 'energy_per_desk'"):
        scope_of("energy_per_desk")


def test_figures_of_several_years_are_computed_together() -> None:
    account = Account({Category.ELECTRICITY: np.array([1000.0, np.nan, 0.0])})
    found = figure(account, scope_of("electricity_per_area"), PHYSICAL, np.array([10.0, 10.0, np.nan]))
    assert_array_equal(found.value, [100.0, np.nan, np.nan])


# ---- corrections


@pytest.mark.parametrize(
    ("hours", "area", "first", "second", "product"),
    [
        (2500, 10, 1.0, 1.0, 1.0),
        (3000, 8, 0.8833, 0.94, 0.8303),
        (2000, 12, 1.0, 1.0, 1.0),  # less use than the standard's is not corrected
    ],
)
def test_office_corrections(hours: float, area: float, first: float, second: float, product: float) -> None:
    gamma1, gamma2 = office_corrections(hours, area)
    assert (gamma1.value, gamma2.value) == pytest.approx((first, second), abs=5e-5)
    assert gamma1.value * gamma2.value == pytest.approx(product, abs=5e-5)


def test_corrections_are_applied_by_name() -> None:
    account = Account({Category.ELECTRICITY: year(80_000.0)})
    raw = figure(account, scope_of("nonheating_kwh_per_area"), PHYSICAL, year(1000.0))
    found = raw.corrected(*office_corrections(3000, 8))
    assert_allclose(found.value, [80 * 0.830333], rtol=1e-5)
    assert [factor.name_en for factor in found.factors] == ["hours of use", "area per person"]
    assert raw.factors == ()


def test_a_correction_stays_inside_its_caps_and_needs_a_source() -> None:
    assert Factor.capped("海拔", "altitude", 1.4, "DB63/T 1949-2021", most=1.2).value == 1.2
    assert Factor.capped("海拔", "altitude", 0.5, "DB63/T 1949-2021", least=0.8).value == 0.8
    with pytest.raises(ValueError, match="a source is needed"):
        Factor("海拔", "altitude", 1.1, "")
    with pytest.raises(ValueError, match="positive factor, got nan"):
        Factor("海拔", "altitude", math.nan, "x")
    with pytest.raises(ValueError, match="expected positive hours and area"):
        office_corrections(0, 10)


# ---- grades


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (6.4, Grade.ADVANCED),
        (6.5, Grade.ADVANCED),
        (6.51, Grade.REASONABLE),
        (11.9, Grade.REASONABLE),
        (11.91, Grade.QUALIFIED),
        (20.0, Grade.QUALIFIED),
        (20.01, Grade.RECTIFY),
        (math.nan, Grade.UNKNOWN),
    ],
)
def test_at_exactly_a_limit_the_better_word_holds(value: float, word: Grade) -> None:
    assert grade(value, Levels(20.0, 11.9, 6.5)) == word


def test_the_last_bits_of_a_quotient_decide_no_grade() -> None:
    assert 0.1 + 0.2 > 0.3
    assert grade(0.1 + 0.2, Levels(0.3)) == Grade.QUALIFIED


def test_standards_with_fewer_levels() -> None:
    two = Levels(constraint=55.0, guide=45.0)
    assert_array_equal(grade(np.array([45.0, 50.0, 55.0, 56.0]), two), [1, 3, 3, 4])
    only = Levels(constraint=25.5)
    assert_array_equal(grade(np.array([20.0, 30.0]), only), [Grade.QUALIFIED, Grade.RECTIFY])
    # without a constraint nobody can say that a value is too high
    assert_array_equal(grade(np.array([5.0, 30.0]), Levels(guide=10.0)), [Grade.ADVANCED, Grade.UNKNOWN])


def naive_grade(value: float, levels: Levels) -> Grade:
    if math.isnan(value):
        return Grade.UNKNOWN
    for limit, word in (
        (levels.guide, Grade.ADVANCED),
        (levels.baseline, Grade.REASONABLE),
        (levels.constraint, Grade.QUALIFIED),
    ):
        if limit is not None and value <= limit * (1 + 1e-9):
            return word
    return Grade.UNKNOWN if levels.constraint is None else Grade.RECTIFY


maybe = st.none() | st.floats(0.1, 100)


@given(st.lists(st.floats(0, 120) | st.just(math.nan), max_size=20), st.tuples(maybe, maybe, maybe))
def test_grades_agree_with_their_slow_twin(values: list[float], limits: tuple[float | None, ...]) -> None:
    stated = sorted((limit for limit in limits if limit is not None), reverse=True)
    queue = iter(stated)
    levels = Levels(*(None if limit is None else next(queue) for limit in limits))
    assert_array_equal(grade(np.array(values), levels), [naive_grade(value, levels) for value in values])


def test_levels_cannot_hold_nonsense() -> None:
    with pytest.raises(ValueError, match="constraint >= baseline >= guide"):
        Levels(10.0, 12.0, 5.0)
    with pytest.raises(ValueError, match="positive"):
        Levels(10.0, -1.0)


# ---- derivation

# 1 .. 20 and one value far away: mean 21.4286 (450/21), sample deviation 50.5; limits -79.6 .. 122.4
FAR = np.array([*range(1, 21), 240.0])
EVEN = np.array([4.0, 5.0, 5.5, 6.0, 6.0, 6.5, 6.5, 7.0, 7.0, 7.5, 7.5, 8.0, 8.0, 8.5, 9.0, 10.0, 13.5])


def test_two_sigma_drops_what_lies_outside_a_normal_sample() -> None:
    # EVEN: n = 17, sum 125.5, mean 7.3824; sum of squares 1001.75; s = sqrt((1001.75 - 17 * 7.38235^2) / 16) = 2.169
    assert EVEN.sum() == 125.5
    assert np.square(EVEN).sum() == 1001.75
    cleaned = clean(EVEN, OutlierRule.TWO_SIGMA)
    assert cleaned.rule is OutlierRule.TWO_SIGMA
    assert cleaned.statistic < cleaned.critical
    # 7.382 + 2 * 2.169 = 11.72: 13.5 is outside, 10 and 4 (> 3.04) inside
    assert_array_equal(cleaned.keep, EVEN != 13.5)


def test_the_critical_value_is_that_of_the_literature() -> None:
    # Lilliefors 1967, table 1: n = 20, 5 %: .190; n = 30: .161 (Stephens' formula agrees to .003)
    assert normality(np.arange(20.0))[1] == pytest.approx(0.190, abs=0.003)
    assert normality(np.arange(30.0))[1] == pytest.approx(0.161, abs=0.003)


def test_a_sample_that_is_not_normal_is_judged_by_quartiles() -> None:
    cleaned = clean(FAR, OutlierRule.TWO_SIGMA)
    assert cleaned.statistic > cleaned.critical
    assert cleaned.rule is OutlierRule.QUARTILES
    assert_array_equal(cleaned.keep, FAR != 240.0)


def test_levels_of_a_hand_made_sample() -> None:
    # After 13.5 is dropped 16 values stay. Position p * (16 + 1): P80 at 13.6, P50 at 8.5, P20 at 3.4 (1-based)
    derivation = derive(EVEN, Shares(0.8, 0.5, 0.2))
    # 13th 8.0, 14th 8.5; 8th 7.0, 9th 7.0; 3rd 5.5, 4th 6.0
    assert list(derivation.levels) == pytest.approx([8.0 + 0.6 * 0.5, 7.0, 5.5 + 0.4 * 0.5])
    assert (derivation.n_kept, derivation.n_dropped) == (16, 1)


def test_unknown_values_are_not_part_of_the_sample() -> None:
    with_gaps = np.concatenate([EVEN, [np.nan, np.nan]])
    assert derive(with_gaps, Shares(0.8, 0.5, 0.2)).levels == derive(EVEN, Shares(0.8, 0.5, 0.2)).levels
    with pytest.raises(ValueError, match="no known value"):
        derive(np.array([np.nan]), Shares(0.8, 0.5, 0.2))


@pytest.mark.parametrize("rule", OutlierRule)
@pytest.mark.parametrize("sample", [[], [5.0], [5.0] * 9, [math.nan, 3.0, 3.0, 3.0, 4.0]])
def test_small_and_constant_samples_keep_all_they_know(rule: OutlierRule, sample: list[float]) -> None:
    kept = clean(np.array(sample), rule).keep
    assert not kept[np.isnan(sample)].any()
    assert kept[np.array(sample) == 3.0].all()
    assert kept[np.array(sample) == 5.0].all()


def test_shares_are_a_choice_and_ordered() -> None:
    with pytest.raises(ValueError, match="guide <= baseline <= constraint"):
        Shares(0.5, 0.8, 0.2)


def test_the_quantile_holds_for_others() -> None:
    # Of n values the k-th leaves k / (n + 1) of the population below it: 9 values, P80 = 8th
    assert quantile(np.arange(1.0, 10.0), 0.8) == 8.0
    assert math.isnan(quantile(np.zeros(0), 0.8))


# ---- the quota book


def entry(standard: str = "DB1", tier: str = "市级", zone: str = "寒冷A", **how: object) -> QuotaEntry:
    key = QuotaKey(standard, "机关", tier, zone, "energy_per_area")
    return QuotaEntry(key, Levels(10.0), "kgce/(m2·a)", "sd_2019", "table 1", **how)  # type: ignore[arg-type]


ASKED = QuotaKey("DB1", "机关", "市级", "寒冷A", "energy_per_area")


def test_a_year_is_graded_by_the_version_valid_then() -> None:
    old = entry(valid_to=date(2025, 1, 1))
    new = QuotaEntry(old.key, Levels(8.0), old.unit, old.caliber, "table 2", valid_from=date(2025, 1, 1))
    assert quota_on([old, new], ASKED, date(2024, 12, 31)).levels == Levels(10.0)
    assert quota_on([old, new], ASKED, date(2025, 1, 1)).levels == Levels(8.0)


def test_a_missing_row_is_a_clear_answer() -> None:
    with pytest.raises(MissingReference, match=r"no row on 2025-01-01 of DB1: energy_per_area for 机关 / 市级 / 寒冷B"):
        quota_on([entry()], QuotaKey("DB1", "机关", "市级", "寒冷B", "energy_per_area"), date(2025, 1, 1))
    with pytest.raises(MissingReference, match="no row"):
        quota_on([entry(tier="")], ASKED, date(2025, 1, 1))


def test_an_imported_row_counts_when_it_is_approved() -> None:
    with pytest.raises(MissingReference, match="waits for approval"):
        quota_on([entry(is_approved=False)], ASKED, date(2025, 1, 1))


def test_a_row_for_all_tiers_serves_where_no_exact_one_is() -> None:
    general, exact = entry(tier="不分级", zone="不分气候区"), entry()
    assert quota_on([general], ASKED, date(2025, 1, 1)) is general
    assert quota_on([general, exact], ASKED, date(2025, 1, 1)) is exact


def test_kinds_of_heating_are_variants() -> None:
    entries = [entry_of(row) for row in quotas()]
    key = QuotaKey("DB37/T 2672-2019", "党政机关", "市级以下", "", "heating_energy_per_heated_area", "空调供暖")
    assert quota_on(entries, key, date(2025, 1, 1)).levels == Levels(12.4, 8.9, 6.4)
    with pytest.raises(MissingReference):
        quota_on(entries, replace(key, variant=""), date(2025, 1, 1))


def test_every_shipped_quota_can_be_found_and_no_mean_is_one() -> None:
    entries = [entry_of(row) for row in quotas()]
    for row in entries:
        assert quota_on(entries, row.key, date(2025, 1, 1)).levels == row.levels
    mean = next(row for row in table("quota_reference", Quota) if row.kind == "mean")
    with pytest.raises(ValueError, match="is a mean, not a quota"):
        entry_of(mean)


def test_every_quota_has_a_scope_rule_or_says_so() -> None:
    # a ratio of two meters is not a matter of what an account counts
    assert {row.indicator for row in quotas()} - set(SCOPES) == {"data_centre_eue"}
