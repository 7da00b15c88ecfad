"""The formula of a virtual meter."""

from __future__ import annotations

import pytest

from energy.registry.formula import Term, parse


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("m1", [Term("m1", 1.0)]),
        ("m1 + m2 - m3", [Term("m1", 1.0), Term("m2", 1.0), Term("m3", -1.0)]),
        ("- a-b.c + 0.5 * m2", [Term("a-b.c", -1.0), Term("m2", 0.5)]),
        ("m1 - 2 * m2", [Term("m1", 1.0), Term("m2", -2.0)]),
    ],
)
def test_a_sum_of_meters_is_read(formula: str, terms: list[Term]) -> None:
    assert list(parse(formula)) == terms


@pytest.mark.parametrize(
    "formula",
    ["", "+", "m1 +", "m1 m2", "+ + m1", "m1 * 2", "x * m1", "inf * m1", "m1 / m2", "(m1)", "m1;m2"],
)
def test_anything_else_is_refused(formula: str) -> None:
    with pytest.raises(ValueError, match="a sum of meters"):
        parse(formula)
