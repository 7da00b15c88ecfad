"""Promise P-33: nobody sees or changes anything outside their own part of the tree, by any route, with any role."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.scope import actions_of
from energy.registry import Correction, Finding, Node, Notice, Publication, Registry, Role, User
from energy.storage.embedded import EmbeddedStore
from tests.api.matrix import ELSEWHERE, TABLE, Entry
from tests.api.world import World, served

START = 1_740_758_400
# The tree: province 990000 > city 990100 > county 990101 (own) and 990102 (sibling); city 990200 (other).
PLACE = {"own": "own", "child": "child", "sibling": "sibling", "upper": "upper", "other": "other", "moved": "moved"}
RELATIONS = (*PLACE, "deleted")
VISIBLE = {"own", "child"}
SECRET = "绝密"  # part of every name that the caller must not see


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One institution in every relation to the callers, each with a building, meters, a finding, bills, a user."""
    folder = tmp_path_factory.mktemp("matrix")
    store = EmbeddedStore(folder, writes_readings=True)
    registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
    world = World(registry, store, None)  # type: ignore[arg-type] -- no simulated province here
    registry.import_sheets(_sheets())
    for name in PLACE:
        _fill(registry, name)
    for role in Role:
        world.add_user(f"{role.value}-region", role, Node("region", "990101"))
        world.add_user(f"{role.value}-institution", role, Node("institution", "own"))
    # Moved away after all this was made: another county's now.
    registry.import_sheets({"institutions": [{"id": "moved", "region": "990102"}]})
    with served(world):
        yield world
    store.close()
    registry.close()


def _sheets() -> dict[str, list[dict[str, Any]]]:
    region = {"own": "990101", "child": "990101", "moved": "990101", "sibling": "990102", "upper": "990100"}
    names = {name: ("甲" if name in VISIBLE else SECRET) for name in PLACE}
    return {
        "regions": [
            {"code": "990000", "name_zh": "省"},
            {"code": "990100", "name_zh": "市", "parent": "990000"},
            {"code": "990101", "name_zh": "县", "parent": "990100"},
            {"code": "990103", "name_zh": "乡", "parent": "990101"},
            {"code": "990102", "name_zh": f"{SECRET}县", "parent": "990100"},
            {"code": "990200", "name_zh": f"{SECRET}市", "parent": "990000"},
        ],
        "institutions": [
            {"id": n, "name_zh": f"{names[n]}{n}", "region": region.get(n, "990200"), "type": "01"}
            | ({"parent": "own"} if n == "child" else {})
            for n in PLACE
        ],
        "buildings": [{"id": f"{n}-b", "institution": n, "name_zh": f"{names[n]}楼"} for n in PLACE],
        "meters": [
            {"id": f"{n}-{kind}", "institution": n, "category": "gas", "unit": "m3", "name_zh": f"{names[n]}表"}
            | ({"kind": "manual"} if kind == "billed" else {"interval_s": 3600})
            for n in PLACE
            for kind in ("m", "billed")
        ],
    }


def _fill(registry: Registry, name: str) -> None:
    title = "甲" if name in VISIBLE else SECRET
    registry.findings.put([Finding(f"f-{name}", name, "night_use", START, title_zh=title, title_en=title)])
    notice = Notice(f"n-{name}", f"c-{name}", "finding", "institution", name, "info", START, title, title, title, title)
    registry.alarms.record([(notice, "opened")], [], now=START)
    figures = {"names": {"zh": title, "en": title}, "first": "2025-01-01", "last": "2025-03-31", "totals": [],
               "indicators": []}  # fmt: skip
    registry.reporting.publish(Publication(f"p-{name}", name, 2025, 1, json.dumps(figures), "x", START))
    meter = f"{name}-m"
    registry.corrections.put([Correction(meter, START, START + 3600, "discard", "x", START, title, state="active")])
    registry.accounts.add(User(f"user-{name}", Role.VIEWER, Node("institution", name)), now=START)


def _thing(entry: Entry, relation: str, reach: str) -> str:
    """The id that the request names: of a real thing in this relation, or of none."""
    region = {
        "own": "990101", "child": "990103", "sibling": "990102", "upper": "990100", "other": "990200",
        "moved": "990102",
    }  # fmt: skip
    if relation == "deleted":
        return {"correction": f"gone-m~{START}~discard~{START}", "region": "990199"}.get(entry.thing or "", "gone")
    return {
        "region": region[relation],
        "institution": relation,
        "building": f"{relation}-b",
        "meter": f"{relation}-m",
        "billed": f"{relation}-billed",
        "finding": f"f-{relation}",
        "notice": f"n-{relation}",
        "correction": f"{relation}-m~{START}~discard~{START}",
        "user": f"user-{relation}",
    }[entry.thing or ""]


