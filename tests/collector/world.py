"""A small registry and a pipeline over real parts, for the collector's tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from collector.checks import Clock
from collector.decoders import Limits
from collector.judge import Judge, Judged
from collector.lookup import Lookup
from collector.pipeline import Pipeline
from collector.recent import Recent
from collector.source import Delivery
from energy.registry import Registry
from energy.settings import IngestSettings, Settings
from energy.storage import open_store
from energy.storage.base import Store

NOW = 1_767_312_000  # 2026-01-02T00:00:00Z
T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
PAST = 1_262_304_000  # 2010-01-01T00:00:00Z
CLOCK = Clock(NOW, PAST, 300)
TOPIC = b"jieneng/v1/i1/g1/readings"

_METER = {"institution": "i1", "name_zh": "表", "name_en": "meter", "category": "electricity", "interval_s": 900}
SHEETS: dict[str, list[dict[str, object]]] = {
    "regions": [{"code": "990000", "name_zh": "示例省", "name_en": "Example", "climate_zone": "cold"}],
    "institutions": [
        {"id": "i1", "name_zh": "甲局", "name_en": "A", "region": "990000", "type": "01"},
        {"id": "i2", "name_zh": "乙局", "name_en": "B", "region": "990000", "type": "01"},
    ],
    "sites": [{"id": "s1", "institution": "i1", "name_zh": "院", "name_en": "Site"}],
    "buildings": [{"id": "b1", "institution": "i1", "site": "s1", "name_zh": "楼", "name_en": "House", "letter": "A"}],
    "gateways": [
        {"id": "g1", "institution": "i1", "name_zh": "网关", "name_en": "one"},
        {"id": "g2", "institution": "i2", "name_zh": "网关", "name_en": "two"},
        {"id": "g3", "institution": "i1", "profile": "senml"},
        {"id": "g4", "institution": "i1", "profile": "jieneng fine-times sentinel=65535,4294967295"},
    ],
    "meters": [
        {**_METER, "id": "e1", "gateway": "g1", "local": "e-main", "unit": "kWh", "rated_kw": 100},
        {**_METER, "id": "e2", "gateway": "g1", "local": "e-side", "unit": "kWh"},
        {**_METER, "id": "w1", "gateway": "g1", "local": "w-main", "unit": "m3", "category": "water"},
        {**_METER, "id": "p1", "gateway": "g1", "local": "p-main", "unit": "kW", "value_kind": "measurement",
         "rated_kw": 100},
        {**_METER, "id": "a1", "gateway": "g1", "local": "a-main", "unit": "kWh", "value_kind": "amount",
         "rated_kw": 100},
        {**_METER, "id": "s1", "gateway": "g3", "local": "urn.dev.ow.10e2073a01080063.energy", "unit": "kWh"},
        {**_METER, "id": "m1", "gateway": "g4", "local": "e-main", "unit": "kWh"},
        {**_METER, "id": "x1", "gateway": "g2", "local": "e-main", "unit": "kWh", "institution": "i2"},
    ],
    "sensors": [
        {"id": "t1", "institution": "i1", "gateway": "g1", "local": "t-out", "name_zh": "温度", "name_en": "outside",
         "quantity": "temperature", "unit": "degC", "interval_s": 900, "place": "building:b1"},
    ],
}  # fmt: skip


def make_registry(home: Path, sheets: dict[str, list[dict[str, object]]] | None = None) -> Registry:
    registry = Registry.open(Settings(home=home).registry_url, migrate=True)
    registry.import_sheets(SHEETS if sheets is None else sheets)
    return registry


def make_judge(registry: Registry, *, per_meter: int = 16, limits: Limits | None = None) -> Judge:
    """A judge that knows every meter of the registry, and that the store holds nothing of any."""
    snapshot = registry.snapshot()
    lookup = Lookup.of(snapshot, {name: number for number, name in enumerate(snapshot.meters)})
    recent = Recent(per_meter)
    recent.grow(len(lookup.ids))
    for number in range(len(lookup.ids)):
        recent.learn(number, None)
    return Judge(lookup, recent, limits or Limits())


def judge(judge: Judge, *payloads: bytes, topic: bytes = TOPIC, clock: Clock = CLOCK, **fields: object) -> Judged:
    """Judge messages as one group and hold what is new, as after a commit."""
    deliveries = [Delivery(topic, payload, place + 1, Acks(), **fields) for place, payload in enumerate(payloads)]  # type: ignore[arg-type]
    judged = judge.judge(deliveries, clock)
    judge.settle(judged)
    return judged


def rows(judge: Judge, judged: Judged) -> list[tuple[str, int, float]]:
    """What a group puts into the spool: meter, time, value."""
    batch = judged.fresh
    if batch is None:
        return []
    ids = judge.lookup.ids
    return [
        (ids[m], t, v) for m, t, v in zip(batch.meter.tolist(), batch.time.tolist(), batch.value.tolist(), strict=True)
    ]


class Acks:
    """Collects acknowledgements."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.order: list[int] = []
        self._changed = threading.Condition()

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        with self._changed:
            self.order += tokens
            self.codes.update(zip(tokens, codes, strict=True))
            self._changed.notify_all()

    def wait(self, n: int, timeout_s: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.order) >= n, timeout_s), f"{len(self.order)} of {n} acks"


def settings_for(home: Path, **ingest: object) -> Settings:
    small = {"spool_ballast_bytes": 0, "forward_backoff_s": 0.02, "http_port": 0, "disk_reserve_bytes": 0}
    return Settings(home=home, ingest=IngestSettings(**{**small, **ingest}))  # type: ignore[arg-type]


@contextmanager
def running(
    settings: Settings, registry: Registry, store: Store | None = None, clock: Callable[[], float] = lambda: NOW
) -> Iterator[tuple[Pipeline, Store, list[BaseException]]]:
    """A pipeline at work over the embedded store (or the one given), stopped at the end; with what it died of."""
    own = store or open_store(settings, role="ingest")
    deaths: list[BaseException] = []
    pipeline = Pipeline(settings, registry, own, clock=clock, fatal=deaths.append)
    pipeline.start()
    try:
        yield pipeline, own, deaths
    finally:
        pipeline.stop()
        if store is None:
            own.close()


def until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait for something that other threads bring about."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def is_drained(pipeline: Pipeline) -> bool:
    return pipeline.spool.readings == 0 and pipeline.unaccounted == 0


def message(*readings: tuple[str, object, object]) -> bytes:
    import msgspec

    return msgspec.json.encode({"readings": [{"meter": m, "time": t, "value": v} for m, t, v in readings]})
