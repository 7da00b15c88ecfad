from __future__ import annotations

import inspect
import re

import energy.errors as errors
from energy.errors import CaliberMismatch, EnergyError, ImportRefused, PayloadError


def drawn() -> dict[str, str]:
    """Child -> parent, as the docstring draws the tree."""
    path: list[str] = []
    parents: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}((?:[| ]   )*)(?:(?:\||`)-- )?([A-Z]\w+)", line)
        if found is None:
            continue
        is_root = "--" not in line
        depth = 0 if is_root else len(found[1]) // 4 + 1
        del path[depth:]
        if path:
            parents[found[2]] = path[-1]
        path.append(found[2])
    return parents


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, EnergyError)]
    real = {c.__name__: c.__base__.__name__ for c in classes if c is not EnergyError and c.__base__ is not None}
    assert drawn() == real


def test_every_error_has_a_sentence_of_its_own() -> None:
    for _, found in inspect.getmembers(errors, inspect.isclass):
        assert found.__doc__, found


def test_errors_carry_what_callers_decide_by() -> None:
    assert PayloadError("bad_json", "expected an object").reason == "bad_json"
    mismatch = CaliberMismatch("a", "b")
    assert (mismatch.left, mismatch.right) == ("a", "b")


def test_a_refused_import_shows_twenty_problems_and_keeps_all() -> None:
    refused = ImportRefused([f"problem {i}" for i in range(25)])
    assert len(refused.problems) == 25
    assert "25 problem(s), nothing was imported" in str(refused)
    assert "problem 19" in str(refused)
    assert "problem 20" not in str(refused)
    assert str(refused).endswith("... and 5 more")
