from __future__ import annotations

import numpy as np
import pytest

from analytics.order import select


@pytest.mark.parametrize("kind", [np.float64, np.int32])
def test_ranks_of_values_that_are_not_float32_are_refused(kind: type[np.generic]) -> None:
    values = np.array([3, -1, 2]).astype(kind)
    with pytest.raises(TypeError, match="expected float32"):
        select(values, 3, 1)  # type: ignore[arg-type]


def test_unknown_values_rank_last_and_both_zeros_before_any_positive() -> None:
    values = np.array([np.nan, 2.0, -0.0, -5.0, 0.0, np.inf], np.float32)
    assert [select(values, 6, rank) for rank in range(5)] == [-5.0, 0.0, 0.0, 2.0, np.inf]
    assert np.isnan(select(values, 6, 5))
