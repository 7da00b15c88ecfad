"""Lists that the database pages: every visible row once, in order, counted, and no more read than a page needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from api.answers import Paging, Wish
from api.schemas import Body
from api.stored import Shown
from energy.registry import Finding, Registry
from energy.registry.paging import Listing

PEOPLE = ("a", "b", "c", "d")
N_EACH = 30


class FindingRow(Body):
    """A row of these tests."""

    id: str
    institution: str
    start: int


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Four institutions; each hour all four find something at the same instant."""
    opened = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('stored') / 'registry.db'}", migrate=True)
    opened.import_sheets(
        {
            "regions": [{"code": "990000", "name_zh": "省"}],
            "institutions": [{"id": i, "name_zh": i, "region": "990000", "type": "01"} for i in PEOPLE],
        }
    )
    opened.findings.put([Finding(f"{i}{n}", i, "night_base", 3600 * n) for i in PEOPLE for n in range(N_EACH)])
    yield opened
    opened.close()


def listing(registry: Registry) -> Listing[Finding]:
    return registry.findings.listing("-start", "id")


def shown(registry: Registry, mine: str, **more: int) -> Shown[Finding]:
    return Shown(listing(registry), ("institution",), lambda name: name in mine, **more)


def row(finding: Finding) -> FindingRow:
    return FindingRow(id=finding.id, institution=finding.institution, start=finding.start)


def page(part: Shown[Finding], limit: int, cursor: str | None) -> dict[str, Any]:
    answer = part.answer(Wish("json", "zh", ""), Paging(limit, cursor), row, FindingRow)
    found: dict[str, Any] = json.loads(bytes(answer.body))
    return found


@pytest.mark.parametrize("mine", ["abcd", "bd", "c", ""])
@pytest.mark.parametrize("more", [{}, {"most_named": 0}], ids=["named", "judged one by one"])
def test_following_next_visits_every_visible_row_once_and_in_order(
    registry: Registry, mine: str, more: dict[str, int]
) -> None:
    part, found, cursor = shown(registry, mine, **more), [], None
    while True:
        got = page(part, 7, cursor)
        assert got["total"] == N_EACH * len(mine)
        found += [item["id"] for item in got["items"]]
        cursor = got["next"]
        if cursor is None:
            break
    assert found == [f"{i}{n}" for n in reversed(range(N_EACH)) for i in mine]


def test_rows_that_come_between_two_pages_shift_nothing(tmp_path: Path) -> None:
    own = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}", migrate=True)
    own.import_sheets(
        {
            "regions": [{"code": "990000", "name_zh": "省"}],
            "institutions": [{"id": "a", "name_zh": "a", "region": "990000", "type": "01"}],
        }
    )
    own.findings.put([Finding(f"f{n}", "a", "night_base", 100 * n) for n in (1, 2, 3, 4)])
    first = page(shown(own, "a"), 2, None)
    own.findings.put([Finding("new", "a", "night_base", 1000), Finding("between", "a", "night_base", 250)])
    rest = page(shown(own, "a"), 9, first["next"])
    own.close()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ["f4", "f3", "between", "f2", "f1"]


def test_a_key_says_where_a_row_stands(registry: Registry) -> None:
    (newest,) = listing(registry).page(1)
    assert listing(registry).key_of(newest) == [3600 * (N_EACH - 1), "a29"]
    assert listing(registry).is_key(listing(registry).key_of(newest))


@pytest.mark.parametrize("key", [[], [1], ["1", "x"], [True, "x"], [1.5, "x"], [1, 2], [2**63, "x"], [1, "x", 3]])
def test_a_key_of_another_list_is_refused(registry: Registry, key: list[object]) -> None:
    assert not listing(registry).is_key(key)


@pytest.mark.parametrize(("mine", "n_most"), [("abcd", 11), ("b", 11)])
def test_a_page_reads_no_more_rows_than_it_shows(registry: Registry, mine: str, n_most: int) -> None:
    read = counted(registry, lambda: page(shown(registry, mine), 10, None))
    assert read <= n_most


def counted(registry: Registry, ask: Callable[[], object]) -> int:
    """Rows of findings that SQLite handed out meanwhile, by the limits of the statements it was given."""
    limits: list[int] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: tuple[Any, ...], *_: object) -> None:
        if "FROM findings" in statement and "count" not in statement:
            assert "LIMIT" in statement
            limits.append(parameters[-2] if "OFFSET" in statement else parameters[-1])

    engine = registry.findings._database.engine
    event.listen(engine, "before_cursor_execute", note)
    ask()
    event.remove(engine, "before_cursor_execute", note)
    assert limits
    return sum(limits)
