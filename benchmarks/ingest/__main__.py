"""Ingest end to end, beside Telegraf on the same messages and servers in the same run.

    python -m benchmarks.ingest [--quick]

CPU is given in CPU-seconds per million readings (= microseconds a reading), split by process; the load generator is
not counted. `ack` is p50/p99 from publish to PUBACK (at the endpoint: on disk), `commit` from publish to committed in
our spool, `queryable` (runs of their own, at the national rate) from publish to the store's answer.
Machines are noisy: the ratios of the table at the end are what to compare. It is the table of `docs/measurements.md`.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator

from rich.console import Console

from benchmarks.ingest import report
from benchmarks.ingest.scenario import Result, Scenario, measure, measure_freshness
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
            yield Scenario("fast", "influx", load, n, rate)
            yield Scenario("endpoint", "influx", load, n, rate)
            if rate is None or per_message > 1:  # paho alone cannot take so many single messages
                yield Scenario("paho", "influx", load, n, rate)
            yield Scenario("endpoint", "embedded", load, n, rate)
    yield Scenario("fast", "embedded", Workload(20), n_flood, None)
    for per_message in (20, 100):
        yield Scenario("endpoint", "influx", Workload(per_message, form="column"), n_flood, None)
    yield Scenario("endpoint", "embedded", Workload(1, n_gateways=1000), n_flood, None, window=100)


def fresh_scenarios(seconds: float) -> Iterator[Scenario]:
    """What is asked for freshness: more messages than will be sent in the time."""
    n = int(NATIONAL * (seconds + 60))
    yield Scenario("telegraf", "influx", Workload(20), n, NATIONAL)
    yield Scenario("fast", "influx", Workload(20), n, NATIONAL)
    yield Scenario("endpoint", "influx", Workload(20), n, NATIONAL)
    yield Scenario("endpoint", "embedded", Workload(20), n, NATIONAL)


def main() -> None:
    """Measure, print each row as it comes, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not a figure to publish")
    quick = parser.parse_args().quick
    console = Console(width=200, highlight=False)
    console.print(f"{platform.platform()}, Python {platform.python_version()}")
    results = []
    for scenario in scenarios(quick=quick):
        results.append(measure(scenario))
        console.print(row(results[-1]))
    seconds = 5.0 if quick else 20.0
    fresh = {}
    for scenario in fresh_scenarios(seconds):
        fresh[scenario] = measure_freshness(scenario, seconds)
        console.print(f"{scenario.title:<62} queryable {fresh[scenario][0]:.0f}/{fresh[scenario][1]:.0f} ms")
    console.print(report.table(results, fresh), soft_wrap=True)


def row(result: Result) -> str:
    """One line of the report."""
    cpu = " ".join(f"{name} {value:5.1f}" for name, value in result.cpu.items())
    ack, commit = (f"{low:.0f}/{high:.0f}" for low, high in (result.ack_ms, result.commit_ms))
    memory = " ".join(f"{name} {value:.0f}" for name, value in result.peak_mb.items())
    return (
        f"{result.scenario.title:<62} {result.readings_s / 1000:6.1f} k/s | cpu-s/M {cpu} total {result.total_cpu:5.1f}"
        f" | ack {ack} ms, commit {commit} ms | peak MB {memory} | missing {result.missing}"
    )


if __name__ == "__main__":
    main()
