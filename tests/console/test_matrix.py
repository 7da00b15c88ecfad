"""Promise P-33 for the console: no page shows and no form changes anything outside the caller's part of the tree."""

from __future__ import annotations

import httpx
import pytest

from api.app import create_app
from api.console.pages import VIEWS
from api.routes import NOUNS, PAGES
from energy.registry import Role
from tests.api.matrix import Entry
from tests.api.tree import NOW, RELATIONS, Memory, ask, expected, leak, thing
from tests.api.world import World
from tests.console.matrix import ELSEWHERE, OPEN
from tests.console.matrix import PAGES as TABLE

HTML = {"Accept": "text/html"}
ROUTERS = (*VIEWS, PAGES)
UNWALKED = tuple(("POST", path, Entry(None, form=lambda _: {})) for path in ("/sign-out", "/password", "/ledger"))
"""Forms that the matrix cannot walk, and that need their token all the same."""


def test_every_route_of_the_console_is_in_the_table() -> None:
    routes = {(m, route.path) for router in ROUTERS for route in router.routes for m in route.methods - {"HEAD"}}  # type: ignore[attr-defined]
    told = {(method, path) for method, path, _ in TABLE} | ELSEWHERE.keys()
    assert routes - told == set(), "say in tests/console/matrix.py who may use these"
    assert told - routes == set()


def test_nothing_else_is_served(tree: World) -> None:
    app = create_app(tree.registry, tree.store, zone="Asia/Shanghai")
    own = {route.path for route in app.routes if hasattr(route, "path")}
    assert own == OPEN
    included = [route.original_router for route in app.routes if not hasattr(route, "path")]  # type: ignore[attr-defined]
    assert included == [*NOUNS, *ROUTERS[-1:], *VIEWS]


@pytest.mark.parametrize("reach", ["region", "institution"])
@pytest.mark.parametrize("role", Role)
def test_no_page_shows_or_changes_what_is_outside(planting: tuple[World, Memory], role: Role, reach: str) -> None:
    tree, memory = planting
    wrong = []
    with tree.client(f"{role.value}-{reach}", **HTML) as client:
        for method, path, entry in TABLE:
            for relation in RELATIONS if entry.thing else ("own",):
                answer = ask(client, method, path, entry, thing(entry.thing, relation))
                right = expected(entry, role, relation, reach)
                if answer.status_code not in right or leak(answer):
                    wrong.append(f"{method} {path} {relation}: {answer.status_code} not {right}: {leak(answer)}")
                if method == "POST" and answer.status_code < 400:
                    memory.restore()
    assert wrong == []


@pytest.mark.parametrize("page", ["/places", "/findings", "/tasks", "/corrections", "/targets", "/costs", "/entry"])
def test_the_secrets_are_there_to_be_told(tree: World, page: str) -> None:
    """Whoever sees everything reads them on these very pages: their absence elsewhere means something."""
    with tree.client(**HTML) as client:
        assert leak(client.get(page)) != ""


def test_nobody_sees_a_page_without_signing_in(tree: World) -> None:
    with tree.client(None, **HTML) as client:
        for method, path, entry in TABLE:
            answer = ask(client, method, path, entry, thing(entry.thing, "own"))
            assert answer.status_code == (303 if method == "GET" else 401), path
            assert method == "POST" or answer.headers["location"] == "/sign-in"


SHEETS = {
    "foreign": ("buildings.csv", "id,institution,name_zh\nmx,sibling,楼\n"),
    "own": ("buildings.csv", "id,institution,name_zh\nmx,own,楼\n"),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("whose", SHEETS)
def test_a_workbook_brings_in_the_own_rows_only(planting: tuple[World, Memory], role: Role, whose: str) -> None:
    tree, memory = planting
    may = role in (Role.OPERATOR, Role.ADMINISTRATOR)
    name, text = SHEETS[whose]
    with tree.client(f"{role.value}-region", **HTML) as client:
        answer = client.post("/ledger", data={"keep": "true"}, files={"file": (name, text.encode())})
    assert answer.status_code == (403 if not may else 200 if whose == "own" else 422)
    assert leak(answer) == ""
    assert ("mx" in tree.registry.snapshot().buildings) == (may and whose == "own")
    memory.restore()


def test_no_form_is_taken_without_the_token_of_its_own_session(tree: World) -> None:
    """The cookie alone, which a browser sends for pages of others too, opens no way that changes something."""
    before = tree.registry.export_sheets()
    browsers = [httpx.Client(base_url=tree.url, headers=HTML, follow_redirects=True) for _ in range(2)]
    for browser in browsers:
        link = tree.registry.accounts.one_time_link("administrator-region", now=NOW)
        assert browser.get(f"/enter/{link}").status_code == 200
    mine, other = (browser.get("/api/v1/session").json()["csrf"] for browser in browsers)
    assert mine != other
    forms = [(path, entry) for method, path, entry in (*TABLE, *UNWALKED) if method == "POST"]
    for token in ({}, {"X-CSRF-Token": other}):
        browsers[0].headers.update(token)
        for path, entry in forms:
            answer = ask(browsers[0], "POST", path, entry, thing(entry.thing, "own"))
            assert (answer.status_code, "X-CSRF-Token" in answer.text) == (403, True), path
    for browser in browsers:
        browser.close()
    assert tree.registry.export_sheets() == before
    posts = {route.path for router in ROUTERS for route in router.routes if "POST" in route.methods}  # type: ignore[attr-defined]
    assert posts - {path for path, _ in forms} == {"/sign-in"}  # which looks at where the page came from instead
