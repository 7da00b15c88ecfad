"""Pages of a printed sheet, counted by hand."""

from __future__ import annotations

import io
from datetime import date

import pytest
from openpyxl import load_workbook

from api.reports import written
from api.reports.document import Column, Document, Heading, TableBlock
from api.reports.xlsx_pages import page_ends, room


def test_a_page_ends_before_what_does_not_fit() -> None:
    assert page_ends([10.0] * 7, set(), 30.0) == [3, 6]
    assert page_ends([10.0] * 3, set(), 30.0) == []
    assert page_ends([], set(), 30.0) == []


def test_what_is_kept_goes_to_the_page_of_the_next_row() -> None:
    assert page_ends([10.0] * 6, {3}, 30.0) == [2, 5]  # 1 2 | 3-4 5 | 6
    assert page_ends([10.0] * 6, {2, 3}, 30.0) == [1, 4]  # 1 | 2-3-4 | 5 6
    assert page_ends([10.0] * 4, {1, 2, 3}, 30.0) == []  # more than a page: the program breaks it
    assert page_ends([10.0] * 3, {3}, 30.0) == []  # the last row has no next


def test_columns_that_are_fitted_in_width_make_room_for_more_rows() -> None:
    assert room(100.0, 525.0, [10.0] * 10) == pytest.approx(96.0)  # just as wide as the page
    assert room(100.0, 525.0, [10.0] * 20) == pytest.approx(192.0)  # half as large
    assert room(100.0, 525.0, [10.0]) == pytest.approx(96.0)  # nothing is enlarged


@pytest.mark.parametrize("n_rows", range(30, 50))
def test_no_page_of_a_sheet_ends_behind_a_heading_caption_or_head(n_rows: int) -> None:
    columns = (Column("名称"), Column("kWh", "number"))
    blocks = tuple(
        part
        for n in range(3)
        for part in (
            Heading(f"标题{n}"),
            TableBlock(f"表 {n}", columns, tuple((f"{n}行{row}", 1.0) for row in range(n_rows)), ("注",)),
        )
    )
    document = Document("题", "甲", date(2026, 1, 1), "zh", (), blocks)
    sheet = load_workbook(io.BytesIO(written(document, "xlsx"))).worksheets[0]
    ends = [mark.id for mark in sheet.row_breaks.brk]
    assert ends
    lonely = {"注", *(f"{n}行{row}" for n in range(3) for row in (1, n_rows - 1))}
    for row in ends:
        last, first = str(sheet.cell(row, 1).value or ""), str(sheet.cell(row + 1, 1).value or "")
        assert not last.startswith(("标题", "表", "名称"))
        assert first not in lonely  # the head has two rows below it, and the last row one above
