"""The words of code and data are explained on one page."""

from __future__ import annotations

import re
from pathlib import Path

from energy.model import Category, Flag, MeterKind, State, ValueKind

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "nomenclature.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
TERMS = [row for row in ROWS if row[0] not in ("term", "---")]


def test_every_term_has_its_official_word_unit_and_definition() -> None:
    assert len(TERMS) > 60
    for term, chinese, unit, definition in TERMS:
        assert re.search(r"[\u4e00-\u9fff]", chinese), term
        assert unit.strip(), term
        assert len(definition) > 10, term


def test_no_term_stands_twice() -> None:
    names = [name for term, *_ in TERMS for name in term.split(", ")]
    assert sorted(names) == sorted(set(names))


def test_words_of_the_model_are_on_the_page() -> None:
    text = PAGE.lower()
    for kind in (Category, ValueKind, MeterKind):
        for member in kind:
            assert str(member.value) in text, member
    for flag in (*Flag, *State):
        assert flag.name.lower().replace("qos0", "qos 0") in text, flag
