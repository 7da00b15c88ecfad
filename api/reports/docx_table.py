"""A table of a DOCX paper: ruled, its head on every page, no row broken over two."""

from __future__ import annotations

from typing import Final

from docx.document import Document as Paper
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Emu, Length, Pt
from docx.table import Table, _Cell, _Row

from api.reports import fonts
from api.reports.document import Column, TableBlock
from api.reports.docx_fonts import EMBEDDED

_HEAD_FILL: Final = "EEF2F7"
_SIDE: Final = "45"  # twips of each side: large sums in eleven columns need the room
_PADDING: Final = 6.0  # points: both sides, and the lines
_LEADING: Final = 1.3
_KEPT: Final = 2
"""So many rows stay with the head, and so many with the last."""


def set_table(paper: Paper, block: TableBlock, width: Length) -> None:
    """Put the table at the end of the paper."""
    table = paper.add_table(rows=1 + len(block.rows), cols=len(block.columns), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    _narrow_sides(table)
    size = _size(len(block.columns))
    head, *body = table.rows
    _set_head(head, block.columns, size)
    for made, row in zip(body, block.rows, strict=True):
        made._tr.get_or_add_trPr().append(_element("w:cantSplit"))
        for cell, column, value in zip(made.cells, block.columns, row, strict=True):
            align = WD_ALIGN_PARAGRAPH.LEFT if column.is_words(value) else WD_ALIGN_PARAGRAPH.RIGHT
            _fill(cell, column.shown(value), align, size)
    widths = block.widths(width.pt, lambda text: fonts.measure(text, size.pt) + _PADDING)
    for points, drawn in zip(widths, table.columns, strict=True):
        drawn.width = Pt(points)  # LibreOffice reads this, Word each cell's
        for cell in drawn.cells:
            cell.width = drawn.width
    _keep_ends(table, has_notes=bool(block.notes))


def _size(n_columns: int) -> Length:
    return Pt(10.5) if n_columns <= 6 else Pt(9) if n_columns <= 9 else Pt(7.5)


def _set_head(row: _Row, columns: tuple[Column, ...], size: Length) -> None:
    properties = row._tr.get_or_add_trPr()
    properties.append(_element("w:cantSplit"))
    properties.append(_element("w:tblHeader"))
    for cell, column in zip(row.cells, columns, strict=True):
        cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", color="auto", fill=_HEAD_FILL))
        _fill(cell, column.head, WD_ALIGN_PARAGRAPH.CENTER, size)


def _fill(cell: _Cell, text: str, align: WD_ALIGN_PARAGRAPH, size: Length) -> None:
    paragraph = cell.paragraphs[0]
    form = paragraph.paragraph_format
    paragraph.alignment = align
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Emu(int(size * _LEADING))
    form.space_before = form.space_after = Pt(0.8)
    run = paragraph.add_run(text or "\u00a0")  # an empty cell would be as high as the text of the paper
    run.font.name, run.font.size = EMBEDDED, size
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), EMBEDDED)
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER


def _keep_ends(table: Table, *, has_notes: bool) -> None:
    """No head without rows below it, no single row on the next page, no notes without a row above them."""
    rows = table.rows
    last = len(rows) - (0 if has_notes else 1)  # the first row that need not stay with the next paragraph
    for place in {*range(_KEPT), *range(len(rows) - _KEPT - 1, last)}:
        if 0 <= place < last:
            for cell in rows[place].cells:
                cell.paragraphs[0].paragraph_format.keep_with_next = True


def _narrow_sides(table: Table) -> None:
    sides = _element("w:tblCellMar")
    for side in ("w:left", "w:right"):
        sides.append(_element(side, w=_SIDE, type="dxa"))
    look = table._tblPr.find(qn("w:tblLook"))
    look.addprevious(sides)  # the schema's order, which Word insists on


def _element(tag: str, **attributes: str) -> BaseOxmlElement:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element
