"""The figures of a run as the Markdown table of `docs/measurements.md`: ours beside Telegraf's on the same messages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.ingest.scenario import Result, Scenario

_HEAD = (
    "| readings a message, pace | way | k readings/s | process | broker | InfluxDB | total | process / Telegraf "
    "| total / total | ack ms | commit ms | queryable ms | peak MB |"
)
_WAYS = {"telegraf": "Telegraf", "fast": "broker + fast client", "paho": "broker + paho", "endpoint": "our endpoint"}


def table(results: Sequence[Result], fresh: Mapping[Scenario, tuple[float, float]]) -> str:
    """All measurements; `fresh` holds p50 and p99 from publish to queryable, measured in runs of their own."""
    queryable = {_setting(scenario): pair for scenario, pair in fresh.items()}
    lines = [_HEAD, "|---" * _HEAD.count(" | ") + "|---|"]
    for result in results:
        peer = next((one for one in results if _is_peer(one, result)), None)
        lines.append(_line(result, peer, queryable.get(_setting(result.scenario))))
    return "\n".join(lines)


def _setting(scenario: Scenario) -> tuple[object, ...]:
    """What two runs of different length have in common."""
    return scenario.subject, scenario.store, scenario.workload, scenario.rate


def _is_peer(one: Result, result: Result) -> bool:
    """True if `one` is Telegraf's run of the same messages at the same pace into the same store."""
    mine, other = result.scenario, one.scenario
    is_same = (other.store, other.workload, other.rate) == (mine.store, mine.workload, mine.rate)
    return is_same and other.subject == "telegraf" and mine.subject != "telegraf"


def _line(result: Result, peer: Result | None, queryable: tuple[float, float] | None) -> str:
    cpu = result.cpu
    process = next(name for name in cpu if name not in ("broker", "InfluxDB"))
    ratio = [cpu[process] / peer.cpu["Telegraf"], result.total_cpu / peer.total_cpu] if peer else [math.nan] * 2
    cells = [
        _what(result.scenario),
        _WAYS[result.scenario.subject] + (", embedded store" if result.scenario.store == "embedded" else ""),
        f"{result.readings_s / 1000:.1f}",
        *(_number(cpu.get(name, math.nan), 1) for name in (process, "broker", "InfluxDB")),
        _number(result.total_cpu, 1),
        *(_number(value, 2) for value in ratio),
        *(_pair(pair) for pair in (result.ack_ms, result.commit_ms, queryable)),
        f"{result.peak_mb[process]:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _what(scenario: Scenario) -> str:
    load = scenario.workload
    pace = "flood" if scenario.rate is None else "offered"
    form = " as columns" if load.form == "column" else ""
    links = "" if load.n_gateways == 8 else f", {load.n_gateways} connections"
    return f"{load.per_message}{form}, {pace}{links}"


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _pair(pair: tuple[float, float] | None) -> str:
    return "" if pair is None or math.isnan(pair[0]) else f"{pair[0]:.0f} / {pair[1]:.0f}"
