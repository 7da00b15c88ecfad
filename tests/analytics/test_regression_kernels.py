"""The passes of the regression: each kernel equals its slow twin, which takes one value after the other."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics import regression
from analytics.regression import BLOCK, Basis, prepare
from energy.series import FloatArray
from tests.analytics.drawn import SEEDS, drawn

N_SLOTS = 14
LENGTHS = st.integers(0, 60) | st.sampled_from([BLOCK, BLOCK + 1])
SHAPE = {"n": LENGTHS, "n_meters": st.integers(0, 3), "k": st.integers(0, 6), "seed": SEEDS}


def slots(n: int, seed: int) -> np.ndarray:
    """Slots one after the other; here and there some are skipped or come again, as where clocks change."""
    jumps = np.random.default_rng(seed).choice([1, 1, 1, 1, 1, 1, 0, 2], n)
    return (np.cumsum(jumps) % N_SLOTS).astype(np.int32)


def basis_of(n: int, k: int, seed: int) -> Basis:
    weight = np.random.default_rng(seed).choice([0.0, 0.5, 1.0], n, p=[0.1, 0.4, 0.5]).astype(np.float32)
    return prepare(slots(n, seed), N_SLOTS, drawn(seed + 1, (k, n), 0.0, 6), weight)


@settings(max_examples=60, deadline=None)
@given(**SHAPE, missing=st.sampled_from([0.0, 0.2, 1.0]))
def test_weighted_values_equal_taking_each_about_its_slot(
    n: int, n_meters: int, k: int, seed: int, missing: float
) -> None:
    basis, values = basis_of(n, k, seed), drawn(seed, (n_meters, n), missing, 6)
    middle = drawn(seed + 2, (n_meters, N_SLOTS), 0.0, 6)
    found, sums = np.empty_like(values), np.zeros((n_meters, N_SLOTS))
    regression._read(values, basis.weight, basis.runs, middle, found, sums)
    expected, totals = np.zeros(values.shape), np.zeros(sums.shape)
    for m in range(n_meters):
        for t, slot in enumerate(basis.slot):
            if not math.isnan(values[m, t]):
                expected[m, t] = (float(values[m, t]) - float(middle[m, slot])) * float(basis.weight[t])
                totals[m, slot] += expected[m, t]
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert_allclose(sums, totals, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(**SHAPE)
def test_sums_of_products_equal_adding_up_each(n: int, n_meters: int, k: int, seed: int) -> None:
    basis, values = basis_of(n, k, seed), drawn(seed, (n_meters, n), 0.0, 6)
    found = np.ones((n_meters, len(basis.padded)))
    regression._dots(values, basis.padded, found)
    for m in range(n_meters):
        for j, row in enumerate(basis.padded):
            expected = 1.0 + math.fsum(float(x) * float(y) for x, y in zip(row, values[m], strict=True))
            assert_allclose(found[m, j], expected, rtol=1e-5, atol=1e-6 * n)


@settings(max_examples=40, deadline=None)
@given(**SHAPE)
def test_fitted_values_equal_adding_up_profile_and_slopes(n: int, n_meters: int, k: int, seed: int) -> None:
    slot, rows = slots(n, seed), drawn(seed, (k, n), 0.0, 6)
    profile, slopes = drawn(seed + 1, (n_meters, N_SLOTS), 0.1, 6), drawn(seed + 2, (n_meters, k), 0.0, 6)
    found = np.empty((n_meters, n), np.float32)
    regression._predict(profile, slopes, slot, rows, found)
    for m in range(n_meters):
        for t in range(n):
            expected = float(profile[m, slot[t]]) + sum(float(slopes[m, j]) * float(rows[j, t]) for j in range(k))
            assert_allclose(found[m, t], expected, rtol=1e-5, atol=1e-5)


def sums_without(
    places: list[int], basis: Basis, values: np.ndarray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Slot weights, sums and rests, right side and Gram matrix from what is left, centred in each slot that keeps some.

    values : weighted values of all intervals.
    """
    k = len(basis.gram)
    left = [t for t in range(len(basis.slot)) if t not in places]
    weight, total, rest = np.zeros(N_SLOTS), np.zeros(N_SLOTS), np.zeros((N_SLOTS, k))
    right, gram = np.zeros(k), np.zeros((k, k))
    for t in left:
        w, y, x = float(basis.weight[t]), float(values[t]), basis.by_time[t].astype(float)
        weight[basis.slot[t]] += w
        total[basis.slot[t]] += y
        rest[basis.slot[t]] += w * x
        right += y * x
        gram += w * np.outer(x, x)
    for s in range(N_SLOTS):
        if weight[s] > 0 and any(basis.slot[t] == s and basis.weight[t] > 0 for t in places):
            right -= rest[s] * total[s] / weight[s]
            gram -= np.outer(rest[s], rest[s]) / weight[s]
    return weight, total, rest, right, gram


@settings(max_examples=60, deadline=None)
@given(n=LENGTHS, k=st.integers(0, 6), seed=SEEDS, missing=st.sampled_from([0.0, 0.05, 0.5, 1.0]))
def test_leaving_values_out_equals_adding_up_what_is_left(n: int, k: int, seed: int, missing: float) -> None:
    basis = basis_of(n, k, seed)
    values = basis.weight * drawn(seed, (n,), 0.0, 6)
    weight, total, rest = basis.slot_weight.copy(), np.zeros(N_SLOTS), basis.slot_rest.copy()
    for t in range(n):
        total[basis.slot[t]] += values[t]
    right = basis.by_time.astype(float).T @ values.astype(float)
    places = np.flatnonzero(np.random.default_rng(seed).random(n) < missing)
    taken = np.empty((len(places) + min(len(places), N_SLOTS), k))
    n_taken = regression._leave_out(
        places, basis.slot, basis.weight, values, basis.by_time, basis.slot_weight, weight, total, rest, right, taken
    )
    gram = basis.gram - sum((np.outer(row, row) for row in taken[:n_taken]), np.zeros((k, k)))
    expected = sums_without(places.tolist(), basis, values)
    for own, twin in zip((weight, total, rest, right, gram), expected, strict=True):
        assert_allclose(own, twin, rtol=1e-5, atol=1e-5 * max(n, 10) / 10)
    assert_array_equal(weight == 0, expected[0] == 0)  # a slot is empty or is not, whatever rounding leaves


@settings(max_examples=40, deadline=None)
@given(k=st.integers(0, 6), n_meters=st.integers(0, 3), seed=SEEDS)
def test_substitution_solves_the_equations(k: int, n_meters: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    factor = np.tril(generator.normal(0, 0.3, (k, k)), -1) + np.diag(generator.uniform(1, 2, k))
    right, found = generator.normal(0, 1, (n_meters, k)), np.empty((n_meters, k))
    regression._substitute(factor, right, found)
    for m in range(n_meters):
        back = [sum(factor[i, j] * found[m, i] for i in range(k)) for j in range(k)]
        assert_allclose([sum(factor[i, j] * back[j] for j in range(k)) for i in range(k)], right[m], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(k=st.integers(0, 6), n_meters=st.integers(0, 3), seed=SEEDS)
def test_products_equal_adding_up_each(k: int, n_meters: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix, x = generator.normal(0, 1, (N_SLOTS, k)), generator.normal(0, 1, (n_meters, k))
    found = np.empty((n_meters, N_SLOTS))
    regression._products(matrix, x, found)
    for m in range(n_meters):
        expected = [sum(matrix[s, j] * x[m, j] for j in range(k)) for s in range(N_SLOTS)]
        assert_allclose(found[m], expected, rtol=1e-12, atol=1e-12)
