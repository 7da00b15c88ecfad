"""How quickly the API answers: every list, a year of quarter hours as a chart, and the console's pages.

    python -m benchmarks.bench_api [--houses 24] [--rounds 30] [--influx]

Fills a real registry and store with the simulated province (sixty days, computed by the jobs) and one meter with a year
of quarter hours, serves it by uvicorn, and prints median and 95th percentile of warm answers beside the promise.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from energy.series import Table
from energy.settings import StoreSettings
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from energy.storage.influx import ensure_bucket
from energy.storage.influx_store import InfluxStore
from energy.storage.schema import INTERVAL
from tests.api.world import World, everything, served
from tests.servers import Influx, free_port

PROMISED_MS = 200
YEAR = 1_704_038_400  # 2024-01-01 in Beijing
QUARTERS = 366 * 96


def chart(world: World) -> tuple[str, int]:
    """A meter with a year of quarter hours of every field; its id and how many there are."""
    meter = f"{world.province.houses[0].id}.b1.e"
    rng = np.random.default_rng(1)
    times = YEAR + 900 * np.arange(QUARTERS, dtype=np.int64)
    fields: dict[str, npt.NDArray[np.generic]] = {
        name: np.round(rng.gamma(4.0, 5.0, QUARTERS), 3) for name in INTERVAL.fields
    }
    fields["state"] = np.zeros(QUARTERS)
    fields["method"] = np.zeros(QUARTERS)
    tags = {"meter": np.full(QUARTERS, meter, object), "resolution": np.full(QUARTERS, "15min", object)}
    where = {"meter": [meter], "resolution": ["15min"]}
    world.store.replace(Table("interval", times, tags, fields), where=where, start=YEAR, end=YEAR + 900 * QUARTERS)
    return meter, QUARTERS


def questions(world: World, meter: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(name, path, query) of everything that is measured."""
    house = world.province.houses[0].id
    days = {"first": "2025-03-01", "last": "2025-04-30"}
    nouns = ("regions", "institutions", "buildings", "meters", "findings", "corrections", "bills", "quotas", "targets",
             "runs", "users", "tokens", "collector")  # fmt: skip
    for noun in nouns:
        yield noun, f"/api/v1/{noun}", {} if noun == "collector" else {"limit": "100"}
    for level, identity in (("regions", "990000"), ("institutions", house), ("meters", meter)):
        yield f"consumption of {level}", f"/api/v1/{level}/{identity}/consumption", days
    yield "indicators", f"/api/v1/institutions/{house}/indicators", days
    year = {"start": "2024-01-01T00:00:00+08:00", "end": "2025-01-01T00:00:00+08:00", "resolution": "15min"}
    yield "a year of quarter hours", f"/api/v1/meters/{meter}/intervals", year
    yield "the same as csv", f"/api/v1/meters/{meter}/intervals", year | {"format": "csv"}


def pages(world: World, meter: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(name, path, query) of the pages people open all day."""
    house = world.province.houses[0].id
    yield "page: today", "/", {}
    for noun in ("places", "findings", "targets", "costs", "quality", "alarms"):
        yield f"page: {noun}", f"/{noun}", {}
    yield "page: institution", f"/institutions/{house}", {}
    yield "page: meter, 60 days", f"/meters/{meter}", {"days": "60"}
    for noun in ("reports", "audits", "entry"):
        yield f"page: {noun}", f"/{noun}", {"institution": house}


def measure(client: httpx.Client, path: str, query: dict[str, str], rounds: int) -> tuple[np.ndarray, float, int]:
    """Milliseconds of each warm answer, CPU milliseconds of one (server and client together), and its bytes."""
    took, cpu = [], 0.0
    for round_ in range(rounds + 2):
        if round_ == 2:
            cpu = time.process_time()
        begun = time.perf_counter()
        answer = client.get(path, params=query)
        took.append(1000 * (time.perf_counter() - begun))
        answer.raise_for_status()
    return np.array(took[2:]), 1000 * (time.process_time() - cpu) / rounds, len(answer.content)


@contextmanager
def store_of(folder: Path, *, influx: bool) -> Iterator[Store]:
    """The embedded store of a folder, or an InfluxDB 2 of its own."""
    if not influx:
        opened = EmbeddedStore(folder, writes_readings=True)
        yield opened
        opened.close()
        return
    server = Influx(folder, free_port())
    server.start()
    try:
        settings = StoreSettings(
            kind="influx", url=server.url, org=server.org, bucket="api", token=SecretStr(server.token)
        )
        ensure_bucket(settings)
        yield InfluxStore.from_settings(settings, role="work")
    finally:
        server.stop()


def main() -> None:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--houses", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--influx", action="store_true", help="InfluxDB 2 instead of the embedded store")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, store_of(Path(name), influx=asked.influx) as store:
        world = everything(Path(name), store, asked.houses)
        meter, n = chart(world)
        n_meters = len(world.registry.snapshot().meters)
        kind = "InfluxDB 2" if asked.influx else "embedded store"
        print(f"{kind}, {asked.houses} institutions, {n_meters} meters, {n} quarter hours; {platform.machine()}")
        print(
            f"| {'question':28} | {'median ms':>9} | {'p95 ms':>7} | {'CPU ms':>7} | {'kB':>7} | <= {PROMISED_MS} ms |"
        )
        print("|---|---|---|---|---|---|")
        with served(world, clock=lambda: world.now), world.client() as client:
            for title, path, query in (*questions(world, meter), *pages(world, meter)):
                client.headers["Accept"] = "text/html" if title.startswith("page") else "*/*"
                took, cpu, size = measure(client, path, query, asked.rounds)
                p95 = float(np.percentile(took, 95))
                verdict = "yes" if p95 <= PROMISED_MS else "NO"
                figures = f"{np.median(took):9.1f} | {p95:7.1f} | {cpu:7.1f} | {size / 1000:7.0f}"
                print(f"| {title:28} | {figures} | {verdict:9} |")
        world.registry.close()


if __name__ == "__main__":
    main()
