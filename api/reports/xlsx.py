"""A document as XLSX: one sheet to read and print, numbers as numbers, native charts, no formulas (promise P-43)."""

from __future__ import annotations

import io
import math
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from api.reports.document import Block, Cell, Chart, Column, Document, Heading, Paragraph, TableBlock, day_words
from api.reports.drawing import COLOURS
from api.reports.xlsx_pages import page_ends, room
from energy.registry.spreadsheet import neutral_text

_FONT: Final = "宋体"
_GREY: Final = PatternFill("solid", fgColor="EEF2F7")
_THIN: Final = Side(style="thin", color="94A3B8")
_BOX: Final = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_RED: Final = "B91C1C"
_ROW, _HEAD_ROW = 15.0, 32.0  # points
_HIGHEST: Final = 409.0
"""No row of a workbook may be higher; a longer text is all there and shows as far as it fits."""
_INDENT: Final = 1
_WIDE: Final = 8
"""A table of more columns turns the page."""
_NUMBERS: Final = 19
"""Row of a chart's sheet in which its numbers begin."""
_CHART_COLUMN: Final = 22.0
_LONGEST_FOOT: Final = 120
_A4: Final = (595.3, 841.9)  # points
_SQUEEZED: Final = 1.25
"""A form may be so much longer than its page: it is made smaller."""
_SIDE, _TOP, _BOTTOM = 0.6, 0.7, 0.8  # margins in inches


def write(document: Document) -> bytes:
    """The XLSX file."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new workbook has one
    sheet.title = "报表" if document.language == "zh" else "Report"
    _Sheet(book, sheet, document).fill()
    book.properties.title, book.properties.creator = document.title, document.issuer
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _format(column: Column, value: Cell) -> str:
    if isinstance(value, int):
        return "#,##0"
    if column.kind == "share":
        return "0." + "0" * (column.digits or 1) + "%"
    if column.kind == "change":
        return "+0.0%;-0.0%;0.0%"
    return "#,##0" + ("." + "0" * column.digits if column.digits else "")


def _value(cell: Cell) -> Cell:
    """Unknown is an empty cell; no text that a spreadsheet program could take for a formula."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return neutral_text(cell) if isinstance(cell, str) else cell


class _Sheet:
    """One sheet, filled from the top."""

    def __init__(self, book: Workbook, sheet: Worksheet, document: Document) -> None:
        self._book = book
        self._sheet = sheet
        self._document = document
        self._row = 1
        self._kept: set[int] = set()  # rows that stay on the page of the next one
        self._n_columns = max([len(table.columns) for table in document.tables] or [6])
        self._widths = [self._column_width(place) for place in range(self._n_columns)]
        self._charts = 0

    def fill(self) -> None:
        document = self._document
        for number, width in enumerate(self._widths, 1):
            self._sheet.column_dimensions[get_column_letter(number)].width = width
        _set_up(self._sheet, document.foot, is_wide=self._n_columns > _WIDE)
        if document.banner:
            self._line(document.banner, Font(_FONT, 12, bold=True, color=_RED), align="center")
        self._line(document.title, Font(_FONT, 18, bold=True), align="center", height=34)
        for fact in document.fact_lines:
            self._line(fact, Font(_FONT, 10))
        for block in document.blocks:
            self._block(block)
        self._signature()
        self._break_pages()

    def _signature(self) -> None:
        """Who stands for the paper and when, on one page with the end of the text."""
        document = self._document
        self._kept |= {self._row - 1, self._row}
        self._row += 1
        if document.signed_by:
            self._line(document.signature_line, Font(_FONT, 10), height=26, is_kept=True)
        self._line(document.issuer, Font(_FONT, 11), align="right", is_kept=True)
        self._line(day_words(document.day, document.language), Font(_FONT, 11), align="right")

    def _break_pages(self) -> None:
        sizes = self._sheet.row_dimensions
        heights = [sizes[row].height or _ROW for row in range(1, self._row)]
        across, down = _A4[::-1] if self._n_columns > _WIDE else _A4
        most = room(down - 72 * (_TOP + _BOTTOM), across - 72 * 2 * _SIDE, self._widths)
        if self._document.signed_by and sum(heights) <= _SQUEEZED * most:
            self._sheet.page_setup.fitToHeight = 1  # who signs a form signs one page
            return
        for row in page_ends(heights, self._kept, most):
            self._sheet.row_breaks.append(Break(id=row))

    def _column_width(self, place: int) -> float:
        widths = [table.columns[place].width for table in self._document.tables if len(table.columns) > place]
        return min(9.5 * max([1.0, *widths]), 19.0)

    def _line(
        self, text: str, font: Font, *, align: str = "left", height: float | None = None, is_kept: bool = False
    ) -> None:
        if is_kept:
            self._kept.add(self._row)
        cell = self._sheet.cell(self._row, 1, _value(text))
        cell.font, cell.alignment = font, Alignment(horizontal=align, vertical="center", wrap_text=True)
        self._sheet.merge_cells(start_row=self._row, end_row=self._row, start_column=1, end_column=self._n_columns)
        needed = height or (_ROW + 1) * _n_lines(text, sum(self._widths))
        self._sheet.row_dimensions[self._row].height = min(needed, _HIGHEST)
        self._row += 1

    def _block(self, block: Block) -> None:
        match block:
            case Heading():
                self._kept.add(self._row)
                self._row += 1
                self._line(block.text, Font("黑体", 13 if block.level == 1 else 11, bold=True), height=20, is_kept=True)
            case Paragraph():
                self._line(block.text, Font(_FONT, 11))
            case TableBlock():
                self._table(block)
            case Chart():
                self._chart(block)

    def _table(self, block: TableBlock) -> None:
        self._line(block.caption, Font(_FONT, 10, bold=True), is_kept=True)
        if not block.rows:
            self._line(block.empty or "—", Font(_FONT, 10))
        else:
            self._head([column.head for column in block.columns])
            first = self._row
            for row in block.rows:
                self._body(block.columns, row)
            last = self._row - 1
            self._kept |= {row for row in (first - 1, first, last - 1) if row < last} | (
                {last} if block.notes else set()
            )
        for note in block.notes:
            self._line(note, Font(_FONT, 9, color="475569"))

    def _head(self, heads: list[str]) -> None:
        lines = 1
        for number, head in enumerate(heads, 1):
            _set(self._sheet.cell(self._row, number), head, Font(_FONT, 10, bold=True), "center").fill = _GREY
            lines = max(lines, _n_lines(head, self._widths[number - 1] - 2 * _INDENT))
        self._sheet.row_dimensions[self._row].height = min(max(_ROW * lines + 2, _HEAD_ROW), _HIGHEST)
        self._row += 1

    def _body(self, columns: tuple[Column, ...], row: tuple[Cell, ...]) -> None:
        lines = 1
        for number, (column, value) in enumerate(zip(columns, row, strict=True), 1):
            side = "left" if column.is_words(value) else "right"
            cell = _set(self._sheet.cell(self._row, number), value, Font(_FONT, 10), side)
            if isinstance(value, str):
                lines = max(lines, _n_lines(value, self._widths[number - 1] - 2 * _INDENT))
            else:
                cell.number_format = _format(column, value)
        self._sheet.row_dimensions[self._row].height = min(_ROW * lines + 2, _HIGHEST)
        self._row += 1

    def _chart(self, block: Chart) -> None:
        """A chart has a sheet of its own, above its numbers: no page of any program can cut it in two."""
        self._charts += 1
        name = f"图{self._charts}" if self._document.language == "zh" else f"Chart {self._charts}"
        self._line(f"{block.caption} → {name}", Font(_FONT, 10, bold=True))
        sheet = self._book.create_sheet(name)
        _set_up(sheet, self._document.foot, is_wide=False)
        sheet.page_setup.fitToHeight = True
        sheet.cell(1, 1, _value(block.caption)).font = Font(_FONT, 11, bold=True)
        heads = ["", *(f"{line.name} ({block.unit})" for line in block.lines)]
        for number, head in enumerate(heads, 1):
            sheet.column_dimensions[get_column_letter(number)].width = _CHART_COLUMN
            _set(sheet.cell(_NUMBERS, number), head, Font(_FONT, 10, bold=True), "center").fill = _GREY
        for row, label in enumerate(block.labels, _NUMBERS + 1):
            _set(sheet.cell(row, 1), label, Font(_FONT, 10), "left")
            for number, line in enumerate(block.lines, 2):
                value = line.values[row - _NUMBERS - 1]
                _set(sheet.cell(row, number), value, Font(_FONT, 10), "right").number_format = "#,##0.0"
        sheet.add_chart(_drawn(block, sheet), "A2")


