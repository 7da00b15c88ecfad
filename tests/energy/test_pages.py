"""The generated pages say what settings and tables say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from energy.reference import TABLES, CaliberRow, indicators, table
from energy.reference.pages import reference_page
from energy.settings import known_keys, variable
from energy.settings_pages import env_example, settings_page

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "made"),
    [("docs/settings.md", settings_page), ("docs/reference.md", reference_page), (".env.example", env_example)],
)
def test_generated_pages_are_up_to_date(name: str, made: Callable[[], str]) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == made(), "run scripts/write-docs"


def test_every_setting_is_on_its_page_and_in_the_example() -> None:
    page, example = settings_page(), env_example()
    for key, (default, text) in known_keys().items():
        assert f"`{variable(key)}`" in page
        assert text in page
        assert f"\n#{variable(key)}={default}\n" in example


def test_every_table_indicator_and_caliber_is_on_the_page() -> None:
    page = reference_page()
    for key in [f"{name}.csv" for name in TABLES] + list(indicators()) + [r.key for r in table("calibers", CaliberRow)]:
        assert f"`{key}`" in page


def test_unsure_values_are_marked_and_never_called_official() -> None:
    page = reference_page()
    for row in table("calibers", CaliberRow):
        line = next(line for line in page.splitlines() if line.startswith(f"| `{row.key}`"))
        assert ("待核实" in line) == (not row.is_official)
