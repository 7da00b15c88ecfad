"""A dated row stated in error can be taken out; nothing that others refer to ever is."""

from __future__ import annotations

from datetime import date

import pytest

from energy.errors import NotInRegistry, RegistryError
from energy.registry import Registry
from tests.registry.sample import sample


@pytest.fixture
def stocked(registry: Registry) -> Registry:
    registry.import_sheets(sample())
    registry.forget_touched(registry.take_touched()[0])
    return registry


def test_a_row_stated_in_error_is_taken_out(stocked: Registry) -> None:
    wrong = {"scope": "building", "id": "b1", "kind": "floor_area", "valid_from": "2023-09-01"}
    assert stocked.remove_rows("denominators", [wrong]) == 1
    snapshot = stocked.snapshot()
    assert snapshot.revision == 2
    assert snapshot.denominator_on("building", "b1", "floor_area", date(2024, 1, 1)) is None
    assert snapshot.denominator_on("building", "b1", "floor_area", date(2023, 1, 1)) is not None


def test_a_row_that_holds_since_ever_is_named_without_its_date(stocked: Registry) -> None:
    assert stocked.remove_rows("departments", [{"institution": "school"}]) == 1
    assert stocked.snapshot().department_of("school", date(2019, 1, 1)) == "甲市教育局"


def test_a_swap_taken_out_is_computed_again(stocked: Registry) -> None:
    stocked.remove_rows("swaps", [{"meter": "e0", "time": "2025-03-01T10:00:00+08:00"}])
    assert stocked.snapshot().swaps == {}
    assert [mark.meter for mark in stocked.take_touched()[1]] == ["e0"]


def test_one_unknown_row_keeps_all(stocked: Registry) -> None:
    rows = [{"institution": "school"}, {"institution": "school", "valid_from": "1999-01-01"}]
    with pytest.raises(NotInRegistry, match="sheet departments: no row school, 1999-01-01"):
        stocked.remove_rows("departments", rows)
    assert len(stocked.snapshot().departments["school"]) == 2
    assert stocked.revision() == 1


def test_what_others_refer_to_stays(stocked: Registry) -> None:
    with pytest.raises(RegistryError, match="rows of 'meters' are kept for ever"):
        stocked.remove_rows("meters", [{"id": "e0"}])
    with pytest.raises(RegistryError, match="sheet calendars: expected a date like"):
        stocked.remove_rows("calendars", [{"institution": "school", "date_from": "soon", "kind": "vacation"}])
