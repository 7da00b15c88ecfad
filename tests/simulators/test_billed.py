"""Billed institutions: bills add up to the use, periods never overlap, groups are large enough for peers."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from energy.registry import Registry
from simulators.billed import Billed
from simulators.catalogue import REGIONS
from simulators.decisions import FLAT_PRICES
from simulators.province import Province, build

YEARS = (date(2024, 1, 1), date(2026, 1, 1))


@pytest.fixture(scope="module")
def province() -> Province:
    return build(7, *YEARS, houses=1, billed=200)


@pytest.fixture(scope="module")
def others(province: Province) -> Billed:
    assert province.billed is not None
    return province.billed


def test_four_types_have_at_least_thirty_institutions_each(others: Billed) -> None:
    types = Counter(house.type for house in others.houses)
    assert sum(types.values()) == 200
    assert sorted(types) == ["01", "021", "023", "024"]
    assert min(types.values()) >= 30


def test_the_metered_province_does_not_know_of_them(province: Province, others: Billed) -> None:
    plain = build(7, *YEARS, houses=1)
    assert plain.billed is None
    assert plain.sheets == province.sheets
    assert {row["id"] for row in others.sheets["institutions"]}.isdisjoint(
        row["id"] for row in plain.sheets["institutions"]
    )


def test_the_bills_of_a_meter_add_up_to_what_was_used(others: Billed) -> None:
    sums: Counter[str] = Counter()
    for bill in others.bills:
        sums[bill.meter] += bill.amount
    assert sums == {meter: np.rint(days.sum()) for meter, days in others.daily.items()}


def test_the_periods_of_a_meter_follow_each_other_without_gap_or_overlap(others: Billed) -> None:
    for _, group in groupby(others.bills, key=lambda bill: bill.meter):
        bills = list(group)
        assert (bills[0].first, bills[-1].last) == (YEARS[0], YEARS[1] - timedelta(days=1))
        assert all(b.first == a.last + timedelta(days=1) for a, b in pairwise(bills))
        assert 24 <= len(bills) <= 25
        assert all((b.last - b.first).days <= 31 for b in bills)


def test_a_bill_is_amount_times_tariff_unless_it_is_labelled_wrong(others: Billed) -> None:
    assert 0 < len(others.wrong_bills) < 0.03 * len(others.bills)
    for bill in others.bills:
        right = bill.amount * FLAT_PRICES[bill.category]
        assert (abs(bill.yuan - right) > 0.01) == (bill.is_wrong and bill.amount > 0)


def test_denser_institutions_use_more_of_the_same_floor(others: Billed) -> None:
    offices = [house for house in others.houses if house.type == "01"]
    intensity = [np.log(others.daily[f"{h.id}.electricity"].sum() / h.area_m2) for h in offices]
    density = [np.log(h.users / h.area_m2) for h in offices]
    slope = np.polyfit(density, intensity, 1)[0]
    assert slope == pytest.approx(0.4, abs=0.15)


def test_every_row_names_what_another_sheet_holds(others: Billed) -> None:
    sheets = others.sheets
    meters = {row["id"] for row in sheets["meters"]}
    assert {row["meter"] for row in sheets["bills"]} == meters
    assert {row["kind"] for row in sheets["meters"]} == {"manual"}
    assert list(sheets["bills"][0]) == ["meter", "first_day", "last_day", "amount", "unit", "yuan", "document"]


def test_every_hour_of_the_year_has_one_price_by_time_of_use(province: Province) -> None:
    rows = [row for row in province.decisions["tariffs"] if row["tariff"] == "sl-tou"]
    for month in range(1, 13):
        minutes = [m for row in rows if _has(str(row["months"]), month) for m in _minutes(str(row["hours"]))]
        assert sorted(minutes) == list(range(1440))


def _has(months: str, month: int) -> bool:
    spans = [[int(end) for end in part.split("-")] for part in months.split(",")]
    return any(span[0] <= month <= span[-1] for span in spans)


def _minutes(hours: str) -> list[int]:
    found = []
    for span in hours.split(","):
        begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in span.split("-"))
        found += range(begin, end)
    return found


def test_everyone_pays_a_tariff_that_exists_and_has_a_target(province: Province, others: Billed) -> None:
    decided = province.decisions
    everyone = {house.id for house in (*province.houses, *others.houses)}
    assert {row["tariff"] for row in decided["tariff_uses"]} == {row["tariff"] for row in decided["tariffs"]}
    assert {row["id"] for row in decided["tariff_uses"]} == everyone
    assert {(row["id"], row["year"]) for row in decided["targets"]} == {(house, 2025) for house in everyone}


def test_the_registry_takes_all_of_it(tmp_path: Path) -> None:
    province = build(7, *YEARS, houses=1, billed=10)
    assert province.billed is not None
    everything = [province.sheets, province.billed.sheets, province.decisions]
    registry = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}", migrate=True)
    added = [registry.import_sheets(rows).added for rows in everything]
    assert all(added)
    assert [registry.import_sheets(rows).added for rows in everything] == [{}, {}, {}]
    registry.close()


def test_the_quota_book_is_plainly_invented_and_holds_for_everyone(province: Province, others: Billed) -> None:
    rows = province.decisions["quotas"]
    assert all("fictitious" in row["standard"] and "fictitious" in row["source"] for row in rows)
    zones = {region.code: region.climate_zone for region in REGIONS}
    held = {(row["institution_type"], row["tier"], row["climate_zone"], row["indicator"]) for row in rows}
    assert len(held) == len(rows)
    indicators = {row["indicator"] for row in rows}
    assert {"water_per_person", "heating_energy_per_heated_area", "nonheating_energy_per_area"} <= indicators
    for house in (*province.houses, *others.houses):
        for indicator in indicators:
            assert (house.quota_class, house.tier, zones[house.region], indicator) in held


def test_offices_are_found_in_every_grade(province: Province, others: Billed) -> None:
    zones = {region.code: region.climate_zone for region in REGIONS}
    limits = {
        (row["tier"], row["climate_zone"]): (row["guide"], row["baseline"], row["constraint"])
        for row in province.decisions["quotas"]
        if (row["institution_type"], row["indicator"]) == ("党政机关", "electricity_per_area")
    }
    grades = set()
    for house in others.houses:
        if house.quota_class == "党政机关":
            used = others.daily[f"{house.id}.electricity"][:365].sum() / house.area_m2
            grades.add(int(np.searchsorted(limits[house.tier, zones[house.region]], used)))
    assert grades == {0, 1, 2, 3}


def test_some_targets_will_be_passed_and_some_will_not(province: Province, others: Billed) -> None:
    begin = (date(2025, 1, 1) - YEARS[0]).days
    rows = [row for row in province.decisions["targets"] if row["indicator"] == "electricity_per_area"]
    targets = {row["id"]: row["value"] for row in rows}
    share = [
        others.daily[f"{house.id}.electricity"][begin:].sum() / house.area_m2 / targets[house.id]
        for house in others.houses
    ]
    assert np.mean(np.array(share) >= 1) > 0.2
    assert np.mean(np.array(share) < 1) > 0.2
