"""Signing in and out, cookies, forms, back-off (promise P-36)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from energy.errors import SignInDelayed, SignInRefused
from energy.registry import Node, Registry, Role, User
from energy.registry.accounts import FREE_FAILURES, LONGEST_WAIT_S, _count_failure, _subject, _wait_s
from energy.registry.sessions import IDLE_S, LONGEST_S, csrf_of
from tests.api.world import World

NOW = 1_800_000_000
PASSWORD = "kept safe 2026"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}", migrate=True)
    opened.accounts.add(User("li", Role.VIEWER, Node()), now=NOW)
    yield opened
    opened.close()


@pytest.fixture
def browser(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url, timeout=30) as client:
        yield client


def _entered(world: World, browser: httpx.Client, name: str, *, role: Role = Role.VIEWER) -> str:
    """A new user signed in by a one-time link; the session's CSRF token."""
    now = int(time.time())
    world.registry.accounts.add(User(name, role, Node()), now=now)
    answer = browser.get(f"/enter/{world.registry.accounts.one_time_link(name, now=now)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return str(browser.get("/api/v1/session").json()["csrf"])


def test_a_session_ends_when_idle_and_when_old(registry: Registry) -> None:
    cookie = registry.sessions.open("li", now=NOW)
    assert registry.sessions.find(cookie, now=NOW + IDLE_S - 1) is not None  # asking keeps it alive
    assert registry.sessions.find(cookie, now=NOW + 2 * IDLE_S - 2) is not None
    assert registry.sessions.find(cookie, now=NOW + 3 * IDLE_S) is None
    cookie = registry.sessions.open("li", now=NOW)
    for minute in range(0, LONGEST_S // 60, 20):
        assert registry.sessions.find(cookie, now=NOW + 60 * minute) is not None
    assert registry.sessions.find(cookie, now=NOW + LONGEST_S) is None


def test_a_change_of_rights_ends_every_session(registry: Registry) -> None:
    cookie = registry.sessions.open("li", now=NOW)
    registry.accounts.change(User("li", Role.VIEWER, Node(), display="小李"))
    assert registry.sessions.find(cookie, now=NOW) is not None
    registry.accounts.change(User("li", Role.APPROVER, Node(), display="小李"))
    assert registry.sessions.find(cookie, now=NOW) is None


def test_a_new_password_ends_every_session_and_link(registry: Registry) -> None:
    cookie, link = registry.sessions.open("li", now=NOW), registry.accounts.one_time_link("li", now=NOW)
    registry.accounts.set_password("li", PASSWORD)
    assert registry.sessions.find(cookie, now=NOW) is None
    assert registry.accounts.enter(link, now=NOW) is None
    assert registry.accounts.sign_in("li", PASSWORD, address="a", now=NOW).name == "li"


def test_a_one_time_link_works_once_and_not_for_ever(registry: Registry) -> None:
    link = registry.accounts.one_time_link("li", now=NOW, valid_s=60)
    assert registry.accounts.enter(link, now=NOW + 61) is None
    link = registry.accounts.one_time_link("li", now=NOW, valid_s=60)
    assert registry.accounts.enter(link, now=NOW + 59) is not None
    assert registry.accounts.enter(link, now=NOW + 59) is None


def test_a_one_time_secret_stands_in_for_the_password_once(registry: Registry) -> None:
    secret = registry.accounts.one_time_link("li", now=NOW)
    assert registry.accounts.sign_in("li", secret, address="a", now=NOW).name == "li"
    with pytest.raises(SignInRefused):
        registry.accounts.sign_in("li", secret, address="a", now=NOW)


@pytest.mark.parametrize("name", ["li", "nobody"])
def test_after_five_failures_waiting_doubles_whether_the_user_exists_or_not(registry: Registry, name: str) -> None:
    registry.accounts.set_password("li", PASSWORD)
    with registry.accounts._database.writing() as connection:
        for _ in range(FREE_FAILURES - 1):
            _count_failure(connection, {_subject("user", name): FREE_FAILURES}, NOW)
    with pytest.raises(SignInRefused):
        registry.accounts.sign_in(name, "wrong", address="a", now=NOW)
    now, waits = NOW, []
    for _ in range(3):
        with pytest.raises(SignInDelayed) as caught:
            registry.accounts.sign_in(name, PASSWORD, address="b", now=now)
        waits.append(caught.value.retry_after_s)
        now += waits[-1]
        with pytest.raises(SignInRefused):
            registry.accounts.sign_in(name, "wrong", address="b", now=now)
    assert waits == [2, 4, 8]


def test_the_wait_ends_at_a_quarter_of_an_hour() -> None:
    assert [_wait_s(n) for n in (-1, 0, 1, 8, 9, 10_000)] == [0, 2, 4, 512, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_an_address_that_tries_many_names_has_to_wait_too(registry: Registry) -> None:
    with registry.accounts._database.writing() as connection:
        for _ in range(50):
            _count_failure(connection, {_subject("address", "9.9.9.9"): 50}, NOW)
    with pytest.raises(SignInDelayed):
        registry.accounts.sign_in("li", "x", address="9.9.9.9", now=NOW)


def test_success_forgets_the_failures_of_the_name(registry: Registry) -> None:
    registry.accounts.set_password("li", PASSWORD)
    with registry.accounts._database.writing() as connection:
        for _ in range(FREE_FAILURES - 1):
            _count_failure(connection, {_subject("user", "li"): FREE_FAILURES}, NOW)
    registry.accounts.sign_in("li", PASSWORD, address="a", now=NOW)
    with pytest.raises(SignInRefused):
        registry.accounts.sign_in("li", "wrong", address="a", now=NOW)


def test_the_database_holds_no_usable_secret(registry: Registry, tmp_path: Path) -> None:
    registry.accounts.set_password("li", PASSWORD)
    secrets = [PASSWORD, registry.sessions.open("li", now=NOW), registry.accounts.one_time_link("li", now=NOW)]
    _, text = registry.tokens.issue("li", "t", actions=("read",), node=Node(), now=NOW, valid_s=60)
    secrets += [text, text.split("_", 2)[2], csrf_of(secrets[1])]
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        dump = "\n".join(connection.iterdump())
    assert "$argon2id$" in dump
    assert [secret for secret in secrets if secret in dump] == []


def test_the_cookie_is_guarded_and_renewed_at_each_sign_in(world: World, browser: httpx.Client) -> None:
    _entered(world, browser, "s-cookie")
    first = browser.cookies["jieneng_session"]
    answer = browser.get(f"/enter/{world.registry.accounts.one_time_link('s-cookie', now=int(time.time()))}")
    said = answer.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=lax" in said
    assert "Secure" not in said  # plain http on loopback
    assert browser.cookies["jieneng_session"] != first
    assert world.registry.sessions.find(first, now=int(time.time())) is None


def test_signing_out_voids_the_cookie_on_the_server(world: World, browser: httpx.Client) -> None:
    csrf = _entered(world, browser, "s-out")
    cookie = browser.cookies["jieneng_session"]
    assert browser.delete("/api/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    answer = httpx.get(f"{world.url}/api/v1/session", headers={"Cookie": f"jieneng_session={cookie}"})
    assert answer.status_code == 401


def test_a_change_without_the_sessions_own_csrf_token_is_refused(world: World, browser: httpx.Client) -> None:
    csrf = _entered(world, browser, "s-csrf", role=Role.ADMINISTRATOR)
    body = {"label": "x"}
    for headers in (
        {},
        {"X-CSRF-Token": b""},
        {"X-CSRF-Token": csrf_of("another").encode()},
        {"X-CSRF-Token": b"\xe9"},
    ):
        assert browser.post("/api/v1/tokens", json=body, headers=headers).status_code == 403
    assert browser.post("/api/v1/tokens", json=body, headers={"X-CSRF-Token": csrf}).status_code == 201
    assert browser.post("/sign-out", data={"csrf": "wrong"}).status_code == 403
    assert browser.post("/sign-out", data={"csrf": csrf}).headers["location"] == "/sign-in"


def test_a_page_of_another_site_cannot_sign_a_browser_in(world: World, browser: httpx.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post("/api/v1/session", json={"name": "x", "password": "y"}, headers=headers)
        assert answer.status_code == 403
        assert browser.post("/sign-in", data={"name": "x", "password": "y"}, headers=headers).status_code == 403


def test_a_one_time_secret_leads_to_a_password_first(world: World, browser: httpx.Client) -> None:
    now = int(time.time())
    world.registry.accounts.add(User("s-new", Role.VIEWER, Node(), must_set_password=True), now=now)
    secret = world.registry.accounts.one_time_link("s-new", now=now)
    session = browser.post("/api/v1/session", json={"name": "s-new", "password": secret}).json()
    assert session["must_set_password"] is True
    assert browser.get("/api/v1/meters").status_code == 403
    assert browser.get("/", headers={"Accept": "text/html"}).headers["location"] == "/password"
    headers = {"X-CSRF-Token": session["csrf"]}
    refused = browser.put("/api/v1/session/password", json={"password": "short"}, headers=headers)
    assert refused.status_code == 422
    assert "short" not in refused.text.replace("shorter", "")
    done = browser.put("/api/v1/session/password", json={"password": PASSWORD}, headers=headers)
    assert done.json()["must_set_password"] is False
    assert browser.get("/api/v1/meters").status_code == 200
    wrong = {"password": "another one 77", "old": "not the old one"}
    headers = {"X-CSRF-Token": done.json()["csrf"]}
    assert browser.put("/api/v1/session/password", json=wrong, headers=headers).status_code == 401


def test_the_same_answer_for_a_wrong_password_and_an_unknown_user(world: World, browser: httpx.Client) -> None:
    now = int(time.time())
    world.registry.accounts.add(User("s-known", Role.VIEWER, Node()), now=now)
    world.registry.accounts.set_password("s-known", PASSWORD)
    answers = [
        browser.post("/api/v1/session", json={"name": name, "password": "wrong"}) for name in ("s-known", "s-unknown")
    ]
    first, second = ({k: v for k, v in a.json().items() if k != "request_id"} for a in answers)
    assert first == second
    assert [a.status_code for a in answers] == [401, 401]


def test_people_without_a_session_are_sent_to_the_page_for_it(browser: httpx.Client) -> None:
    answer = browser.get("/", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert browser.get("/sign-in").status_code == 200
    assert browser.get("/enter/never-issued").headers["location"] == "/sign-in?failed=link"
    assert browser.post("/sign-in", data={"name": "x", "password": "y"}).headers["location"].startswith("/sign-in?")
