"""A gateway whose clock is off is one notice of its institution; all of them off the same way is one of the server."""

from __future__ import annotations

from api.alarms import evaluate
from energy.registry import AlarmRule, Notice, Registry
from energy.storage.embedded import EmbeddedStore
from tests.alarms.province import NOW, heard, province
from tests.results import write


def clocks(registry: Registry, store: EmbeddedStore, now: int, **leads: float) -> list[Notice]:
    return [n for n in evaluate(registry, store, now, leads=leads) if n.kind == "clock"]


def found(store: EmbeddedStore, now: int, ahead: dict[str, float]) -> None:
    write(store, "meter_status", [{"meter": m, "time": now, "clock_ahead_s": s} for m, s in ahead.items()])


def test_a_gateway_is_told_once_by_the_median_of_its_meters(registry: Registry, store: EmbeddedStore) -> None:
    meters = province(registry)
    heard(store, meters, NOW)
    ahead = dict.fromkeys(meters, -2.0) | {"c0s0g0m0": -420.0, "c0s0g0m1": -422.0, "c0s0g0m2": -3.0, "c1s0g0m0": 900.0}
    found(store, NOW, ahead)
    (notice,) = clocks(registry, store, NOW)
    assert (notice.cause, notice.scope, notice.node) == ("clock/c0s0g0", "institution", "c0s0")
    assert notice.title_en == "学校0-0, gateway c0s0g0: its clock is 7 minutes slow"
    assert notice.title_zh == "学校0-0 网关 c0s0g0：时钟慢约 7 分钟"
    found(store, NOW, ahead | {"c0s0g0m0": -425.0, "c0s0g0m1": -427.0})
    assert clocks(registry, store, NOW + 60) == []
    assert [e.event for e in registry.alarms.history(notice.id)] == ["opened"]  # the same minute is no news
    found(store, NOW, dict.fromkeys(meters, 1.0))
    assert clocks(registry, store, NOW + 120) == []
    assert registry.alarms.standing() == []


def test_refused_readings_are_evidence_and_a_gateway_unheard_keeps_its_notice(
    registry: Registry, store: EmbeddedStore
) -> None:
    province(registry)
    (notice,) = clocks(registry, store, NOW, c0s1g0=8 * 3600.0, unknown=900.0)
    assert notice.title_en.endswith("its clock is 480 minutes fast")
    assert clocks(registry, store, NOW + 60) == []
    assert [n.cause for n in registry.alarms.standing()] == ["clock/c0s1g0"]


def test_most_of_them_off_the_same_way_is_the_servers_clock(registry: Registry, store: EmbeddedStore) -> None:
    meters = province(registry)  # eight gateways
    heard(store, meters, NOW)
    found(store, NOW, {m: -2.0 if m.startswith("c0s0") else 200.0 for m in meters})
    (notice,) = clocks(registry, store, NOW)
    assert (notice.cause, notice.things, notice.severity) == ("clock/server", 6, "critical")


def test_the_limit_is_a_setting(registry: Registry, store: EmbeddedStore) -> None:
    meters = province(registry)
    found(store, NOW, dict.fromkeys(meters[:3], 119.0))
    assert clocks(registry, store, NOW) == []
    registry.alarms.set_rule(AlarmRule("clock", "clock", 60))
    assert [n.cause for n in clocks(registry, store, NOW)] == ["clock/c0s0g0"]
