"""A document as XLSX: one sheet to read and print, numbers as numbers, native charts, no formulas (promise P-43)."""

from __future__ import annotations

import io
import math
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from api.reports.document import Block, Cell, Chart, Column, Document, Heading, Paragraph, TableBlock, day_words
from api.reports.drawing import COLOURS
from energy.registry.spreadsheet import neutral

_FONT: Final = "宋体"
_GREY: Final = PatternFill("solid", fgColor="EEF2F7")
_THIN: Final = Side(style="thin", color="94A3B8")
_BOX: Final = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_RED: Final = "B91C1C"
_CHART_ROWS: Final = 15


def write(document: Document) -> bytes:
    """The XLSX file."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # a new workbook has one
    sheet.title = "报表" if document.language == "zh" else "Report"
    _Sheet(book, sheet, document).fill()
    book.properties.title, book.properties.creator = document.title, document.issuer
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _format(column: Column) -> str:
    if column.kind == "share":
        return "0." + "0" * (column.digits or 1) + "%"
    if column.kind == "change":
        return "+0.0%;-0.0%;0.0%"
    return "#,##0" + ("." + "0" * column.digits if column.digits else "")


def _value(cell: Cell) -> Cell:
    """Unknown is an empty cell; no text that a spreadsheet program could take for a formula."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return neutral(cell) if isinstance(cell, str) else cell  # type: ignore[return-value]


class _Sheet:
    """One sheet, filled from the top."""

    def __init__(self, book: Workbook, sheet: Any, document: Document) -> None:
        self._book = book
        self._sheet = sheet
        self._document = document
        self._row = 1
        self._width = max([len(table.columns) for table in document.tables] or [6])
        self._charts = 0

    def fill(self) -> None:
        document = self._document
        if document.banner:
            self._line(document.banner, Font(_FONT, 12, bold=True, color=_RED), align="center")
        self._line(document.title, Font(_FONT, 18, bold=True), align="center", height=34)
        for name, value in document.facts:
            self._line(f"{name}: {value}", Font(_FONT, 10))
        for block in document.blocks:
            self._block(block)
        self._row += 1
        for text in (document.issuer, day_words(document.day, document.language)):
            self._line(text, Font(_FONT, 11), align="right")
        self._set_up()

    def _set_up(self) -> None:
        sheet = self._sheet
        for number in range(1, self._width + 1):
            sheet.column_dimensions[get_column_letter(number)].width = self._column_width(number)
        sheet.sheet_view.showGridLines = False
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.page_setup.orientation = "landscape" if self._width > 8 else "portrait"
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, False
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.oddFooter.center.text = "— &P —"
        sheet.oddFooter.left.text = self._document.foot.replace("&", "&&")[:120]

    def _column_width(self, number: int) -> float:
        widths = [table.columns[number - 1].width for table in self._document.tables if len(table.columns) >= number]
        return min(9.5 * max([1.0, *widths]), 19.0)

    def _total_width(self) -> float:
        return sum(self._column_width(number) for number in range(1, self._width + 1))

    def _line(self, text: str, font: Font, *, align: str = "left", height: float | None = None) -> None:
        cell = self._sheet.cell(self._row, 1, _value(text))
        cell.font, cell.alignment = font, Alignment(horizontal=align, vertical="center", wrap_text=True)
        self._sheet.merge_cells(start_row=self._row, end_row=self._row, start_column=1, end_column=self._width)
        per_line = self._total_width() / (2 if not text.isascii() else 1)
        self._sheet.row_dimensions[self._row].height = height or 16 * max(1, math.ceil(len(text) / per_line))
        self._row += 1

    def _block(self, block: Block) -> None:
        match block:
            case Heading():
                self._row += 1
                self._line(block.text, Font("黑体", 13 if block.level == 1 else 11, bold=True))
            case Paragraph():
                self._line(block.text, Font(_FONT, 11))
            case TableBlock():
                self._table(block)
            case Chart():
                self._chart(block)

    def _table(self, block: TableBlock) -> None:
        self._line(block.caption, Font(_FONT, 10, bold=True))
        if not block.rows:
            self._line(block.empty or "—", Font(_FONT, 10))
        else:
            self._head([column.head for column in block.columns])
            for row in block.rows:
                self._body(block.columns, row)
        for note in block.notes:
            self._line(note, Font(_FONT, 9, color="475569"))

    def _head(self, heads: list[str]) -> None:
        for number, head in enumerate(heads, 1):
            cell = self._sheet.cell(self._row, number, _value(head))
            cell.font, cell.fill, cell.border = Font(_FONT, 10, bold=True), _GREY, _BOX
            cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        self._sheet.row_dimensions[self._row].height = 32
        self._row += 1

    def _body(self, columns: tuple[Column, ...], row: tuple[Cell, ...]) -> None:
        lines = 1
        for number, (column, value) in enumerate(zip(columns, row, strict=True), 1):
            cell = self._sheet.cell(self._row, number, _value(value))
            cell.font, cell.border = Font(_FONT, 10), _BOX
            is_text = column.kind == "text" or isinstance(value, str)
            cell.alignment = Alignment(horizontal="left" if is_text else "right", vertical="center", wrap_text=is_text)
            if not is_text:
                cell.number_format = _format(column)
            elif isinstance(value, str):
                room = self._column_width(number) / (1 if value.isascii() else 2)
                lines = max(lines, math.ceil(len(value) / room))
        self._sheet.row_dimensions[self._row].height = 15 * lines
        self._row += 1

    def _chart(self, block: Chart) -> None:
        """The numbers go onto a sheet of their own, the chart beside the text that speaks of it."""
        self._charts += 1
        name = f"图{self._charts}" if self._document.language == "zh" else f"Chart {self._charts}"
        data = self._book.create_sheet(name)
        data.append(["", *(_value(f"{line.name} ({block.unit})") for line in block.lines)])
        for i, label in enumerate(block.labels):
            data.append([_value(label), *(_value(line.values[i]) for line in block.lines)])
        self._line(block.caption, Font(_FONT, 10, bold=True))
        bars, lines = BarChart(), LineChart()
        n = len(block.labels) + 1
        for number, line in enumerate(block.lines, 2):
            kind = bars if line.role == "measured" else lines
            kind.add_data(Reference(data, min_col=number, min_row=1, max_row=n), titles_from_data=True)
            colour = COLOURS[line.role].lstrip("#")
            series = kind.series[-1]
            if line.role == "measured":
                series.graphicalProperties.solidFill = colour
            else:
                series.graphicalProperties.line.solidFill = colour
                series.graphicalProperties.line.width = 19050
                series.smooth = False
        for kind in (bars, lines):
            kind.set_categories(Reference(data, min_col=1, min_row=2, max_row=n))
        bars.y_axis.title, bars.y_axis.delete, bars.x_axis.delete = block.unit, False, False
        bars.y_axis.scaling.min = 0  # a cut axis exaggerates
        bars.y_axis.numFmt = "#,##0"
        bars.legend.position = "b"
        setattr(bars, "width", self._total_width() * 0.19)  # noqa: B010 -- the stubs know whole centimetres only
        bars.height = 7
        if lines.series:
            bars += lines
        self._sheet.add_chart(bars, f"A{self._row}")
        self._row += _CHART_ROWS
