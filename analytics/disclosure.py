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
_SLOPE_STEP: Final = 0.05
_WIDTH_STEP: Final = 0.1


def may_show(n_members: int, n_own: int, k: int = K_ANONYMITY) -> bool:
    """Whether figures of a group may be shown to someone who knows `n_own` of its members anyway.

    The others must be nobody or at least k: with fewer, the group's figures less the known ones tell theirs.
    """
    others = n_members - n_own
    return n_members >= k and (others == 0 or others >= k)


def shared_quantile(sample: FloatArray, share: float, k: int = K_ANONYMITY) -> FloatArray:
    """The quantile as the mean of the k members around it, so that no member's own value is told; NaN with fewer.

    Parameters
    ----------
    sample : ndarray, shape (..., n)
        All known.
    share : float
        Share of the population at or below it (`analytics.levels.quantile`).
    """
    last = sample.shape[-1] - k  # where the last window of k begins
    if last < 0:
        return np.full(sample.shape[:-1], np.nan)
    rising = np.sort(sample, axis=-1)
    place = min(max(share * (sample.shape[-1] + 1) - 1 - (k - 1) / 2, 0.0), float(last))
    first = int(place)
    here, next_one = (rising[..., i : i + k].mean(axis=-1) for i in (first, min(first + 1, last)))
    return np.asarray(here + (place - first) * (next_one - here))


def told(limits: FloatArray) -> FloatArray:
    """Limits of peers in steps of 1 to 2.5 %, which is far less than they err; unknown and zero stay."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decade = 10.0 ** np.floor(np.log10(np.abs(limits)))
        lead = np.abs(limits) / decade
        least = _STEPS[0][1]  # of a lead below 1, too: the logarithm was rounded up to that of the next decade
        step = decade * np.select(
            [lead >= first for first, _ in reversed(_STEPS)], [s for _, s in reversed(_STEPS)], least
        )
        rounded = np.rint(limits / step) * step
    return np.where(np.isfinite(rounded), np.round(rounded, 12), limits)


def told_slopes(slopes: FloatArray) -> FloatArray:
    """Slopes of a group's drivers (change of the logarithm from the least to the most) in steps of a twentieth."""
    return np.round(np.rint(slopes / _SLOPE_STEP) * _SLOPE_STEP, 12)


def told_width(shares: FloatArray) -> FloatArray:
    """How far an interval reaches from its limit, as a share of it, in steps of a tenth: never told too narrow."""
    return np.round(np.maximum(np.ceil(np.round(shares / _WIDTH_STEP, 9)), 1.0) * _WIDTH_STEP, 12)
