"""What figures of a group may tell without telling a member's own.

Two dangers. A quantile of a group is a member's own value, or lies between two: it is told as the mean of several
members around it, to few digits. And whoever knows most members of a group can take them off: such a caller is told
nothing, unless all members are known anyway.

What is *recoverable*: a value that everything told, before and after its owner came, pins more closely than `TELLABLE`,
so that no other value, with whatever the other strangers may have, would have given the same figures. Ranks order a
caller's own institutions among others: between which of one's own two a strange one lies is what a rank means.

References
----------
Hundepool and others: Statistical Disclosure Control, Wiley 2012, chapter 4 (p%-rule, minimum frequency, rounding).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from energy.series import FloatArray

K_ANONYMITY: Final = 5
TELLABLE: Final = 0.01
"""Nobody's value may be told more closely than by this share of it, on either side."""
_STEPS: Final = ((1.0, 0.02), (2.0, 0.05), (5.0, 0.1))
"""Steps of told limits by their leading digits: 1 to 2.5 % of the value."""


def may_show(n_members: int, n_own: int, k: int = K_ANONYMITY) -> bool:
    """Whether figures of a group may be shown to someone who knows `n_own` of its members anyway.

    The others must be nobody or at least k: with fewer, the group's figures less the known ones tell theirs.
    """
    others = n_members - n_own
    return n_members >= k and (others == 0 or others >= k)


def shared_quantile(sample: FloatArray, share: float, k: int = K_ANONYMITY) -> float:
    """The quantile as the mean of the k members around it, so that no member's own value is told; NaN with fewer.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        All known.
    share : float
        Share of the population at or below it (`analytics.levels.quantile`).
    """
    if len(sample) < k:
        return np.nan
    means = np.convolve(np.sort(sample), np.full(k, 1 / k), "valid")
    place = share * (len(sample) + 1) - 1 - (k - 1) / 2  # of the window's first member
    return float(np.interp(place, np.arange(len(means)), means))


def told(limits: FloatArray) -> FloatArray:
    """Limits of peers in steps of 1 to 2.5 %, which is far less than they err; unknown and zero stay."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decade = 10.0 ** np.floor(np.log10(np.abs(limits)))
        lead = np.abs(limits) / decade
        step = decade * np.select([lead >= least for least, _ in reversed(_STEPS)], [s for _, s in reversed(_STEPS)])
        rounded = np.rint(limits / step) * step
    return np.where(np.isfinite(rounded), np.round(rounded, 12), limits)
