"""The batched regression equals its slow twin, whatever is missing, and does not care for batches or order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.regression import Fit, fit_rows, predict_rows, prepare
from tests.analytics import naive_expected as naive

N_SLOTS = 14
RIDGE = 1e-3


def shared(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    slot = (np.arange(n) % N_SLOTS).astype(np.int32)
    rows = np.stack(
        [
            np.minimum(generator.normal(10, 6, n), 12),
            (generator.random(n) < 0.2).astype(float),
            np.sin(np.arange(n) / 9),
        ]
    ).astype(np.float32)
    return slot, rows, np.exp2(-np.arange(n, 0, -1) / 60).astype(np.float32)


def meters(n_meters: int, n: int, seed: int, missing: float, constant: bool) -> np.ndarray:
    generator = np.random.default_rng(seed + 1)
    values = generator.gamma(4.0, 25.0, (n_meters, n)).astype(np.float32)
    if constant:
        values[0] = 42.0
    values[generator.random(values.shape) < missing] = np.nan
    return values


def refit(values: np.ndarray, seed: int, trim: float = np.inf) -> Fit:
    slot, rows, weight = shared(values.shape[1], seed)
    return fit_rows(values, prepare(slot, N_SLOTS, rows, weight, RIDGE), trim=trim)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 220),
    missing=st.sampled_from([0.0, 0.02, 0.3, 0.95]),
    constant=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_fit_equals_the_dense_solve_with_every_dummy(n: int, missing: float, constant: bool, seed: int) -> None:
    values = meters(3, n, seed, missing, constant)
    slot, rows, weight = shared(n, seed)
    fit = refit(values, seed)
    fitted = predict_rows(fit, slot, rows)
    for i, own in enumerate(values):
        if not np.isfinite(own).any():
            assert np.isnan(fitted[i]).all()
            continue
        profile, slopes = naive.fit(own, slot, N_SLOTS, rows, weight, RIDGE)
        twin, known = profile[slot] + slopes @ rows, np.isfinite(own)
        # With fewer hours than twice the unknowns the slopes hang on the ridge, and what they say of hours never seen
        # is ill-conditioned in any arithmetic (such a fit is reported as insufficient): there only seen hours count.
        told = known if known.sum() < 2 * (N_SLOTS + len(rows)) else np.ones(n, bool)
        assert_allclose(fitted[i][told], twin[told], rtol=0, atol=1e-5 * max(float(np.abs(twin).max()), 1))


@settings(max_examples=30, deadline=None)
@given(missing=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 10_000), trim=st.sampled_from([np.inf, 4.0]))
def test_fit_is_bit_equal_for_any_batch_and_order(missing: float, seed: int, trim: float) -> None:
    values = meters(7, 200, seed, missing, constant=True)
    order = np.random.default_rng(seed).permutation(7)
    whole = refit(values, seed, trim)
    shuffled = refit(values[order], seed, trim)
    alone = [refit(values[i : i + 1], seed, trim) for i in range(7)]
    assert_array_equal(shuffled.profile, whole.profile[order])
    assert_array_equal(shuffled.slopes, whole.slopes[order])
    assert_array_equal(np.concatenate([fit.profile for fit in alone]), whole.profile)


def test_trimmed_fit_forgets_a_gross_fault() -> None:
    values = meters(1, 220, 3, 0.0, constant=False)
    faulty = values.copy()
    faulty[0, 100:108] *= 40
    clean = faulty.copy()
    clean[0, 100:108] = np.nan
    assert_allclose(refit(faulty, 3, trim=4.0).profile, refit(clean, 3, trim=4.0).profile, rtol=1e-5)
    assert refit(faulty, 3, trim=4.0).n_used[0] <= 212


def test_a_meter_without_values_has_no_profile_but_does_not_disturb_others() -> None:
    values = meters(2, 100, 5, 0.0, constant=False)
    values[1] = np.nan
    fit = refit(values, 5)
    assert np.isnan(fit.profile[1]).all()
    assert np.isfinite(fit.profile[0]).all()
    assert_array_equal(fit.n_used, [100, 0])


@pytest.mark.parametrize("shape", [(0, 50), (3, 0)])
def test_no_meters_or_no_values_give_empty_answers(shape: tuple[int, int]) -> None:
    fit = refit(np.zeros(shape, np.float32), 0)
    assert fit.profile.shape == (shape[0], N_SLOTS)
    assert np.isnan(fit.profile).all()
