"""A document as DOCX in the layout of official papers (公文, GB/T 9704-2012).

A4, text block 156 mm x 225 mm, 22 lines a page; title in 小标宋 of size 2, headings in 黑体 and 楷体, text in 仿宋 of
size 3, page numbers between dashes, one character from the outer edge; the date four characters from the right edge and
the issuer centred over it, where the seal comes.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Final

import docx
from docx.document import Document as Paper
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import _Footer
from docx.shared import Emu, Length, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph as Made
from docx.text.run import Run

from api.reports.document import Block, Chart, Document, Heading, Paragraph, TableBlock, day_words, width
from api.reports.docx_fonts import EMBEDDED, embed
from api.reports.docx_table import set_table
from api.reports.picture import png

_SONG, _HEI, _KAI, _FANG = "方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312"
_LATIN: Final = "Times New Roman"
_SIZE_2, _SIZE_3, _SIZE_4, _SIZE_5 = Pt(22), Pt(16), Pt(14), Pt(10.5)
_LINE: Final = Pt(28.95)  # 22 lines in 225 mm
_RED: Final = RGBColor(0xC0, 0x00, 0x00)
_WIDE: Final = 11
_TITLE_EMS: Final = 20
"""Characters of size 2 in a line of the text block."""
_SEAL_EMS: Final = 4
_LONGEST_PROPERTY: Final = 255


def write(document: Document) -> bytes:
    """The DOCX file."""
    paper = docx.Document()
    _drop_old_styles(paper)
    _style(paper)
    _page(paper, is_wide=any(len(table.columns) > _WIDE for table in document.tables))
    _properties(paper, document)
    _top(paper, document)
    for block in document.blocks:
        _block(paper, block, document)
    _signature(paper, document)
    embed(paper)
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def _properties(paper: Paper, document: Document) -> None:
    properties = paper.core_properties
    texts = (text[:_LONGEST_PROPERTY] for text in (document.title, document.issuer, document.subject))
    properties.title, properties.author, properties.subject = texts
    properties.created = properties.modified = datetime(  # noqa: DTZ001 -- the library writes it as UTC
        document.day.year, document.day.month, document.day.day
    )


def _drop_old_styles(paper: Paper) -> None:
    """The library's template holds its styles a second time, for Word 2010; ours are not those any more."""
    for key, relation in list(paper.part.rels.items()):
        if relation.reltype.endswith("/stylesWithEffects"):
            del paper.part.rels[key]


def _style(paper: Paper) -> None:
    normal = paper.styles["Normal"]
    assert isinstance(normal, ParagraphStyle)  # the template of the library has it
    normal.font.name, normal.font.size = _LATIN, _SIZE_3
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _FANG)
    normal.paragraph_format.space_after = Pt(0)
    for language in paper.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")  # else a stand-in font may write Japanese forms


def _page(paper: Paper, *, is_wide: bool) -> None:
    section = paper.sections[0]
    page, margins = (Mm(210), Mm(297)), (Mm(37), Mm(26), Mm(35), Mm(28))
    if is_wide:  # the same page, turned to the left
        section.orientation = WD_ORIENT.LANDSCAPE
        page, margins = page[::-1], (*margins[1:], margins[0])
    section.page_width, section.page_height = page
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = margins
    section.footer_distance = Emu(section.bottom_margin - Mm(12))  # the number 7 mm below the text
    paper.settings.odd_and_even_pages_header_footer = True
    _number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)


def _number(footer: _Footer, align: WD_ALIGN_PARAGRAPH) -> None:
    paragraph = footer.paragraphs[0]
    paragraph.alignment = align
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = _SIZE_4
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


def _top(paper: Paper, document: Document) -> None:
    centre = WD_ALIGN_PARAGRAPH.CENTER
    if document.banner:
        _paragraph(paper, document.banner, EMBEDDED, _SIZE_5, align=centre, colour=_RED, line=Pt(22))
    for line in document.title_lines(_TITLE_EMS):
        _paragraph(paper, line, _SONG, _SIZE_2, align=centre, line=Pt(36))
    _paragraph(paper, "", _FANG, _SIZE_3, line=Pt(14))
    for line in document.fact_lines:
        _paragraph(paper, line, _FANG, _SIZE_4, line=Pt(22))


