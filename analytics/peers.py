"""Peer tiers: limits of a group of like institutions, where no official quota exists, fair to what they cannot help.

An indicator is adjusted for drivers (hours of use, persons per area, degree days ...) by a log-linear model that the
group shares; constraint, baseline and guide value are quantiles of the adjusted indicator. Every adjustment is shown
in the unit of the indicator. No regression score is exact: the limits come with their intervals.

References
----------
Chung, Hui, Lam: Benchmarking the energy efficiency of commercial buildings, Applied Energy 83, 2006 (regression
residuals as an adjusted intensity).
Huber: Robust estimation of a location parameter, Annals of Mathematical Statistics 35(1), 1964.
Ang: The LMDI approach to decomposition analysis, Energy Policy 33, 2005 (parts that add up exactly).
Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.disclosure import shared_quantile, told, told_slopes, told_width
from analytics.levels import Cleaned, Levels, OutlierRule, Shares, clean
from energy.series import FloatArray, IntArray

PEER_SHARES: Final = Shares(constraint=0.8, baseline=0.5, guide=0.2)
MIN_GROUP: Final = 30
"""A P80 limit of 30 buildings errs by about 15 %, one of 10 by 24 %."""
PER_DRIVER: Final = 10
"""With fewer buildings per driver no adjustment is made."""
PRIOR_WEIGHT: Final = 1.0
"""The slopes' prior: the way from the least to the most of the group changes the indicator as much as peers differ
otherwise. Shrinks slopes of small groups, hardly those of large ones."""
N_BOOTSTRAP: Final = 200
INTERVAL: Final = (0.1, 0.9)
SEED: Final = 0
"""Of the samples drawn for intervals: the same group has the same interval in every run."""
_HUBER: Final = 1.345
_PASSES: Final = 6


class Note(StrEnum):
    """What must be said beside a result."""

    PARENT_GROUP = "parent_group"
    TOO_FEW = "too_few"
    NOT_ADJUSTED = "not_adjusted"
    FEW_OTHERS = "few_others"


NOTE_WORDS: Final = MappingProxyType(
    {
        Note.PARENT_GROUP: ("同类不足, 采用上一级分组", "too few of the same kind: the group above was taken"),
        Note.TOO_FEW: ("同类机构不足, 不作比较", "too few institutions: no comparison"),
        Note.NOT_ADJUSTED: ("样本不足, 未作修正", "too few for an adjustment: none was made"),
        Note.FEW_OTHERS: ("为保护他人数据不予显示", "hidden to protect the figures of others"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class DriverModel:
    """How a group's indicator follows its drivers.

    Attributes
    ----------
    names : tuple of str
        The drivers; none where no adjustment is made.
    reference : tuple of float64
        Known values of each driver in the group, rising.
    slopes : float64, shape (k,)
        Change of ln(indicator) from the least to the most of the group.

    Notes
    -----
    A driver enters by its place in the group (0 least, 1 most) and not by its value: one building with extreme hours
    cannot bend the adjustment, and what is left has no order in common with the driver. An unknown driver is taken at
    the middle, that is, not adjusted for.
    """

    names: tuple[str, ...]
    reference: tuple[FloatArray, ...]
    slopes: FloatArray

    def exponents(self, drivers: FloatArray) -> FloatArray:
        """ln of the factor by which each driver raises the indicator, shape (n, k)."""
        return _places(drivers, self.reference) * self.slopes

    def factor(self, drivers: FloatArray) -> FloatArray:
        """What the drivers make of an indicator, shape (n,): limits are multiplied by it, indicators divided."""
        return np.asarray(np.exp(self.exponents(drivers).sum(axis=1)))

    def contributions(self, values: FloatArray, drivers: FloatArray) -> FloatArray:
        """Part of each value that is due to each driver, in the value's unit, shape (n, k).

        The parts of one value add up to the difference from its adjusted value.
        """
        exponents = self.exponents(drivers)
        whole = exponents.sum(axis=1)
        # logarithmic mean of value and adjusted value; their common limit where they are equal
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(np.abs(whole) > 1e-12, -np.expm1(-whole) / whole, 1.0)
        return np.asarray(exponents * (values * mean)[:, None])


def _places(drivers: FloatArray, reference: Sequence[FloatArray]) -> FloatArray:
    """Place of each driver's value in the group, -0.5 .. 0.5; 0 where it is unknown."""
    out = np.zeros((len(drivers), len(reference)))
    for j, rising in enumerate(reference):
        value = drivers[:, j]
        below = np.searchsorted(rising, value, "left") + np.searchsorted(rising, value, "right")
        out[:, j] = np.where(np.isnan(value), 0.0, below / (2.0 * max(len(rising), 1)) - 0.5)
    return out


