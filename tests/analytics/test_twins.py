"""Every compiled kernel has a slow, obvious twin: a property test that calls the kernel and compares."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import is_hypothesis_test
from numba.core.dispatcher import Dispatcher

import analytics
from tests.analytics import (
    test_alarm_kernels,
    test_anomalies,
    test_detection_kernels,
    test_magnitude,
    test_order,
    test_regression_kernels,
    test_restated_kernels,
    test_term_kernels,
    test_threshold_kernels,
)

TWINS: dict[str, Callable[..., object]] = {
    "analytics.detection.alarms.add_up": test_alarm_kernels.test_amounts_of_alarms_equal_adding_up_known_hours,
    "analytics.detection.alarms.collect": test_alarm_kernels.test_alarms_equal_looking_at_the_hours_of_each,
    "analytics.detection.alarms.compare": test_alarm_kernels.test_single_hours_of_alarms_equal_looking_at_each,
    "analytics.detection.alarms.drop_repeats": (
        test_anomalies.test_alarms_of_a_meter_that_raised_others_must_be_surer_as_in_the_slow_twin
    ),
    "analytics.detection.alarms.hold": test_alarm_kernels.test_hours_near_a_peak_are_flagged_as_by_looking_for_it,
    "analytics.detection.alarms.narrow": test_alarm_kernels.test_alarms_are_narrowed_as_by_looking_for_plain_hours,
    "analytics.detection.days.daily_shares": (
        test_detection_kernels.test_shares_of_days_and_nights_equal_adding_up_each
    ),
    "analytics.detection.days.recent_mean": (test_term_kernels.test_means_of_the_last_days_equal_averaging_known_ones),
    "analytics.detection.days.spread_out": test_term_kernels.test_hours_take_the_number_of_their_day,
    "analytics.detection.days.trailing_medians": (
        test_detection_kernels.test_medians_of_days_before_equal_sorting_each_window
    ),
    "analytics.detection.hours.deviate": (test_term_kernels.test_deviations_and_jumps_equal_subtracting_hour_by_hour),
    "analytics.detection.hours.standardise": (
        test_term_kernels.test_robust_deviations_equal_dividing_by_the_spread_of_each_hour
    ),
    "analytics.detection.hours.window_mean": (
        test_detection_kernels.test_means_about_each_hour_equal_cutting_every_window
    ),
    "analytics.detection.judge.log_odds": test_term_kernels.test_log_odds_equal_weighing_each_logarithm,
    "analytics.detection.repeats.equal_runs": (
        test_detection_kernels.test_runs_of_equal_values_equal_looking_both_ways_from_each_hour
    ),
    "analytics.detection.repeats.held": test_term_kernels.test_held_values_count_by_the_longest_of_their_runs,
    "analytics.detection.restated.fill": (
        test_restated_kernels.test_amounts_against_a_level_equal_adding_up_known_hours
    ),
    "analytics.detection.restated.level_before": (
        test_restated_kernels.test_the_level_before_a_day_is_the_median_of_the_days_that_nobody_was_told_of
    ),
    "analytics.detection.restated.sums_over": (test_restated_kernels.test_sums_of_an_alarm_equal_adding_up_its_hours),
    "analytics.detection.thresholds.keep_out": (
        test_threshold_kernels.test_sure_faults_are_kept_out_as_by_parting_them
    ),
    "analytics.detection.thresholds.lowest_of": (
        test_threshold_kernels.test_the_lowest_of_some_hours_equals_counting_alarms_at_each
    ),
    "analytics.detection.yardsticks.gather_known": (
        test_term_kernels.test_known_values_and_their_finest_step_equal_looking_at_each
    ),
    "analytics.magnitude.n_beyond": test_magnitude.test_values_beyond_the_limit_are_counted_one_by_one,
    "analytics.order.daily_medians": test_order.test_medians_of_days_equal_sorting_each,
    "analytics.order.median": test_order.test_ranks_and_medians_of_few_values_equal_sorting,
    "analytics.order.select": test_order.test_ranks_equal_sorting,
    "analytics.order.select_few": test_order.test_ranks_and_medians_of_few_values_equal_sorting,
    "analytics.regression._dots": test_regression_kernels.test_sums_of_products_equal_adding_up_each,
    "analytics.regression._leave_out": (test_regression_kernels.test_leaving_values_out_equals_adding_up_what_is_left),
    "analytics.regression._predict": (test_regression_kernels.test_fitted_values_equal_adding_up_profile_and_slopes),
    "analytics.regression._products": test_regression_kernels.test_products_equal_adding_up_each,
    "analytics.regression._read": (test_regression_kernels.test_weighted_values_equal_taking_each_about_its_slot),
    "analytics.regression._substitute": test_regression_kernels.test_substitution_solves_the_equations,
}
"""Kernel, and the test that compares it with its twin."""


def kernels_of(module: ModuleType) -> list[str]:
    own = [f for f in vars(module).values() if isinstance(f, Dispatcher) and f.__module__ == module.__name__]
    return [f"{kernel.__module__}.{kernel.__name__}" for kernel in own]


def test_every_compiled_kernel_has_a_twin() -> None:
    modules = [module.name for module in pkgutil.walk_packages(analytics.__path__, "analytics.")]
    found = [kernel for name in modules for kernel in kernels_of(importlib.import_module(name))]
    assert sorted(found) == sorted(TWINS)


@pytest.mark.parametrize("kernel", TWINS)
def test_a_twin_is_a_property_test_that_calls_its_kernel(kernel: str) -> None:
    test = TWINS[kernel]
    assert is_hypothesis_test(test)
    inner = test.hypothesis.inner_test  # type: ignore[attr-defined]
    assert kernel.rpartition(".")[2] in inner.__code__.co_names