def _request(client: httpx.Client, key: tuple[str, str], entry: Entry, identity: str) -> httpx.Response:
    method, path = key
    for name, value in (entry.parts or {}).items():
        path = path.replace(f"{{{name}}}", value)
    if "{" in path:
        head, _, tail = path.partition("{")
        path = head + identity + tail.partition("}")[2]
    body = entry.body(identity) if entry.body else None
    return client.request(method, path, params=entry.query, json=body)


def test_every_route_is_in_the_table(tree: World) -> None:
    spec = httpx.get(f"{tree.url}/api/v1/openapi.json").json()
    routes = {(method.upper(), path) for path, ways in spec["paths"].items() for method in ways}
    assert routes - TABLE.keys() - ELSEWHERE.keys() == set(), "say in tests/api/matrix.py who may use these"
    assert (TABLE.keys() | ELSEWHERE.keys()) - routes == set()
    for where in ELSEWHERE.values():
        assert Path(where.partition(":")[0]).name in {p.name for p in Path(__file__).parent.glob("*.py")}


@pytest.mark.parametrize(("role", "reach"), [*((role, "region") for role in Role), (Role.ADMINISTRATOR, "institution")])
def test_nothing_is_seen_or_done_outside_the_own_part(tree: World, role: Role, reach: str) -> None:
    wrong = []
    with tree.client(f"{role.value}-{reach}") as client:
        for key, entry in TABLE.items():
            for relation in RELATIONS if entry.thing else ("own",):
                if key == ("POST", "/api/v1/imports/file"):
                    continue  # its rows go through the same check as those of /imports
                answer = _request(client, key, entry, _thing(entry, relation, reach) if entry.thing else "")
                expected = _expected(key, entry, role, relation, reach)
                _undo(tree, key, relation, answer)
                if answer.status_code not in expected or SECRET in answer.text:
                    wrong.append(f"{key} {relation}: {answer.status_code}, expected {expected}: {answer.text[:200]}")
    assert wrong == []


def _expected(key: tuple[str, str], entry: Entry, role: Role, relation: str, reach: str) -> set[int]:
    may = entry.action is None or entry.action in actions_of(role)
    if not may or (entry.root_only):
        return {403}
    if entry.thing is None:
        return {200}
    is_visible = relation in VISIBLE and not (entry.thing == "region" and reach == "institution")
    if key == ("POST", "/api/v1/imports"):
        return {200} if is_visible else {422}
    return {200, 201, 204} if is_visible else {404}


def _undo(tree: World, key: tuple[str, str], relation: str, answer: httpx.Response) -> None:
    """Bring back what a permitted request of the matrix changed, for the next role."""
    if key == ("POST", "/api/v1/users") and answer.status_code == 201:
        # Names are never given again, so the account is renamed as nobody could over HTTP.
        from sqlalchemy import delete

        from energy.registry.account_tables import EntryRow, UserRow

        database = tree.registry.accounts._database
        with database.writing() as connection:
            connection.execute(delete(EntryRow).where(EntryRow.user == f"mx-{relation}"))
            connection.execute(delete(UserRow).where(UserRow.name == f"mx-{relation}"))
    if key == ("POST", "/api/v1/corrections/{id}/{act}") and answer.status_code == 200:
        (done,) = tree.registry.corrections.rows(meter=f"{relation}-m", start=START, time=START)
        tree.registry.corrections.put([replace(done, state="active")])
    if key == ("POST", "/api/v1/notices/{notice}/acts") and answer.status_code == 201:
        (done,) = tree.registry.alarms.notices(ids=[f"n-{relation}"])
        tree.registry.alarms.record([(replace(done, state="open"), "reopened")], [], now=START)
    if key == ("POST", "/api/v1/reports/publications/{institution}") and answer.status_code == 201:
        from sqlalchemy import text as statement

        with tree.registry.corrections._database.writing() as connection:
            connection.execute(statement("DELETE FROM publications WHERE quarter = 2"))
    if key == ("POST", "/api/v1/corrections") and answer.status_code == 201:
        time.sleep(0)  # the next role proposes in another second or is refused as a duplicate
        from sqlalchemy import text

        with tree.registry.corrections._database.writing() as connection:
            connection.execute(text("DELETE FROM corrections WHERE reason = 'matrix'"))