def fit_drivers(values: FloatArray, drivers: FloatArray, names: Sequence[str]) -> DriverModel:
    """The driver model of one group.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Positive indicator values, all known.
    drivers : ndarray, shape (n, k)
        NaN where unknown. A driver that is the same for all has no part.
    names : sequence of str
        Names of the k drivers.
    """
    if len(values) < PER_DRIVER * drivers.shape[1]:
        return no_drivers()
    reference = tuple(np.sort(column[~np.isnan(column)]) for column in drivers.T)
    slopes = _robust_slopes(np.log(values), _places(drivers, reference))
    return DriverModel(tuple(names), reference, slopes)


def no_drivers() -> DriverModel:
    """The model that adjusts nothing."""
    return DriverModel((), (), np.zeros(0))


def _robust_slopes(target: FloatArray, places: FloatArray) -> FloatArray:
    """Huber regression with an intercept and a small ridge on the slopes: (..., n) and (..., n, k) give (..., k)."""
    columns = np.concatenate((np.ones((*target.shape, 1)), places), axis=-1)
    ridge = np.diag([0.0] + [PRIOR_WEIGHT] * places.shape[-1])
    weight = np.ones(target.shape)
    found: FloatArray = np.zeros((*target.shape[:-1], columns.shape[-1], 1))
    for _ in range(_PASSES):
        weighted = np.swapaxes(columns * weight[..., None], -1, -2)
        found = np.asarray(np.linalg.solve(weighted @ columns + ridge, weighted @ target[..., None]), np.float64)
        distance = np.abs(target - (columns @ found)[..., 0])
        scale = _HUBER * 1.4826 * np.median(distance, axis=-1, keepdims=True)
        weight = np.where(scale > 0, np.minimum(1.0, scale / np.maximum(distance, 1e-300)), weight)
    return found[..., 1:, 0]


@dataclass(frozen=True, slots=True, eq=False)
class ToldTiers:
    """What is told of a group, all of it in coarse steps (`analytics.disclosure`).

    Everything that is told to its institutions follows from this and what they know of themselves: the limits of many
    tell no more of a stranger than those of one.

    Attributes
    ----------
    levels : float64, shape (3,)
        Constraint, baseline and guide value of an institution with middling drivers.
    width : float64, shape (3,)
        How far the 80 % interval of each limit reaches on its longer side, as a share of the limit.
    model : DriverModel
    n_members : int
    """

    levels: FloatArray
    width: FloatArray
    model: DriverModel
    n_members: int

    def limits_for(self, drivers: FloatArray) -> FloatArray:
        """Constraint, baseline and guide value for each institution with its own drivers, shape (n, 3)."""
        return told(np.multiply.outer(self.model.factor(drivers), self.levels))

    def intervals_for(self, drivers: FloatArray) -> FloatArray:
        """Lower and upper end of each of these limits, shape (n, 3, 2)."""
        ends = np.column_stack((np.maximum(1 - self.width, 0.0), 1 + self.width))
        return np.asarray(self.limits_for(drivers)[:, :, None] * ends)

    def adjustments_for(self, values: FloatArray, drivers: FloatArray) -> FloatArray:
        """Part of each value that is due to each driver, shape (n, k); NaN where value or driver is unknown."""
        if not self.model.names:
            return np.full(drivers.shape, np.nan)
        return np.where(np.isnan(drivers), np.nan, self.model.contributions(values, drivers))


@dataclass(frozen=True, slots=True, eq=False)
class PeerTiers:
    """Limits of one peer group.

    Attributes
    ----------
    levels : Levels
        Of an institution with middling drivers; see `limits_for`.
    low, high : Levels
        80 % bootstrap interval of each limit.
    adjusted : float64
        Adjusted indicator of the kept members, rising.
    n_members : int
        Members with a known value.
    notes : tuple of Note
    """

    levels: Levels
    low: Levels
    high: Levels
    model: DriverModel
    adjusted: FloatArray
    cleaned: Cleaned
    n_members: int
    notes: tuple[Note, ...]

    def limits_for(self, drivers: FloatArray) -> FloatArray:
        """Constraint, baseline and guide value for each institution with its own drivers, shape (n, 3)."""
        return np.asarray(np.multiply.outer(self.model.factor(drivers), np.array(list(self.levels))))

    def told(self) -> ToldTiers:
        """The group as its institutions are told of it."""
        levels, low, high = (np.array(list(one), np.float64) for one in (self.levels, self.low, self.high))
        model = replace(self.model, slopes=told_slopes(self.model.slopes))
        width = np.maximum(1 - low / levels, high / levels - 1)
        return ToldTiers(told(levels), told_width(width), model, self.n_members)

    def score(self, values: FloatArray, drivers: FloatArray) -> FloatArray:
        """Percentage of the peers that would use more, 0 .. 100, shape (n,); NaN where the value is unknown."""
        own = values / self.model.factor(drivers)
        place = np.searchsorted(self.adjusted, own, "left") + np.searchsorted(self.adjusted, own, "right")
        return np.where(np.isnan(own), np.nan, 100 - 100 * place / (2.0 * len(self.adjusted)))


