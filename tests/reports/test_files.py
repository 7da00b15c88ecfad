"""Files as they are written: fonts embedded, no formulas, the layout of official papers."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

import docx
import pytest
from fontTools.ttLib import TTFont
from openpyxl import load_workbook
from pypdf import PdfReader

from api import reports
from api.context import Context
from api.reports import written
from api.reports.document import Chart, Column, Document, Heading, Line, Paragraph, TableBlock
from api.reports.fonts import printable
from tests.reports.world import EVIL, chief

CORPUS = ('=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1", "=cmd|'/c calc'!A1")


def hostile() -> Document:
    """The corpus 137-143 in every place that text can come to."""
    rows = tuple((text, 1.0) for text in CORPUS)
    table = TableBlock(EVIL, (Column(EVIL), Column("n", "number")), rows, (EVIL,))
    chart = Chart(EVIL, EVIL, CORPUS, (Line(EVIL, (1.0,) * len(CORPUS)),))
    return Document(EVIL, EVIL, date(2026, 1, 1), "zh", ((EVIL, EVIL),), (Paragraph(EVIL), table, chart), banner=EVIL)


def test_a_workbook_holds_no_formula() -> None:
    content = written(hostile(), "xlsx")
    book = load_workbook(io.BytesIO(content))
    texts = [c for sheet in book.worksheets for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]
    assert len(texts) > 2 * len(CORPUS)
    assert [c.coordinate for c in texts if c.data_type == "f" or c.value.startswith(("=", "+", "-", "@", "\t"))] == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert not any(b"<f>" in sheet or b"<f " in sheet for sheet in sheets)


@pytest.mark.parametrize("fmt", reports.FORMATS)
@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1b", "\ufffe", "\ud800"])
def test_a_sign_that_no_file_can_hold_is_marked(sign: str, fmt: reports.Format) -> None:
    text = f"甲{sign}"
    table = TableBlock(text, (Column(text), Column("n", "number")), ((text, 1.0),), (text,))
    chart = Chart(text, text, (text,), (Line(text, (1.0,)),))
    blocks = (Heading(text), Paragraph(text), table, chart)
    document = Document(text, text, date(2026, 1, 1), "zh", ((text, text),), blocks, text, text, text, (text,))
    content = written(document, fmt)
    if fmt == "docx":
        assert "甲〓" in [paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs]


@pytest.mark.parametrize("fmt", reports.FORMATS)
def test_texts_as_long_as_people_may_enter_are_written(fmt: reports.Format) -> None:
    """4,000 signs in a narrow cell are higher than a page; a name may be longer than a property of a file."""
    name = "名" * 300
    columns = (Column("a", width=6), Column("n", "number"), Column("b"))
    for n_rows in (1, 12):
        rows = tuple((str(n), 1.0, "注" * 4000 if n == n_rows - 1 else "") for n in range(n_rows))
        blocks = (Heading("一"), TableBlock("表", columns, rows, ("注",)), Paragraph("末"))
        content = written(Document(name, name, date(2026, 1, 1), "zh", (), blocks, subject=name, foot=name), fmt)
        if fmt == "xlsx":  # Excel refuses a file with a higher row
            sizes = load_workbook(io.BytesIO(content)).worksheets[0].row_dimensions.values()
            assert max(size.height or 0.0 for size in sizes) == 409.0
        if fmt == "pdf":
            texts = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
            assert sum(text.count("注") for text in texts) == 4001


@pytest.mark.parametrize("fmt", ["pdf", "docx"])
def test_hostile_names_are_only_words(fmt: reports.Format) -> None:
    content = written(hostile(), fmt)
    if fmt == "docx":
        texts = [cell.text for row in docx.Document(io.BytesIO(content)).tables[0].rows for cell in row.cells]
        assert '=HYPERLINK("http://x")' in texts
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert b"HYPERLINK" not in archive.read("word/_rels/document.xml.rels")
    else:
        assert b"/URI" not in content


def test_the_fonts_of_a_pdf_are_embedded(ctx: Context) -> None:
    content = reports.monthly(ctx, chief(ctx), "school", date(2025, 3, 1), "pdf")
    fonts = set(re.findall(rb"/BaseFont /([A-Za-z0-9+-]+)", content))
    assert {name.partition(b"+")[2] for name in fonts} == {b"NotoSansSC-Regular", b"NotoSansSC-Bold"}
    assert len(re.findall(rb"/FontFile2", content)) == len(fonts)


def test_a_character_the_font_lacks_is_marked() -> None:
    assert printable("甲市第一中学 kWh ㎡") == "甲市第一中学 kWh 〓"
    assert printable("约束值≤20 kgce/(m²·a)，“—”") == "约束值≤20 kgce/(m²·a)，“—”"


def test_a_paper_has_the_layout_of_official_documents(ctx: Context) -> None:
    paper = docx.Document(io.BytesIO(reports.monthly(ctx, chief(ctx), "school", date(2025, 3, 1), "docx")))
    section = paper.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert (round(section.top_margin.mm), round(section.left_margin.mm)) == (37, 28)
    assert round((section.page_width - section.left_margin - section.right_margin) / 36_000) == 156
    assert round((section.page_height - section.top_margin - section.bottom_margin) / 36_000) == 225
    title = next(p for p in paper.paragraphs if p.text.startswith("甲市第一中学2025年3月"))
    assert title.runs[0].font.size.pt == 22
    assert "方正小标宋简体" in title._p.xml
    assert "仿宋_GB2312" in paper.styles["Normal"].element.xml
    assert len(paper.inline_shapes) == 2  # a chart of electricity and one of water


def test_the_font_travels_in_a_paper_obfuscated_as_the_standard_asks(ctx: Context) -> None:
    content = reports.form(ctx, chief(ctx), "base1", "school", reports.Span(2025), "docx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        table = archive.read("word/fontTable.xml").decode()
        hidden = archive.read("word/fonts/font1.odttf")
        settings = archive.read("word/settings.xml")
        text = "".join(re.findall(r"<w:t[^>]*>([^<]*)<", archive.read("word/document.xml").decode()))
    key = re.search(r'w:fontKey="\{([0-9A-F-]{36})\}"', table)
    assert key is not None
    digits = key[1].replace("-", "")
    mask = [int(digits[i : i + 2], 16) for i in range(30, -2, -2)]  # ECMA-376-1, 17.8.1: from the last pair on
    font = bytes(byte ^ mask[i % 16] for i, byte in enumerate(hidden[:32])) + hidden[32:]
    assert hidden[:4] != font[:4] == b"\x00\x01\x00\x00"  # a TrueType file
    with TTFont(io.BytesIO(font)) as known:
        assert {ord(c) for c in text if not c.isspace()} <= set(known.getBestCmap())
    assert len(font) < 100_000  # the characters of the paper, not 2 MB
    assert b"<w:embedTrueTypeFonts/><w:saveSubsetFonts/>" in settings
    assert re.search(r'w:name="仿宋_GB2312"><w:altName w:val="[^"]*,Noto Sans SC"', table)


def test_a_signature_is_not_alone_on_a_page() -> None:
    for n in range(20, 34):  # at some of these lengths the text fills its page
        blocks = tuple(Paragraph(f"第{n}段") for n in range(n))
        content = written(Document("t", "甲局", date(2026, 1, 1), "zh", (), blocks, signed_by=("填表人",)), "pdf")
        last = PdfReader(io.BytesIO(content)).pages[-1].extract_text()
        assert f"第{n - 1}段" in last
        assert "2026年1月1日" in last


def test_a_long_head_is_shown_in_full() -> None:
    head = "institutions with complete figures of a quarter"
    columns = (Column("Region", width=1.6), *(Column(head, "number") for _ in range(12)))
    document = Document("t", "i", date(2026, 1, 1), "en", (), (TableBlock("c", columns, (("a", *[1.0] * 12),)),))
    sheet = load_workbook(io.BytesIO(written(document, "xlsx"))).worksheets[0]
    (row,) = [row[0].row for row in sheet.iter_rows() if row[0].value == "Region"]
    assert row is not None
    assert (sheet.row_dimensions[row].height or 0.0) >= 15 * 6  # 47 letters in rooms of nine


def test_a_wide_number_is_not_broken_in_two() -> None:
    columns = (Column("a", width=8), Column("b", "number", 2, 1))
    table = TableBlock("t", columns, (("x", 12_345_678.9), ("y", 1.0)))
    assert table.widths(90.0, len) == [77.0, 13.0]  # 12,345,678.90 has 13 characters; by shares it had 10
    assert table.widths(900.0, len) == [800.0, 100.0]
    long = TableBlock("t", (Column("a"), Column("b")), (("x" * 50, "y" * 10),))
    assert long.widths(100.0, len) == [50.0, 50.0]  # by shares: no column gets more than 30 only for a long word


def test_no_line_of_a_pdf_begins_with_a_closing_mark() -> None:
    """避头: 40 lengths of a text put its comma at every place of a line, the first of the next one included."""
    blocks = tuple(Paragraph("甲" * n + "，实报 4 块；其余。") for n in range(20, 60))
    pages = PdfReader(io.BytesIO(written(Document("t", "i", date(2026, 1, 1), "zh", (), blocks), "pdf"))).pages
    lines = [line for page in pages for line in page.extract_text().splitlines()]
    assert len(lines) > 60
    assert [line for line in lines if line.startswith(("，", "；", "。"))] == []


def test_a_long_table_begins_below_its_heading_and_ends_with_several_rows() -> None:
    """Not on the next page, with most of this one left blank; nor with one row left over."""
    rows = tuple((f"行 {n}",) for n in range(41))
    blocks = (Heading("一、甲"), Paragraph("乙" * 900), Heading("二、丙"), TableBlock("表 1", (Column("名称"),), rows))
    pages = PdfReader(io.BytesIO(written(Document("t", "i", date(2026, 1, 1), "zh", (), blocks), "pdf"))).pages
    texts = [page.extract_text() for page in pages]
    assert [n for n, text in enumerate(texts) if "二、丙" in text] == [0]
    assert all(said in texts[0] for said in ("表 1", "名称", "行 0", "行 1"))
    assert all("名称" in text for text in texts if "行 " in text)  # the head on every page
    assert min(text.count("行 ") for text in texts if "行 " in text) >= 3
