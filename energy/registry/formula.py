"""The formula of a virtual meter: a sum of other meters, `m1 + m2 - 0.5 * m3`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from energy.model import is_id

EXPECTED = "a sum of meters with blanks around + - *, like: m1 + m2 - 0.5 * m3"


@dataclass(frozen=True, slots=True)
class Term:
    """One meter of the sum and what it is multiplied with."""

    meter: str
    factor: float


def parse(formula: str) -> tuple[Term, ...]:
    """The terms of a formula; ValueError for anything that is not a plain sum.

    Blanks around the signs are needed because an id may itself hold `-` and `.`.
    """
    words = formula.split()
    if words and words[0] not in "+-":
        words.insert(0, "+")
    terms: list[Term] = []
    position = 0
    while position < len(words):
        sign = {"+": 1.0, "-": -1.0}.get(words[position])
        factor, step = 1.0, 2
        if words[position + 2 : position + 3] == ["*"]:
            factor, step = _factor(words[position + 1]), 4
        meter = words[position + step - 1] if position + step <= len(words) else ""
        if sign is None or not is_id(meter):
            raise ValueError(EXPECTED)
        terms.append(Term(meter, sign * factor))
        position += step
    if not terms:
        raise ValueError(EXPECTED)
    return tuple(terms)


def _factor(word: str) -> float:
    try:
        factor = float(word)
    except ValueError:
        raise ValueError(EXPECTED) from None
    if not math.isfinite(factor):
        raise ValueError(EXPECTED)
    return factor
