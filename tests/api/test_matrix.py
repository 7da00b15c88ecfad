"""Promise P-33: nobody sees or changes anything outside their own part of the tree, by any route, with any role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from energy.registry import Role
from tests.api.matrix import ELSEWHERE, TABLE
from tests.api.tree import NOW, RELATIONS, SECRET, Memory, ask, expected, leak, thing
from tests.api.world import World


def test_every_route_is_in_the_table(tree: World) -> None:
    spec = httpx.get(f"{tree.url}/api/v1/openapi.json", timeout=120).json()
    routes = {(method.upper(), path) for path, ways in spec["paths"].items() for method in ways}
    assert routes - TABLE.keys() - ELSEWHERE.keys() == set(), "say in tests/api/matrix.py who may use these"
    assert (TABLE.keys() | ELSEWHERE.keys()) - routes == set()
    for where in ELSEWHERE.values():
        assert Path(where.partition(":")[0]).name in {p.name for p in Path(__file__).parent.glob("*.py")}


@pytest.mark.parametrize("reach", ["region", "institution"])
@pytest.mark.parametrize("role", Role)
def test_nothing_is_seen_or_done_outside_the_own_part(planting: tuple[World, Memory], role: Role, reach: str) -> None:
    tree, memory = planting
    wrong = []
    with tree.client(f"{role.value}-{reach}") as client:
        for (method, path), entry in TABLE.items():
            if path == "/api/v1/imports/file":
                continue  # its rows go through the same check as those of /imports
            for relation in RELATIONS if entry.thing else ("own",):
                answer = ask(client, method, path, entry, thing(entry.thing, relation))
                right = expected(entry, role, relation, reach)
                if answer.status_code not in right or leak(answer):
                    wrong.append(f"{method} {path} {relation}: {answer.status_code} not {right}: {answer.text[:200]}")
                if method != "GET" and answer.is_success:
                    memory.restore()
    assert wrong == []


@pytest.mark.parametrize("path", [k[1] for k, e in TABLE.items() if k[0] == "GET" and e.thing is None])
def test_lists_and_files_hold_nothing_of_others(tree: World, path: str) -> None:
    path = path.replace("{sheet}", "institutions")
    with tree.client("administrator-region") as client:
        for format_ in ("json", "csv"):
            takes_format = "format" if path not in ("/api/v1/session", "/api/v1/exports") else None
            answer = client.get(path, params={takes_format: format_} if takes_format else {})
            assert leak(answer) == ""
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
            answer = ask(client, *key, entry, thing(entry.thing, "own"))
            assert answer.status_code in (401, 422), key


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


def test_no_change_is_made_for_a_browser_without_its_csrf_token(tree: World) -> None:
    """The cookie alone, which a browser sends for pages of others too, opens no route that changes something."""
    before = tree.registry.export_sheets()
    link = tree.registry.accounts.one_time_link("root-administrator", now=NOW)
    with httpx.Client(base_url=tree.url, timeout=30) as browser:
        browser.get(f"/enter/{link}")
        assert browser.get("/api/v1/session").status_code == 200
        open_ways = {("POST", "/api/v1/session")}  # signing in, which looks at where the page came from instead
        for key, entry in TABLE.items():
            if key[0] != "GET" and key not in open_ways:
                answer = ask(browser, *key, entry, thing(entry.thing, "own"))
                assert (answer.status_code, answer.json()["title"]) == (403, "form expired"), key
    assert tree.registry.export_sheets() == before
