"""Random streams that depend on the seed and a name only, so that a longer run begins with the shorter one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from energy.series import FloatArray


@dataclass(frozen=True, slots=True)
class Streams:
    """Random generators by name, all grown from one seed.

    What one of them draws never depends on the others, nor on how much is drawn later.
    """

    seed: int
    path: tuple[str, ...] = ()

    def at(self, *names: str) -> Streams:
        """The streams of a part: a gateway, a meter, a quarter."""
        return Streams(self.seed, self.path + names)

    def named(self, name: str) -> np.random.Generator:
        """The generator of one quantity, at its beginning."""
        return np.random.default_rng([self.seed, *(zlib.crc32(part.encode()) for part in (*self.path, name))])


def autoregressive(innovations: FloatArray, phi: float, *, lags: int = 7) -> FloatArray:
    """An AR(1) series of unit variance from white noise.

    Parameters
    ----------
    innovations : ndarray, shape (n,)
        White noise of unit variance.
    phi : float
        Correlation of neighbours.
    lags : int
        The moving sum is doubled so many times: 2**lags lags are kept.

    Returns
    -------
    ndarray, shape (n,)
        sqrt(1 - phi**2) * sum_j phi**j innovations[t - j], begun from rest.

    Notes
    -----
    Doubling replaces the loop over time: y_1 = x, y_2k[t] = y_k[t] + phi**k y_k[t - k].
    """
    series = innovations.copy()
    for power in range(lags):
        shift = 1 << power
        if shift >= len(series):
            break
        series[shift:] += phi**shift * series[:-shift].copy()
    return np.asarray(series * np.sqrt(1 - phi**2))
