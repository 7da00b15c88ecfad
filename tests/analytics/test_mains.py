"""Which side counts where a bill and a main measure the same."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from analytics.mains import Twins, billed_days, twins
from energy.model import Category, Meter, MeterKind, UsedBy


def meter(name: str, **more: object) -> Meter:
    return Meter(name, "school", Category.ELECTRICITY, "kWh", **more)  # type: ignore[arg-type]


def account(name: str, **more: object) -> Meter:
    return meter(name, kind=MeterKind.MANUAL, **more)


def test_mains_of_an_account_lie_beside_or_below_it_in_the_same_place() -> None:
    meters = [
        account("paper"), meter("beside"), meter("below", parent="paper"), meter("lamps", parent="paper", item="A"),
        meter("b1", building="b1"), meter("deeper", parent="below"),
    ]  # fmt: skip
    assert twins(meters) == (Twins((0,), (1, 2)),)


def test_an_account_of_an_item_or_of_another_building_stands_alone() -> None:
    assert twins([account("paper", item="A"), meter("main")]) == ()
    assert twins([account("paper", building="b1"), meter("main", building="b2")]) == ()
    assert twins([account("paper")]) == ()


def test_what_others_use_is_neither_account_nor_main() -> None:
    kiosk = meter("kiosk", parent="paper", used_by=UsedBy.OTHERS)
    shop = meter("shop", parent="main", used_by=UsedBy.OTHERS)
    till = meter("till", parent="kiosk", used_by=UsedBy.OTHERS)
    assert twins([account("paper"), meter("main", parent="paper"), kiosk, shop, till]) == (Twins((0,), (1,), (2,)),)
    assert twins([meter("main"), account("let", used_by=UsedBy.OTHERS)]) == ()
    assert twins([account("paper"), kiosk]) == ()


def test_two_accounts_of_one_place_share_its_mains() -> None:
    assert twins([account("day"), meter("main"), account("night")]) == (Twins((0, 2), (1,)),)


def test_the_bill_counts_where_it_is_known_and_not_every_main_covers() -> None:
    billed = np.array([[True, True, True, False, False]])
    covered = np.array([[True, True, False, False, False], [True, False, False, False, False]])
    serves = np.array([[True, True, True, True, False], [True, True, True, True, False]])
    counts, due = billed_days(billed, covered, serves)
    assert_array_equal(counts, [False, True, True, False, False])
    assert_array_equal(due, [False, True, True, False, True])  # nobody else serves the last day


def test_a_main_out_of_service_need_not_cover() -> None:
    billed = np.array([[True, True]])
    covered = np.array([[True, True], [False, False]])
    serves = np.array([[True, True], [True, False]])
    counts, _ = billed_days(billed, covered, serves)
    assert_array_equal(counts, [True, False])
