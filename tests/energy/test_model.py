from __future__ import annotations

import dataclasses
import math

import pytest

from energy.model import Category, Meter, MeterKind, Reading, ValueKind, is_id, require_id


@pytest.mark.parametrize("text", ["a", "gw-7", "A_1.b", "0" * 64, "con1", "..."])
def test_ids_that_are_accepted(text: str) -> None:
    assert is_id(text)
    assert require_id(text, "meter") == text


@pytest.mark.parametrize(
    "text", ["", "a" * 65, "a b", "a/b", "网关", "a\n", "a\x00", ".", "..", "CON", "con", "Nul", "а", "a\u200b"]
)
def test_ids_that_are_refused(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(ValueError, match=r"gateway id .*: expected 1 to 64 of"):
        require_id(text, "gateway")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reading_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match="meter m1: value must be finite"):
        Reading("m1", 0, value)


def test_a_reading_needs_an_id() -> None:
    with pytest.raises(ValueError, match="meter id 'a b'"):
        Reading("a b", 0, 1.0)


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Reading("m1", 0, 1.0).value = 2.0  # type: ignore[misc]


def meter(**changes: object) -> Meter:
    return Meter(**({"id": "m1", "institution": "i1", "category": Category.WATER, "unit": "m3"} | changes))  # type: ignore[arg-type]


def test_a_meter_is_a_physical_register_unless_told_otherwise() -> None:
    plain = meter()
    assert (plain.kind, plain.value_kind, plain.ratio) == (MeterKind.PHYSICAL, ValueKind.REGISTER, 1.0)
    assert plain.digits is None
    assert plain.rated_kw is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "m/1"}, "meter id 'm/1'"),
        ({"institution": ""}, "institution id ''"),
        ({"ratio": 0.0}, "ratio must be positive, got 0.0"),
        ({"ratio": math.nan}, "ratio must be positive, got nan"),
        ({"interval_s": 0}, "interval_s must be positive"),
        ({"digits": 0}, "digits must be 1 to 12"),
        ({"digits": 13}, "digits must be 1 to 12"),
        ({"parent": "m1"}, "is its own parent"),
    ],
)
def test_a_meter_cannot_hold_nonsense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        meter(**changes)
