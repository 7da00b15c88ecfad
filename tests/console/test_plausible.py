"""What makes a bill doubtful, by figures that can be checked by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from api import proofs
from api.console.plausible import Doubt, doubts
from api.problems import Problem
from energy.model import Category
from energy.registry import Bill

FEBRUARY = Bill("m", date(2025, 2, 1), date(2025, 2, 28), 2_800.0, "kWh", yuan=1_960.0)  # 100 a day at 0.70 yuan
JANUARY = Bill("m", date(2025, 1, 1), date(2025, 1, 31), 3_100.0, "kWh")  # 100 a day
LAST_YEAR = Bill("m", date(2024, 2, 1), date(2024, 2, 29), 2_900.0, "kWh")  # 100 a day


def found(bill: Bill, *others: Bill, metered: float = math.nan) -> list[Doubt]:
    return list(doubts(bill, others, Category.ELECTRICITY, metered))


def test_a_bill_like_all_others_raises_no_doubt() -> None:
    assert found(FEBRUARY, JANUARY, LAST_YEAR, metered=2_850.0) == []


def test_a_change_of_more_than_15_percent_against_last_year_is_doubtful() -> None:
    dear = replace(FEBRUARY, amount=3_248.0, yuan=None)  # 116 a day
    assert found(dear, JANUARY, LAST_YEAR) == [Doubt("doubt_last_year", 116.0, 100.0)]
    assert found(replace(dear, amount=3_192.0), JANUARY, LAST_YEAR) == []  # 114 a day


def test_a_misplaced_decimal_point_is_seen_against_the_bill_before() -> None:
    assert found(replace(FEBRUARY, amount=28_000.0, yuan=None), JANUARY) == [Doubt("doubt_before", 1_000.0, 100.0)]


def test_days_between_two_bills_that_belong_to_none_are_told() -> None:
    short = replace(JANUARY, last_day=date(2025, 1, 28), amount=2_800.0)
    assert found(FEBRUARY, short) == [Doubt("doubt_gap", 0.0, 3.0)]


def test_money_in_the_wrong_unit_is_seen_by_its_price() -> None:
    assert found(replace(FEBRUARY, yuan=0.196)) == [Doubt("doubt_price", 0.196 / 2_800, 0.2)]


def test_more_than_5_percent_between_bill_and_meter_needs_a_look() -> None:
    assert found(FEBRUARY, metered=2_600.0) == [Doubt("doubt_meter", 2_800.0, 2_600.0)]
    assert found(FEBRUARY, metered=2_700.0) == []


def test_a_proof_keeps_its_name_for_people_and_gets_another_on_disk(tmp_path: Path) -> None:
    kept = proofs.keep(tmp_path, "C:\\fotos\\前后对比.png", b"\x89PNG\r\n\x1a\nxyz")
    assert kept.name == "前后对比.png"
    assert (tmp_path / kept.stored).read_bytes().endswith(b"xyz")
    assert [path.name for path in tmp_path.iterdir()] == [kept.stored]


def test_a_proof_that_is_too_large_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    for name, content, status in (
        ("a.pdf", b"%PDF-" + bytes(proofs.MOST_BYTES), 413),
        ("a.exe", b"MZ", 422),
        ("a.pdf", b"<html>", 422),
        ("a.svg", b"<svg/>", 422),
    ):
        with pytest.raises(Problem) as refused:
            proofs.keep(tmp_path, name, content)
        assert refused.value.status == status
    assert list(tmp_path.iterdir()) == []
