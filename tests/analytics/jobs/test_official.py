"""Indicators of the quota standards through the jobs: left out what is metered separately, nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.jobs.conftest import Works, instant, meter

COURT = {
    "id": "court",
    "name_zh": "法院",
    "region": "370600",
    "type": "01",
    "tier": "市级以下",
    "quota_class": "党政机关",
    "climate_zone": "寒冷A",
}


def paper(name: str, **columns: object) -> dict[str, object]:
    own = {"institution": "court", "kind": "manual", "digits": None, "interval_s": 86_400}
    return meter(name, **{**own, **columns})


def bill(name: str, first: str, last: str, amount: float, unit: str = "kWh") -> dict[str, object]:
    return {"meter": name, "first_day": first, "last_day": last, "amount": amount, "unit": unit}


def of_year(name: str, amount: float, unit: str = "kWh") -> dict[str, object]:
    return bill(name, "2025-01-01", "2025-12-31", amount, unit)


def area(value: float, kind: str = "floor_area") -> dict[str, object]:
    return {"scope": "institution", "id": "court", "kind": kind, "value": value, "unit": "m2"}


def value(works: Works, indicator: str, period: str, when: str, field: str = "value") -> float:
    found = works.rows("indicator", id="court", indicator=indicator, period=period)
    at = np.flatnonzero(found.time == instant(when))
    return float(found.fields[field][at[0]]) if len(at) else float("nan")


def yantai(works: Works, item: str) -> None:
    """The court of Yantai in 2025: 1,040,085 kWh, of which 78,210 kWh heat, on 24,300 m2."""
    works.estate(
        paper("main"),
        paper("boiler", item=item, parent="main"),
        bills=[of_year("main", 1_040_085), of_year("boiler", 78_210)],
        denominators=[area(24_300)],
    )
    works.registry.import_sheets(
        {
            "regions": [
                {"code": "370000", "name_zh": "山东省"},
                {"code": "370600", "name_zh": "烟台市", "parent": "370000"},
            ],
            "institutions": [COURT],
        }
    )
    works.run(now="2026-01-15T06:00:00")


def test_the_court_of_yantai(works: Works) -> None:
    yantai(works, "B1F")
    for period, when in (("year", "2025-01-01T00:00:00"), ("rolling12", "2025-12-01T00:00:00")):
        assert value(works, "nonheating_energy_per_area", period, when) == pytest.approx(12.27, abs=0.005)
        # (1,040,085 - 78,210) / 24,300
        assert value(works, "conventional_electricity_per_area", period, when) == pytest.approx(39.583, abs=0.001)


def test_heating_that_is_not_metered_separately_stays_in(works: Works) -> None:
    yantai(works, "B")
    assert value(works, "nonheating_energy_per_area", "year", "2025-01-01T00:00:00") == pytest.approx(13.27, abs=0.005)


def test_limits_are_those_of_class_tier_and_zone(works: Works) -> None:
    yantai(works, "B1F")
    found = works.rows("indicator", id="court", indicator="nonheating_energy_per_area", period="rolling12")
    last = int(np.flatnonzero(found.time == instant("2025-12-01T00:00:00"))[0])
    limits = [found.fields[name][last] for name in ("constraint", "baseline", "guide", "group")]
    assert limits == [20.0, 11.9, 6.5, "DB37/T 2672-2019"]


def test_kitchens_and_data_centres_are_no_conventional_use_but_count_as_energy(works: Works) -> None:
    works.estate(
        paper("main"),
        paper("servers", item="D1", parent="main"),
        paper("kitchen", item="D3", parent="main"),
        paper("gas", category="gas", unit="m3"),
        paper("petrol", category="gasoline", unit="L"),
        bills=[
            of_year("main", 1000),
            of_year("servers", 200),
            of_year("kitchen", 100),
            of_year("gas", 10, "m3"),
            of_year("petrol", 50, "L"),
        ],
        denominators=[area(10)],
    )
    works.run(now="2026-01-15T06:00:00")
    year = "2025-01-01T00:00:00"
    assert value(works, "conventional_electricity_per_area", "year", year) == pytest.approx(70.0)
    # 1000 kWh x .31 + 10 m3 x 1.2143; petrol drives
    assert value(works, "nonheating_energy_per_area", "year", year) == pytest.approx((310 + 12.143) / 10)


def test_a_heating_season_is_told_when_its_last_day_is_over(works: Works) -> None:
    works.estate(
        paper("heat", category="heat", unit="GJ"),
        bills=[bill("heat", "2024-11-15", "2025-03-15", 151, "GJ")],
        denominators=[area(400, "heated_area")],
    )
    works.run(now="2025-03-15T06:00:00")
    start = "2024-11-15T00:00:00"
    assert np.isnan(value(works, "heating_energy_per_heated_area", "season", start))
    works.run(now="2025-04-02T06:00:00", since=0)
    # 151 GJ x 34.12 kgce/GJ / 400 m2
    assert value(works, "heating_energy_per_heated_area", "season", start) == pytest.approx(12.8803, abs=1e-4)


def test_a_season_without_its_january_is_not_known(works: Works) -> None:
    works.estate(
        paper("heat", category="heat", unit="GJ"),
        bills=[
            bill("heat", "2024-11-01", "2024-12-31", 60, "GJ"),
            bill("heat", "2025-02-01", "2025-03-31", 60, "GJ"),
        ],
        denominators=[area(400, "heated_area")],
    )
    works.run(now="2025-05-01T06:00:00")
    assert len(works.rows("indicator", id="court", period="season")) == 0


def test_only_the_days_of_the_season_count(works: Works) -> None:
    # hot water of summer and the heat of April are no heating; half of March is: a day takes 1 GJ in all of them
    works.estate(
        paper("heat", category="heat", unit="GJ"),
        bills=[
            bill("heat", "2024-07-01", "2024-11-14", 137, "GJ"),
            bill("heat", "2024-11-15", "2025-03-15", 121, "GJ"),
            bill("heat", "2025-03-16", "2025-04-30", 46, "GJ"),
        ],
        denominators=[area(400, "heated_area")],
    )
    works.run(now="2025-05-01T06:00:00")
    found = value(works, "heating_energy_per_heated_area", "season", "2024-11-15T00:00:00")
    assert found == pytest.approx(121 * 34.12 / 400)


def test_a_city_has_its_own_season_and_an_institution_may_state_another(works: Works) -> None:
    works.estate(
        paper("heat", category="heat", unit="GJ"),
        bills=[
            bill("heat", "2024-11-10", "2024-11-15", 6, "GJ"),
            bill("heat", "2024-11-16", "2025-03-31", 136, "GJ"),
        ],
        denominators=[area(400, "heated_area")],
    )
    yantai_court = {
        "regions": [
            {"code": "370000", "name_zh": "山东省"},
            {"code": "370600", "name_zh": "烟台市", "parent": "370000"},
        ],
        "institutions": [COURT],
    }
    works.registry.import_sheets(yantai_court)
    works.run(now="2025-04-02T06:00:00")
    # Yantai is heated from 16 November to 31 March (DB37/5026-2022)
    key = "heating_energy_per_heated_area"
    assert value(works, key, "season", "2024-11-16T00:00:00") == pytest.approx(136 * 34.12 / 400)
    own = {
        "scope": "institution", "id": "court", "begins": "11-10", "ends": "03-31", "valid_from": "2024-07-01",
        "valid_to": "2025-07-01", "source": "示例", "confidence": "sure",
    }  # fmt: skip
    works.registry.import_sheets({"heating_seasons": [own]})
    works.run(now="2025-04-03T06:00:00")
    assert value(works, key, "season", "2024-11-10T00:00:00") == pytest.approx(142 * 34.12 / 400)
    assert np.isnan(value(works, key, "season", "2024-11-16T00:00:00"))  # no ghost of the former day


def test_a_gap_inside_a_month_leaves_the_season_known(works: Works) -> None:
    works.estate(
        meter("heat", institution="court", category="heat", unit="GJ", building="b2"),
        denominators=[area(400, "heated_area")],
    )
    works.hourly("heat", "2024-11-01T00:00:00", [0.125] * 24 * 40)
    works.hourly("heat", "2024-12-25T00:00:00", [0.125] * 24 * 90, start=0.125 * 24 * 54)
    works.run(now="2025-04-02T06:00:00")
    # 3 GJ a day on 121 days; December is known by its register, two weeks of its days are not
    found = value(works, "heating_energy_per_heated_area", "season", "2024-11-15T00:00:00")
    assert found == pytest.approx(363 * 34.12 / 400)


def test_a_season_has_its_quota(works: Works) -> None:
    quota = {
        "region": "示例省", "standard": "示例 1", "institution_type": "党政机关", "tier": "市级",
        "climate_zone": "寒冷A",
        "indicator": "heating_energy_per_heated_area", "constraint": 14, "baseline": 12, "guide": 9,
        "unit": "kgce/(m2·a)", "caliber": "sd_2019", "source": "示例", "confidence": "sure", "approved_by": "李",
    }  # fmt: skip
    court = {"id": "court", "name_zh": "法院", "region": "990101", "type": "01", "tier": "市级",
             "quota_class": "党政机关", "climate_zone": "寒冷A"}  # fmt: skip
    works.estate(paper("heat", category="heat", unit="GJ"))
    works.registry.import_sheets(
        {
            "institutions": [court],
            "bills": [bill("heat", "2024-11-01", "2025-03-31", 151, "GJ")],
            "denominators": [area(400, "heated_area")],
            "quotas": [quota],
        }
    )
    works.run(now="2025-04-02T06:00:00")
    (row,) = [works.rows("indicator", id="court", period="season", indicator="heating_energy_per_heated_area")]
    limits = [row.fields[name][0] for name in ("constraint", "baseline", "guide", "group")]
    assert limits == [14.0, 12.0, 9.0, "示例 1"]


def stated(kind: str, value: float, unit: str, **columns: object) -> dict[str, object]:
    return {"scope": "institution", "id": "school", "kind": kind, "value": value, "unit": unit, **columns}


def of_school(works: Works, indicator: str, period: str, when: str) -> float:
    found = works.rows("indicator", id="school", indicator=indicator, period=period)
    at = np.flatnonzero(found.time == instant(when))
    return float(found.fields["value"][at[0]]) if len(at) else float("nan")


@pytest.mark.parametrize(
    ("indicator", "denominator", "expected"),
    [
        # 7,300 m3 of a year: 1000 L x 7300 / 20,000 bed-days
        ("water_per_bed_day", stated("bed_days", 20_000, "bed·d"), 365.0),
        ("water_per_university_person", stated("university_persons", 400, "p"), 18.25),
        ("water_per_school_person", stated("school_persons", 500, "p"), 14.6),
    ],
)
def test_water_of_hospitals_and_schools_has_denominators_of_its_own(
    works: Works, indicator: str, denominator: dict[str, object], expected: float
) -> None:
    water = meter("w", category="water", unit="m3", kind="manual", digits=None, interval_s=86_400)
    works.estate(
        water,
        bills=[bill("w", "2025-01-01", "2025-12-31", 7300, "m3"), bill("w", "2026-01-01", "2026-03-31", 1800, "m3")],
        denominators=[denominator],
    )
    works.run(now="2026-04-01T00:00:00")
    assert of_school(works, indicator, "year", "2025-01-01T00:00:00") == pytest.approx(expected)
    assert of_school(works, indicator, "rolling12", "2025-12-01T00:00:00") == pytest.approx(expected)


def test_bed_days_are_those_of_a_year_and_a_part_of_it_has_its_part(works: Works) -> None:
    water = meter("w", category="water", unit="m3", kind="manual", digits=None, interval_s=86_400)
    works.estate(
        water,
        bills=[bill("w", "2025-01-01", "2025-12-31", 7300, "m3"), bill("w", "2026-01-01", "2026-03-31", 1800, "m3")],
        denominators=[stated("bed_days", 20_000, "bed·d")],
    )
    works.run(now="2026-04-01T00:00:00")
    # 90 of 365 days: 1,800,000 L / (20,000 x 90 / 365)
    running = of_school(works, "water_per_bed_day", "year", "2026-01-01T00:00:00")
    assert running == pytest.approx(365.0)
    found = works.rows("indicator", id="school", indicator="water_per_bed_day", period="month")
    january = float(found.fields["value"][found.time == instant("2025-01-01T00:00:00")][0])
    # every day of January uses about 20 m3: about 365 L a bed-day as in the whole year
    assert january == pytest.approx(365.0, rel=0.05)


def test_a_data_centre_is_told_by_its_own_meter_and_the_energy_of_its_it(works: Works) -> None:
    works.estate(
        paper("main", institution="school"),
        paper("servers", item="D1", parent="main", institution="school"),
        bills=[of_year("main", 1000), of_year("servers", 180)],
        denominators=[stated("it_energy", 100, "kWh")],
    )
    works.run(now="2026-01-15T06:00:00")
    assert of_school(works, "data_centre_eue", "year", "2025-01-01T00:00:00") == pytest.approx(1.8)


def test_a_rolling_year_is_told_when_its_last_month_is_over(works: Works) -> None:
    works.estate(
        paper("main", institution="school"),
        bills=[bill("main", "2025-01-01", "2025-12-31", 1000), bill("main", "2026-01-01", "2026-01-02", 6)],
        denominators=[stated("floor_area", 10, "m2")],
    )
    works.run(now="2026-01-03T06:00:00")
    assert of_school(works, "electricity_per_area", "rolling12", "2025-12-01T00:00:00") == pytest.approx(100.0)
    # eleven months and two days are no year: about 8 % too little, and would look like thrift
    assert np.isnan(of_school(works, "electricity_per_area", "rolling12", "2026-01-01T00:00:00"))
    works.registry.import_sheets({"bills": [bill("main", "2026-01-03", "2026-01-31", 94)]})
    works.run(now="2026-02-01T00:00:00")
    january = of_school(works, "electricity_per_area", "rolling12", "2026-01-01T00:00:00")
    assert january == pytest.approx((1000 + 100 - 84) / 10, abs=0.5)  # without January of the year before


def test_a_running_month_does_not_give_a_place(works: Works) -> None:
    works.estate(
        paper("main", institution="school"),
        bills=[bill("main", "2025-01-01", "2025-12-31", 1000), bill("main", "2026-01-01", "2026-01-02", 6)],
    )
    works.run(now="2026-01-03T06:00:00")
    found = works.rows("indicator", id="school", period="rolling12")
    assert found.time.max() == instant("2025-12-01T00:00:00")
