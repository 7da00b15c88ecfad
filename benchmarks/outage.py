"""InfluxDB away while readings keep coming: stopped (kill -9) or frozen (SIGSTOP). Is anything lost, and what grows?

    python benchmarks/outage.py --seconds 60 --rate 2000

The pipeline (decode, checks, spool, forwarder) takes messages at a steady rate before, during and after the fault and
must acknowledge all the while. Then the store is compared with what was acknowledged, and the table shows missing,
doubled and wrong readings, how fast the backlog went, and how much the process grew meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pydantic import SecretStr

from collector.pipeline import Pipeline
from collector.source import Delivery
from energy.registry import Registry
from energy.settings import IngestSettings, Settings, StoreSettings
from energy.storage import open_store
from tests.servers import Influx, free_port

T0 = 1_700_000_000
N_METERS = 100
PER_MESSAGE = 20


class Acks:
    def __init__(self) -> None:
        self.tokens: list[int] = []

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        self.tokens += [token for token, code in zip(tokens, codes, strict=True) if code == 0]


class Load:
    """Messages of 20 readings at a steady rate; the readings follow from the message's number."""

    def __init__(self, pipeline: Pipeline, rate: float) -> None:
        self._pipeline = pipeline
        self._pause = PER_MESSAGE / rate
        self.acks = Acks()
        self.sent = 0

    @staticmethod
    def readings(number: int) -> list[tuple[str, int, float]]:
        return [(f"m{(number * PER_MESSAGE + n) % N_METERS}", T0 + number, number + n / 64) for n in range(PER_MESSAGE)]

    def run(self, seconds: float) -> None:
        end, due = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end:
            self.sent += 1
            rows = ",".join(f'{{"meter":"{m}","time":{t},"value":{v!r}}}' for m, t, v in self.readings(self.sent))
            body = f'{{"readings":[{rows}]}}'.encode()
            self._pipeline.put([Delivery(b"jieneng/v1/i1/g1/readings", body, self.sent, self.acks)])
            due += self._pause
            time.sleep(max(0.0, due - time.monotonic()))


def play(fault: str, seconds: float, rate: float, home: Path) -> tuple[object, ...]:
    """One outage; the row of the table."""
    server = Influx(home / "influx", free_port())
    server.folder.mkdir(parents=True)
    server.start()
    settings = Settings(
        home=home,
        ingest=IngestSettings(forward_backoff_s=0.1, spool_ballast_bytes=0),
        store=StoreSettings(
            kind="influx", url=server.url, bucket=server.bucket, token=SecretStr(server.token), timeout_s=2
        ),
    )
    registry = _registry(settings)
    store = open_store(settings, role="ingest")
    pipeline = Pipeline(settings, registry, store)
    pipeline.start()
    try:
        return _play(fault, seconds, Load(pipeline, rate), pipeline, server)
    finally:
        pipeline.stop()
        store.close()
        registry.close()
        server.stop()


def _play(fault: str, seconds: float, load: Load, pipeline: Pipeline, server: Influx) -> tuple[object, ...]:
    load.run(1.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    server.kill() if fault == "stopped" else server.send(signal.SIGSTOP)
    load.run(seconds)
    waiting = pipeline.spool.readings
    began = time.monotonic()
    server.start() if fault == "stopped" else server.send(signal.SIGCONT)
    load.run(1.0)
    while pipeline.spool.readings or len(load.acks.tokens) < load.sent:
        if time.monotonic() - began > 120:
            break
        time.sleep(0.01)
    caught_up = time.monotonic() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    missing, wrong, phantom = _compare(load, pipeline)
    n = len(load.acks.tokens) * PER_MESSAGE
    return fault, f"{seconds:.0f}", n, waiting, missing, wrong, phantom, f"{caught_up:.1f}", f"{grown:.0f}"


def _compare(load: Load, pipeline: Pipeline) -> tuple[int, int, int]:
    meters = [f"m{n}" for n in range(N_METERS)]
    stored = {
        (meter, at): value
        for meter, series in pipeline.store.readings(meters, T0, T0 + load.sent + 1).items()
        for at, value in zip(series.time.tolist(), series.value.tolist(), strict=True)
    }
    accepted = {(m, t): v for number in load.acks.tokens for m, t, v in load.readings(number)}
    wrong = sum(accepted.get(key, value) != value for key, value in stored.items())
    return len(accepted.keys() - stored.keys()), wrong, len(stored.keys() - accepted.keys())


def _registry(settings: Settings) -> Registry:
    row = {"institution": "i1", "name_zh": "表", "name_en": "meter", "category": "electricity", "unit": "kWh"}
    registry = Registry.open(settings.registry_url, migrate=True)
    registry.import_sheets(
        {
            "regions": [{"code": "990000", "name_zh": "示例省", "name_en": "Example", "climate_zone": "cold"}],
            "institutions": [{"id": "i1", "name_zh": "甲", "name_en": "A", "region": "990000", "type": "01"}],
            "gateways": [{"id": "g1", "institution": "i1", "name_zh": "网关", "name_en": "one"}],
            "meters": [{**row, "id": f"m{n}", "gateway": "g1", "local": f"m{n}"} for n in range(N_METERS)],
        }
    )
    return registry


HEAD = ("fault", "seconds", "accepted", "waiting", "missing", "wrong", "phantom", "caught up s", "grown MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=2000, help="readings per second")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print("".join(f"{cell:>12}" for cell in HEAD), flush=True)
    good = True
    for fault in ("stopped", "frozen"):
        home = Path(tempfile.mkdtemp(prefix="jieneng-outage-"))
        row = play(fault, wanted.seconds, wanted.rate, home)
        print("".join(f"{cell!s:>12}" for cell in row), flush=True)
        good = good and row[4:7] == (0, 0, 0) and int(str(row[2])) > 0
        shutil.rmtree(home)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
