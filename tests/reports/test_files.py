"""Files that open: fonts embedded, no formulas, the layout of official papers; looked at by LibreOffice where it is."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import docx
import pytest
from openpyxl import load_workbook

from api import reports
from api.context import Context
from api.reports import written
from api.reports.document import Chart, Column, Document, Line, Paragraph, TableBlock
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("fmt", ["docx", "xlsx"])
def test_libreoffice_opens_the_files(fmt: reports.Format, ctx: Context, tmp_path: Path) -> None:
    file = tmp_path / f"report.{fmt}"
    file.write_bytes(reports.yearly(ctx, chief(ctx), "school", 2025, fmt))
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    made = (tmp_path / "report.pdf").read_bytes()
    assert made.startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(tmp_path / "report.pdf"), "-"], check=True, capture_output=True).stdout
        assert "能源资源消费分析报告" in text.decode().replace("\n", "")
        assert "78,000" in text.decode()
