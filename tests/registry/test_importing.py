"""Import is all or nothing, lists every problem, and the same file again changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest

from energy.errors import ImportRefused
from energy.model import UsedBy
from energy.registry import Registry
from tests.registry.sample import Sheets, row_of, sample


def refused(registry: Registry, sheets: Sheets) -> list[str]:
    """The problems of an import that must be refused, and that it left nothing."""
    before = registry.revision(), registry.export_sheets()
    with pytest.raises(ImportRefused) as caught:
        registry.import_sheets(sheets)
    assert (registry.revision(), registry.export_sheets()) == before
    return caught.value.problems


def test_an_import_says_what_it_added(registry: Registry) -> None:
    result = registry.import_sheets(sample())
    assert result.added["meters"] == 5
    assert result.added["denominators"] == 3
    assert sum(result.changed.values()) == sum(result.unchanged.values()) == 0
    assert result.revision == registry.revision() == 1
    assert str(result).startswith("23 rows (regions 3, institutions 2,")


def test_the_same_sheets_again_change_nothing(registry: Registry) -> None:
    registry.import_sheets(sample())
    first = registry.export_sheets()
    result = registry.import_sheets(sample())
    assert sum(result.added.values()) == sum(result.changed.values()) == 0
    assert sum(result.unchanged.values()) == 23
    assert result.revision == 1
    assert registry.export_sheets() == first


def test_what_was_exported_imports_as_nothing_new(registry: Registry) -> None:
    registry.import_sheets(sample())
    exported = registry.export_sheets()
    assert registry.import_sheets(exported).revision == 1
    assert registry.export_sheets() == exported


def test_a_dry_run_keeps_nothing(registry: Registry) -> None:
    result = registry.import_sheets(sample(), dry_run=True)
    assert result.added["meters"] == 5
    assert registry.revision() == 0
    assert registry.snapshot().meters == {}


def test_a_missing_row_deletes_nothing(registry: Registry) -> None:
    registry.import_sheets(sample())
    fewer = sample()
    fewer["meters"] = fewer["meters"][:1]
    del fewer["buildings"]
    registry.import_sheets(fewer)
    assert set(registry.snapshot().meters) == {"e0", "e1", "e2", "rest", "w0", "t0"}


def test_a_column_left_out_stays_and_an_empty_cell_empties(registry: Registry) -> None:
    registry.import_sheets(sample())
    result = registry.import_sheets({"meters": [{"id": "e0", "rated_kw": "", "name_zh": "总表"}]})
    meter = registry.snapshot().meters["e0"]
    assert result.changed == {"meters": 1}
    assert (meter.rated_kw, meter.digits, meter.ratio) == (None, 8, 100.0)
    assert registry.snapshot().meter_names["e0"] == ("总表", "")


def test_rows_may_come_in_any_order_and_blank_rows_are_passed_over(registry: Registry) -> None:
    sheets = {name: rows[::-1] for name, rows in reversed(sample().items())}
    sheets["meters"].insert(1, {"id": "", "unit": None})
    assert registry.import_sheets(sheets).added["meters"] == 5


def test_every_problem_is_listed_with_sheet_row_and_column(registry: Registry) -> None:
    registry.import_sheets(sample())
    problems = refused(
        registry,
        {
            "meters": [
                {"id": "e0", "unit": "kvarh"},
                {"id": "x 1", "institution": "school", "category": "electricity", "unit": "kWh"},
                {"id": "x2", "institution": "nobody", "category": "1", "unit": "kWh"},
                {"id": "x3"},
                {},
                {"id": "e1", "digits": 8.5},
            ],
            "swap": [{"meter": "e0"}],
            "calendars": [{"institution": "school", "date_form": "2026-01-01"}],
        },
    )
    expected = [
        "sheet calendars, row 1, column date_form: expected column date_from, came 'date_form'",
        "sheet calendars, row 2, column date_from: expected a value, came nothing",
        "sheet calendars, row 2, column kind: expected a value, came nothing",
        "sheet meters, row 2, column unit: expected a unit: unit 'kvarh' is unknown",
        "sheet meters, row 3, column id: expected an id: 1 to 64 of A-Z a-z 0-9 _ . -, came 'x 1'",
        "sheet meters, row 4, column category: expected one of electricity, ",
        "sheet meters, row 5, column institution: expected an id, came nothing",
        "sheet meters, row 5, column category: expected an energy category, came nothing",
        "sheet meters, row 5, column unit: expected a unit, came nothing",
        "sheet meters, row 7, column digits: expected a whole number from 1 to 12, came 8.5",
        "sheet swap, row 1, column -: expected a sheet called regions, ",
    ]
    assert len(problems) == len(expected)
    assert all(any(p.startswith(e) for p in problems) for e in expected), problems


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One registry for many refusals: a refused import leaves it as it was."""
    opened = Registry.open(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'r.db'}", migrate=True)
    yield opened
    opened.close()


_AREA = {"scope": "building", "id": "b1", "kind": "floor_area", "value": 1, "unit": "m2"}


