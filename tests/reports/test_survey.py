"""Statutory forms: cells by hand, versions as data, what is missing, and differences that must be explained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.context import Context
from api.reports import Grouping, Span, fill
from api.reports.document import Paragraph
from api.reports.summary import lines, summary_document
from api.reports.survey import VERSIONS, Filled, Form, FormName, columns, form_document, version_of
from api.reports.words import Words
from energy.errors import NotInRegistry
from energy.reference import SurveyField, table
from energy.registry import Node, SurveyEntry
from tests.reports.world import chief, of, start


def cell(form: Form, key: str) -> Filled:
    (found,) = [cell for cell in form.cells if cell.column.key == key]
    return found


def enter(ctx: Context, field: str, number: float | None = None, *, quarter: int = 1, **more: str) -> None:
    ctx.registry.reporting.enter(SurveyEntry("school", 2025, quarter, field, "统计员", ctx.now(), number, **more))


def test_the_quarter_holds_the_same_cells_as_a_form_made_by_hand(ctx: Context) -> None:
    form = fill(ctx, chief(ctx), "base2", "school", Span(2025, 1))
    by_hand = {
        "electricity": (6000.0, "from_meter"),  # 1000 + 2000 + 3000 kWh
        "electricity_cost": (4200.0, "from_meter"),  # at 0.7 yuan
        "water": (300.0, "from_bill"),  # three bills of 100 m3
        "water_cost": (1500.0, "from_bill"),  # at 5 yuan
        "gas": (None, ""),
    }
    for key, (value, source) in by_hand.items():
        found = cell(form, key)
        assert found.value == (pytest.approx(value) if value is not None else None)
        assert found.source == source
    assert form.missing == []
    assert cell(form, "electricity").coverage == pytest.approx(0.98)


def test_a_form_names_what_others_used_and_tells_where_the_rest_is_from(ctx: Context) -> None:
    def notes(form: FormName) -> str:
        filled = fill(ctx, chief(ctx), form, "school", Span(2025, 1))
        return " ".join(form_document(ctx, chief(ctx), filled, "zh").tables[0].notes)

    assert "他人" not in notes("base2")
    let = {"institution": "school", "used_by": "others", "category": "water", "unit": "m3"}
    ctx.registry.import_sheets({"meters": [{**let, "id": "wash", "name_zh": "洗车点"}, {**let, "id": "w9"}]})
    assert "未计入他人使用且单独计量的用能：w9；洗车点。" in notes("base2")
    assert "他人" not in notes("base1")  # it tells no amounts
    assert cell(fill(ctx, chief(ctx), "base2", "school", Span(2025, 1)), "water").source == "from_bill"


def test_the_year_is_all_its_months(ctx: Context) -> None:
    form = fill(ctx, chief(ctx), "base2", "school", Span(2025))
    assert cell(form, "electricity").value == pytest.approx(78_000.0)


def test_a_version_is_data() -> None:
    keys = {version: [column.key for column in columns("base1", version)] for version in (2015, 2022, 2025)}
    assert {"site_area", "charging_piles", "renewable_use"} <= set(keys[2022])
    assert not {"site_area", "charging_piles", "renewable_use"} & set(keys[2025])
    assert "organisation_code" in keys[2015]
    assert "credit_code" not in keys[2015]
    assert "pv_generation" in keys[2022]
    assert "pv_generation" not in keys[2015]
    assert [column.key for column in columns("base2", 2025) if column.key.startswith("heat_by")] == ["heat_by_meter"]
    assert [version_of(year) for year in (2014, 2015, 2021, 2022, 2024, 2025, 2030)] == [
        2015, 2015, 2015, 2022, 2022, 2025, 2025,
    ]  # fmt: skip
    with pytest.raises(NotInRegistry, match="expected one of 2015, 2022, 2025"):
        columns("base1", 2019)


def test_what_nobody_stated_is_listed(ctx: Context) -> None:
    form = fill(ctx, chief(ctx), "base1", "school", Span(2025))
    assert [column.key for column in form.missing] == ["address", "affiliation", "level"]
    assert not form.is_submittable
    assert cell(form, "floor_area").value == 12_000.0
    assert cell(form, "department").value == "甲市教育局"
    document = form_document(ctx, chief(ctx), form, "zh")
    assert document.banner.startswith("非正式样表")
    assert document.facts[-1] == ("填报状态", "尚不能报送")
    rows = {str(row[1]): row for row in document.tables[0].rows}
    assert rows["管理级别"][6] == "待核实、待补充"
    assert rows["建筑面积"][6] == ""


FIELDS = {  # columns that stand for a field of `survey_fields.csv`, what the published papers name
    "base1": (
        "credit_code", "name address", "region", "type", "affiliation department level", "floor_area", "users",
        "posts", "site_area", "petrol_vehicles diesel_vehicles", "new_energy_vehicles", "charging_piles",
        "renewable_use", "pv_generation",
    ),
    "base2": (
        "electricity electricity_cost", "water water_cost", "coal coal_cost", "gas gas_cost",
        "gasoline_vehicles gasoline_other gasoline_cost", "diesel_vehicles_oil diesel_other diesel_cost", "kerosene",
        "heat heat_by_meter heat_cost heated_area", "other_energy",
    ),
    "base3": ("room_area room_electricity room_other_energy ups_capacity",),
    "base4": (
        "heating_area heating_heat heating_heat_by_meter heating_electricity heating_coal heating_gas heating_oil",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FIELDS)
def test_every_field_that_published_papers_name_has_its_columns(form: FormName) -> None:
    named = [row for row in table("survey_fields", SurveyField) if row.form.startswith(f"基{form[-1]} ")]
    known = {column.key: column for version in VERSIONS for column in columns(form, version)}
    assert len(named) == len(FIELDS[form])
    stated = {key for keys in FIELDS[form] for key in keys.split()}
    assert stated <= set(known)
    assert set(known) - stated <= {"organisation_code", "raw_coal"}  # of versions that are gone
    for row, keys in zip(named, FIELDS[form], strict=True):
        mine = [known[key] for key in keys.split()]
        if not row.is_official:
            assert not any(column.is_official for column in mine)
        if row.required == "yes":
            assert {column.required for column in mine} <= {"yes", "if_any"}
        if "DELETED 2025" in row.version_note:
            assert not {column.key for column in mine} & {column.key for column in columns(form, 2025)}


def test_what_is_stated_only_where_there_is_any_is_listed_apart(ctx: Context) -> None:
    form = fill(ctx, chief(ctx), "base4", "school", Span(2025))
    assert form.missing == []
    assert [column.key for column in form.open] == [
        "heating_area", "heating_heat_by_meter", "heating_electricity", "heating_coal", "heating_gas", "heating_oil",
    ]  # fmt: skip
    document = form_document(ctx, chief(ctx), form, "zh")
    assert (
        document.tables[0]
        .notes[-1]
        .startswith("尚未填报，如有须补充（6 项）：采暖面积；热力消费量（按热量收费）；采暖用电")
    )
    assert document.facts[-1] == ("填报状态", "尚不能报送")  # of an empty form nobody knows whether there is nothing


def test_a_form_whose_head_lacks_the_credit_code_is_not_ready(ctx: Context) -> None:
    nobody_misses = fill(ctx, chief(ctx), "base2", "school", Span(2025, 1))
    states = {
        name: form_document(ctx, chief(ctx), replace(nobody_misses, institution=name), "zh").facts
        for name in ("school", "office")
    }
    assert [facts[1][1] for facts in states.values()] == ["12990100MB0000001X", "待补充"]
    assert [facts[-1][1] for facts in states.values()] == ["可以报送", "尚不能报送"]


def test_an_entry_fills_what_no_meter_knows(fresh: Context) -> None:
    enter(fresh, "address", quarter=0, text="甲市人民路 1 号")
    enter(fresh, "level", quarter=0, text="县级")
    enter(fresh, "affiliation", quarter=0, text="甲市教育局下属")
    form = fill(fresh, chief(fresh), "base1", "school", Span(2025))
    assert form.is_submittable
    assert (cell(form, "address").value, cell(form, "address").source) == ("甲市人民路 1 号", "from_entry")
    enter(fresh, "address", quarter=0)  # taken back
    assert not fill(fresh, chief(fresh), "base1", "school", Span(2025)).is_submittable


def test_a_difference_over_tolerance_blocks_until_it_is_explained(fresh: Context) -> None:
    enter(fresh, "electricity", 6119.0)  # 1.98 % above 6000
    assert fill(fresh, chief(fresh), "base2", "school", Span(2025, 1)).is_submittable
    enter(fresh, "electricity", 6130.0)  # 2.17 %
    form = fill(fresh, chief(fresh), "base2", "school", Span(2025, 1))
    assert [c.column.key for c in form.unexplained] == ["electricity"]
    assert not form.is_submittable
    text = "".join(b.text for b in form_document(fresh, chief(fresh), form, "zh").blocks if hasattr(b, "text"))
    assert "填报 6,130.00 kWh，计量 6,000.00 kWh，相差 +2.2%" in text
    enter(fresh, "electricity", 6130.0, note="temporary site")
    explained = fill(fresh, chief(fresh), "base2", "school", Span(2025, 1))
    assert explained.is_submittable
    english = form_document(fresh, chief(fresh), explained, "en")
    said = [block.text for block in english.blocks if isinstance(block, Paragraph)]
    assert any(text.endswith("difference +2.2% (temporary site)") for text in said)


def test_a_quarter_that_is_not_over_is_not_filled_from_half_a_month(fresh: Context) -> None:
    december = Context(fresh.registry, fresh.store, fresh.zone, clock=lambda: start(2025, 12, 20))
    form = fill(december, chief(december), "base2", "school", Span(2025, 4))
    assert cell(form, "electricity").value is None
    assert "electricity" in [column.key for column in form.missing]


def test_the_summary_adds_up_by_region(ctx: Context) -> None:
    found = {line.key: line for line in lines(ctx, chief(ctx), "990000", Span(2025, 1))}
    assert list(found) == ["990000", "990100", ""]
    by_key = {column.key: column for column in columns("summary", 2025)}
    city, whole = found["990100"], found[""]
    assert city.value(by_key["n_institutions"]) == 2
    assert whole.value(by_key["n_institutions"]) == 3
    assert whole.value(by_key["electricity"]) == pytest.approx(6000.0)
    assert whole.value(by_key["energy"]) == pytest.approx(6000.0 * 0.1229 / 1000)  # tce, GB/T 2589; water not counted
    assert found["990000"].value(by_key["electricity"]) != found["990000"].value(by_key["electricity"])  # unknown
    document = summary_document(ctx, chief(ctx), "990000", Span(2025, 1), "zh")
    assert [row[0] for row in document.tables[0].rows] == ["本级", "甲市", "合计", "实报机构数（应报 3）"]
    heads = [column.head for column in document.tables[0].columns]
    known = dict(zip(heads, document.tables[0].rows[-1], strict=True))
    assert (known["公共机构数量"], known["电消费量 (kWh)"], known["热力消费量 (GJ)"]) == (3, 1, 0)
    assert "待核实" in document.tables[0].notes[1]
    lacking = [block.text for block in document.blocks if isinstance(block, Paragraph)]
    assert lacking[0].startswith("待补充（3 家单位）：")
    assert "统一社会信用代码 2 家" in lacking[0]  # the school's is stated
    assert "甲市第一中学" in lacking[0]


def test_standard_coal_of_a_summary_is_the_one_added_up_by_hand(fresh: Context) -> None:
    entered = {
        "coal": 2.0,  # t
        "gas": 300.0,  # m3
        "gasoline_vehicles": 1000.0,  # L
        "gasoline_other": 200.0,
        "diesel_other": 500.0,
        "heat_by_meter": 100.0,  # GJ
        "other_energy": 1.5,  # tce
    }
    for field, number in entered.items():
        enter(fresh, field, number)
    by_hand = (
        6000 * 0.1229  # electricity of the meters: 737.4 kgce
        + 2000 * 0.7143  # 1428.6
        + 300 * 1.33  # 399
        + 1200 * 1.0741  # 1288.92
        + 500 * 1.2385  # 619.25
        + 100 * 34.12  # 3412
        + 1500
    )
    assert by_hand == pytest.approx(9385.17)
    whole = lines(fresh, chief(fresh), "990000", Span(2025, 1))[-1]
    by_key = {column.key: column for column in columns("summary", 2025)}
    assert whole.value(by_key["energy"]) == pytest.approx(9.38517)
    assert whole.value(by_key["coal"]) == pytest.approx(2.0)
    assert whole.value(by_key["gasoline"]) == pytest.approx(1200.0)


def test_sums_by_department_and_by_class_are_those_of_the_region(ctx: Context) -> None:
    def rows(by: Grouping) -> list[tuple[object, ...]]:
        document = summary_document(ctx, chief(ctx), "990000", Span(2025, 1), "zh", by=by)
        return [(row[0], row[1], row[5]) for row in document.tables[0].rows]  # part, institutions, electricity

    by_department, by_class = rows("department"), rows("type")
    assert [row[:2] for row in by_department[:2]] == [("待补充", 2.0), ("甲市教育局", 1.0)]
    assert [row[:2] for row in by_class[:2]] == [("01 国家机关", 2.0), ("021 教育事业", 1.0)]
    assert by_department[2:] == by_class[2:] == rows("region")[2:]


def test_forms_3_and_4_hold_what_is_known_of_their_columns(fresh: Context) -> None:
    enter(fresh, "room_electricity", 1200.0)
    form = fill(fresh, chief(fresh), "base3", "school", Span(2025, 1))
    assert [(c.column.key, c.value) for c in form.cells] == [("room_area", None), ("room_electricity", 1200.0)]
    keys = {version: [column.key for column in columns("base3", version)] for version in (2015, 2022)}
    assert keys == {
        2015: ["room_area", "room_electricity", "room_other_energy", "ups_capacity"],
        2022: ["room_area", "room_electricity", "ups_capacity"],
    }
    heating = form_document(fresh, chief(fresh), fill(fresh, chief(fresh), "base4", "school", Span(2025)), "zh")
    assert "基4" in heating.title
    assert "待核实" in {str(row[6]) for row in heating.tables[0].rows}


def test_sums_of_a_region_are_for_those_who_see_it(ctx: Context) -> None:
    with pytest.raises(NotInRegistry):
        lines(ctx, of(ctx, Node("institution", "school")), "990100", Span(2025, 1))
    with pytest.raises(NotInRegistry):
        fill(ctx, of(ctx, Node("institution", "office")), "base1", "school", Span(2025))


def test_words_are_there_in_both_languages() -> None:
    from api.reports.words import WORDS

    assert [key for key, (zh, en) in WORDS.items() if not zh or not en] == []
    assert Words("zh").stop == "、"
