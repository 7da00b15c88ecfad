"""Requests nobody means well: each is refused, none ends the server (corpus 176 to 190)."""

from __future__ import annotations

import json
import logging
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from api.access_log import shown
from api.limits import Limits
from tests.api.world import World

_POST = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"


def _raw(world: World, request: bytes, *, wait_s: float = 5.0) -> bytes:
    where = urlsplit(world.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=wait_s) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except (TimeoutError, ConnectionResetError):
            pass
    return answer


def _lives(world: World) -> bool:
    return httpx.get(f"{world.url}/livez", timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (_POST + b"Content-Length: 5\r\nConnection: close\r\n\r\n{}{}{}{}", (400, 422)),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", (400, 431)),
        (_POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX", (400, 422)),
        (b"GET /api/v1/meters?" + b"a=1&" * 3000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (414,)),
        (b"GET /api/v1/meters HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (401,)),
        (b"\x16\x03\x01\x02\x00\x01\x00", (400,)),
    ],
    ids=["length lies", "long header", "two lengths", "deep query", "foreign host", "tls"],
)  # fmt: skip
def test_a_broken_request_is_refused(world: World, request_: bytes, statuses: tuple[int, ...]) -> None:
    answer = _raw(world, request_)
    assert int(answer.split(b" ")[1]) in statuses
    assert b"evil.example" not in answer
    assert _lives(world)


def test_a_body_larger_than_allowed_is_cut_off_whatever_it_says_of_itself(world: World) -> None:
    def endless():  # type: ignore[no-untyped-def]
        for _ in range(400):
            yield b'{"label": "' + b"x" * 10_000

    with world.client() as client:
        answer = client.post("/api/v1/tokens", content=endless(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
    assert _lives(world)


def test_a_body_that_never_ends_is_given_up() -> None:
    import asyncio

    sent: list[dict[str, object]] = []

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        while True:
            await receive()

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": []}
    asyncio.run(Limits(app, receive_s=0.2, answer_s=5)(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
    sent.clear()
    asyncio.run(Limits(app, receive_s=5, answer_s=0.2)(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 503


@pytest.mark.parametrize(
    "body",
    [
        '{"label": "a", "label": "b"}',
        '{"label": "a", "valid_days": 1e999}',
        '{"label": "a", "valid_days": NaN}',
        '{"label": "a", "valid_days": "30"}',
        '{"label": "a", "valid_days": true}',
        '{"label": "a", "valid_days": 1.0}',
        '{"label": "a", "role": "admin", "institution_id": 1}',
        '{"label": 7}',
        '{"label": null}',
        '{"label": "a", "actions": ["fly"]}',
        "[" * 5000,
        "[]",
        "null",
        "",
        "\ufeff{}",
        '{"label": "a"} x',
    ],
)
def test_bodies_are_read_strictly(world: World, body: str) -> None:
    with world.client() as client:
        answer = client.post("/api/v1/tokens", content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


def test_bytes_that_are_no_text_are_refused(world: World) -> None:
    with world.client() as client:
        headers = {"Content-Type": "application/json"}
        assert client.post("/api/v1/tokens", content=b'{"label": "\xff\xfe"}', headers=headers).status_code == 422
        assert client.post("/api/v1/tokens", content=b'{"label": "\\ud800"}', headers=headers).status_code in (201, 422)
        assert (
            client.post("/api/v1/tokens", json={"label": "x"}, headers={"Content-Type": "text/plain"}).status_code
            == 422
        )


@pytest.mark.parametrize(
    "query",
    ["limit=1e9", "limit=1000000000", "limit=0", "limit=-1", "limit=1.5", "page_size=1000000000", "category=%00",
     "category=electricity'%20OR%201=1", "institution=%27%3B%20DROP%20TABLE%20meters%3B--", "institution=../../etc"],
)  # fmt: skip
def test_queries_are_read_strictly_and_nothing_is_injected(world: World, query: str) -> None:
    with world.client() as client:
        assert client.get(f"/api/v1/meters?{query}").status_code in (404, 422)
        assert client.get("/api/v1/meters").json()["total"] > 0


@pytest.mark.parametrize(
    ("first", "last"),
    [("2025-03-02", "2025-03-01"), ("1980-01-01", "2025-01-01"), ("2025-02-30", "2025-03-01"), ("0", "1"),
     ("2025-01-01T00:00:00", "2025-01-02"), ("9999-12-31", "9999-12-31"), ("1990-01-01", "2025-01-01")],
)  # fmt: skip
def test_every_question_is_bounded_in_time(world: World, first: str, last: str) -> None:
    house = world.province.houses[0].id
    with world.client() as client:
        answer = client.get(f"/api/v1/institutions/{house}/consumption", params={"first": first, "last": last})
        assert answer.status_code == 422
        assert client.get(f"/api/v1/institutions/{house}/consumption").status_code == 422
        window = {"start": f"{first}T00:00:00Z", "end": f"{last}T00:00:00Z"}
        assert client.get(f"/api/v1/meters/{house}.b1.e/readings", params=window).status_code == 422


@pytest.mark.parametrize(
    "token",
    ["Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.", "Bearer " + "a" * 30_000, "Basic YWRtaW46YWRtaW4=", "Bearer",
     "Bearer jn_../../dev/null_x", "jn_a_b"],
)  # fmt: skip
def test_forged_credentials_open_nothing(world: World, token: str) -> None:
    answer = httpx.get(f"{world.url}/api/v1/meters", headers={"Authorization": token}, timeout=60)
    assert answer.status_code in (400, 401, 431)


def test_a_flood_of_form_fields_is_refused(world: World) -> None:
    many = "&".join(f"f{n}=1" for n in range(200_000))
    started = time.perf_counter()
    answer = httpx.post(f"{world.url}/sign-in", content=many, timeout=60,
                        headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert answer.status_code in (303, 400, 413)
    assert time.perf_counter() - started < 60
    assert _lives(world)


def test_a_range_bomb_gets_no_more_than_the_file(world: World) -> None:
    ranges = "bytes=" + ",".join(["0-"] * 1000)
    answer = httpx.get(f"{world.url}/docs/index.html", headers={"Range": ranges}, timeout=60)
    assert answer.status_code in (200, 206, 400, 416)
    assert len(answer.content) < 5_000_000


def test_every_answer_is_named_and_guarded(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "jieneng.access"), world.client() as client:
        answer = client.get("/api/v1/meters?limit=1", headers={"X-Request-ID": "mine-1"})
        odd = client.get("/api/v1/nothing", headers={"X-Request-ID": "bad id"})
        client.get("/enter/very-secret-link")
    assert answer.headers["x-request-id"] == "mine-1"
    assert odd.headers["x-request-id"] == odd.json()["request_id"] != "bad id"
    assert odd.headers["content-type"] == "application/problem+json"
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy"):
        assert name in answer.headers
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert (rules["default-src"], rules["style-src"], rules["object-src"]) == ("'self'", "'self'", "'none'")
    looser = {f"{what}-src{part}" for what in ("script", "style") for part in ("-elem", "-attr")} | {"script-src"}
    assert not looser & rules.keys()  # no exception: neither for scripts nor for style attributes
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "mine-1 GET /api/v1/meters 200" in logged
    assert "user=root-administrator" in logged
    for secret in ("very-secret-link", world.tokens["root-administrator"], "limit=1"):
        assert secret not in logged


def test_a_path_in_the_log_stays_on_its_line() -> None:
    assert shown("/x\nfake line") == "/x\\nfake line"
    assert shown("/enter/abc") == "/enter/..."
    assert len(shown("/" + "a" * 5000)) == 200


def test_the_pages_of_the_api_need_nothing_from_elsewhere(world: World) -> None:
    with httpx.Client(base_url=world.url, timeout=60) as client:
        page = client.get("/docs/").text
        spec = client.get("/api/v1/openapi.json").json()
        for part in ("/docs/vendor/swagger-ui-bundle.js", "/docs/vendor/swagger-ui.css", "/docs/page.js"):
            assert part in page
            assert client.get(part).status_code == 200
    assert "//" not in page.replace("<!--", "")
    operations = [way for ways in spec["paths"].values() for way in ways.values()]
    assert all(way["operationId"] and way["summary"] and way["description"] and way["tags"] for way in operations)
    assert len({way["operationId"] for way in operations}) == len(operations)
    assert "ProblemOut" in json.dumps(spec)
