"""A unit-year is graded by the version of the quota that was valid in it, with the persons and area of its days."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.levels import Grade, Levels, grade
from tests.analytics.jobs.conftest import Works, instant, meter

QUOTA = {
    "region": "990000", "standard": "DB99/T 1", "institution_type": "中小学校", "tier": "县级", "climate_zone": "寒冷A",
    "indicator": "electricity_per_area", "unit": "kWh/(m2·a)", "caliber": "physical", "source": "附表 1",
    "confidence": "sure", "approved_by": "chief",
}  # fmt: skip


def bill(year: int, amount: float) -> dict[str, object]:
    return {"meter": "e1", "first_day": f"{year}-01-01", "last_day": f"{year}-12-31", "amount": amount, "unit": "kWh"}


def stated(kind: str, value: float, unit: str, since: str, until: str | None = None) -> dict[str, object]:
    return {
        "scope": "institution", "id": "school", "kind": kind, "value": value, "unit": unit, "valid_from": since,
        "valid_to": until,
    }  # fmt: skip


def graded(works: Works, year: int) -> tuple[float, Levels, Grade]:
    """The rolling year that ends with December: value, levels, grade."""
    found = works.rows("indicator", id="school", indicator="electricity_per_area", period="rolling12")
    (at,) = np.flatnonzero(found.time == instant(f"{year}-12-01T00:00:00"))
    levels = Levels.of(*(float(found.fields[name][at]) for name in ("constraint", "baseline", "guide")))
    value = float(found.fields["value"][at])
    return value, levels, Grade(int(grade(value, levels)))


def test_two_versions_of_a_quota_grade_each_year_by_the_one_valid_then(works: Works) -> None:
    """30 kWh/m2 in both years: at the old baseline value exactly, and exactly at the new constraint value."""
    works.estate(
        meter("e1", kind="manual", digits=None, interval_s=86_400),
        bills=[bill(2023, 30_000), bill(2024, 30_000), bill(2025, 30_000)],
        denominators=[stated("floor_area", 1000, "m2", "2023-01-01")],
    )
    own = {"id": "school", "name_zh": "学校", "region": "990101", "type": "021", "quota_class": "中小学校"}
    works.registry.import_sheets(
        {
            "institutions": [{**own, "tier": "县级", "climate_zone": "寒冷A"}],
            "quotas": [
                {**QUOTA, "constraint": 40, "baseline": 30, "guide": 20, "valid_from": "2023-01-01",
                 "valid_to": "2025-01-01"},
                {**QUOTA, "constraint": 30, "baseline": 25, "guide": 15, "valid_from": "2025-01-01"},
            ],
        }
    )  # fmt: skip
    works.run(now="2026-01-15T06:00:00")
    assert graded(works, 2024) == (pytest.approx(30.0), Levels(40.0, 30.0, 20.0), Grade.REASONABLE)
    assert graded(works, 2025) == (pytest.approx(30.0), Levels(30.0, 25.0, 15.0), Grade.QUALIFIED)


def test_persons_that_change_in_the_year_count_by_their_days(works: Works) -> None:
    """100 persons for 181 days and 200 for 184: (100 x 181 + 200 x 184) / 365 = 150.411."""
    works.estate(
        meter("w1", category="water", unit="m3", kind="manual", digits=None, interval_s=86_400),
        bills=[{**bill(2025, 3_000), "meter": "w1", "unit": "m3"}],
        denominators=[
            stated("users", 100, "p", "2025-01-01", "2025-07-01"),
            stated("users", 200, "p", "2025-07-01"),
        ],
    )
    works.run(now="2026-01-15T06:00:00")
    found = works.rows("indicator", id="school", indicator="water_per_person", period="year")
    np.testing.assert_allclose(found.fields["value"], [3_000 / (54_900 / 365)], rtol=1e-9)


OLD = {**QUOTA, "constraint": 40, "valid_from": "2019-01-01"}
NEW = {**QUOTA, "standard": "DB99/T 9", "constraint": 35, "valid_from": "2025-01-01"}
OF_THE_CITY = {**QUOTA, "region": "990101", "standard": "DB9901/T 3", "constraint": 33, "valid_from": "2010-01-01"}


@pytest.mark.parametrize(
    ("rows", "constraint"),
    [
        ([OLD], 40.0),
        ([OLD, NEW], 35.0),  # an edition with a number of its own takes over when it comes into force
        ([OLD, {**NEW, "valid_from": "2026-01-01"}], 40.0),
        ([OLD, NEW, OF_THE_CITY], 33.0),  # the nearest region's own, however old
        ([OLD, {**NEW, "region": "全国"}], 40.0),
        ([OLD, {**NEW, "valid_from": "2019-01-01"}], np.nan),  # nobody can tell which of the two is meant
    ],
)
def test_of_several_standards_the_nearest_and_then_the_newest_counts(
    works: Works, rows: list[dict[str, object]], constraint: float
) -> None:
    works.estate(
        meter("e1", kind="manual", digits=None, interval_s=86_400),
        bills=[bill(2025, 30_000)],
        denominators=[stated("floor_area", 1000, "m2", "2023-01-01")],
    )
    own = {"id": "school", "name_zh": "学校", "region": "990101", "type": "021", "quota_class": "中小学校"}
    works.registry.import_sheets(
        {"institutions": [{**own, "tier": "县级", "climate_zone": "寒冷A"}], "quotas": list(rows)}
    )
    works.run(now="2026-01-15T06:00:00")
    found = works.rows("indicator", id="school", indicator="electricity_per_area", period="rolling12")
    np.testing.assert_array_equal(found.fields["constraint"][found.time == instant("2025-12-01T00:00:00")], constraint)
