"""Monthly and yearly reports: the numbers by hand, completeness beside each, nothing of others."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from api import reports
from api.context import Context
from api.reports.document import Document, TableBlock
from api.reports.naming import indicator_unit
from api.reports.periodic import monthly_document, yearly_document
from api.reports.words import Words
from energy.errors import NotInRegistry
from energy.intervals import DAY
from energy.registry import Finding, Node
from energy.series import Table
from energy.storage.schema import TOTAL
from tests.reports.world import chief, of, start, total
from tests.results import write


def block(document: Document, caption: str) -> TableBlock:
    (found,) = [table for table in document.tables if caption in table.caption]
    return found


def cells(table: TableBlock, first: str) -> dict[str, Any]:
    """One row by the heads of its columns."""
    (row,) = [row for row in table.rows if row[0] == first]
    return dict(zip([column.head for column in table.columns], row, strict=True))


def test_the_month_adds_up(ctx: Context) -> None:
    document = monthly_document(ctx, chief(ctx), "school", date(2025, 3, 17), "zh")
    assert document.title == "甲市第一中学2025年3月能源资源消费月报"
    row = cells(block(document, "分类能源资源消费量"), "电")
    assert row["消费量"] == pytest.approx(3000.0)  # 31 days of 3000 / 31 kWh
    assert row["费用（元）"] == pytest.approx(2100.0)  # at 0.7 yuan
    assert row["上年同期"] == pytest.approx(2700.0)
    assert row["同比"] == pytest.approx(1 / 9)
    assert row["较期望"] == pytest.approx(1 / 0.95 - 1)
    assert (row["单位"], row["完整率"], row["应报/实报"]) == ("kWh", pytest.approx(0.98), "1/1")
    assert math.isnan(cells(block(document, "分类能源资源消费量"), "水")["上年同期"])


def test_every_figure_names_its_unit_period_and_caliber(ctx: Context) -> None:
    document = monthly_document(ctx, chief(ctx), "school", date(2025, 3, 1), "zh")
    table = block(document, "指标与定额（2025-03-01 至 2025-03-31）")
    row = cells(table, "综合能耗")
    assert (row["单位"], row["数值"], row["口径"]) == ("kgce", 368.7, "当量值口径(公共机构统计)")
    assert "GB/T 2589-2020" in table.notes[0]


def test_the_year_stands_in_a_unit_only_where_the_value_is_of_a_year() -> None:
    chinese, english = Words("zh"), Words("en")
    assert indicator_unit("energy_per_person", "year", chinese) == "kgce/(人·a)"
    assert indicator_unit("energy_per_person", "month", chinese) == "kgce/人"
    assert indicator_unit("electricity_per_area", "month", english) == "kWh/m²"
    assert indicator_unit("electricity_per_area", "rolling12", english) == "kWh/(m²·a)"
    assert indicator_unit("water_per_bed_day", "month", chinese) == "L/(床·日)"  # a day of a bed stays one
    assert indicator_unit("gas_price", "month", chinese) == "元/m³"
    assert indicator_unit("of another version", "month", chinese) == ""


def test_the_year_shows_months_grade_target_finding_and_task(ctx: Context) -> None:
    document = yearly_document(ctx, chief(ctx), "school", 2025, "zh")
    months = block(document, "逐月消费量")
    assert [row[1] for row in months.rows] == [*(1000.0 * m for m in range(1, 13)), 78_000.0]
    assert cells(block(document, "指标与定额"), "单位建筑面积能耗")["评价"] == "先进"
    target = cells(block(document, "年度指标进度"), "综合能耗")
    assert target["已用比例"] == pytest.approx(0.95862)
    assert cells(block(document, "本期异常"), "夜间用电偏高")["多支出（元）"] == 84.0
    assert block(document, "整改与说明").rows[0][1:3] == ("加装定时器", "王工")


def test_findings_come_in_the_order_of_the_inbox(fresh: Context) -> None:
    begin = start(2025, 3, 5)
    dear = Finding("dear", "school", "level", begin, end=begin + DAY, severity=30.0, excess_yuan=99.0, title_zh="偏高")
    saved = replace(dear, id="saved", kind="low", severity=90.0, excess_yuan=-100.0, title_zh="用电偏低")
    fresh.registry.findings.put([dear, saved])
    document = yearly_document(fresh, chief(fresh), "school", 2025, "zh")
    assert [row[0] for row in block(document, "本期异常").rows] == ["用电偏低", "偏高", "夜间用电偏高"]


def test_an_office_sees_how_its_value_was_corrected(fresh: Context) -> None:
    same = {
        "scope": "institution", "id": "school", "period": "year", "caliber": "physical", "coverage": 1.0,
        "time": start(2025, 1, 1),
    }  # fmt: skip
    # 80 x (0.3 + 0.7 x 2500 / 3000) x (0.7 + 0.3 x 8 / 10)
    stated = {"nonheating_kwh_measured_per_area": 80.0, "nonheating_kwh_per_area": 66.4267, "office_hours": 3000.0}
    rows = [
        {**same, "indicator": key, "value": value} for key, value in (stated | {"office_area_per_person": 8}).items()
    ]
    write(fresh.store, "indicator", rows, {"scope": ["institution"], "id": ["school"], "period": ["year"]})
    notes = block(yearly_document(fresh, chief(fresh), "school", 2025, "en"), "Indicators and quotas").notes
    assert "measured 80.00 × γ1 0.8833 (T = 3000 h) × γ2 0.9400 (S = 8 m²)" in notes[-1]


def test_limits_among_peers_stand_with_interval_group_and_own_adjustment(ctx: Context) -> None:
    document = monthly_document(ctx, chief(ctx), "school", date(2025, 3, 1), "zh")
    row = cells(block(document, "同类限值"), "单位建筑面积能耗")
    assert (row["统计期间"], row["数值"], row["单位"]) == ("至 2025-03 的 12 个月", 12.3, "kgce/(m²·a)")
    assert (row["约束值"], row["基准值"], row["引导值"]) == (20.0, 12.2, 9.1)
    intervals = block(document, "同类限值").rows[0][5::2]
    assert intervals == ("16 – 24", "9 – 14", "7 – 11")
    own = cells(block(document, "同类分组"), "单位建筑面积能耗")
    assert own["同类分组"] == "教育事业 · 寒冷A（同类不足, 采用上一级分组）"
    assert (own["成员数"], own["使用时间"], own["人员密度"]) == (31, 1.37, "未修正")
    assert own["口径"] == "当量值口径(公共机构统计)"
    english = block(yearly_document(ctx, chief(ctx), "school", 2025, "en"), "Peer groups")
    assert english.rows[0][2] == "education · cold A (too few of the same kind: the group above was taken)"


def test_a_report_without_a_rolling_year_in_it_names_no_peers(ctx: Context) -> None:
    document = monthly_document(ctx, chief(ctx), "school", date(2025, 2, 1), "zh")
    assert [table.caption for table in document.tables if "同类" in table.caption] == []


def test_limits_among_peers_are_told_only_to_whom_the_page_tells_them(fresh: Context) -> None:
    few = {"scope": "institution", "id": "school", "period": "rolling12", "indicator": "electricity_per_area"}
    row = {"caliber": "physical", "time": start(2025, 3, 1), "value": 5.0, "constraint": 6.0, "group": "peers 021 n=5"}
    write(fresh.store, "indicator", [few | row], {name: [value] for name, value in few.items()})
    mine, month = of(fresh, Node("institution", "school")), date(2025, 3, 1)
    # the school sees one of five: four strangers are too few, the thirty of the other group are enough
    told = block(monthly_document(fresh, mine, "school", month, "zh"), "同类限值")
    assert [row[0] for row in told.rows] == ["单位建筑面积能耗"]
    whole = block(monthly_document(fresh, chief(fresh), "school", month, "zh"), "同类限值")
    assert [row[0] for row in whole.rows] == ["单位建筑面积能耗", "单位建筑面积电耗"]


def test_a_heating_season_belongs_to_the_report_in_which_it_ends(fresh: Context) -> None:
    own = {"scope": "institution", "id": "school", "period": "season", "indicator": "heating_energy_per_heated_area"}
    row = {"caliber": "physical", "time": start(2024, 11, 15), "value": 9.0, "group": "peers 021 n=31"}
    write(fresh.store, "indicator", [own | row], {name: [value] for name, value in own.items()})

    def seasons(document: Document) -> list[Any]:
        return [row[1] for table in document.tables if "同类限值" in table.caption for row in table.rows][1:]

    # nobody states a season here: to 15 March 2025
    told = ["2024-11 起的供暖季"]
    assert seasons(monthly_document(fresh, chief(fresh), "school", date(2025, 3, 1), "zh")) == told
    assert seasons(monthly_document(fresh, chief(fresh), "school", date(2025, 2, 1), "zh")) == []
    assert seasons(yearly_document(fresh, chief(fresh), "school", 2025, "zh")) == told


def test_a_missing_day_makes_the_month_unknown_not_smaller(fresh: Context) -> None:
    rows = [total("electricity", "day", start(2025, 5, day), 10.0, 0.7, 2025) for day in range(1, 31)]
    own = {"scope": ["institution"], "id": ["school"], "period": ["day"], "category": ["electricity"]}
    fresh.store.replace(_none(), where=own, start=start(2025, 5, 1), end=start(2025, 6, 1))
    write(fresh.store, "total", rows, own)
    document = monthly_document(fresh, chief(fresh), "school", date(2025, 5, 1), "zh")
    row = cells(block(document, "分类能源资源消费量"), "电")
    assert math.isnan(row["消费量"])
    assert row["完整率"] == pytest.approx(0.98 * 30 / 31)
    text = "".join(b.text for b in document.blocks if hasattr(b, "text"))
    assert "电消费量未知" in text


def test_a_year_that_is_not_over_has_no_total(fresh: Context) -> None:
    """In December a row of each month is there, and the last one holds what came so far."""
    ctx = Context(fresh.registry, fresh.store, fresh.zone, clock=lambda: start(2025, 12, 20))
    document = yearly_document(ctx, chief(ctx), "school", 2025, "zh")
    months = block(document, "逐月消费量")
    assert [row[0] for row in months.rows[-3:]] == ["11月", "12月（至今）", "全年"]
    assert math.isnan(float(months.rows[-1][1]))  # type: ignore[arg-type]
    assert block(document, "指标与定额").rows == ()  # a grade of half a year would flatter
    text = "".join(b.text for b in document.blocks if hasattr(b, "text"))
    assert "统计期间尚未结束" in text
    assert "电消费量未知" not in text


def test_an_institution_that_used_nothing_has_a_report(fresh: Context) -> None:
    rows = [
        total("electricity", "month", start(2025, month, 1), 0.0, 0.7, 2025, item)
        for item in ("all", "A") for month in range(1, 13)
    ]  # fmt: skip
    own = {"scope": ["institution"], "id": ["school"], "period": ["month"], "category": ["electricity"]}
    write(fresh.store, "total", rows, own)
    row = block(yearly_document(fresh, chief(fresh), "school", 2025, "zh"), "分项用电量").rows[0]
    assert row[1] == 0.0
    assert math.isnan(float(row[2]))  # type: ignore[arg-type]


def test_a_large_area_is_written_in_full(fresh: Context) -> None:
    sheets = fresh.registry.export_sheets()
    sheets["denominators"][0]["value"] = 1_234_567.8
    fresh.registry.import_sheets(sheets)
    document = monthly_document(fresh, chief(fresh), "school", date(2025, 3, 1), "zh")
    assert "1,234,567.8 m²" in dict(document.facts).values()


def test_a_month_without_data_says_so(ctx: Context) -> None:
    document = monthly_document(ctx, chief(ctx), "office", date(2025, 3, 1), "zh")
    assert block(document, "分类能源资源消费量").rows == ()
    for fmt in reports.FORMATS:
        assert len(reports.monthly(ctx, chief(ctx), "office", date(2025, 3, 1), fmt)) > 4000


def test_who_does_not_see_an_institution_gets_no_report_of_it(ctx: Context) -> None:
    scope = of(ctx, Node("institution", "office"))
    with pytest.raises(NotInRegistry):
        reports.monthly(ctx, scope, "school", date(2025, 3, 1), "pdf")
    with pytest.raises(NotInRegistry):
        reports.yearly(ctx, scope, "school", 2025, "xlsx")


def test_english_is_there_for_every_word(ctx: Context) -> None:
    document = yearly_document(ctx, chief(ctx), "school", 2025, "en")
    heads = [column.head for table in document.tables for column in table.columns]
    assert all(head.isascii() or "³" in head for head in heads)
    assert document.title == "Jia First School: yearly energy and water analysis 2025"


def test_a_workbook_holds_numbers_with_their_format(ctx: Context) -> None:
    book = load_workbook(io.BytesIO(reports.yearly(ctx, chief(ctx), "school", 2025, "xlsx")))
    sheet = book.worksheets[0]
    (row,) = [row for row in sheet.iter_rows() if row[0].value == "电"]
    assert (row[2].value, row[2].number_format) == (78_000.0, "#,##0.0")
    assert (row[8].value, row[8].number_format) == (pytest.approx(0.98), "0.0%")
    (water,) = [row for row in sheet.iter_rows() if row[0].value == "水"]
    assert water[4].value is None  # unknown is empty, not zero
    charts = [page for page in book.worksheets[1:] if page._charts]
    assert [page.title for page in charts] == ["图1", "图2"]
    assert [charts[0].cell(row, 2).value for row in (20, 31)] == [1000.0, 12_000.0]


def _none() -> Table:
    return Table(
        "total",
        np.zeros(0, np.int64),
        {tag: np.zeros(0, object) for tag in TOTAL.tags},
        {name: np.zeros(0) for name in TOTAL.fields},
    )
