"""Ingest end to end, beside Telegraf on the same messages and servers in the same run.

    python -m benchmarks.ingest [--quick]

CPU is given in CPU-seconds per million readings (= microseconds a reading), split by process; the load generator is
not counted. p50/p99 are publish -> PUBACK (at the endpoint: on disk) and publish -> committed to the spool.
Machines are noisy: the ratios at the end are what to compare.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.ingest.scenario import Result, Scenario, measure
from benchmarks.ingest.workload import Workload

NATIONAL = 35_600.0
"""32 million series, one reading each 900 s, in readings a second."""


def scenarios(*, quick: bool) -> Iterator[Scenario]:
    """All measurements, those to be compared next to each other."""
    seconds = 5 if quick else 15
    for per_message in (20, 1, 100):
        load = Workload(per_message)
        n_flood = (100_000 if per_message == 1 else 300_000) * (1 if quick else 3)
        for rate, n in ((NATIONAL, int(NATIONAL * seconds)), (None, n_flood)):
            yield Scenario("telegraf", "influx", load, n, rate)
            yield Scenario("paho", "influx", load, n, rate)
            yield Scenario("fast", "influx", load, n, rate)
            yield Scenario("endpoint", "influx", load, n, rate)
            yield Scenario("endpoint", "embedded", load, n, rate)
    yield Scenario("fast", "embedded", Workload(20), n_flood, None)
    yield Scenario("endpoint", "embedded", Workload(1, n_gateways=1000), 300_000, None, window=100)


def main() -> None:
    """Measure, print each row as it comes, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not a figure to publish")
    console = Console(width=160)
    results = []
    for scenario in scenarios(quick=parser.parse_args().quick):
        results.append(measure(scenario))
        console.print(row(results[-1]), highlight=False)
    console.print(f"\n{platform.platform()}, Python {platform.python_version()}")
    console.print(ratios(results))


def row(result: Result) -> str:
    cpu = " ".join(f"{name} {value:5.1f}" for name, value in result.cpu.items())
    ack, commit = (f"{low:.0f}/{high:.0f}" for low, high in (result.ack_ms, result.commit_ms))
    return (
        f"{result.scenario.title:<58} {result.readings_s / 1000:6.1f} k/s  cpu-s/M {cpu} total {result.total_cpu:5.1f}"
        f"  ack {ack} ms  commit {commit} ms  {result.peak_mb:.0f} MB  missing {result.missing}"
    )


def ratios(results: list[Result]) -> Table:
    """Ours against Telegraf's way of the same messages, at the same pace."""
    table = Table("messages", "pace", "ours", "process / Telegraf's", "everything / everything", box=None)
    for peer in (r for r in results if r.scenario.subject == "telegraf"):
        for mine in results:
            same = (mine.scenario.workload, mine.scenario.rate) == (peer.scenario.workload, peer.scenario.rate)
            if not same or mine.scenario.subject == "telegraf" or mine.scenario.store != "influx":
                continue
            table.add_row(
                f"{mine.scenario.workload.per_message} a message",
                "flood" if mine.scenario.rate is None else "national rate",
                mine.scenario.subject,
                f"{mine.cpu['jieneng'] / peer.cpu['Telegraf']:.2f}",
                f"{mine.total_cpu / peer.total_cpu:.2f}",
            )
    return table


if __name__ == "__main__":
    main()
