"""Both languages are complete, nothing is said twice, every word is used and every word used exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import api.console
from api.console.words import CATALOGUE, PARTS, WORDS
from energy.model import Category, Reason, State, ValueKind
from energy.registry import Role

ROOT = Path(api.console.__file__).parent
TEMPLATES = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "templates").glob("*.html"))
CODE = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.rglob("*.py") if file.parent.name != "words")
FAMILIES = {
    *(f"{name}_" for name in re.findall(r'\.word\("(\w+)"', TEMPLATES + CODE)),
    *re.findall(r'w\["(\w+_)" ~', TEMPLATES),
    *re.findall(r"words\['(\w+_)' \+", CODE),
    "menu_",
    "doubt_",
    "item_",
}


def used() -> set[str]:
    """Keys that templates and code name outright."""
    return set(re.findall(r"\bw\.(\w+)", TEMPLATES)) | set(
        re.findall(r"""\bw(?:ords)?\[["'](\w+)["']\]""", TEMPLATES + CODE)
    )


def test_both_languages_say_everything() -> None:
    assert set(WORDS["zh"]) == set(WORDS["en"])
    empty = [key for key, (zh, en) in CATALOGUE.items() if not zh.strip() or not en.strip()]
    assert empty == []


def test_chinese_is_chinese_and_english_is_english() -> None:
    han = re.compile(r"[一-鿿]")
    assert [key for key, (_, en) in CATALOGUE.items() if han.search(en) and key != "language"] == []
    without = [key for key, (zh, _) in CATALOGUE.items() if not han.search(zh)]
    assert without == ["language"]


def test_placeholders_are_the_same_in_both_languages() -> None:
    def names(text: str) -> Counter[str]:
        return Counter(re.findall(r"\{(\w*)\}", text))

    assert [key for key, (zh, en) in CATALOGUE.items() if names(zh) != names(en)] == []


def test_no_word_stands_in_two_parts_and_none_hides_behind_a_method() -> None:
    counts = Counter(key for part in PARTS.values() for key in part)
    assert [key for key, n in counts.items() if n > 1] == []
    assert [key for key in CATALOGUE if hasattr(dict, key)] == []  # `w.items` would be a method


def test_every_word_used_exists() -> None:
    assert used() - CATALOGUE.keys() == set()


def test_every_word_is_used() -> None:
    everywhere = TEMPLATES + CODE
    named_by_value = {category.value for category in Category}  # `w[category.value]`
    idle = [
        key
        for key in CATALOGUE
        if key not in used() | named_by_value and not key.startswith(tuple(FAMILIES)) and f'"{key}"' not in everywhere
    ]
    assert idle == []


def test_families_name_every_member() -> None:
    members = {
        "reason": Reason,
        "role": Role,
        "value": ValueKind,
        "interval": [state.name.lower() for state in State],
    }
    lacking = [
        f"{family}_{one}" for family, all_of in members.items() for one in all_of if f"{family}_{one}" not in CATALOGUE
    ]
    lacking += [category.value for category in Category if category.value not in CATALOGUE]
    assert lacking == []
