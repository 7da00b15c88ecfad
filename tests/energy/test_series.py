from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from energy.model import Flag, Reading
from energy.series import Matrix, Readings, Series, Table, concat

rows = st.lists(
    st.builds(
        Reading,
        st.sampled_from(["m1", "m2", "m3"]),
        st.integers(0, 2**40),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(Flag),
        st.integers(0, 2**40),
    ),
    max_size=8,
)


@given(rows)
def test_columns_give_the_same_rows_back(readings: list[Reading]) -> None:
    columns = Readings.of(readings)
    assert columns.rows() == readings
    assert len(columns) == len(readings)
    assert columns.time.dtype == np.int64


@given(st.lists(rows, max_size=4))
def test_parts_are_joined_in_order_over_one_table_of_ids(parts: list[list[Reading]]) -> None:
    joined = concat([Readings.of(part) for part in parts])
    assert joined.rows() == [reading for part in parts for reading in part]
    assert len(set(joined.meters)) == len(joined.meters)


def test_no_readings() -> None:
    assert len(Readings.empty()) == 0
    assert Readings.empty().rows() == []
    assert len(concat([Readings.empty(), Readings.empty()])) == 0
    assert len(Series.empty()) == 0


def test_readings_are_taken_by_position_mask_and_slice() -> None:
    readings = [Reading("a", 1, 1.0), Reading("b", 2, 2.0), Reading("a", 3, 3.0)]
    columns = Readings.of(readings)
    assert columns.take(np.array([2, 0])).rows() == [readings[2], readings[0]]
    assert columns.take(columns.value > 1.5).rows() == readings[1:]
    assert columns.take(slice(0, 1)).rows() == readings[:1]


def test_columns_of_different_length_are_refused() -> None:
    one = Readings.of([Reading("a", 1, 1.0)])
    with pytest.raises(ValueError, match=r"readings: arrays of different length: .*'value': 0"):
        Readings(one.meters, one.index, one.time, np.zeros(0), one.flag, one.received)


@pytest.mark.parametrize("times", [[1, 1], [2, 1], [1, 3, 2]])
def test_time_in_a_series_strictly_rises(times: list[int]) -> None:
    n = len(times)
    with pytest.raises(ValueError, match="time must strictly rise"):
        Series(np.array(times), np.zeros(n), np.zeros(n, np.uint8), np.zeros(n, np.int64))


def test_a_matrix_knows_the_instants_of_its_columns() -> None:
    matrix = Matrix(("a", "b"), 1000, 900, np.zeros((2, 3)))
    assert_array_equal(matrix.times, [1000, 1900, 2800])


@pytest.mark.parametrize(
    ("shape", "step", "message"),
    [
        ((3, 2), 900, "2 meters but values of shape"),
        ((2,), 900, "values of shape"),
        ((2, 3), 0, "step must be positive"),
    ],
)
def test_a_matrix_of_the_wrong_shape_is_refused(shape: tuple[int, ...], step: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Matrix(("a", "b"), 0, step, np.zeros(shape))


def test_a_table_takes_rows_of_all_its_columns() -> None:
    ids = np.array(["x", "y"], object)
    table = Table("total", np.array([1, 2]), {"id": ids}, {"amount": np.array([5.0, np.nan])})
    second = table.take(np.array([1]))
    assert len(second) == 1
    assert second.tags["id"][0] == "y"
    assert np.isnan(second.fields["amount"][0])
    with pytest.raises(ValueError, match="total: arrays of different length"):
        Table("total", np.array([1]), {"id": ids})
