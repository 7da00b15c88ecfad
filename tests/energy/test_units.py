from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import UnitError
from energy.model import Category
from energy.units import CANONICAL, UNITS, convert, linear, unit

symbols = st.sampled_from(sorted(UNITS))


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1, "MWh", "kWh", 1000),
        (3.6, "MJ", "kWh", 1),
        (1, "GJ", "kWh", 1000 / 3.6),
        (1, "GJ", "MJ", 1000),
        (7000, "kcal", "kJ", 29_307.6),  # 1 kgce
        (1, "m3", "L", 1000),
        (1, "t_water", "m3", 1),
        (2.5, "t", "kg", 2500),
        (1500, "W", "kW", 1.5),
        (212, "degF", "degC", 100),
        (0, "degC", "K", 273.15),
        (-40, "degC", "degF", -40),
    ],
)
def test_conversions_known_by_hand(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(symbols, symbols, st.floats(-1e9, 1e9))
def test_a_conversion_and_its_way_back_meet_or_are_refused(source: str, target: str, value: float) -> None:
    if UNITS[source].quantity == UNITS[target].quantity:
        back = convert(convert(value, source, target), target, source)
        assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-6)
    else:
        with pytest.raises(UnitError, match="cannot become"):
            convert(value, source, target)


def test_linear_serves_whole_arrays() -> None:
    factor, offset = linear("degF", "degC")
    np.testing.assert_allclose(np.array([32.0, np.nan, 50.0]) * factor + offset, [0.0, np.nan, 10.0], atol=1e-12)


@pytest.mark.parametrize(
    ("spelling", "symbol"), [("KWH", "kWh"), ("千瓦时", "kWh"), ("度", "kWh"), ("m³", "m3"), ("℃", "degC"), ("吨", "t")]
)
def test_spellings_that_gateways_send(spelling: str, symbol: str) -> None:
    assert unit(spelling).symbol == symbol


@pytest.mark.parametrize("spelling", ["kvarh", "tce", "k W h", "MWH", "kwH", "cubic"])
def test_anything_else_is_refused_and_not_guessed(spelling: str) -> None:
    with pytest.raises(UnitError, match=f"unit '{spelling}' is unknown; known: kWh, Wh"):
        unit(spelling)


def test_energy_does_not_become_volume() -> None:
    with pytest.raises(UnitError, match=r"unit 'kWh' \(energy\) cannot become 'm3' \(volume\)"):
        convert(1, "kWh", "m3")


def test_every_category_has_one_canonical_unit_that_is_its_own_base_or_gj() -> None:
    assert set(CANONICAL) == set(Category)
    for symbol in CANONICAL.values():
        assert UNITS[symbol].offset == 0
