"""A document as PDF on A4: title, facts, numbered headings, tables that repeat their head, charts; fonts embedded."""

from __future__ import annotations

import io
import re
from html import escape
from itertools import zip_longest
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    PageTemplate,
    Spacer,
    Table,
)
from reportlab.platypus import Paragraph as Flowing

from api.reports import fonts
from api.reports.document import Block, Cell, Chart, Column, Document, Heading, Paragraph, TableBlock, day_words
from api.reports.drawing import GRID, INK, Box, Stroke, Word, draw

_RED: Final = colors.HexColor("#b91c1c")
_TITLE: Final = 19
_HEAD: Final = colors.HexColor("#eef2f7")
_WIDE: Final = 11
"""A table of more columns turns the pages to landscape."""
_FONT: Final = ("FONTNAME", (0, 0), (-1, -1), fonts.REGULAR)  # else tables name one that the file does not hold
_CHINESE: Final = re.compile("[\u3000-\u9fff]")
_BOLDER: Final = 1.06
"""Heads are bold and wider than the regular font tells."""
_PADDING: Final = 6.5
_KEPT_ROWS: Final = 8
"""A table of no more rows is not broken over two pages, nor parted from its notes."""
_BEGUN: Final = 38 * mm
"""Room for the caption, the head and the first rows of a longer table; with less it begins on the next page."""
_CLOSING: Final = tuple("，；：》”’！？")
_MOST_LINES: Final = 12
"""Of Chinese text in a row: the three rows that are kept together fit a page with it."""
_CHART_HEIGHT: Final = 56 * mm


def write(document: Document) -> bytes:
    """The PDF file."""
    fonts.register()
    out = io.BytesIO()
    is_wide = any(len(table.columns) > _WIDE for table in document.tables)
    size = landscape(A4) if is_wide else A4
    template = BaseDocTemplate(
        out,
        pagesize=size,
        leftMargin=22 * mm,
        rightMargin=22 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=document.title,
        author=document.issuer,
        subject=document.subject,
        lang="zh-CN" if document.language == "zh" else "en",
        initialFontName=fonts.REGULAR,  # else every file names a font that it does not hold
    )
    frame = Frame(template.leftMargin, template.bottomMargin, template.width, template.height, 0, 0, 0, 0)
    template.addPageTemplates([PageTemplate("page", [frame], onPage=lambda c, _: _page(c, document, size))])
    story: list[Any] = [*_top(document, template.width)]
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        if isinstance(block, Heading) and _is_long(following):
            story.append(CondPageBreak(_BEGUN + 15 * mm))
        story += _flowables(block, template.width, document, is_kept=not _is_long(following))
    end = story.pop() if isinstance(story[-1], Flowing) else Spacer(0, 0)  # a signature alone could be under anything
    story.append(KeepTogether([end, Spacer(1, 10 * mm), *_signature(document)]))
    template.build(story)
    return out.getvalue()


def _style(size: float, **more: Any) -> ParagraphStyle:
    leading = more.pop("leading", size * 1.6)
    return ParagraphStyle("own", fontName=more.pop("font", fonts.REGULAR), fontSize=size, leading=leading, **more)


def _is_long(block: Block | None) -> bool:
    """True for a table that may be broken over two pages."""
    return isinstance(block, TableBlock) and len(block.rows) > _KEPT_ROWS


class _Text(Flowing):
    """A paragraph whose lines do not begin with a closing mark: of the marks of Chinese the library knows some."""

    def breakLinesCJK(self, maxWidths: Any) -> Any:  # noqa: N802, N803 -- the library's names
        broken = super().breakLinesCJK(maxWidths)
        if broken.kind == 0:
            for place in range(1, len(broken.lines)):
                (above_room, (above,)), (room, (line,)) = broken.lines[place - 1 : place + 1]
                if line[:1] in _CLOSING:
                    broken.lines[place - 1 : place + 1] = [(above_room, [above + line[0]]), (room, [line[1:]])]
        return broken


