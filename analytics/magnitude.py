"""How large a value may be to be counted: float32 holds up to 3.4e38, sums over a year of it do not."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from energy.series import Float32Array, FloatArray

LARGEST: Final = 1e30
"""No meter sends more; what does is a broken message and unknown."""


def countable(values: Float32Array | FloatArray) -> Float32Array:
    """Values as contiguous float32, NaN where they are larger than `LARGEST` in size or infinite.

    The array itself where it is all that already, else a copy.
    """
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, and then unknown
        given = np.ascontiguousarray(values, np.float32)
    if n_beyond(given.reshape(-1), LARGEST) == 0:
        return given
    return np.where(np.abs(given) > np.float32(LARGEST), np.float32(np.nan), given)


@compiled
def n_beyond(values: Float32Array, limit: float) -> int:
    """How many values are larger than the limit in size."""
    count, most = 0, np.float32(limit)
    for i in range(len(values)):
        count += 1 if abs(values[i]) > most else 0
    return count
