"""InfluxDB with the small province and a Grafana that was pushed to, for as long as a `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboards.board import Place
from dashboards.provision import Grafana as Door
from dashboards.provision import Source
from energy.storage.influx import Address
from energy.storage.influx_store import InfluxStore
from tests.dashboards import stage
from tests.servers import Grafana, Influx, free_port


@contextmanager
def running(folder: Path, *, houses: int = 3, days: int = stage.DAYS) -> Iterator[tuple[Grafana, int]]:
    """The Grafana, and the instant that its dashboards should take for now."""
    for name in ("influx", "grafana", "registry"):
        (folder / name).mkdir()
    influx, grafana = Influx(folder / "influx", free_port()), Grafana(folder / "grafana", free_port())
    try:
        influx.start()
        grafana.start()
        store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
        try:
            now = stage.fill(store, folder / "registry", houses=houses, days=days)
        finally:
            store.close()
        source = Source(influx.url, influx.bucket, influx.token)
        list(Door(grafana.url, grafana.service_token()).push(source, Place()))
        yield grafana, now
    finally:
        grafana.stop()
        influx.stop()
