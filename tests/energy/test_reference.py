"""The tables that ship, and the one loader."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from energy.errors import MissingReference, ReferenceTableError
from energy.model import Category
from energy.reference import (
    TABLES,
    CaliberRow,
    CarbonFactor,
    ClimateZone,
    Coefficient,
    Confidence,
    Indicator,
    Quota,
    category_code,
    climate_zone,
    code,
    coefficient,
    indicator,
    indicators,
    quota,
    quotas,
    set_point,
    table,
)
from energy.reference.tables import read


def test_every_csv_file_is_a_known_table_and_loads_whole() -> None:
    folder = Path(str(files("energy.reference")))
    assert {path.stem for path in folder.glob("*.csv")} == set(TABLES)
    for name, shape in TABLES.items():
        lines = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert len(table(name, shape.row)) == len(lines) - 1, name


def test_a_table_is_asked_for_by_its_own_row_type() -> None:
    with pytest.raises(TypeError, match="coefficients holds Coefficient, not Quota"):
        table("coefficients", Quota)


HEADER = "key,name_zh,carrier,kind,place,year,value,unit,note,source,confidence\n"
GOOD = "grid_x_2020,某网,electricity,average,national,2020,0.5,kgCO2/kWh,,announcement,seen\n"


def load(folder: Path, text: str) -> tuple[CarbonFactor, ...]:
    file = folder / "factors.csv"
    file.write_text(text, encoding="utf-8")
    return read(file, CarbonFactor, ("key",))


def test_cells_become_typed_values_and_empty_ones_are_not_stated(tmp_path: Path) -> None:
    (row,) = load(tmp_path, HEADER + GOOD.replace(",2020,", ",,"))
    assert row.year is None
    assert row.value == 0.5
    assert row.confidence is Confidence.SEEN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + GOOD.replace("0.5", "half"), "factors.csv row 2 column value: .*number.*, got 'half'"),
        (HEADER + GOOD.replace("0.5", "-1"), "row 2 column value: .*greater than 0.*, got '-1'"),
        (HEADER + GOOD.replace("0.5", "nan"), "row 2 column value: .*finite.*, got 'nan'"),
        (HEADER + GOOD.replace("0.5", ""), "row 2 column value: .*required"),
        (
            HEADER + GOOD.replace("seen", "certain"),
            "row 2 column confidence: .*'seen', 'sure' or 'unsure', got 'certain'",
        ),
        (HEADER + GOOD.replace("announcement", ""), "row 2 column source: .*required"),
        (HEADER + GOOD.replace("national", "Mars"), "row 2 column place: .*, got 'Mars'"),
        (HEADER + GOOD + GOOD, "factors.csv row 3 column key: grid_x_2020 is already in row 2"),
        (HEADER + GOOD.replace(",seen", ""), "row 2: expected as many cells as row 1 has columns"),
        (HEADER + GOOD.replace("seen", "seen,more"), "row 2: expected as many cells"),
        (HEADER.replace(",year", "") + GOOD, "row 1: expected the columns .*; missing: year; unknown: none"),
        (HEADER.replace("note", "notes") + GOOD, "missing: note; unknown: notes"),
        ("", "row 1: expected the columns"),
    ],
)
def test_errors_name_file_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ReferenceTableError, match=message):
        load(tmp_path, text)


def test_a_file_that_is_missing_or_no_utf8_is_an_error_of_the_table(tmp_path: Path) -> None:
    with pytest.raises(ReferenceTableError, match=r"none.csv: expected a readable UTF-8 file"):
        read(tmp_path / "none.csv", CarbonFactor, ("key",))
    (tmp_path / "gbk.csv").write_bytes("电力".encode("gbk"))
    with pytest.raises(ReferenceTableError, match=r"gbk.csv: expected a readable UTF-8 file"):
        read(tmp_path / "gbk.csv", CarbonFactor, ("key",))


QUOTA = (
    "region,standard,institution_type,tier,climate_zone,indicator,indicator_zh,kind,constraint,baseline,guide,unit,"
    "caliber,note,source,confidence\n"
    "某省,DB00/T 1,机关,,,energy_per_area,某,{},{},{},{},kgce/(m2·a),sd_2019,,text,sure\n"
)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("three_level", "10", "12", "5"), r"expected constraint >= baseline >= guide, got \[10.0, 12.0, 5.0\]"),
        (("two_level", "10", "", "12"), "expected constraint >= baseline >= guide"),
        (("three_level", "", "", ""), "at least one value expected"),
        (("mean", "10", "", ""), "a mean has its value in baseline"),
    ],
)
def test_quota_levels_in_the_wrong_order_are_refused(tmp_path: Path, cells: tuple[str, ...], message: str) -> None:
    file = tmp_path / "quota.csv"
    file.write_text(QUOTA.format(*cells), encoding="utf-8")
    with pytest.raises(ReferenceTableError, match="quota.csv row 2: .*" + message):
        read(file, Quota, ("standard",))


def test_equal_quota_levels_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "quota.csv"
    file.write_text(QUOTA.format("three_level", "10", "10", "10"), encoding="utf-8")
    assert len(read(file, Quota, ("standard",))) == 1


def test_a_quota_is_found_by_its_whole_key_only() -> None:
    key = {
        "standard": "DB37/T 2672-2019",
        "institution_type": "党政机关",
        "tier": "市级以下",
        "indicator": "nonheating_energy_per_area",
    }
    row = quota(**key, climate_zone="寒冷A")
    assert (row.constraint, row.baseline, row.guide, row.caliber) == (20, 11.9, 6.5, "sd_2019")
    with pytest.raises(MissingReference, match="DB37/T 2672-2019 has no nonheating_energy_per_area"):
        quota(**key, climate_zone="夏热冬冷")


def test_means_are_no_quotas() -> None:
    means = [row for row in table("quota_reference", Quota) if row.kind == "mean"]
    assert means
    assert not set(means) & set(quotas())
    for row in quotas():
        assert row.standard.startswith(("GB/T", "DB")), row


def test_quotas_use_known_indicators_calibers_and_units() -> None:
    known = {row.key: row for row in table("calibers", CaliberRow)}
    for row in table("quota_reference", Quota):
        assert indicator(row.indicator).unit == row.unit
        assert indicator(row.indicator).kind == known[row.caliber].kind


def test_keys_can_be_tags_and_names_have_two_languages() -> None:
    rows: list[Indicator | CaliberRow] = [*indicators().values(), *table("calibers", CaliberRow)]
    for row in rows:
        assert row.key.isascii()
        assert row.key.replace("_", "a").isalnum()
        assert row.name_zh
        assert row.name_en.isascii()


def test_alternatives_of_one_carrier_stay_apart() -> None:
    assert coefficient("electricity_eq").coefficient == 0.1229
    assert coefficient("electricity_sd").coefficient == 0.31
    assert coefficient("electricity_equal_annual").coefficient is None
    with pytest.raises(MissingReference, match="coefficients: no row 'electricity_sdd'; did you mean 'electricity_sd'"):
        coefficient("electricity_sdd")


def test_coefficients_with_a_heating_value_agree_with_it() -> None:
    checked = 0
    for row in table("coefficients", Coefficient):
        number, _, unit = row.lhv.partition(" ")
        if row.coefficient is None or row.caliber != "当量值" or "-" in number or not unit.startswith("kJ/"):
            continue
        checked += 1
        assert row.coefficient == pytest.approx(float(number) / 29_307, rel=0.005), row.key
    assert checked >= 12


def test_climate_zone_of_a_county_is_that_of_its_city() -> None:
    assert climate_zone("370600").city == "烟台"
    assert climate_zone("370611").zone == "寒冷A"
    with pytest.raises(MissingReference, match="'110101'"):
        climate_zone("110101")


def test_climate_zones_follow_their_degree_days() -> None:
    # DB37/5026-2022: 寒冷A where CDD26 <= 90, else 寒冷B
    for row in table("climate_shandong", ClimateZone):
        assert row.zone == ("寒冷A" if row.cdd26 <= 90 else "寒冷B"), row.city
        assert 2000 <= row.hdd18 < 3800


def test_the_heating_season_crosses_the_year_end() -> None:
    season = climate_zone("370100").heating_season(2025)
    assert season == (date(2025, 11, 15), date(2026, 3, 15))


def test_published_lengths_of_heating_seasons_agree_with_their_dates() -> None:
    for row in table("climate_shandong", ClimateZone):
        first, last = row.heating_season(2022)  # ends in 2023, no leap year
        assert (last - first).days in (row.heating_days, row.heating_days - 1), row.city


def test_every_category_has_its_official_class() -> None:
    codes = {category: category_code(category).code for category in Category}
    assert codes[Category.ELECTRICITY] == "01"
    assert codes[Category.HEAT] == "04"
    assert len(set(codes.values())) == len(Category)


def test_a_code_is_unique_only_inside_its_level() -> None:
    assert code("item", "A").name_zh == "照明插座用电"
    assert code("building", "A").name_zh == "办公建筑"
    with pytest.raises(MissingReference, match="no code 'Z' of level 'item'"):
        code("item", "Z")


def test_unsure_values_are_never_official() -> None:
    assert not code("sub2", "B1A").is_official
    assert code("item", "A").is_official


def test_set_points_are_dated_and_never_a_default() -> None:
    assert set_point("summer", date(2026, 7, 1)).value_c == 26
    assert set_point("winter", date(2026, 1, 1)).value_c == 20
    with pytest.raises(MissingReference, match="none for 'summer' in 'CN' on 2006-07-01"):
        set_point("summer", date(2006, 7, 1))
