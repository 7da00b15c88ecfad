"""The messages of a run: who sends, in which registry, and the ready-made MQTT packets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from collector.mqtt import packets
from energy.registry import Registry

INSTITUTION = "bench"
PROBE = "probe"
STEP_S = 900
Form = Literal["list", "column"]


@dataclass(frozen=True)
class Workload:
    """`n_meters` meters over `n_gateways` gateways, `per_message` readings a message, one connection a gateway.

    The first gateway has one meter more, the probe.
    """

    per_message: int
    n_gateways: int = 8
    n_meters: int = 10_000
    form: Form = "list"

    @property
    def meters_a_gateway(self) -> int:
        return self.n_meters // self.n_gateways // self.per_message * self.per_message

    def sheets(self) -> dict[str, list[dict[str, object]]]:
        """The registry all these meters need."""
        gateways: list[dict[str, object]] = [
            {"id": gateway(g), "institution": INSTITUTION} for g in range(self.n_gateways)
        ]
        names = [(g, meter(g, m)) for g in range(self.n_gateways) for m in range(self.meters_a_gateway)]
        meters = [
            {
                "id": name, "institution": INSTITUTION, "gateway": gateway(g), "local": name,
                "category": "electricity", "kind": "physical", "value_kind": "register", "unit": "kWh", "digits": 8,
                "ct_ratio": 1, "pt_ratio": 1, "rated_kw": 500, "interval_s": STEP_S,
            }
            for g, name in [*names, (0, PROBE)]
        ]  # fmt: skip
        return {
            "regions": [{"code": "990000", "name_zh": "示例省"}],
            "institutions": [{"id": INSTITUTION, "name_zh": "测量", "region": "990000", "type": "01"}],
            "gateways": gateways,
            "meters": meters,
        }

    def install(self, home: Path) -> dict[str, str]:
        """Make the registry of a home; the gateways' credentials."""
        home.mkdir(parents=True, exist_ok=True)
        registry = Registry.open(f"sqlite:///{home / 'registry.db'}", migrate=True)
        try:
            registry.import_sheets(self.sheets())
            return {gateway(g): registry.issue_credential(gateway(g)) for g in range(self.n_gateways)}
        finally:
            registry.close()

    def packets(self, g: int, n_readings: int, *, level: int = 4) -> list[bytes]:
        """Ready PUBLISH packets of one gateway: every meter in turn, time going on by 900 s a round."""
        topic = f"jieneng/v1/{INSTITUTION}/{gateway(g)}/readings".encode()
        found = []
        for number, payload in enumerate(self._payloads(g, n_readings // self.n_gateways)):
            found.append(packets.publish(topic, payload, level=level, packet_id=number % 65_535 + 1))
        return found

    def _payloads(self, g: int, n_readings: int) -> Iterator[bytes]:
        size, names = self.meters_a_gateway, [meter(g, m) for m in range(self.meters_a_gateway)]
        begin = int(time.time()) // STEP_S * STEP_S - STEP_S * (n_readings // size + 2)
        for at in range(0, n_readings // self.per_message * self.per_message, self.per_message):
            step, first = divmod(at, size)
            instant = begin + STEP_S * step
            values = {names[first + i]: round(1000 + 0.25 * step + i, 3) for i in range(self.per_message)}
            yield msgspec.json.encode({"seq": at // self.per_message, **_body(self.form, instant, values)})


def _body(form: Form, instant: int, values: dict[str, float]) -> dict[str, object]:
    if form == "column":
        return {"times": [instant], "values": {name: [value] for name, value in values.items()}}
    return {"readings": [{"meter": name, "time": instant, "value": value} for name, value in values.items()]}


def gateway(g: int) -> str:
    return f"gw{g:04d}"


def meter(g: int, m: int) -> str:
    return f"g{g:04d}-e{m:05d}"
