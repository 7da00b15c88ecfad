"""Packed columns come back to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from energy.errors import StorageForbidden
from energy.storage.embedded.columns import pack, unpack

floats = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(allow_nan=True, allow_infinity=False))
decimals = hnp.arrays(
    np.float64, st.integers(1, 60), elements=st.integers(-(10**9), 10**9).map(lambda whole: whole / 1000)
)
wholes = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(-(2**40), 2**40))
texts = st.lists(st.none() | st.text(), min_size=1, max_size=30)


@given(st.one_of(floats, decimals, wholes))
def test_numbers_come_back_to_the_last_bit(values: np.ndarray) -> None:
    n_rows, found = unpack(pack({"x": values}))
    assert n_rows == len(values)
    if "x" not in found:
        assert np.all(np.isnan(values))
        return
    assert found["x"].dtype == values.dtype
    is_known = ~np.isnan(values)
    assert_array_equal(~np.isnan(found["x"]), is_known)
    assert_array_equal(found["x"][is_known].view(np.int64), values[is_known].view(np.int64))


@given(texts)
def test_texts_come_back(values: list[str | None]) -> None:
    column = np.empty(len(values), np.object_)
    column[:] = values
    _, found = unpack(pack({"t": column}))
    if any(value is not None for value in values):
        assert found["t"].tolist() == values
    else:
        assert "t" not in found


def test_only_the_columns_asked_for_are_unpacked() -> None:
    some = np.array([1.5, np.nan, 2.0])
    blob = pack({"a": np.arange(3), "b": some, "c": np.array(["x", None, "y"], np.object_)})
    n_rows, found = unpack(blob, ("b",))
    assert n_rows == 3
    assert list(found) == ["b"]
    assert_array_equal(found["b"], some)


def test_a_regular_grid_costs_next_to_nothing() -> None:
    assert len(pack({"time": 900 * np.arange(2880)})) < 80


def test_a_meters_month_of_quarter_hours_takes_less_than_four_bytes_a_reading() -> None:
    register = np.cumsum(np.random.default_rng(3).integers(0, 5000, 2880)) / 100
    assert len(pack({"time": 900 * np.arange(2880), "value": register})) < 4 * 2880


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_blob_is_an_error(damage: bytes | None) -> None:
    blob = pack({"x": np.arange(500) ** 2})
    with pytest.raises(StorageForbidden, match="damaged"):
        unpack(blob[:-3] if damage is None else damage)
