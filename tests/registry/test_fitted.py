"""Fitted models get a version and keep it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from energy.registry import FittedModel, Registry


def save(
    registry: Registry, subject: str, kind: str, *, start: int, end: int, payload: Mapping[str, object] | bytes
) -> int:
    """Keep one model; its version."""
    (version,) = registry.save_models([FittedModel.of(subject, kind, start=start, end=end, payload=payload)])
    return version


def test_a_model_comes_back_as_it_was_saved(registry: Registry) -> None:
    assert save(registry, "m1", "profile", start=10, end=20, payload={"limit": 3.5, "名": "甲"}) == 1
    model = registry.models("profile", ["m1", "m2"])["m1"]
    assert model.json() == {"limit": 3.5, "名": "甲"}
    assert (model.subject, model.kind, model.start, model.end, model.version) == ("m1", "profile", 10, 20, 1)


def test_bytes_stay_bytes(registry: Registry) -> None:
    save(registry, "m1", "expected", start=0, end=1, payload=b"\x00\xff")
    assert registry.models("expected")["m1"].payload == b"\x00\xff"


def test_a_new_fit_gets_a_new_version_and_leaves_the_old_one(registry: Registry) -> None:
    versions = [save(registry, "m1", "profile", start=0, end=n, payload={"n": n}) for n in (1, 2, 3)]
    assert versions == [1, 2, 3]
    assert registry.models("profile")["m1"].json() == {"n": 3}
    assert registry.models("profile", ["m1"], version=2)["m1"].json() == {"n": 2}
    assert registry.models("profile", ["m1"], version=9) == {}


def test_the_same_fit_again_keeps_its_version(registry: Registry) -> None:
    first = save(registry, "m1", "profile", start=0, end=1, payload={"b": 1, "a": 2})
    assert save(registry, "m1", "profile", start=0, end=1, payload={"a": 2, "b": 1}) == first


def test_kinds_and_subjects_do_not_mix(registry: Registry) -> None:
    models = [FittedModel.of(f"m{n}", kind, start=0, end=n, payload={}) for n in range(700) for kind in ("a", "b")]
    assert set(registry.save_models(models)) == {1}
    found = registry.models("a", [f"m{n}" for n in range(0, 700, 2)])
    assert sorted(model.end for model in found.values()) == list(range(0, 700, 2))


def test_unknown_is_not_hidden_in_a_model(registry: Registry) -> None:
    with pytest.raises(ValueError):
        save(registry, "m1", "profile", start=0, end=1, payload={"limit": float("nan")})
