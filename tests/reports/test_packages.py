"""DOCX and XLSX as packages: what Word and Excel refuse, though more patient programs open it.

The orders are those of ECMA-376-1:2016, annex A (`CT_TblPr`, `CT_Settings`, `CT_TcPr`, `CT_PPr`).
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections import Counter
from datetime import date
from typing import Final

import docx
import pytest
from lxml import etree

from api import reports
from api.reports import written
from api.reports.document import Chart, Column, Document, Heading, Line, Paragraph, TableBlock

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TABLE: Final = "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing \
tblInd tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription"
_CELL: Final = "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText vAlign hideMark"
_PARAGRAPH: Final = "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd \
tabs suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd \
snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment \
textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange"
_RUN: Final = "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint noProof \
snapToGrid vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText vertAlign rtl cs \
em lang eastAsianLayout specVanish oMath"
_SETTINGS: Final = "writeProtection view zoom removePersonalInformation removeDateAndTime doNotDisplayPageBoundaries \
displayBackgroundShape printPostScriptOverText printFractionalCharacterWidth printFormsData embedTrueTypeFonts \
embedSystemFonts saveSubsetFonts saveFormsData mirrorMargins alignBordersAndEdges bordersDoNotSurroundHeader \
bordersDoNotSurroundFooter gutterAtTop hideSpellingErrors hideGrammaticalErrors activeWritingStyle proofState \
formsDesign attachedTemplate linkStyles stylePaneFormatFilter stylePaneSortMethod documentType mailMerge revisionView \
trackRevisions doNotTrackMoves doNotTrackFormatting documentProtection autoFormatOverride styleLockTheme \
styleLockQFSet defaultTabStop autoHyphenation consecutiveHyphenLimit hyphenationZone doNotHyphenateCaps \
showEnvelope summaryLength clickAndTypeStyle defaultTableStyle evenAndOddHeaders"
ORDERS: Final = {
    "tblPr": _TABLE, "tcPr": _CELL, "pPr": _PARAGRAPH, "rPr": _RUN, "settings": _SETTINGS,
    "tbl": "tblPr tblGrid tr", "tr": "trPr tc", "tc": "tcPr p",
}  # fmt: skip


def paper() -> Document:
    """Everything that a report can hold, in a few lines."""
    rows = tuple((f"甲 {n}", float(n), "") for n in range(4))
    table = TableBlock("表 1", (Column("名称"), Column("kWh", "number", 1), Column("备注")), rows, ("注：无。",))
    chart = Chart("图 1", "kWh", ("1", "2"), (Line("实际", (1.0, 2.0)), Line("上年", (2.0, 1.0), "last_year")))
    blocks = (Heading("一、甲"), Paragraph("正文"), table, chart, chart, TableBlock("表 2", (Column("a"),), ()))
    return Document("标题", "甲局", date(2026, 1, 1), "zh", (("a", "b"),), blocks, "foot", "样表", "期", ("甲",))


def misplaced(element: etree._Element) -> list[str]:
    """Children that stand before one the schema wants in front of them."""
    order = ORDERS[etree.QName(element).localname].split()
    places = [order.index(name) for child in element if (name := etree.QName(child).localname) in order]
    names = [order[place] for place in places]
    return [after for before, after, a, b in zip(names, names[1:], places, places[1:], strict=False) if b < a]


@pytest.mark.parametrize("part", ["word/document.xml", "word/settings.xml", "word/styles.xml", "word/footer1.xml"])
def test_the_parts_of_a_paper_have_the_order_of_the_schema(part: str) -> None:
    with zipfile.ZipFile(io.BytesIO(written(paper(), "docx"))) as archive:
        tree = etree.fromstring(archive.read(part))
    known = [element for element in tree.iter() if etree.QName(element).localname in ORDERS]
    assert known
    assert {etree.QName(e).localname: found for e in known if (found := misplaced(e))} == {}


def test_a_paper_has_grids_and_its_own_numbers() -> None:
    with zipfile.ZipFile(io.BytesIO(written(paper(), "docx"))) as archive:
        tree = etree.fromstring(archive.read("word/document.xml"))
        assert "word/stylesWithEffects.xml" not in archive.namelist()  # it would contradict styles.xml
    table = next(tree.iter(f"{_W}tbl"))
    n_columns = [
        len(table.findall(f"{_W}tblGrid/{_W}gridCol")),
        *(len(r.findall(f"{_W}tc")) for r in table.iter(f"{_W}tr")),
    ]
    assert set(n_columns) == {3}
    drawn = [e.get("id") for e in tree.iter() if etree.QName(e).localname == "docPr"]
    assert len(drawn) == len(set(drawn)) == 2


@pytest.mark.parametrize(("notes", "kept"), [((), [0, 1, 7, 8]), (("注",), [0, 1, 7, 8, 9])])
def test_the_ends_of_a_table_stay_together(notes: tuple[str, ...], kept: list[int]) -> None:
    rows = tuple((str(n),) for n in range(9))  # and the head: ten
    table = TableBlock("表", (Column("a"),), rows, notes)
    made = docx.Document(io.BytesIO(written(Document("t", "i", date(2026, 1, 1), "zh", (), (table,)), "docx"))).tables[
        0
    ]
    stays = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in made.rows]
    assert [place for place, is_kept in enumerate(stays) if is_kept] == kept


@pytest.mark.parametrize("fmt", ["docx", "xlsx"])
def test_a_package_names_every_part_and_has_every_part_it_names(fmt: reports.Format) -> None:
    with zipfile.ZipFile(io.BytesIO(written(paper(), fmt))) as archive:
        names = archive.namelist()
        assert [name for name, n in Counter(names).items() if n > 1] == []
        types = etree.fromstring(archive.read("[Content_Types].xml"))
        typed = {e.get("PartName", "").lstrip("/") for e in types}
        suffixes = {e.get("Extension", "").lower() for e in types} - {""}
        others = [name for name in names if name != "[Content_Types].xml"]
        assert [name for name in others if name not in typed and name.rpartition(".")[2] not in suffixes] == []
        assert typed - {""} - set(names) == set()
        targets = [part for name in names if name.endswith(".rels") for part in _targets(name, archive.read(name))]
        assert targets
        assert set(targets) - set(names) == set()


def _targets(name: str, content: bytes) -> list[str]:
    """Parts that a part points to; its relations have ids of their own."""
    relations = list(etree.fromstring(content))
    assert len({r.get("Id") for r in relations}) == len(relations)
    folder = posixpath.dirname(posixpath.dirname(name))
    inner = [r.get("Target", "") for r in relations if r.get("TargetMode") != "External"]
    return [posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/") for target in inner]