def _set(cell: Any, value: Cell, font: Font, side: str) -> Any:
    """A cell of a table; the library's stubs know no common type for cells that can be merged."""
    cell.value = _value(value)
    cell.font, cell.border = font, _BOX
    cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=isinstance(value, str), indent=_INDENT)
    return cell


def _set_up(sheet: Worksheet, foot: str, *, is_wide: bool) -> None:
    """A4, as many columns as there are on one page."""
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.paperSize = int(sheet.PAPERSIZE_A4)
    sheet.page_setup.orientation = "landscape" if is_wide else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, False
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins = PageMargins(left=_SIDE, right=_SIDE, top=_TOP, bottom=_BOTTOM)
    sheet.print_options.horizontalCentered = True
    footer = sheet.oddFooter
    assert footer is not None  # a new sheet has one
    footer.left.text, footer.right.text = foot.replace("&", "&&")[:_LONGEST_FOOT], "— &P —"


def _drawn(block: Chart, sheet: Worksheet) -> BarChart:
    bars, lines = BarChart(), LineChart()
    last = _NUMBERS + len(block.labels)
    for number, line in enumerate(block.lines, 2):
        kind = bars if line.role == "measured" else lines
        kind.add_data(Reference(sheet, min_col=number, min_row=_NUMBERS, max_row=last), titles_from_data=True)
        colour = COLOURS[line.role].lstrip("#")
        series = kind.series[-1]
        if line.role == "measured":
            series.graphicalProperties.solidFill = colour
        else:
            series.graphicalProperties.line.solidFill = colour
            series.graphicalProperties.line.width = 19050
            series.smooth = False
    for kind in (bars, lines):
        kind.set_categories(Reference(sheet, min_col=1, min_row=_NUMBERS + 1, max_row=last))
    bars.y_axis.title, bars.y_axis.delete, bars.x_axis.delete = block.unit, False, False
    bars.y_axis.scaling.min = 0  # a cut axis exaggerates
    bars.y_axis.numFmt = "#,##0"
    bars.legend.position = "b"
    bars.width, bars.height = 17, 8
    if lines.series:
        bars += lines
    return bars


def _n_lines(text: str, room: float) -> int:
    """Lines of a text in a room of so many Latin characters."""
    return max(1, math.ceil(sum(1 if c.isascii() else 2 for c in text) / room))