def _signature(paper: Paper, document: Document) -> None:
    """Kept with what stands before it: a signature alone on a page could be put under anything."""
    day, issuer = day_words(document.day, document.language), document.issuer
    over_day = _SEAL_EMS + (width(day) - width(issuer)) / 2
    if paper.paragraphs:
        paper.paragraphs[-1].paragraph_format.keep_with_next = True
    if document.signed_by:
        _paragraph(paper, document.signature_line, EMBEDDED, _SIZE_5, is_kept=True)
    else:
        _paragraph(paper, "", _FANG, _SIZE_3, is_kept=True)
    right, (size, line) = WD_ALIGN_PARAGRAPH.RIGHT, _text_size(document)
    _paragraph(paper, issuer, _FANG, size, align=right, right=max(over_day, 0.0), line=line, is_kept=True)
    _paragraph(paper, day, _FANG, size, align=right, right=_SEAL_EMS, line=line)


def _text_size(document: Document) -> tuple[Length, Length]:
    """Size and line of running text: that of official papers, but forms stay on one page."""
    return (Pt(12), Pt(20)) if document.signed_by else (_SIZE_3, _LINE)


def _font(run: Run, name: str, size: Length, *, colour: RGBColor | None = None) -> None:
    run.font.name, run.font.size = EMBEDDED if name == EMBEDDED else _LATIN, size
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)
    if colour is not None:
        run.font.color.rgb = colour


def _paragraph(
    paper: Paper,
    text: str,
    font: str,
    size: Length,
    *,
    align: WD_ALIGN_PARAGRAPH | None = None,
    indent: int = 0,
    right: float = 0,
    line: Length = _LINE,
    is_kept: bool = False,
    colour: RGBColor | None = None,
) -> Made:
    paragraph = paper.add_paragraph()
    form = paragraph.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, line
    form.keep_with_next = is_kept
    form.alignment = align
    if indent:
        form.first_line_indent = Emu(size * indent)
    if right:
        form.right_indent = Emu(int(size * right))
    _font(paragraph.add_run(text), font, size, colour=colour)
    return paragraph


def _block(paper: Paper, block: Block, document: Document) -> None:
    indent = 2 if document.language == "zh" else 0
    match block:
        case Heading():
            font = _HEI if block.level == 1 else _KAI
            _paragraph(paper, block.text, font, _SIZE_3, indent=indent, is_kept=True)
        case Paragraph():
            size, line = _text_size(document)
            _paragraph(paper, block.text, _FANG, size, indent=indent, line=line)
        case TableBlock():
            _table(paper, block)
        case Chart():
            _caption(paper, block.caption)
            across, height = _width(paper), Mm(55)
            shape = paper.add_picture(io.BytesIO(png(block, across.pt, height.pt)), width=across)
            shape._inline.docPr.set("descr", block.caption)  # for those who have pictures read to them


def _width(paper: Paper) -> Length:
    section = paper.sections[0]
    sides = (section.page_width, section.left_margin, section.right_margin)
    page, left, right = (side or Emu(0) for side in sides)  # all three were set by _page
    return Emu(page - left - right)


def _caption(paper: Paper, text: str) -> None:
    _paragraph(paper, text, EMBEDDED, _SIZE_5, align=WD_ALIGN_PARAGRAPH.CENTER, line=Pt(22), is_kept=True)


def _table(paper: Paper, block: TableBlock) -> None:
    _caption(paper, block.caption)
    if block.rows:
        set_table(paper, block, _width(paper))
    else:
        _paragraph(paper, block.empty or "—", EMBEDDED, _SIZE_5, line=Pt(18), align=WD_ALIGN_PARAGRAPH.CENTER)
    for note in block.notes:
        _paragraph(paper, note, EMBEDDED, Pt(9), line=Pt(14))