@pytest.mark.parametrize("path", [k[1] for k, e in TABLE.items() if k[0] == "GET" and e.thing is None])
def test_lists_and_files_hold_nothing_of_others(tree: World, path: str) -> None:
    path = path.replace("{sheet}", "institutions")
    with tree.client("administrator-region") as client:
        for format_ in ("json", "csv"):
            takes_format = "format" if path not in ("/api/v1/session", "/api/v1/exports") else None
            answer = client.get(path, params={takes_format: format_} if takes_format else {})
            assert SECRET not in answer.text
            for name in ("sibling", "upper", "other", "moved"):
                assert f'"{name}"' not in answer.text
                assert f"\n{name}," not in answer.text


OWN_ROWS = {"regions": 0, "institutions": 2, "buildings": 2, "meters": 4, "corrections": 2, "findings": 2}


@pytest.mark.parametrize("sheet", OWN_ROWS)
def test_an_export_holds_no_row_of_others(tree: World, sheet: str) -> None:
    with tree.client("administrator-institution") as client:
        text = client.get(f"/api/v1/exports/{sheet}").text
    assert SECRET not in text
    assert len(json.loads(text)["rows"]) == OWN_ROWS[sheet]


def test_nobody_is_let_in_without_a_token(tree: World) -> None:
    with tree.client(None) as client:
        for key, entry in TABLE.items():
            thing = _thing(entry, "own", "region") if entry.thing else ""
            assert _request(client, key, entry, thing).status_code in (401, 422), key


FOREIGN = (
    "meters?institution=sibling",
    "meters?building=sibling-b",
    "findings?institution=sibling",
    "corrections?meter=sibling-m",
    "bills?meter=sibling-billed",
    "institutions?region=990102",
)


def test_a_filter_by_a_foreign_id_tells_nothing(tree: World) -> None:
    with tree.client("administrator-region") as client:
        for path in FOREIGN:
            foreign = client.get(f"/api/v1/{path}")
            missing = client.get(f"/api/v1/{path.replace('sibling', 'nothing').replace('990102', '990199')}")
            assert (foreign.status_code, foreign.json()["title"]) == (missing.status_code, missing.json()["title"])


@pytest.mark.parametrize(
    "sheets",
    [
        {"meters": [{"id": "thief", "institution": "own", "category": "gas", "unit": "m3", "kind": "virtual",
                     "formula": "own-m + sibling-m"}]},
        {"meters": [{"id": "sibling-m", "institution": "own", "category": "gas", "unit": "m3"}]},
        {"institutions": [{"id": "sibling", "region": "990101"}]},
        {"institutions": [{"id": "own", "region": "990102"}]},
        {"institutions": [{"id": "new", "name_zh": "新", "region": "990200", "type": "01"}]},
        {"regions": [{"code": "990102", "parent": "990101"}]},
        {"sensors": [{"id": "ear", "institution": "own", "quantity": "temperature", "unit": "℃",
                      "place": "building:sibling-b"}]},
        {"denominators": [{"scope": "institution", "id": "sibling", "kind": "users", "value": 1, "unit": "p"}]},
        {"quotas": [{"standard": "x"}]},
        {"nonsense": [{}]},
    ],
)  # fmt: skip
def test_an_import_cannot_reach_out_of_the_own_part(tree: World, sheets: dict[str, Any]) -> None:
    before = tree.registry.export_sheets()
    with tree.client("administrator-region") as client:
        answer = client.post("/api/v1/imports", json={"sheets": sheets})
    assert answer.status_code == 422, answer.text
    assert SECRET not in answer.text
    assert tree.registry.export_sheets() == before


def test_a_moved_institution_follows_at_once(tree: World) -> None:
    with tree.client("viewer-region") as client:
        assert client.get("/api/v1/institutions/moved").status_code == 404
        tree.registry.import_sheets({"institutions": [{"id": "moved", "region": "990101"}]})
        assert client.get("/api/v1/institutions/moved").status_code == 200
        tree.registry.import_sheets({"institutions": [{"id": "moved", "region": "990102"}]})
        assert client.get("/api/v1/institutions/moved").status_code == 404
