"""The ingest process's own port: health tells the truth, readings can be pushed, the parked seen and sent again."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from collector.endpoint import Endpoint
from collector.ingest import Ingest
from energy.errors import StorageUnavailable
from energy.registry import Registry
from energy.settings import MqttSettings
from energy.storage import open_store
from tests.collector.test_pipeline import Moody
from tests.collector.world import T0, message, settings_for

Scene = Callable[[httpx.AsyncClient, Ingest, Moody], Awaitable[None]]


def play(home: Path, registry: Registry, scene: Scene, **ingest: object) -> None:
    """Run a whole ingest process in this event loop, and a scene with a client of its port."""

    async def stage() -> None:
        settings = settings_for(home, **ingest).model_copy(update={"mqtt": MqttSettings(port=0)})
        store = Moody(open_store(settings, role="ingest"))
        running = Ingest(settings, registry, store)  # type: ignore[arg-type]
        task = asyncio.create_task(running.run(Endpoint(settings.mqtt, authenticate=lambda user, password: None)))
        try:
            async with asyncio.timeout(30):
                while not running.http_port:
                    await asyncio.sleep(0.01)
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}") as client:
                    await ready(client)
                    await scene(client, running, store)
        finally:
            running.request_stop()
            await task
            store.close()  # type: ignore[operator]

    asyncio.run(stage())


async def ready(client: httpx.AsyncClient, wanted: int = 200) -> dict[str, Any]:
    while True:
        try:
            answer = await client.get("/readyz")
        except httpx.TransportError:
            await asyncio.sleep(0.02)
            continue
        if answer.status_code == wanted:
            return dict(answer.json()["checks"])
        await asyncio.sleep(0.05)


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_live_and_ready_say_what_is_wrong(tmp_path: Path, registry: Registry) -> None:
    async def scene(client: httpx.AsyncClient, ingest: Ingest, store: Moody) -> None:
        live = await client.get("/livez")
        assert (live.status_code, live.headers["cache-control"]) == (200, "no-store")
        store.trouble = StorageUnavailable("down for the test")
        ingest.put([])
        secret = registry.issue_credential("g1")
        while (await push(client, secret, message(("e-main", T0, 1.0)))).status_code != 202:
            await asyncio.sleep(0.1)  # the new credential is taken within a second
        checks = await ready(client, 503)
        assert "down for the test" in checks["store"]
        assert (await client.get("/livez")).status_code == 200
        store.trouble = None
        await ready(client)

    play(tmp_path, registry, scene)


async def push(client: httpx.AsyncClient, secret: str, body: bytes, gateway: str = "g1") -> httpx.Response:
    return await client.post(f"/api/v1/readings?gateway={gateway}", content=body, headers=basic(gateway, secret))


def test_readings_can_be_pushed_with_the_gateways_credential(tmp_path: Path, registry: Registry) -> None:
    secret = registry.issue_credential("g1")

    async def scene(client: httpx.AsyncClient, ingest: Ingest, _: Moody) -> None:
        taken = await push(client, secret, message(("e-main", T0, 1.0)))
        assert (taken.status_code, taken.json()["parked"]) == (202, False)
        refused = await push(client, secret, b"{")
        assert (refused.status_code, refused.json()["parked"]) == (202, True)
        assert (await push(client, "wrong", b"{}")).status_code == 401
        assert (await client.post("/api/v1/readings?gateway=g1", content=b"{}")).status_code == 401
        foreign = await client.post("/api/v1/readings?gateway=g2", content=b"{}", headers=basic("g1", secret))
        assert foreign.status_code == 401
        assert (await client.post("/api/v1/readings", content=b"{}")).status_code == 422
        assert ingest.counters["taken"] == 2

    play(tmp_path, registry, scene)


def test_a_body_is_counted_as_it_comes(tmp_path: Path, registry: Registry) -> None:
    secret = registry.issue_credential("g1")

    async def scene(client: httpx.AsyncClient, ingest: Ingest, _: Moody) -> None:
        async def endless() -> Any:
            for _ in range(1000):
                yield b" " * 100_000

        status = 0
        with contextlib.suppress(httpx.HTTPError):  # some clients see the answer, some only the broken pipe
            status = (
                await client.post("/api/v1/readings?gateway=g1", content=endless(), headers=basic("g1", secret))
            ).status_code
        assert status in (0, 413)
        assert ingest.counters["taken"] == 0

    play(tmp_path, registry, scene)


def test_the_parked_are_listed_shown_and_replayed(tmp_path: Path, registry: Registry) -> None:
    secret = registry.issue_credential("g1")

    async def scene(client: httpx.AsyncClient, ingest: Ingest, _: Moody) -> None:
        await push(client, secret, message(("nobody", T0, 5.0)))
        listed = (await client.get("/api/v1/parked?reason=unknown_device")).json()
        (row,) = listed["parked"]
        assert (row["meter"], row["readings"], row["is_replayable"]) == ("nobody", 1, True)
        shown = (await client.get(f"/api/v1/parked/{row['id']}")).json()
        assert '"nobody"' in shown["body"]
        answer = await client.post("/api/v1/parked/replay", json={"reason": "unknown_device"})
        assert answer.json() == {"replayed": 1, "readings": 1, "without_body": 0}
        assert (await client.post("/api/v1/parked/replay", json={})).status_code == 422
        assert (await client.post("/api/v1/parked/replay", json={"idz": [1]})).status_code == 422
        assert (await client.get("/api/v1/parked/999999")).status_code == 404
        assert (await client.get("/api/v1/parked?limit=x")).status_code == 422

    play(tmp_path, registry, scene)


def test_metrics_stay_small_and_hold_no_name_from_the_network(tmp_path: Path, registry: Registry) -> None:
    secret = registry.issue_credential("g1")

    async def scene(client: httpx.AsyncClient, _ingest: Ingest, _: Moody) -> None:
        for n in range(20):
            await push(client, secret, message(*[(f"hostile-{n}-{k}", T0, 1.0) for k in range(100)]))
        text = (await client.get("/metrics")).text
        assert 'jieneng_readings_parked_total{reason="unknown_device"} 2000.0' in text
        assert "jieneng_mqtt_messages_total 0.0" in text  # they came over HTTP
        assert "hostile" not in text
        assert len(text) < 20_000

    play(tmp_path, registry, scene)
