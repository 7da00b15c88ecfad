"""Sheets survive the way to disk and back, and carry no formula (promise P-43)."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from energy.errors import ImportRefused
from energy.registry import Registry, read_sheets, write_sheets
from energy.registry.spreadsheet import neutral, original
from tests.registry.sample import row_of, sample

# Items 137-143 of the corpus of bad input: texts that a spreadsheet program would act on.
FORMULAS = [
    '=HYPERLINK("http://example.invalid","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "＝1",
    "=cmd|'/C calc'!A0",
    "'=1",
    "''",
    "'",
    "＋1",
    "\r=1",
]
names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)


@given(st.one_of(st.sampled_from(FORMULAS), names, names.map("'".__add__), names.map("=".__add__)))
def test_neutral_text_never_acts_and_comes_back(text: str) -> None:
    assert not str(neutral(text)).startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert original(neutral(text)) == text


def test_an_apostrophe_that_people_wrote_stays() -> None:
    assert original("'s-Hertogenbosch") == "'s-Hertogenbosch"
    assert neutral(-5.0) == -5.0


@pytest.mark.parametrize("target", ["registry.xlsx", "folder"])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_exported_cell_is_a_formula(text: str, target: str, tmp_path: Path) -> None:
    write_sheets({"gateways": [{"id": "g1", "name_zh": text}]}, tmp_path / target)
    cells = (
        [cell for line in load_workbook(tmp_path / target)["gateways"].iter_rows() for cell in line]
        if target == "registry.xlsx"
        else []
    )
    assert all(cell.data_type in ("s", "n") and not str(cell.value).startswith(("=", "+", "-", "@")) for cell in cells)
    if not cells:
        assert "g1,,'" in (tmp_path / target / "gateways.csv").read_text("utf-8-sig").replace('"', "")


@pytest.mark.parametrize("target", ["registry.xlsx", "folder"])
def test_a_registry_survives_a_file(registry: Registry, tmp_path: Path, target: str) -> None:
    sheets = sample()
    row_of(sheets, "gateways", "g1")["name_zh"] = "=1+1"
    row_of(sheets, "regions", "990000")["name_en"] = 'a "quoted", 中文\nsecond line'
    registry.import_sheets(sheets)
    exported = registry.export_sheets()
    write_sheets(exported, tmp_path / target)
    result = registry.import_sheets(read_sheets(tmp_path / target))
    assert result.revision == 1
    assert sum(result.unchanged.values()) == 23
    assert registry.export_sheets() == exported


printable = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co", "Cf"]), min_size=1, max_size=30
)
institution = st.fixed_dictionaries(
    {"name_zh": printable.filter(str.strip), "name_en": printable, "tier": printable | st.none()}
)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(institution, min_size=1, max_size=4), number=st.floats(0, 1e12), xlsx=st.booleans())
def test_export_and_import_are_a_fixpoint(rows: list[dict[str, Any]], number: float, xlsx: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry.open(f"sqlite:///{folder}/r.db", migrate=True)
        kept = {
            "regions": [{"code": "990000", "name_zh": "示例省"}],
            "institutions": [{"id": f"i{n}", "region": "990000", "type": "01"} | row for n, row in enumerate(rows)],
            "denominators": [{"scope": "region", "id": "990000", "kind": "users", "value": number, "unit": "p"}],
        }
        registry.import_sheets(kept)
        exported = registry.export_sheets()
        path = Path(folder) / ("r.xlsx" if xlsx else "sheets")
        write_sheets(exported, path)
        assert registry.import_sheets(read_sheets(path)).revision == 1
        assert registry.export_sheets() == exported
        assert registry.export_sheets("denominators")["denominators"][0]["value"] == number
        registry.close()


@pytest.mark.parametrize("number", [100000000000.09375, 0.1 + 0.2, 5e-324, 1.7976931348623157e308])
def test_no_digit_is_lost_in_an_xlsx(number: float, tmp_path: Path) -> None:
    write_sheets({"denominators": [{"value": number}]}, tmp_path / "r.xlsx")
    (row,) = read_sheets(tmp_path / "r.xlsx")["denominators"]
    assert float(str(row["value"])) == number


def test_row_numbers_are_those_people_see(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text("code,name_zh\n990000,示例省\n,\n99 01,坏\n", "utf-8")
    with pytest.raises(ImportRefused, match="sheet regions, row 4, column code: expected an id"):
        registry.import_sheets(read_sheets(tmp_path))


def test_a_csv_saved_by_excel_in_china_is_read(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_bytes("code,name_zh\r\n990000,示例省\r\n".encode("gbk"))
    assert read_sheets(tmp_path / "regions.csv") == {"regions": [{"code": "990000", "name_zh": "示例省"}]}


def test_a_formula_is_refused_because_its_value_may_be_stale(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "denominators"
    sheet.append(["scope", "value"])
    sheet.append(["building", "=1+1"])
    book.save(tmp_path / "r.xlsx")
    with pytest.raises(ImportRefused, match="cell denominators!B2: expected a value, came a formula"):
        read_sheets(tmp_path / "r.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "expected an xlsx file or a folder of csv files"),
        (b"", "expected an xlsx file or a folder of csv files"),
    ],
)
def test_what_is_no_spreadsheet_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "r.xlsx").write_bytes(content)
    with pytest.raises(ImportRefused, match=message):
        read_sheets(tmp_path / "r.xlsx")


def test_a_zip_that_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "r.xlsx", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(ImportRefused, match="expected an xlsx file or a folder"):
        read_sheets(tmp_path / "r.xlsx")


def test_an_empty_or_absent_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"expected csv files like regions\.csv, came none"):
        read_sheets(tmp_path)
    with pytest.raises(ImportRefused, match="came nothing"):
        read_sheets(tmp_path / "none.xlsx")


def test_cells_beside_the_named_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text("code,name_zh\n990000,示例省,lost\n", "utf-8")
    with pytest.raises(ImportRefused, match="sheet regions, row 2: expected 2 columns with a name, came more"):
        read_sheets(tmp_path)
    (tmp_path / "regions.csv").write_text("code,code\n1,2\n", "utf-8")
    with pytest.raises(ImportRefused, match="expected each column once, came code twice"):
        read_sheets(tmp_path)


def test_an_empty_registry_exports_as_a_form_to_fill_in(tmp_path: Path) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path / 'r.db'}", migrate=True)
    write_sheets(registry.export_sheets(), tmp_path / "form.xlsx")
    registry.close()
    header = [cell.value for cell in next(load_workbook(tmp_path / "form.xlsx")["regions"].iter_rows())]
    assert header == ["code", "name_zh", "name_en", "parent", "climate_zone"]


def _workbook(path: Path, *cells: tuple[str, str]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "regions"
    for where, text in cells:
        sheet[where] = text
    book.save(path)
    return path


def test_one_cell_far_away_costs_little(tmp_path: Path) -> None:
    """5 kB that say of themselves to be 60,000 rows of 16,384 columns: read by that they take minutes."""
    far = _workbook(tmp_path / "far.xlsx", ("A1", "code"), ("XFD60000", "x"))
    with pytest.raises(ImportRefused, match="row 60000: expected 1 columns with a name"):
        read_sheets(far)
    tall = _workbook(tmp_path / "tall.xlsx", ("A1", "code"), ("A60000", "990000"))
    rows = read_sheets(tall)["regions"]
    assert (len(rows), rows[-1]) == (59_999, {"code": "990000"})


def test_a_file_of_more_lines_than_allowed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="1000000 lines"):
        read_sheets(_workbook(tmp_path / "tall.xlsx", ("A1", "code"), ("A1048576", "990000")))


def test_a_zip_that_unpacks_to_very_much_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"\0" * 3_000_000)
    assert path.stat().st_size < 10_000
    with pytest.raises(ImportRefused, match="at most 2000000 bytes unpacked, came 3000000"):
        read_sheets(path, most_unpacked=2_000_000)