def _text(text: str, style: ParagraphStyle) -> Flowing:
    if _CHINESE.search(text):  # breaks anywhere, all else between words
        style = style.clone("cjk", wordWrap="CJK")
    return _Text(escape(fonts.printable(text)).replace("\n", "<br/>"), style)


def _page(canvas: Canvas, document: Document, size: tuple[float, float]) -> None:
    canvas.saveState()
    canvas.setFillColor(colors.HexColor(INK))
    canvas.setFont(fonts.REGULAR, 8)
    canvas.drawString(22 * mm, 11 * mm, fonts.printable(document.foot)[:112])
    canvas.drawRightString(size[0] - 22 * mm, 11 * mm, f"— {canvas.getPageNumber()} —")
    canvas.restoreState()


def _top(document: Document, width: float) -> list[Flowable]:
    story: list[Flowable] = []
    if document.banner:
        banner = Table([[_text(document.banner, _style(10, font=fonts.BOLD, textColor=_RED, alignment=TA_CENTER))]])
        banner.setStyle([_FONT, ("BOX", (0, 0), (-1, -1), 1, _RED), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
        story += [banner, Spacer(1, 4 * mm)]
    title = "\n".join(document.title_lines(width / _TITLE))
    story.append(_text(title, _style(_TITLE, font=fonts.BOLD, alignment=TA_CENTER, leading=27)))
    story.append(Spacer(1, 2.5 * mm))
    rule = HRFlowable(width="100%", thickness=1.6, color=_RED, spaceBefore=0, spaceAfter=3)
    small = _style(9, leading=13)
    facts = document.fact_lines
    half = (len(facts) + 1) // 2
    pairs = [[_text(a, small), _text(b, small)] for a, b in zip(facts[:half], [*facts[half:], ""], strict=False)]
    story.append(rule)
    if pairs:
        grid = Table(pairs, colWidths=[width / 2] * 2)
        grid.setStyle([_FONT, ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 1),
                       ("BOTTOMPADDING", (0, 0), (-1, -1), 1)])  # fmt: skip
        story.append(grid)
    return story


def _flowables(block: Block, width: float, document: Document, *, is_kept: bool) -> list[Flowable]:
    """A block on paper; `is_kept`: a heading does not part from the whole of what follows."""
    match block:
        case Heading():
            size = 13 if block.level == 1 else 11
            kept = {"keepWithNext": 1} if is_kept else {}
            return [_text(block.text, _style(size, font=fonts.BOLD, spaceBefore=9, spaceAfter=4, **kept))]
        case Paragraph():
            indent = 21 if document.language == "zh" else 0
            return [_text(block.text, _style(10.5, firstLineIndent=indent, spaceAfter=3, leading=17))]
        case TableBlock():
            return _table(block, width)
        case Chart():
            caption = _text(block.caption, _style(9, font=fonts.BOLD, spaceBefore=5, keepWithNext=1))
            return [caption, _Drawn(block, width), Spacer(1, 2 * mm)]


def _table(block: TableBlock, width: float) -> list[Flowable]:
    kept = {} if _is_long(block) else {"keepWithNext": 1}
    caption = _text(block.caption, _style(9, font=fonts.BOLD, spaceBefore=5, spaceAfter=2, **kept))
    notes = [_text(note, _style(8, leading=11.5, textColor=colors.HexColor(INK))) for note in block.notes]
    if not block.rows:
        return [caption, _text(block.empty or "—", _style(9)), *notes]
    size = 8.5 if len(block.columns) <= 9 else 7.5
    widths = block.widths(width, lambda text: fonts.measure(text, size * _BOLDER) + _PADDING)
    rows = [part for row in block.rows for part in _parts(row, widths, size)]
    body = [[_cell(c, cell, size) for c, cell in zip(block.columns, row, strict=True)] for row in rows]
    head = [_head(column.head, size, room) for column, room in zip(block.columns, widths, strict=True)]
    table = Table([head, *body], colWidths=widths, repeatRows=1)
    table.setStyle([
        _FONT,
        ("BACKGROUND", (0, 0), (-1, 0), _HEAD),
        ("LINEABOVE", (0, 0), (-1, 0), 1, colors.HexColor(INK)),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.HexColor(INK)),
        ("LINEBELOW", (0, -1), (-1, -1), 1, colors.HexColor(INK)),
        ("LINEBELOW", (0, 1), (-1, -2), 0.4, colors.HexColor(GRID)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ("NOSPLIT", (0, 0), (-1, 2)), ("NOSPLIT", (0, -3), (-1, -1)),
    ])  # fmt: skip
    whole: list[Flowable] = [caption, table, Spacer(1, 1.5 * mm), *notes, Spacer(1, 1.5 * mm)]
    if _is_long(block):
        return [CondPageBreak(_BEGUN), *whole]
    for part in whole[:-1]:
        part.keepWithNext = 1
    return whole


def _parts(row: tuple[Cell, ...], widths: list[float], size: float) -> list[tuple[Cell, ...]]:
    """The row, or where a text in it is very long several: the library breaks no row over two pages."""
    cut: list[list[Cell]] = []
    for cell, room in zip(row, widths, strict=True):
        most = int(_MOST_LINES * max(room - _PADDING, size) / size)
        text = cell if isinstance(cell, str) else ""
        cut.append([text[i : i + most] for i in range(0, len(text), most)] or [cell])
    return list(zip_longest(*cut, fillvalue=""))


def _head(text: str, size: float, room: float) -> Flowing:
    """The head of a column; where it is too wide its unit gets a line of its own, since Chinese breaks anywhere."""
    if fonts.measure(text, size * _BOLDER) + _PADDING > room:
        text = text.replace(" (", "\n(")
    return _text(text, _style(size, font=fonts.BOLD, leading=size * 1.35, alignment=TA_CENTER))


def _cell(column: Column, cell: Cell, size: float) -> Flowing:
    align = {} if column.is_words(cell) else {"alignment": TA_RIGHT}
    return _text(column.shown(cell), _style(size, leading=size * 1.35, **align))


def _signature(document: Document) -> list[Flowing]:
    right = _style(10.5, alignment=TA_RIGHT, leading=17)
    lines = [_text(document.issuer, right), _text(day_words(document.day, document.language), right)]
    if document.signed_by:
        lines[:0] = [_text(document.signature_line, _style(9, spaceAfter=12))]
    return lines


class _Drawn(Flowable):
    """A chart on the page."""

    def __init__(self, chart: Chart, width: float) -> None:
        super().__init__()
        self._chart = chart
        self.width, self.height = width, _CHART_HEIGHT

    def wrap(self, *_: float) -> tuple[float, float]:
        """How much room it takes."""
        return self.width, self.height

    def draw(self) -> None:
        """Put the shapes onto the canvas."""
        for shape in draw(self._chart, self.width, self.height, measure=fonts.measure):
            self._put(self.canv, shape)

    @staticmethod
    def _put(canvas: Canvas, shape: Box | Stroke | Word) -> None:
        match shape:
            case Box():
                canvas.setFillColor(colors.HexColor(shape.colour))
                canvas.rect(shape.x, shape.y, shape.width, shape.height, stroke=0, fill=1)
            case Stroke():
                canvas.setStrokeColor(colors.HexColor(shape.colour))
                canvas.setLineWidth(shape.width)
                canvas.setDash([3, 2] if shape.is_dashed else [])
                path = canvas.beginPath()
                path.moveTo(*shape.points[0])
                for point in shape.points[1:]:
                    path.lineTo(*point)
                canvas.drawPath(path)
            case Word():
                canvas.setFillColor(colors.HexColor(shape.colour))
                canvas.setFont(fonts.REGULAR, shape.size)
                at = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
                at[shape.anchor](shape.x, shape.y, fonts.printable(shape.text))
