"""Breaking a target down: region to institutions, institution to buildings, by weights, in whole steps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Final

from energy.breakdown import Breakdown
from energy.errors import BreakdownRefused

_NOTHING: Final = Decimal(0)


def break_down(
    total: Decimal,
    weights: Mapping[str, float],
    *,
    reserve: Decimal = _NOTHING,
    fixed: Mapping[str, Decimal] | None = None,
    step: Decimal = Decimal("0.01"),
) -> Breakdown:
    """Divide a total by weights, such as the use of the year before or the floor area.

    Parameters
    ----------
    total : Decimal
        Amount to divide; a whole number of steps.
    weights : mapping of str to float
        Weight of each part without a fixed amount.
    reserve : Decimal
        Kept back.
    fixed : mapping of str to Decimal, optional
        Parts whose amount is set already.
    step : Decimal
        Smallest amount.

    Returns
    -------
    Breakdown
        Whole steps by the largest remainder; equal remainders by name, so that the same input gives the same parts.
    """
    fixed = dict(fixed or {})
    left = total - reserve - sum(fixed.values(), _NOTHING)
    if left < 0:
        raise BreakdownRefused(f"breakdown: fixed parts and reserve exceed the total {total} by {-left}")
    unknown = [name for name, weight in weights.items() if not 0 <= weight < float("inf")]
    if unknown:
        raise BreakdownRefused(f"breakdown: expected weights >= 0, unknown or negative of {', '.join(unknown)}")
    return Breakdown(total, {**fixed, **_shares(left, weights, step)}, reserve)


def _shares(amount: Decimal, weights: Mapping[str, float], step: Decimal) -> dict[str, Decimal]:
    n_steps = amount / step
    if n_steps != n_steps.to_integral_value():
        raise BreakdownRefused(f"breakdown: {amount} is no whole number of steps of {step}")
    sum_of_weights = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if sum_of_weights == 0:
        if amount:
            raise BreakdownRefused(f"breakdown: {amount} cannot be divided, all weights are 0")
        return dict.fromkeys(weights, _NOTHING)
    exact = {name: Fraction(weight) * int(n_steps) / sum_of_weights for name, weight in weights.items()}
    whole = {name: int(share) for name, share in exact.items()}
    missing = int(n_steps) - sum(whole.values())
    for name in sorted(exact, key=lambda name: (whole[name] - exact[name], name))[:missing]:
        whole[name] += 1
    return {name: count * step for name, count in whole.items()}


def in_steps(amount: float, step: Decimal = Decimal("0.01")) -> Decimal:
    """An amount as a whole number of steps, rounded down: what is divided is never more than was given."""
    return (Decimal(repr(float(amount))) / step).to_integral_value(ROUND_FLOOR) * step