def _set(sheet: str, identity: str, **values: Any) -> Callable[[Sheets], None]:
    return lambda sheets: row_of(sheets, sheet, identity).update(values)


def _add(sheet: str, **row: Any) -> Callable[[Sheets], None]:
    return lambda sheets: sheets[sheet].append(row)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_set("regions", "990000", parent="990100"), "column parent: expected a parent that is not part of its own"),
        (_set("meters", "e0", parent="e1"), "row 2, column parent: expected a parent that is not part of its own"),
        (_set("meters", "e0", parent="e0"), "row 2, column parent: expected a parent that is not part of its own"),
        (_set("meters", "e1", parent="w0"), "column parent: expected a meter of the same category, electricity, not w"),
        (_set("meters", "e1", parent="gone"), "column parent: expected an id of sheet meters, came 'gone'"),
        (_set("meters", "e1", gateway="g2"), "column gateway: expected a gateway of institution school, not of office"),
        (_set("meters", "e1", local="main"), "a local name that no other device of gateway g1 has (e0 has it), came '"),
        (_set("sensors", "t0", local="main"), "sheet sensors, row 2, column local: expected a local name that no othe"),
        (_set("sensors", "t0", id="e0"), "sheet sensors, row 2, column id: expected an id that no meter has, came 'e0"),
        (_set("meters", "e1", local=""), "column local: expected gateway and local name together, or neither, came no"),
        (_set("meters", "w0", unit="kWh"), "column unit: expected a unit of volume (water, register), came 'kWh'"),
        (_set("meters", "e2", unit="kW"), "column unit: expected a unit of energy (electricity, amount), came 'kW'"),
        (_set("meters", "e0", value_kind="measurement", digits=None), "expected a unit of power (electricity, measure"),
        (_set("meters", "e1", item="Z9"), "column item: expected an electricity item of the official codes"),
        (_set("meters", "e0", active_from="2026-01-01", active_to="2026-01-01"), "column active_to: expected a day af"),
        (_set("meters", "rest", formula="e0 - w0"), "column formula: expected ids of electricity meters, came 'w0'"),
        (_set("meters", "rest", formula="e0-e1"), "column formula: expected ids of electricity meters, came 'e0-e1'"),
        (_set("meters", "rest", formula="e0 +"), "column formula: expected a sum of meters with blanks around"),
        (_set("meters", "rest", formula="rest + e1"), "column formula: expected meters that are not computed from thi"),
        (_set("meters", "rest", formula=""), "column formula: expected a sum of meters with blanks around"),
        (_set("meters", "e1", formula="e0"), "column formula: expected no formula for a physical meter, came 'e0'"),
        (_set("meters", "rest", used_by="others"), "column used_by: expected self for a virtual meter: what is left"),
        (_set("meters", "e1", used_by="tenant"), "column used_by: expected one of self, others, came 'tenant'"),
        (_set("meters", "e1", ct_ratio=0), "column ct_ratio: expected a number greater than 0, came 0"),
        (_set("meters", "e1", rated_kw="1_000"), "expected a finite number without unit or thousands separator"),
        (_set("meters", "e1", rated_kw="nan"), "expected a finite number without unit or thousands separator"),
        (_set("sensors", "t0", unit="kWh"), "column unit: expected a unit of temperature for temperature, came 'kWh'"),
        (_set("sensors", "t0", place="building:b9"), "column place: expected an id of sheet buildings after 'building"),
        (_set("institutions", "school", type=21), "column type: expected one of 01, 02, 021, 022, 023, 024, 025, 026,"),
        (_set("buildings", "b1", letter="K"), "column letter: expected one of A, B, C, D, E, F, G, H, came 'K'"),
        (_set("sites", "campus", timezone="Beijing"), "column timezone: expected a time zone like Asia/Shanghai"),
        (_set("gateways", "g1", name_zh="a\x00b"), "column name_zh: expected text without control characters"),
        (_add("swaps", meter="e2", time="2026-01-01T00:00:00Z", new_start=0), "expected a meter whose value is a regi"),
        (_add("swaps", meter="e0", time="2026-01-01 00:00", new_start=0), "expected a time with offset like 2026-01-3"),
        (
            _add("denominators", **_AREA | {"valid_from": "2025-01-01"}),
            "row 5, column valid_from: expected a validity apart from [2023-09-01, open) of another row, came '2025-01",
        ),
        (
            _add("denominators", **_AREA | {"id": "b2", "value": 0}),
            "column value: expected an area greater than 0 (leave the row out if unknown), came 0",
        ),
        (
            _add("denominators", scope="building", id="b2", kind="heated_area", value=5, unit="亩"),
            "column unit: expected m2 for an area, came '亩'",
        ),
        (
            _add("denominators", scope="region", id="b2", kind="users", value=5, unit="p"),
            "column id: expected an id of sheet regions, came 'b2'",
        ),
        (
            _add("denominators", scope="building", id="b1", kind="users", value=5, unit="p", valid_from="2025-01-01",
                 valid_to="2024-01-01"),
            "column valid_to: expected a day after valid_from, came '2024-01-01'",
        ),
        (
            _add("calendars", institution="office", date_from="2026-02-02", date_to="2026-02-01", kind="closed"),
            "column date_to: expected 2026-02-02 or later, came '2026-02-01'",
        ),
        (_add("regions", code="990100", name_zh="又一个"), "row 5, column code: expected each row once (row 3 is it)"),
    ],
)  # fmt: skip
def test_nonsense_between_rows_is_refused(empty: Registry, spoil: Callable[[Sheets], None], problem: str) -> None:
    """On one database only: the checks see no SQL."""
    sheets = sample()
    spoil(sheets)
    problems = refused(empty, sheets)
    assert any(problem in text for text in problems), problems


