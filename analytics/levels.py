"""Quota levels: constraint, baseline and guide value, the grade they give, and how they are derived from a sample.

References
----------
GB/T 40498-2021 公共机构能耗定额标准编制通则: three levels, evaluation words.
Stephens, M. A.: EDF statistics for goodness of fit and some comparisons, JASA 69(347), 1974, table 1A (critical values
of the Kolmogorov-Smirnov statistic when mean and variance come from the sample).
Hyndman, R. J., Fan, Y.: Sample quantiles in statistical packages, The American Statistician 50(4), 1996 (definition 6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from statistics import NormalDist
from types import MappingProxyType
from typing import Final

import numpy as np

from energy.series import BoolArray, FloatArray, IntArray

TIE: Final = 1e-9
"""Values closer than this, relatively, are equal: the last bits of a quotient decide no grade."""


class Grade(IntEnum):
    """Evaluation word of a value; at exactly a limit the better word holds."""

    UNKNOWN = 0
    ADVANCED = 1
    REASONABLE = 2
    QUALIFIED = 3
    RECTIFY = 4


GRADE_WORDS: Final = MappingProxyType(
    {
        Grade.UNKNOWN: ("待补充", "not known"),
        Grade.ADVANCED: ("先进", "advanced"),
        Grade.REASONABLE: ("合理", "reasonable"),
        Grade.QUALIFIED: ("达标", "within the limit"),
        Grade.RECTIFY: ("需整改", "to be rectified"),
    }
)
"""Chinese and English word of each grade."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the sample, ordered low to high, that lie at or below each level.

    No default: the percentages of the national guide are not published, and two-level standards use others.
    """

    constraint: float
    baseline: float
    guide: float

    def __post_init__(self) -> None:
        if not 0 < self.guide <= self.baseline <= self.constraint < 1:
            raise ValueError(f"shares: expected 0 < guide <= baseline <= constraint < 1, got {self}")


@dataclass(frozen=True, slots=True)
class Levels:
    """The limits of one indicator; None where the standard has no such level.

    Two-level standards have no baseline value; of water quotas the constraint is 通用值 and the guide 先进值.
    """

    constraint: float | None = None
    baseline: float | None = None
    guide: float | None = None

    def __post_init__(self) -> None:
        stated = list(self)
        if any(not (math.isfinite(value) and value > 0) for value in stated):
            raise ValueError(f"levels: expected positive values, got {self}")
        if stated != sorted(stated, reverse=True):
            raise ValueError(f"levels: expected constraint >= baseline >= guide, got {self}")

    @classmethod
    def of(cls, *levels: float) -> Levels:
        """From constraint, baseline value and guide as they are stored: NaN where the standard has no such level."""
        return cls(*(None if math.isnan(level) else level for level in levels))

    def __iter__(self) -> Iterator[float]:
        """The stated levels from the constraint down."""
        return (level for level in (self.constraint, self.baseline, self.guide) if level is not None)


def is_at_most(value: FloatArray | float, limit: FloatArray | float) -> BoolArray:
    """Whether values are at or below a limit; equal counts, and so does what differs by rounding only."""
    return np.asarray(np.less_equal(value, np.asarray(limit) + TIE * np.abs(limit)))


def grade(values: FloatArray | float, levels: Levels) -> IntArray:
    """`Grade` of each value.

    Returns
    -------
    int64, shape of `values`
        UNKNOWN where the value is NaN, or lies above every stated level while the constraint is not stated.
    """
    given = np.asarray(values, np.float64)
    above = Grade.UNKNOWN if levels.constraint is None else Grade.RECTIFY
    out = np.full(given.shape, above, np.int64)
    steps = (
        (levels.constraint, Grade.QUALIFIED),
        (levels.baseline, Grade.REASONABLE),
        (levels.guide, Grade.ADVANCED),
    )
    for limit, word in steps:
        if limit is not None:
            out = np.where(is_at_most(given, limit), word, out)
    return np.where(np.isfinite(given), out, Grade.UNKNOWN)


class OutlierRule(StrEnum):
    """How clearly abnormal members of a sample are found."""

    TWO_SIGMA = "two_sigma"
    """mean ± 2 standard deviations, where the Kolmogorov-Smirnov test does not reject a normal distribution; where it
    does, the quartile rule takes its place."""
    QUARTILES = "quartiles"
    """1.5 interquartile ranges beyond the quartiles (Tukey's inner fence)."""
    FAR_OUT = "far_out"
    """3 interquartile ranges beyond the quartiles (Tukey's outer fence): on logarithms, what only a wrong unit, area or
    ratio explains."""
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """Which members of a sample stay, and by which rule.

    Attributes
    ----------
    keep : bool, shape (n,)
        False for outliers and for unknown values.
    rule : OutlierRule
        The rule that was applied in the end.
    statistic, critical : float
        Of the normality test; NaN where it was not made. Normal is rejected where statistic > critical.
    """

    keep: BoolArray
    rule: OutlierRule
    statistic: float = math.nan
    critical: float = math.nan


def normality(sample: FloatArray) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance to the normal distribution of the sample's own mean and variance, and its 5 % limit.

    NaN for fewer than four values or a sample without spread.
    """
    n = len(sample)
    spread = float(np.std(sample, ddof=1)) if n > 3 else 0.0
    if spread == 0.0:
        return math.nan, math.nan
    normal = NormalDist(float(np.mean(sample)), spread)
    expected = np.array([normal.cdf(value) for value in np.sort(sample).tolist()])
    steps = np.arange(n + 1) / n
    distance = max(float(np.max(steps[1:] - expected)), float(np.max(expected - steps[:-1])))
    return distance, 0.895 / (math.sqrt(n) - 0.01 + 0.85 / math.sqrt(n))


def clean(sample: FloatArray, rule: OutlierRule) -> Cleaned:
    """Find what is clearly abnormal, in one pass: a rule applied again and again eats up any sample."""
    known = np.isfinite(sample)
    values = sample[known]
    statistic, critical = normality(values) if rule is OutlierRule.TWO_SIGMA else (math.nan, math.nan)
    if statistic > critical:
        rule = OutlierRule.QUARTILES
    low, high = _bounds(values, rule)
    keep = known.copy()
    keep[known] = (values >= low) & (values <= high)
    return Cleaned(keep, rule, statistic, critical)


def _bounds(values: FloatArray, rule: OutlierRule) -> tuple[float, float]:
    if len(values) < 4 or rule is OutlierRule.NONE:
        return -math.inf, math.inf
    if rule is OutlierRule.TWO_SIGMA:
        mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
        return mean - 2 * spread, mean + 2 * spread
    first, third = np.quantile(values, (0.25, 0.75))
    reach = (3.0 if rule is OutlierRule.FAR_OUT else 1.5) * (third - first)
    return float(first - reach), float(third + reach)


def quantile(sample: FloatArray, share: float) -> float:
    """The value below which a further member of the population falls with probability `share`; NaN without values.

    Definition 6 of Hyndman and Fan: the expected share of the population below it is exactly `share`, also in small
    samples, which is what a limit for others is asked to hold.
    """
    return float(np.quantile(sample, share, method="weibull")) if len(sample) else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Derivation:
    """Levels derived from a sample, with all that is needed to repeat it."""

    levels: Levels
    shares: Shares
    cleaned: Cleaned

    @property
    def n_kept(self) -> int:
        """Members the levels rest on."""
        return int(self.cleaned.keep.sum())

    @property
    def n_dropped(self) -> int:
        """Members left out as abnormal or unknown."""
        return len(self.cleaned.keep) - self.n_kept


def derive(sample: FloatArray, shares: Shares, rule: OutlierRule = OutlierRule.TWO_SIGMA) -> Derivation:
    """Levels of a sample of positive indicator values; ValueError where nothing is left of it.

    Parameters
    ----------
    sample : ndarray, shape (n,)
        One value an institution; NaN where unknown.
    shares : Shares
        Shares of the sample at or below each level.
    rule : OutlierRule
        What is clearly abnormal.
    """
    cleaned = clean(sample, rule)
    kept = sample[cleaned.keep]
    if not len(kept):
        raise ValueError("derivation: no known value in the sample")
    levels = Levels(*(quantile(kept, share) for share in (shares.constraint, shares.baseline, shares.guide)))
    return Derivation(levels, shares, cleaned)