def peer_tiers(
    values: FloatArray,
    drivers: FloatArray,
    names: Sequence[str],
    generator: np.random.Generator,
    *,
    shares: Shares = PEER_SHARES,
    rule: OutlierRule = OutlierRule.FAR_OUT,
    minimum: int = MIN_GROUP,
    n_bootstrap: int = N_BOOTSTRAP,
) -> PeerTiers | Note:
    """Limits of one group; `Note.TOO_FEW` where it is smaller than `minimum`.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Indicator of each member; NaN, zero and negative values are not part of the sample.
    drivers : ndarray, shape (n, k)
        NaN where unknown.
    names : sequence of str
        Names of the drivers.
    generator : numpy Generator
        For the bootstrap.
    shares : Shares
        Shares of the group at or below each limit.
    rule : OutlierRule
        Applied to the logarithm of the adjusted indicator.
    minimum : int
        Smallest group.
    n_bootstrap : int
        Samples drawn for the intervals.

    Notes
    -----
    Quantiles and the driver model bear some extreme members. The narrower rules, made for means, drop honest members
    on both sides and move the limits inwards: out of sample P80 then holds only 76 to 79 % of the others (eight groups
    of 71 to 508 real buildings, `benchmarks/quotas.py`), with this rule 79 to 81 %.
    """
    known = np.isfinite(values) & (values > 0)
    sample, own_drivers = values[known], drivers[known]
    if len(sample) < minimum:
        return Note.TOO_FEW
    model = fit_drivers(sample, own_drivers, names)
    adjusted = sample / model.factor(own_drivers)
    cleaned = clean(np.log(adjusted), rule)
    levels = _levels(adjusted[cleaned.keep], shares)
    drawn = _bootstrap(sample[cleaned.keep], own_drivers[cleaned.keep], model, generator, shares, n_bootstrap)
    low, high = (Levels(*limits) for limits in np.quantile(drawn, INTERVAL, axis=0).tolist())
    notes = () if model.names or not names else (Note.NOT_ADJUSTED,)
    return PeerTiers(levels, low, high, model, np.sort(adjusted[cleaned.keep]), cleaned, len(sample), notes)


def _levels(adjusted: FloatArray, shares: Shares) -> Levels:
    return Levels(*_limits(adjusted, shares).tolist())


def _limits(adjusted: FloatArray, shares: Shares) -> FloatArray:
    """Constraint, baseline and guide value of samples of shape (..., n): shape (..., 3)."""
    wanted = (shares.constraint, shares.baseline, shares.guide)
    return np.stack([shared_quantile(adjusted, share) for share in wanted], axis=-1)


def _bootstrap(
    sample: FloatArray,
    drivers: FloatArray,
    model: DriverModel,
    generator: np.random.Generator,
    shares: Shares,
    n_bootstrap: int,
) -> FloatArray:
    """Limits of samples drawn with replacement, the slopes fitted anew each time, shape (n_bootstrap, 3).

    A driver keeps its place in the whole group. Members are drawn by size, so that their order does not matter.
    """
    rising = np.argsort(sample, kind="stable")
    drawn = rising[generator.integers(0, len(sample), (n_bootstrap, len(sample)))]
    values, places = np.log(sample)[drawn], _places(drivers[:, : len(model.names)], model.reference)[drawn]
    slopes = _robust_slopes(values, places)
    return _limits(np.exp(values - (places @ slopes[..., None])[..., 0]), shares)


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """The peer group of each institution.

    Attributes
    ----------
    level : int64, shape (n,)
        Which of the divisions was taken, 0 = the finest; -1 where none is large enough.
    label : object array of str, shape (n,)
        The group's name; "" without a group.
    """

    level: IntArray
    label: npt.NDArray[np.object_]

    def notes(self, institution: int) -> tuple[Note, ...]:
        """What to say of one institution's group."""
        level = int(self.level[institution])
        return (Note.TOO_FEW,) if level < 0 else (Note.PARENT_GROUP,) if level > 0 else ()


def choose_groups(
    divisions: Sequence[Sequence[str]], is_known: npt.NDArray[np.bool_], minimum: int = MIN_GROUP
) -> Grouping:
    """The finest group with enough members for each institution.

    Parameters
    ----------
    divisions : sequence of sequences of str
        Label of each institution in each division, the finest division first: type x tier x zone, type x zone, type.
        "" where a part of the label is not stated: it belongs to no group of this division.
    is_known : bool, shape (n,)
        Institutions whose indicator is known: only they count as members.
    minimum : int
        Smallest group.
    """
    level = np.full(len(is_known), -1, np.int64)
    label = np.full(len(is_known), "", object)
    for number, names in reversed(list(enumerate(divisions))):
        own = np.array(names, dtype=object)
        unique, place = np.unique(own.astype(str), return_inverse=True)
        members = np.bincount(place[is_known], minlength=len(unique))[place]
        fits = (members >= minimum) & (own != "")
        level[fits], label[fits] = number, own[fits]
    return Grouping(level, label)
