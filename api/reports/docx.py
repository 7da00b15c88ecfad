"""A document as DOCX in the layout of official papers (公文, GB/T 9704-2012).

A4, text block 156 mm x 225 mm, 22 lines a page; title in 小标宋 of size 2, headings in 黑体 and 楷体, text in 仿宋 of
size 3, page numbers between dashes, on the outer side. The fonts are named, not embedded: offices have them.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any, Final

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt, RGBColor

from api.reports.document import Block, Chart, Document, Heading, Paragraph, TableBlock, day_words
from api.reports.picture import png

_SONG, _HEI, _KAI, _FANG = "方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312"
_LATIN: Final = "Times New Roman"
_SIZE_2, _SIZE_3, _SIZE_4, _SIZE_5 = Pt(22), Pt(16), Pt(14), Pt(10.5)
_LINE: Final = Pt(28.95)  # 22 lines in 225 mm
_RED: Final = RGBColor(0xC0, 0x00, 0x00)
_WIDE: Final = 11


def write(document: Document) -> bytes:
    """The DOCX file."""
    paper = docx.Document()
    _style(paper)
    _page(paper, is_wide=any(len(table.columns) > _WIDE for table in document.tables))
    properties = paper.core_properties
    properties.title, properties.author, properties.subject = document.title, document.issuer, document.subject
    properties.created = properties.modified = datetime(
        document.day.year, document.day.month, document.day.day, tzinfo=UTC
    ).replace(tzinfo=None)
    if document.banner:
        _paragraph(paper, document.banner, _HEI, _SIZE_4, align=WD_ALIGN_PARAGRAPH.CENTER, colour=_RED)
    _paragraph(paper, document.title, _SONG, _SIZE_2, align=WD_ALIGN_PARAGRAPH.CENTER, line=Pt(36))
    _paragraph(paper, "", _FANG, _SIZE_3)
    for name, value in document.facts:
        colon = "：" if document.language == "zh" else ": "
        _paragraph(paper, f"{name}{colon}{value}", _FANG, _SIZE_4, line=Pt(22))
    for block in document.blocks:
        _block(paper, block, document)
    _paragraph(paper, "", _FANG, _SIZE_3)
    _paragraph(paper, document.issuer, _FANG, _SIZE_3, align=WD_ALIGN_PARAGRAPH.RIGHT, right=4)
    _paragraph(
        paper, day_words(document.day, document.language), _FANG, _SIZE_3, align=WD_ALIGN_PARAGRAPH.RIGHT, right=4
    )
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def _style(paper: Any) -> None:
    normal = paper.styles["Normal"]
    normal.font.name, normal.font.size = _LATIN, _SIZE_3
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _FANG)
    normal.paragraph_format.space_after = Pt(0)


def _page(paper: Any, *, is_wide: bool) -> None:
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.left_margin = Mm(37), Mm(28)
    section.right_margin, section.bottom_margin = Mm(26), Mm(35)
    section.footer_distance = Mm(28)
    if is_wide:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
    paper.settings.odd_and_even_pages_header_footer = True
    _number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)


def _number(footer: Any, align: Any) -> None:
    paragraph = footer.paragraphs[0]
    paragraph.alignment = align
    for text, field in (("— ", None), ("", "PAGE"), (" —", None)):
        run = paragraph.add_run(text)
        _font(run, "宋体", _SIZE_4)
        if field is not None:
            for kind in ("begin", None, "end"):
                element = OxmlElement("w:fldChar" if kind else "w:instrText")
                if kind:
                    element.set(qn("w:fldCharType"), kind)
                else:
                    element.text = field
                run._r.append(element)


def _font(run: Any, name: str, size: Any, *, is_bold: bool = False, colour: RGBColor | None = None) -> None:
    run.font.name, run.font.size, run.font.bold = _LATIN, size, is_bold
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)
    if colour is not None:
        run.font.color.rgb = colour


def _paragraph(
    paper: Any,
    text: str,
    font: str,
    size: Any,
    *,
    align: Any = None,
    indent: int = 0,
    right: int = 0,
    line: Any = _LINE,
    is_kept: bool = False,
    colour: RGBColor | None = None,
) -> Any:
    paragraph = paper.add_paragraph()
    form = paragraph.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, line
    form.keep_with_next = is_kept
    if align is not None:
        form.alignment = align
    if indent:
        form.first_line_indent = size * indent
    if right:
        form.right_indent = size * right
    _font(paragraph.add_run(text), font, size, colour=colour)
    return paragraph


def _block(paper: Any, block: Block, document: Document) -> None:
    indent = 2 if document.language == "zh" else 0
    match block:
        case Heading():
            font = _HEI if block.level == 1 else _KAI
            _paragraph(paper, block.text, font, _SIZE_3, indent=indent, is_kept=True)
        case Paragraph():
            _paragraph(paper, block.text, _FANG, _SIZE_3, indent=indent)
        case TableBlock():
            _table(paper, block)
        case Chart():
            _caption(paper, block.caption)
            width, height = _width(paper), Mm(55)
            paper.add_picture(io.BytesIO(png(block, width.pt, height.pt)), width=width)


def _width(paper: Any) -> Any:
    section = paper.sections[0]
    return Emu(section.page_width - section.left_margin - section.right_margin)


def _caption(paper: Any, text: str) -> None:
    _paragraph(paper, text, _HEI, _SIZE_5, align=WD_ALIGN_PARAGRAPH.CENTER, line=Pt(20), is_kept=True)


def _table(paper: Any, block: TableBlock) -> None:
    _caption(paper, block.caption)
    if not block.rows:
        _paragraph(paper, block.empty or "—", _FANG, _SIZE_5, line=Pt(18), align=WD_ALIGN_PARAGRAPH.CENTER)
    else:
        table = paper.add_table(rows=0, cols=len(block.columns), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        size = Pt(9) if len(block.columns) <= 7 else Pt(7.5)
        heads = [column.head for column in block.columns]
        _row(table, heads, [WD_ALIGN_PARAGRAPH.CENTER] * len(heads), _HEI, size)
        _repeat(table.rows[0])
        aligns = [
            WD_ALIGN_PARAGRAPH.LEFT if column.kind == "text" else WD_ALIGN_PARAGRAPH.RIGHT for column in block.columns
        ]
        for row in block.rows:
            shown = [column.shown(cell) for column, cell in zip(block.columns, row, strict=True)]
            _row(table, shown, aligns, "宋体", size)
        share = sum(column.width for column in block.columns)
        for column, made in zip(block.columns, table.columns, strict=True):
            made.width = Emu(int(_width(paper) * column.width / share))  # LibreOffice reads this, Word each cell's
            for cell in made.cells:
                cell.width = made.width
    for note in block.notes:
        _paragraph(paper, note, "宋体", Pt(9), line=Pt(14))


def _row(table: Any, texts: list[str], aligns: list[Any], font: str, size: Any) -> None:
    for cell, text, align in zip(table.add_row().cells, texts, aligns, strict=True):
        paragraph = cell.paragraphs[0]
        paragraph.alignment = align
        _font(paragraph.add_run(text), font, size)


def _repeat(row: Any) -> None:
    """The head of a table on every page it reaches, and no row broken over two."""
    properties = row._tr.get_or_add_trPr()
    head = OxmlElement("w:tblHeader")
    head.set(qn("w:val"), "true")
    properties.append(head)
