"""What a page of each list costs in an installation of thousands: CPU time, which a busy machine leaves alone.

    python -m benchmarks.bench_lists [--institutions 2000] [--rounds 5]

Five meters, forty-eight bills, ten findings and five notices an institution, written straight into a SQLite registry;
asked by who sees everything, by a city (a twentieth) and by one institution.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import numpy as np

from energy.registry import Bill, Finding, Node, Notice, Registry, Role, Target
from energy.storage.embedded import EmbeddedStore
from simulators.province import build
from tests.api.world import World, served

START = 1_735_660_800  # 2025-01-01 in Beijing
DAY = 86_400
CITIES = 20
LISTS = ("regions", "institutions", "meters", "findings", "notices", "targets", "bills", "corrections", "runs", "users")
CALLERS = {"everything": Node(), "a city": Node("region", "990100"), "one": Node("institution", "i00000")}


def fill(registry: Registry, n: int) -> None:
    """A province of so many institutions."""
    names = [f"i{k:05d}" for k in range(n)]
    cities = [f"99{1 + k:02d}00" for k in range(CITIES)]
    registry.import_sheets(
        {
            "regions": [
                {"code": "990000", "name_zh": "省"},
                *({"code": code, "name_zh": f"市{code}", "parent": "990000"} for code in cities),
            ],
            "institutions": [
                {"id": name, "name_zh": f"单位{name}", "region": cities[k % CITIES], "type": "01"}
                for k, name in enumerate(names)
            ],
            "meters": [
                {"id": f"{name}.m{k}", "institution": name, "category": "electricity", "unit": "kWh",
                 "kind": "physical" if k else "manual"}
                for name in names for k in range(5)
            ],
        }
    )  # fmt: skip
    months = [date(2022 + k // 12, 1 + k % 12, 1) for k in range(48)]
    registry.bills.put([Bill(f"{name}.m0", day, day.replace(day=28), 100.0, "kWh") for name in names for day in months])
    registry.targets.put(
        [
            Target("institution", name, year, "energy", "gb2589_equivalent_value", "issued", 1.0)
            for name in names
            for year in (2024, 2025, 2026)
        ]
    )
    evidence = '{"text": "' + 2000 * "x" + '"}'
    registry.findings.put(
        [Finding(f"{i}-f{k}", i, "night_base", START + k * DAY, evidence=evidence) for i in names for k in range(10)]
    )
    registry.alarms.record([(_notice(i, k), "opened") for i in names for k in range(5)], [], now=START)


def _notice(institution: str, number: int) -> Notice:
    name = f"{institution}-n{number}"
    opened = START + number * DAY
    return Notice(
        name, name, "finding", "institution", institution, "warning", opened, "夜间用电偏高", "Night load", "", ""
    )


def measured(client: httpx.Client, noun: str, rounds: int) -> tuple[float, int]:
    """CPU milliseconds of the first page, server and client together, and how many rows there are."""
    took = []
    for _ in range(rounds + 1):  # the first one warms
        begun = time.process_time()
        answer = client.get(f"/api/v1/{noun}", params={"limit": "100"})
        took.append(1000 * (time.process_time() - begun))
        if answer.status_code == httpx.codes.FORBIDDEN:  # runs are for who operates the whole
            return float("nan"), 0
        answer.raise_for_status()
    return float(np.median(took[1:])), answer.json()["total"]


def rows(world: World, rounds: int) -> Iterator[tuple[str, list[tuple[float, int]]]]:
    """Each list with its figures for each caller."""
    clients = [world.client(name.replace(" ", "-")) for name in CALLERS]
    for noun in LISTS:
        yield noun, [measured(client, noun, rounds) for client in clients]
    for client in clients:
        client.close()


def main() -> None:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--institutions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        registry = Registry.open(f"sqlite:///{name}/registry.db", migrate=True)
        fill(registry, asked.institutions)
        store = EmbeddedStore(Path(name), writes_readings=True)
        world = World(registry, store, build(houses=1))  # its province stays unused
        for caller, node in CALLERS.items():
            world.add_user(caller.replace(" ", "-"), Role.ADMINISTRATOR, node)
        print(f"{asked.institutions} institutions; CPU ms of a page of 100 rows (rows of all pages) for who sees")
        print(f"| {'list':14} | " + " | ".join(f"{caller:>18}" for caller in CALLERS) + " |")
        print("|---" * (len(CALLERS) + 1) + "|")
        with served(world):
            for noun, found in rows(world, asked.rounds):
                print(f"| {noun:14} | " + " | ".join(f"{cpu:7.0f} ({total:8})" for cpu, total in found) + " |")
        store.close()
        registry.close()


if __name__ == "__main__":
    main()
