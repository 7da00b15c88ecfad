"""Long tables in pages."""

from __future__ import annotations

import pytest

from api.console.paging import PER_PAGE, matching, part


@pytest.mark.parametrize(
    ("n", "asked", "number", "first", "last"),
    [
        (0, 1, 1, 1, 0),
        (50, 1, 1, 1, 50),
        (51, 2, 2, 51, 51),
        (120, 3, 3, 101, 120),
        (120, 99, 3, 101, 120),
        (9, -4, 1, 1, 9),
    ],
)
def test_a_page_holds_its_rows_and_knows_its_place(n: int, asked: int, number: int, first: int, last: int) -> None:
    found = part(list(range(1, n + 1)), asked)
    assert (found.number, found.first, found.last, found.total) == (number, first, last, n)
    assert list(found.rows) == list(range(first, last + 1))
    assert len(found.rows) <= PER_PAGE


def test_every_word_must_be_found_somewhere() -> None:
    rows = [("夜间用电偏高", "Shili University"), ("漏水", "Shili University"), ("夜间用电偏高", "Library")]
    texts = (lambda row: row[0], lambda row: row[1])
    assert matching(rows, "夜间 shili", *texts) == rows[:1]
    assert matching(rows, "", *texts) == rows
    assert matching(rows, "nothing", *texts) == []
