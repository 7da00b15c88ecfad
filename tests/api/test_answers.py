"""Pages, files, tags, languages; figures with what belongs to them."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pytest
from openpyxl import load_workbook

from api.answers import XLSX, Paging, Wish, listed, workbook
from api.schemas import Body
from energy.intervals import DAY, LocalCalendar
from energy.model import CostNote, Scope
from energy.registry import Node, Role
from energy.series import Table
from energy.storage.schema import INDICATOR
from tests.api.world import FIRST, LAST, ZONE, World

DAYS = {"first": "2025-03-01", "last": "2025-04-29"}


class Row(Body):
    """A row of the tests below."""

    id: str
    value: float | None = None


def _page(rows: list[Row], limit: int, cursor: str | None) -> dict[str, object]:
    answer = listed(Wish("json", "zh", ""), Paging(limit, cursor), rows, lambda row: (row.id,), Row)
    return json.loads(bytes(answer.body))


def test_pages_hold_every_row_once_while_rows_come_and_go() -> None:
    rows = [Row(id=f"{n:02d}") for n in range(0, 20, 2)]
    first = _page(rows, 4, None)
    rows = [row for row in rows if row.id != "06"] + [Row(id="01"), Row(id="07")]  # the cursor's own row is gone
    rest = _page(rows, 100, first["next"])  # type: ignore[arg-type]
    assert [row["id"] for row in first["items"]] == ["00", "02", "04", "06"]  # type: ignore[union-attr]
    assert [row["id"] for row in rest["items"]] == ["07", "08", "10", "12", "14", "16", "18"]  # type: ignore[union-attr]
    assert rest["next"] is None


def test_following_next_visits_every_meter(world: World) -> None:
    found, cursor = [], None
    with world.client() as client:
        while True:
            page = client.get("/api/v1/meters", params={"limit": 7} | ({"cursor": cursor} if cursor else {})).json()
            found += [meter["id"] for meter in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert found == sorted(world.registry.snapshot().meters)


def test_a_meter_tells_who_uses_what_it_measures_also_in_files(world: World) -> None:
    meter = sorted(world.registry.snapshot().meters)[0]
    world.registry.import_sheets({"meters": [{"id": meter, "used_by": "others"}]})
    try:
        with world.client() as client:
            shown = client.get(f"/api/v1/meters/{meter}").json()
            listed = client.get("/api/v1/meters", params={"limit": 2}).json()["items"]
            text = client.get("/api/v1/meters", params={"format": "csv"}).content.decode("utf-8-sig")
            described = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    finally:
        world.registry.import_sheets({"meters": [{"id": meter, "used_by": ""}]})
    assert shown["used_by"] == "others"
    assert [row["used_by"] for row in listed] == ["others", "self"]
    assert next(csv.DictReader(io.StringIO(text)))["used_by"] == "others"
    assert described["UsedBy"]["enum"] == ["self", "others"]


@pytest.mark.parametrize("path", ["meters", "bills", "findings", "notices", "runs", "targets", "corrections"])
@pytest.mark.parametrize("cursor", ["x", "!!!!", "W10", "WzFd", "WyJhIiwxXQ", "bnVsbA", "W1tdXQ", "e30"])
def test_a_cursor_of_something_else_is_refused(world: World, path: str, cursor: str) -> None:
    with world.client() as client:
        answer = client.get(f"/api/v1/{path}", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "query.cursor"


def test_a_file_of_a_stored_list_holds_every_row(world: World) -> None:
    with world.client() as client:
        n_bills = client.get("/api/v1/bills", params={"limit": 1}).json()["total"]
        text = client.get("/api/v1/bills", params={"format": "csv", "limit": 1}).content.decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == n_bills == 3


def test_an_unchanged_answer_is_a_short_304(world: World) -> None:
    with world.client() as client:
        first = client.get("/api/v1/meters")
        tag = first.headers["etag"]
        for given in (tag, f"W/{tag}", f'"other", {tag}'):
            again = client.get("/api/v1/meters", headers={"If-None-Match": given})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        english = client.get("/api/v1/meters", headers={"If-None-Match": tag, "Accept-Language": "en"})
        assert english.status_code == 200
        assert "Accept-Language" in first.headers["vary"]
        assert "private" in first.headers["cache-control"]


@pytest.mark.parametrize(
    ("header", "name"),
    [("en", "name_en"), ("en-GB,zh;q=0.5", "name_en"), ("zh-CN", "name_zh"), ("fr", "name_zh"), ("", "name_zh")],
)
def test_names_follow_the_language_of_the_caller(world: World, header: str, name: str) -> None:
    with world.client(**{"Accept-Language": header}) as client:
        for row in client.get("/api/v1/institutions").json()["items"]:
            assert row["name"] == row[name]


def test_a_table_comes_as_json_csv_and_xlsx_with_the_same_content(world: World) -> None:
    with world.client() as client:
        rows = client.get("/api/v1/bills").json()["items"]
        text = client.get("/api/v1/bills", headers={"Accept": "text/csv"})
        book = client.get("/api/v1/bills", headers={"Accept": XLSX})
    assert text.headers["content-disposition"] == 'attachment; filename="bill.csv"'
    read = list(csv.DictReader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert [row["meter"] for row in read] == [row["meter"] for row in rows]
    assert [float(row["amount"]) for row in read] == [row["amount"] for row in rows]
    sheet = load_workbook(io.BytesIO(book.content)).active
    assert sheet is not None
    assert (sheet.freeze_panes, sheet.column_dimensions["A"].width) == ("A2", 12.0)
    cells = list(sheet.iter_rows(values_only=True))
    assert [cell[list(cells[0]).index("amount")] for cell in cells[1:]] == [row["amount"] for row in rows]


@pytest.mark.parametrize(("n_rows", "sheets"), [(0, [1]), (3, [4]), (4, [4, 2]), (7, [4, 4, 2])])
def test_a_table_longer_than_a_sheet_goes_on_in_the_next(n_rows: int, sheets: list[int]) -> None:
    """No row is left out; each sheet has its heads."""
    rows = [(f"r{n}", float(n)) for n in range(n_rows)]
    book = load_workbook(io.BytesIO(b"".join(workbook("row", ["id", "value"], rows, rows_of_sheet=3))))
    assert [sheet.max_row for sheet in book.worksheets] == sheets
    cells = [line for sheet in book.worksheets for line in sheet.iter_rows(min_row=2, values_only=True)]
    assert cells == rows


def test_no_file_holds_a_formula(world: World) -> None:
    """Promise P-43: one meter is called `=1+1 ...`."""
    with world.client() as client:
        text = client.get("/api/v1/meters?format=csv").content.decode("utf-8-sig")
        book = load_workbook(io.BytesIO(client.get("/api/v1/meters?format=xlsx").content))
        whole = load_workbook(io.BytesIO(client.get("/api/v1/exports").content))
    names = [row["name_zh"] for row in csv.DictReader(io.StringIO(text))]
    assert any(name.startswith("'=1+1") for name in names)
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)
    for sheet in (*book.worksheets, *whole.worksheets):
        assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "n", "inlineStr", "d", "b"}


def test_a_format_that_we_do_not_have_is_refused(world: World) -> None:
    with world.client() as client:
        assert client.get("/api/v1/meters", headers={"Accept": "image/png"}).status_code == 406
        assert client.get("/api/v1/meters", headers={"Accept": "image/png,*/*;q=0.1"}).status_code == 200
        assert client.get("/api/v1/meters", params={"format": "pdf"}).status_code == 422


def test_consumption_is_what_the_store_holds_and_unknown_is_null(world: World) -> None:
    house = world.province.houses[0].id
    window = LocalCalendar(ZONE).window(FIRST, date(2025, 4, 29))
    stored = world.store.results(
        "total",
        where={
            "scope": ["institution"],
            "id": [house],
            "period": ["day"],
            "item": ["all"],
            "category": ["electricity"],
        },
        start=window.start,
        end=window.end,
    )
    with world.client() as client:
        answer = client.get(f"/api/v1/institutions/{house}/consumption", params=DAYS).json()
    (series,) = [s for s in answer["series"] if s["category"] == "electricity"]
    assert (series["unit"], answer["zone"], answer["period"]) == ("kWh", ZONE, "day")
    assert [row["start"] for row in series["rows"]] == stored.time.tolist()
    amounts = [np.nan if row["amount"] is None else row["amount"] for row in series["rows"]]
    np.testing.assert_array_equal(amounts, stored.fields["amount"].astype(float))
    assert {row["n_expected"] for row in series["rows"]} != {None}
    assert all(row["last_year"] is None for row in series["rows"])


def test_a_cost_that_is_only_a_bound_or_unknown_says_why(world: World) -> None:
    house, at = world.province.houses[0].id, LocalCalendar(ZONE).start_of(date(2019, 1, 1))
    tags = {"scope": "institution", "id": house, "period": "month", "category": "electricity", "item": "all"}
    rows = Table(
        "total",
        np.array([at, at + 31 * DAY], np.int64),
        {tag: np.array([value] * 2, object) for tag, value in tags.items()},
        {
            "amount": np.array([5.0, 6.0]),
            "cost_yuan": np.array([3.0, np.nan]),
            "cost_note": np.array([float(CostNote.DEMAND_FROM_LONGER_MEANS), float(CostNote.NO_TARIFF)]),
        },
    )
    world.store.replace(rows, where={tag: [value] for tag, value in tags.items()}, start=at, end=at + 60 * DAY)
    asked = {"first": "2019-01-01", "last": "2019-02-28", "period": "month"}
    with world.client() as client:
        (series,) = client.get(f"/api/v1/institutions/{house}/consumption", params=asked).json()["series"]
        table = client.get(f"/api/v1/institutions/{house}/consumption", params={**asked, "format": "csv"}).text
    found = [(row["cost_yuan"], row["cost_note"]) for row in series["rows"]]
    assert found == [(3.0, "demand_from_longer_means"), (None, "no_tariff")]
    assert "demand_from_longer_means" in table


@pytest.mark.parametrize("level", list(Scope))
def test_totals_exist_for_every_level_of_the_tree(world: World, level: Scope) -> None:
    snapshot, house = world.registry.snapshot(), world.province.houses[0].id
    meter = next(
        m for m in snapshot.meters.values() if m.institution == house and m.building and m.quantity == "energy"
    )
    identity = {"region": "990000", "institution": house, "building": meter.building, "meter": meter.id}[level.value]
    with world.client() as client:
        for noun in ("consumption", "expected", "indicators"):
            answer = client.get(f"/api/v1/{level.value}s/{identity}/{noun}", params=DAYS)
            assert answer.status_code == 200
            if noun == "consumption":
                assert answer.json()["series"]


def test_intervals_say_how_complete_they_are(world: World) -> None:
    house = world.province.houses[0].id
    meter = f"{house}.b1.e"
    window = {"start": "2025-03-10T00:00:00+08:00", "end": "2025-03-11T00:00:00+08:00"}
    with world.client() as client:
        answer = client.get(f"/api/v1/meters/{meter}/intervals", params=window).json()
        readings = client.get(f"/api/v1/meters/{meter}/readings", params=window).json()
    assert (answer["resolution"], answer["interval_s"], answer["unit"]) == ("hour", 3600, "kWh")
    assert len(answer["amount"]) == len(answer["start"]) <= 24
    known = [amount for amount in answer["amount"] if amount is not None]
    assert answer["coverage"] == pytest.approx(len(known) / 24)
    assert (readings["n_due"], readings["n_came"]) == (24, len(readings["time"]))
    assert answer["methods"][0] == "register_difference"


def test_a_rank_in_a_small_group_is_hidden_from_all_but_the_root(world: World) -> None:
    """Promise P-34: four others must not tell of a fifth."""
    house = world.province.houses[0].id
    start = LocalCalendar(ZONE).start_of(date(2024, 1, 1))
    tags = {"scope": "institution", "id": house, "period": "year", "indicator": "energy_per_area", "caliber": "x"}
    for n, shown in ((4, None), (5, None), (6, 2)):
        fields: dict[str, np.ndarray] = {name: np.array([np.nan]) for name in INDICATOR.fields}
        fields |= {"rank": np.array([2.0]), "rank_of": np.array([float(n)])}
        fields |= {"guide": np.array([20.0]), "guide_low": np.array([16.0]), "guide_high": np.array([24.0])}
        fields["group"] = np.array(["peers g n=31 (parent)"], object)
        table = Table("indicator", np.array([start]), {k: np.array([v], object) for k, v in tags.items()}, fields)
        world.store.replace(table, where={k: [v] for k, v in tags.items()}, start=start, end=start + 1)
        if "ranked" not in world.tokens:
            world.add_user("ranked", Role.VIEWER, Node("institution", house))
        query = {"first": "2024-01-01", "last": "2024-12-31", "period": "year"}
        with world.client("ranked") as small, world.client() as root:
            path = f"/api/v1/institutions/{house}/indicators"
            assert small.get(path, params=query).json()["items"][0]["rank"] == shown
            told = root.get(path, params=query).json()["items"][0]
            of_peers = {"rank": 2, "guide_low": 16.0, "guide_high": 24.0, "n_peers": 31, "is_parent_group": True}
            assert told | of_peers == told


def test_a_meter_says_what_its_expectation_rests_on(world: World) -> None:
    meter = next(m.id for m in world.registry.snapshot().meters.values() if m.interval_s == 3600 and not m.parent)
    with world.client("root-viewer") as client:
        told = client.get(f"/api/v1/meters/{meter}").json()["expectation"]
    assert (told["is_watched"], told["lacking"][0]) == (False, "period")


def test_findings_come_in_the_order_of_the_inbox(world: World) -> None:
    house, other = (h.id for h in world.province.houses[:2])
    (before,) = world.registry.findings.rows(id=f"f-{other}")
    world.registry.findings.put([replace(before, severity=9.0, excess_yuan=-12.0)])
    with world.client() as client:
        found = [row["id"] for row in client.get("/api/v1/findings").json()["items"]]
    world.registry.findings.put([before])
    assert found.index(f"f-{other}") == 0 < found.index(f"f-{house}")


def test_a_finding_is_judged_with_its_history_kept(world: World) -> None:
    finding = f"f-{world.province.houses[0].id}"
    with world.client("root-energy-manager") as client:
        path = f"/api/v1/findings/{finding}/decisions"
        done = client.post(path, json={"verdict": "confirmed", "comment": "属实", "assignee": "root-approver"})
        assert done.status_code == 201
        closed = client.post(path, json={"state": "closed"}).json()
        back = client.post(path, json={"verdict": "none"}).json()
        assert client.post(path, json={"assignee": "nobody-known"}).status_code == 422
        assert client.post(path, json={"state": "withdrawn"}).status_code == 422
    assert [(e["author"], e["state"], e["verdict"]) for e in closed["history"]] == [
        ("root-energy-manager", "open", "confirmed"),
        ("root-energy-manager", "closed", "confirmed"),
    ]
    assert (back["verdict"], back["state"], back["history"][-1]["verdict"]) == (None, "closed", None)
    assert closed["evidence"] == {"actual": 420.0, "usual": 300.0, "kgce": 14.748}
    numbers = {name: closed[name] for name in ("actual", "expected", "excess", "excess_kgce", "excess_yuan")}
    assert numbers == {"actual": 420.0, "expected": 300.0, "excess": 120.0, "excess_kgce": 14.748, "excess_yuan": None}
    assert closed["title"] == "夜间用电偏高"


def test_a_correction_is_proposed_by_one_approved_by_another_and_undone(world: World) -> None:
    meter = f"{world.province.houses[1].id}.b1.e"
    body = {"meter": meter, "start": "2025-03-05T00:00:00+08:00", "end": "2025-03-06T00:00:00+08:00",
            "kind": "amount", "value": 10.0, "reason": "核对"}  # fmt: skip
    with world.client("root-operator") as operator, world.client("root-approver") as approver:
        made = operator.post("/api/v1/corrections", json=body).json()
        assert made["state"] == "proposed"
        path = f"/api/v1/corrections/{made['id']}"
        assert operator.post(f"{path}/approve").status_code == 403
        assert approver.post(f"{path}/undo").status_code == 409
        approved = approver.post(f"{path}/approve").json()
        assert (approved["state"], approved["approved_by"]) == ("active", "root-approver")
        assert approver.post(f"{path}/undo").json()["state"] == "withdrawn"
        assert approver.post(f"{path}/fly").status_code == 422
        for wrong in ({"end": body["start"]}, {"value": None}, {"kind": "discard"}, {"reason": ""}):
            assert operator.post("/api/v1/corrections", json=body | wrong).status_code == 422


def test_a_bill_is_entered_replaced_and_taken_out(world: World) -> None:
    meter = f"{world.province.houses[2].id}-bill"
    bill = {"meter": meter, "first_day": "2025-04-01", "last_day": "2025-04-30", "amount": 80.5, "unit": "m3"}
    with world.client("root-statistician") as client:
        assert client.put("/api/v1/bills", json=bill).json()["amount"] == 80.5
        assert client.put("/api/v1/bills", json=bill | {"amount": 81.0}).json()["amount"] == 81.0
        clash = client.put("/api/v1/bills", json=bill | {"first_day": "2025-03-20"})
        assert clash.status_code == 422
        assert clash.json()["title"] == "import refused"
        assert client.delete(f"/api/v1/bills/{meter}/2025-04-01").status_code == 204
        assert client.delete(f"/api/v1/bills/{meter}/2025-04-01").status_code == 404


def test_what_is_exported_can_be_imported_and_changes_nothing(world: World) -> None:
    with world.client() as client:
        rows = client.get("/api/v1/exports/meters").json()["rows"]
        result = client.post("/api/v1/imports", json={"sheets": {"meters": rows}}).json()
        assert (result["added"], result["changed"], result["unchanged"]) == ({}, {}, {"meters": len(rows)})
        book = client.get("/api/v1/exports/buildings", params={"format": "xlsx"}).content
        headers = {"Content-Type": XLSX}
        result = client.post("/api/v1/imports/file", content=book, headers=headers, params={"dry_run": "true"}).json()
        assert (result["dry_run"], result["changed"]) == (True, {})
        assert client.post("/api/v1/imports/file", content=b"PK no", headers=headers).status_code == 422


def test_an_import_with_problems_lists_them_all(world: World) -> None:
    rows = [{"id": "b x", "institution": "nowhere", "name_zh": "楼"}, {"id": "ok", "institution": "nowhere"}]
    with world.client() as client:
        answer = client.post("/api/v1/imports", json={"sheets": {"buildings": rows}})
    assert answer.status_code == 422
    told = [fault["came"] for fault in answer.json()["faults"]]
    assert [text[:22] for text in told] == ["sheet buildings, row 2", "sheet buildings, row 3"]


def test_runs_and_the_collector_are_told_to_who_operates_the_whole(world: World) -> None:
    world.add_user("local-operator", Role.OPERATOR, Node("institution", world.province.houses[0].id))
    now = int(time.time())
    tags = {"collector": np.array(["c1"], object), "reason": np.array(["stored"], object)}
    fields = {"readings": np.array([7.0]), "lag_s": np.array([1.0]), "spool_bytes": np.array([5.0])}
    world.store.replace(Table("ingest", np.array([now]), tags, fields), where={}, start=now, end=now + 1)  # type: ignore[arg-type]
    with world.client("root-operator") as whole, world.client("local-operator") as local:
        runs = {run["id"]: run["counts"] for run in whole.get("/api/v1/runs").json()["items"]}
        assert runs["run-1"] == {"written": 3}
        assert whole.get("/api/v1/collector").json()["readings"] == {"stored": 7.0}
        assert local.get("/api/v1/runs").status_code == 403
        assert local.get("/api/v1/collector").json()["readings"] == {}


def test_the_world_is_as_large_as_these_tests_believe(world: World) -> None:
    assert (LAST - FIRST).days == 60
    assert len(world.province.houses) == 3
    assert asdict(world.registry.runs.rows()[0])["state"] == "done"
