"""What people state and take back leaves no trace in any figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from analytics import consumption
from energy.registry.decisions import Correction
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter
from tests.analytics.jobs.everything import everything

E1 = meter("e1", building="b1")
SWAP = {"meter": "e1", "time": "2026-01-06T00:00:00+08:00", "old_end": 48.0, "new_start": 48.0, "new_ratio": 10}
DAY_5 = instant("2026-01-05T00:00:00")
CORRECTION = Correction("e1", DAY_5, DAY_5 + 86_400, "amount", "li", 1, "误接", 500.0)
BILL = {"meter": "m1", "first_day": "2026-02-01", "last_day": "2026-02-10", "amount": 100, "unit": "kWh", "yuan": 60}
TARIFF = {"tariff": "t", "component": "energy", "price_yuan": 0.5, "unit": "yuan/kWh", "source": "示例"}
USE = {"scope": "institution", "id": "school", "category": "electricity", "tariff": "t"}
AREA = {"scope": "institution", "id": "school", "kind": "floor_area", "value": 10, "unit": "m2"}
CLOSED = {"institution": "court", "date_from": "2026-01-06", "date_to": "2026-01-07", "kind": "closed", "name": "停电"}

Act = Callable[[Works], object]


def stated(sheet: str, row: Mapping[str, object]) -> Act:
    return lambda works: works.registry.import_sheets({sheet: [row]})


def removed(sheet: str, row: Mapping[str, object]) -> Act:
    return lambda works: works.registry.remove_rows(sheet, [row])


ACTS: dict[str, tuple[Act, Act]] = {
    "swap": (stated("swaps", SWAP), removed("swaps", SWAP)),
    "correction": (
        lambda works: works.registry.corrections.put([CORRECTION]),
        lambda works: works.registry.corrections.put([replace(CORRECTION, state="withdrawn")]),
    ),
    "bill": (stated("bills", BILL), removed("bills", BILL)),
    "tariff": (stated("tariff_uses", USE), removed("tariff_uses", USE)),
    "area": (stated("denominators", AREA), removed("denominators", AREA)),
    "closed days": (stated("calendars", CLOSED), removed("calendars", CLOSED)),
    "unit": (stated("meters", {**E1, "unit": "MWh"}), stated("meters", E1)),
    "building": (stated("meters", {**E1, "building": ""}), stated("meters", E1)),
    "institution": (
        stated("meters", {**E1, "institution": "court", "building": "b2"}), stated("meters", E1),
    ),
    "out of service": (stated("meters", {**E1, "active_to": "2026-01-05"}), stated("meters", {**E1, "active_to": ""})),
    "others": (stated("meters", {**E1, "used_by": "others"}), stated("meters", {**E1, "used_by": ""})),
    "region": (
        stated("institutions", {"id": "school", "name_zh": "学校", "region": "990000", "type": "021"}),
        stated("institutions", {"id": "school", "name_zh": "学校", "region": "990101", "type": "021"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ACTS)
def test_what_is_taken_back_leaves_every_figure_as_it_was(works: Works, what: str) -> None:
    do, undo = ACTS[what]
    manual = meter("m1", institution="court", kind="manual", digits=None, building="b2", interval_s=86_400)
    works.estate(E1, manual, tariffs=[TARIFF], bills=[{**BILL, "first_day": "2026-01-01", "last_day": "2026-01-31"}])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 72)
    works.run()
    before = everything(works)
    do(works)
    works.run()
    assert everything(works) != before
    undo(works)
    works.run()
    after = everything(works)
    del before["finding"], after["finding"]  # findings have a history: withdrawn ones stay
    assert [name for name, rows in before.items() if after[name] != rows] == []
    assert works.registry.findings.rows(state="open") == []


def test_a_statement_that_covers_part_of_another_decides_on_all_of_it_until_it_is_taken_back(works: Works) -> None:
    """Three days used 300 kWh; that five hours of the last used 50 leaves the hours before them unknown."""
    begin, part = instant("2026-01-06T00:00:00"), instant("2026-01-08T12:00:00")
    whole = Correction("e1", begin, begin + 3 * DAY, "amount", "li", 1, "抄表", 300.0)
    within = Correction("e1", part, part + 5 * HOUR, "amount", "li", 2, "抄表", 50.0)
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 144)
    works.registry.corrections.put([whole])
    works.run()
    for stated, method in ((within, consumption.UNKNOWN), (replace(within, state="withdrawn"), consumption.CORRECTION)):
        works.registry.corrections.put([stated])
        works.run()
        found = works.rows("interval", meter="e1")
        before = (found.time >= begin) & (found.time < part)
        assert found.fields["method"][before].tolist() == [method] * 60
