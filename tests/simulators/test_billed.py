"""Billed institutions: bills add up to the use, periods never overlap, groups are large enough for peers."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import groupby, pairwise

import numpy as np
import pytest

from simulators.billed import PRICES, Billed
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
        right = bill.amount * PRICES[bill.category]
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
    institutions = {row["id"] for row in sheets["institutions"]}
    assert {row["meter"] for row in sheets["bills"]} == meters
    assert {row["institution"] for row in sheets["targets"]} == institutions
    assert {row["kind"] for row in sheets["meters"]} == {"manual"}
    assert list(sheets["bills"][0]) == ["meter", "first_day", "last_day", "amount", "unit", "yuan", "document"]


def test_some_targets_will_be_passed_and_some_will_not(others: Billed) -> None:
    begin = (date(2025, 1, 1) - YEARS[0]).days
    share = [
        others.daily[f"{row['institution']}.electricity"][begin:].sum() / row["value"]  # type: ignore[operator]
        for row in others.sheets["targets"]
    ]
    assert np.mean(np.array(share) >= 1) > 0.2
    assert np.mean(np.array(share) < 1) > 0.2
