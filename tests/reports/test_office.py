"""Every report in every kind of file, as LibreOffice opens it: pages, words, figures, and fonts that travel along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from pypdf import PdfReader

from api import reports
from api.context import Context
from api.reports import Span, correct, publish
from api.reports.document import Language
from tests.reports.office import convert, fonts_of, text_of
from tests.reports.world import chief, context

REPORTS: Final = ("monthly", "yearly", "base1", "base2", "summary2", "publication")
SAID: Final = {  # title, a figure and what must not be missing beside it
    ("monthly", "zh"): (
        "甲市第一中学2025年3月能源资源消费月报",
        "3,000.0",
        "2025-03-01至2025-03-31",
        "98.0%",
        "1/1",
        "kWh",
        "同类限值",
        "寒冷A",
        "12.20",
    ),
    ("yearly", "zh"): ("2025年度能源资源消费分析报告", "78,000.0", "当量值口径", "GB/T2589-2020", "教育事业", "待补充"),
    ("base1", "zh"): ("非正式样表", "基1", "12990100MB0000001X", "12,000.00", "待核实、待补充", "单位负责人"),
    ("base2", "zh"): ("非正式样表", "基2", "6,000.00", "账单", "必填项齐全", "填表人"),
    ("summary2", "zh"): ("非正式样表", "综2", "6,000", "0.74", "实报机构数（应报3）", "待核实"),
    ("publication", "zh"): ("能源资源消费公示", "6,000.0", "737.4", "更正说明1", "应报/实报"),
    ("monthly", "en"): ("energyandwater,2025-03", "3,000.0", "2025-03-01to2025-03-31", "98.0%", "1/1"),
    ("yearly", "en"): ("yearlyenergyandwateranalysis2025", "78,000.0", "GB/T2589-2020", "Tobeadded", "12.20"),
    ("base1", "en"): ("Notanofficialform", "12990100MB0000001X", "12,000.00", "tobeverified", "Filledby"),
    ("base2", "en"): ("Notanofficialform", "6,000.00", "bills", "Allrequiredfieldsarefilled"),
    ("summary2", "en"): ("Notanofficialform", "6,000", "0.74", "institutionsknown(of3)"),
    ("publication", "en"): ("JiaFirstSchool", "6,000.0", "737.4", "Correction1"),
}
FORMS: Final = ("base1", "base2", "summary2")


def make(ctx: Context, name: str, fmt: reports.Format, language: Language) -> bytes:
    scope, quarter = chief(ctx), Span(2025, 1)
    match name:
        case "monthly":
            return reports.monthly(ctx, scope, "school", date(2025, 3, 1), fmt, language)
        case "yearly":
            return reports.yearly(ctx, scope, "school", 2025, fmt, language)
        case "base1":
            return reports.form(ctx, scope, "base1", "school", Span(2025), fmt, language)
        case "base2":
            return reports.form(ctx, scope, "base2", "school", quarter, fmt, language)
        case "summary2":
            return reports.summary(ctx, scope, "990000", quarter, fmt, language)
        case _:
            return reports.publication(ctx, scope, "school", quarter, fmt, language)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All reports as PDF: ours, and LibreOffice's of the other two kinds (docx-monthly-zh.pdf)."""
    at = tmp_path_factory.mktemp("office")
    ctx = context(at)
    correct(ctx, chief(ctx), publish(ctx, chief(ctx), "school", Span(2025, 1)), "3 月电量更正为 2,900 kWh")
    for fmt in reports.FORMATS:
        for name, language in SAID:
            (at / f"{fmt}-{name}-{language}.{fmt}").write_bytes(make(ctx, name, fmt, language))
    yield at
    ctx.store.close()
    ctx.registry.close()


@pytest.fixture(scope="module")
def converted(folder: Path) -> Path:
    convert(sorted([*folder.glob("*.docx"), *folder.glob("*.xlsx")]), folder)
    return folder


def check(paper: PdfReader, name: str, language: str, *, n_most: int) -> None:
    text = text_of(paper)
    assert [said for said in SAID[name, language] if said not in text] == []
    assert "#" not in text  # a column too narrow for its number
    assert 1 <= len(paper.pages) <= n_most
    assert [number for number, page in enumerate(paper.pages, 1) if len(page.extract_text().strip()) < 25] == []
    fonts = fonts_of(paper)
    assert fonts
    assert [font for font, is_held in fonts.items() if not is_held] == []


@pytest.mark.parametrize(("name", "language"), SAID)
def test_a_pdf_is_whole(name: str, language: str, folder: Path) -> None:
    paper = PdfReader(folder / f"pdf-{name}-{language}.pdf")
    check(paper, name, language, n_most=1 if name in FORMS else 3)
    assert set(fonts_of(paper)) <= {"NotoSansSC-Regular", "NotoSansSC-Bold"}


@pytest.mark.parametrize(("name", "language"), SAID)
def test_libreoffice_opens_the_paper(name: str, language: str, converted: Path) -> None:
    paper = PdfReader(converted / f"docx-{name}-{language}.pdf")
    may_turn_the_page = (name, language) == ("summary2", "en")  # what its forms lack is longer in English
    check(paper, name, language, n_most=2 if may_turn_the_page else 1 if name in FORMS else 4)
    assert "NotoSansSC-Regular" in fonts_of(paper)  # the one that travels in the file
    size = paper.pages[0].mediabox
    is_wide = name == "summary2"
    assert (round(size.width), round(size.height)) == ((842, 595) if is_wide else (595, 842))


@pytest.mark.parametrize(("name", "language"), SAID)
def test_libreoffice_opens_the_workbook(name: str, language: str, converted: Path) -> None:
    paper = PdfReader(converted / f"xlsx-{name}-{language}.pdf")
    check(paper, name, language, n_most=1 if name in FORMS else 6)  # four of tables, two of charts
    if name in ("monthly", "yearly"):
        caption = {"zh": "图2水（m³）", "en": "Figure2water(m³)"}[language]
        assert caption in "".join(paper.pages[-1].extract_text().split())  # a chart stands on a page of its own