def test_a_row_with_a_bad_cell_does_not_make_those_that_name_it_wrong(registry: Registry) -> None:
    sheets = sample()
    row_of(sheets, "institutions", "school")["type"] = "99"
    problems = refused(registry, sheets)
    assert len(problems) == 1
    assert "sheet institutions, row 2, column type" in problems[0]


def test_a_change_that_breaks_a_row_not_in_the_file_is_refused(registry: Registry) -> None:
    registry.import_sheets(sample())
    problems = refused(registry, {"gateways": [{"id": "g2", "institution": "school"}]})
    where = "sheet meters, the registry's row w0, column gateway"
    assert problems == [f"{where}: expected a gateway of institution office, not of school, came 'g2'"]


def test_a_meter_is_the_institutions_own_unless_it_is_stated_to_be_of_others(registry: Registry) -> None:
    sheets = sample()
    row_of(sheets, "meters", "e1")["used_by"] = "others"
    row_of(sheets, "meters", "e2")["used_by"] = ""
    registry.import_sheets(sheets)
    shown = {row["id"]: row["used_by"] for row in registry.export_sheets()["meters"]}
    assert shown == {"e0": "self", "e1": "others", "e2": "self", "rest": "self", "w0": "self"}
    registry.import_sheets({"meters": [{"id": "e1", "name_zh": "小卖部"}]})  # a column left out stays as it is
    assert registry.snapshot().meters["e1"].used_by is UsedBy.OTHERS
    registry.import_sheets({"meters": [{"id": "e1", "used_by": ""}]})
    assert registry.snapshot().meters["e1"].used_by is UsedBy.SELF


def test_meters_of_one_gateway_may_exchange_their_local_names(registry: Registry) -> None:
    registry.import_sheets(sample())
    registry.import_sheets({"meters": [{"id": "e1", "local": "hvac"}, {"id": "e2", "local": "light"}]})
    meters = registry.snapshot().meters
    assert (meters["e1"].local, meters["e2"].local) == ("hvac", "light")


def test_cells_of_a_spreadsheet_mean_the_same_as_text(registry: Registry) -> None:
    registry.import_sheets(sample())
    sheets: Sheets = {
        "regions": [{"code": 990300.0, "name_zh": "丙市", "parent": 990000}],
        "calendars": [
            {"institution": "office", "date_from": datetime(2026, 5, 1), "date_to": date(2026, 5, 5), "kind": "closed"}  # noqa: DTZ001
        ],
        "meters": [{"id": "e0", "digits": 8.0, "rated_kw": "630"}],
    }
    result = registry.import_sheets(sheets)
    assert result.added == {"regions": 1, "calendars": 1}
    assert result.unchanged == {"meters": 1}
    assert registry.export_sheets("regions")["regions"][-1]["code"] == "990300"


def test_official_codes_and_known_spellings_are_kept_in_one_form(registry: Registry) -> None:
    registry.import_sheets(sample())
    by_id = {row["id"]: row for row in registry.export_sheets("meters")["meters"]}
    assert (by_id["w0"]["category"], by_id["w0"]["unit"]) == ("water", "m3")


def test_a_swap_and_a_changed_meter_are_computed_again_and_a_new_name_is_not(registry: Registry) -> None:
    sheets = sample()
    swaps = {"swaps": sheets.pop("swaps")}
    registry.import_sheets(sheets)
    registry.import_sheets(swaps)
    epoch, marks = registry.take_touched()
    assert [(mark.meter, mark.first) for mark in marks] == [("e0", 0)]
    assert marks[0].last >= int(datetime.fromisoformat("2025-03-01T02:00:00+00:00").timestamp())
    registry.forget_touched(epoch)
    registry.import_sheets({"meters": [{"id": "e1", "name_zh": "照明"}, {"id": "e2", "building": ""}]})
    _, marks = registry.take_touched()
    assert [(mark.meter, mark.first) for mark in marks] == [("e2", 0)]


def test_a_swap_that_comes_with_its_meter_has_nothing_to_compute(registry: Registry) -> None:
    registry.import_sheets(sample())
    assert registry.touched_pending() == 0


def test_messages_name_no_python(registry: Registry) -> None:
    sheets = sample()
    sheets["meters"].append({"id": ["a", "list"]})  # type: ignore[dict-item]
    problems = refused(registry, sheets)
    assert not any(re.search(r"<|Error|NoneType", text) for text in problems)
