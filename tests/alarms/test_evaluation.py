"""Notices from targets, findings, completeness and the plant: once, also after a restart, and withdrawn visibly."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from api.alarms import acknowledge, close, evaluate, history, inbox, subscribe
from api.scope import everything, scope_of
from energy.errors import Forbidden, NotInRegistry, SendRefused, StorageUnavailable
from energy.intervals import LocalCalendar
from energy.registry import AlarmRule, Finding, Node, Registry, Role, Stage, Subscription, User
from energy.settings import AlarmSettings
from energy.storage.embedded import EmbeddedStore
from tests.alarms.province import NOW, QUARTER, beat, heard, province
from tests.results import write

DAY = 86_400
LOCAL_DAY = date(2026, 6, 1)
STAGE = Stage("institution", "c0s0", 2026, "energy", "gb2589_equivalent_value", 0.8, NOW - DAY, 8200.0, 10_000.0)


def causes(registry: Registry, store: EmbeddedStore, now: int = NOW) -> list[str]:
    return [notice.cause.split("/")[0] for notice in evaluate(registry, store, now)]


def test_a_stage_is_told_once_and_withdrawn_visibly(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    registry.alarms.subscribe(Subscription("duty", "email", "duty@example.org"))
    registry.stages.put([STAGE])
    assert causes(registry, store) == ["stage"]
    assert causes(registry, store, NOW + 60) == []
    registry.stages.put([replace(STAGE, withdrawn=NOW + 90, used=7900.0)])
    assert causes(registry, store, NOW + 120) == []
    (notice,) = registry.alarms.notices()
    assert (notice.state, notice.ended) == ("withdrawn", NOW + 120)
    assert notice.title_zh == "已撤回：学校0-0：2026 年综合能耗已达年度指标的 80%"
    assert [e.event for e in registry.alarms.history(notice.id)] == ["opened", "withdrawn"]
    assert len(registry.alarms.outbox()) == 2  # the stage, and that it is withdrawn


def test_each_stage_of_a_year_is_one_notice(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    for day, stage in enumerate((0.8, 0.9, 1.0)):
        registry.stages.put([replace(STAGE, stage=stage, raised=NOW + day * DAY)])
        for hour in range(0, 24, 6):
            assert causes(registry, store, NOW + day * DAY + hour * 3600) == (["stage"] if hour == 0 else [])
    assert sorted(n.severity for n in registry.alarms.standing()) == ["critical", "warning", "warning"]


def test_a_restart_repeats_nothing(registry: Registry, store: EmbeddedStore, tmp_path: Path) -> None:
    province(registry)
    registry.stages.put([STAGE])
    assert causes(registry, store) == ["stage"]
    again = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}")
    assert causes(again, store, NOW + 1) == []
    again.close()


def test_an_outlook_is_told_with_the_day_the_target_is_passed(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    row = {"scope": "institution", "id": "c0s0", "indicator": "energy", "caliber": "gb2589_equivalent_value"}
    ahead = {"target": 100.0, "used": 50.0, "forecast": 112.0, "outlook": 2.0, "breach_ms": 1000.0 * (NOW + 100 * DAY)}
    write(store, "target", [row | {"time": NOW - 3 * DAY} | ahead, row | {"time": NOW - DAY, "used": 51.0}])
    (notice,) = evaluate(registry, store, NOW)
    assert notice.severity == "critical"
    assert "全年预测 112.00 kgce，为年度指标 100.00 kgce 的 112%；预计 2026-09-09 超过" in notice.text_zh
    assert evaluate(registry, store, NOW + DAY) == []


def test_an_open_finding_is_told_and_a_closed_one_closes_its_notice(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    finding = Finding(
        "f1", "c0s0", "night_base", NOW - DAY, severity=0.7, title_zh="夜间用电偏高", text_zh="多用 120 kWh"
    )
    old = replace(finding, id="f0", start=NOW - 400 * DAY, end=NOW - 399 * DAY)
    registry.findings.put([finding, old])
    (notice,) = evaluate(registry, store, NOW)
    assert (notice.title_zh, notice.link, notice.scope, notice.node) == (
        "夜间用电偏高", "/findings/f1", "institution", "c0s0",
    )  # fmt: skip
    registry.findings.decide("f1", author="m", time=NOW, state="closed", verdict="confirmed")
    assert evaluate(registry, store, NOW + 60) == []
    assert registry.alarms.standing() == []


def coverage(school: str, share: float) -> dict[str, object]:
    return {"scope": "institution", "id": school, "period": "day", "category": "electricity", "item": "all",
            "time": NOW - DAY - 11 * 3600, "amount": 1.0, "coverage": share}  # fmt: skip


def test_most_of_a_county_incomplete_is_one_notice(registry: Registry, store: EmbeddedStore) -> None:
    province(registry, counties=2, schools=8, gateways=1, meters=1)
    rows = [coverage(f"c0s{s}", 0.5) for s in range(6)] + [coverage(f"c0s{s}", 0.99) for s in (6, 7)]
    rows += [coverage("c1s0", 0.5)] + [coverage(f"c1s{s}", 1.0) for s in range(1, 8)]
    write(store, "total", sorted(rows, key=lambda row: str(row["id"])))
    found = {n.cause: n.things for n in evaluate(registry, store, NOW)}
    assert found == {"completeness/region/990100": 6, "completeness/institution/c1s0": 1}


def test_what_waits_for_its_bill_is_no_incomplete_day(registry: Registry, store: EmbeddedStore) -> None:
    province(registry, counties=1, schools=2)
    paper = {"id": "w1", "category": "water", "unit": "m3", "kind": "manual", "interval_s": DAY}
    registry.import_sheets({"meters": [{**paper, "institution": "c0s0"}]})
    water = {"category": "water", "amount": np.nan}
    write(store, "total", [coverage("c0s0", 1.0), coverage("c0s0", 0.0) | water, coverage("c0s1", 0.4)])
    assert [n.cause for n in evaluate(registry, store, NOW)] == ["completeness/institution/c0s1"]


def test_on_the_short_day_of_spring_today_is_not_taken_for_yesterday(registry: Registry, store: EmbeddedStore) -> None:
    province(registry, counties=1, schools=1)
    london = LocalCalendar("Europe/London")
    short, after = date(2026, 3, 29), date(2026, 3, 30)  # 23 hours: `after` begins before 24 hours are over
    rows = [coverage("c0s0", share) | {"time": london.start_of(day)} for day, share in ((short, 1.0), (after, 0.3))]
    write(store, "total", rows)
    assert evaluate(registry, store, london.start_of(after) + 7 * 3600, zone="Europe/London") == []


def test_an_acknowledgement_given_while_causes_are_looked_for_stays(registry: Registry, store: EmbeddedStore) -> None:
    meters = province(registry)
    heard(store, meters, NOW - 4 * QUARTER)
    heard(store, meters[1:], NOW)
    (seen,) = evaluate(registry, store, NOW)  # what an evaluation has read before it asks the store
    registry.alarms.acknowledge(seen.id, author="wang", now=NOW + 1)
    registry.alarms.record([(replace(seen, things=2, title_zh="2 块"), "changed")], [], now=NOW + 2)
    (notice,) = registry.alarms.standing()
    assert (notice.state, notice.acknowledged_by, notice.title_zh) == ("acknowledged", "wang", "2 块")
    registry.alarms.record([(replace(seen, state="closed", ended=NOW + 3), "closed")], [], now=NOW + 3)
    assert registry.alarms.notices(ids=[seen.id])[0].acknowledged_by == "wang"


def test_lag_and_spool_are_told_by_collector(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    beat(store, NOW - 60, lag_s=1200.0, spool_bytes=2e9)
    assert sorted(n.cause for n in evaluate(registry, store, NOW)) == ["lag/c1", "spool/c1"]
    beat(store, NOW, lag_s=2.0, spool_bytes=1e6)
    evaluate(registry, store, NOW + 60)
    assert registry.alarms.standing() == []


def test_a_full_disk_is_told(registry: Registry, store: EmbeddedStore, tmp_path: Path) -> None:
    province(registry)
    registry.alarms.set_rule(AlarmRule("disk", "disk", 1e12, "critical"))
    (notice,) = evaluate(registry, store, NOW, home=tmp_path)
    assert notice.cause == "disk/home"


class DeadStore(EmbeddedStore):
    """A store whose results do not answer: the embedded one has no way to be down."""

    def results(self, *args: object, **how: object):  # type: ignore[no-untyped-def]
        raise StorageUnavailable("no answer")


def test_a_store_that_does_not_answer_is_one_alarm_and_closes_nothing(
    registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    meters = province(registry)
    heard(store, meters, NOW - 4 * QUARTER)
    heard(store, meters[1:], NOW)
    assert causes(registry, store) == ["silent"]
    dead = DeadStore(tmp_path / "dead", writes_readings=True, writes_results=True)
    assert causes(registry, dead, NOW + 60) == ["store"]
    assert sorted(n.kind for n in registry.alarms.standing()) == ["silent", "store"]
    heard(store, meters[1:], NOW + 120)
    assert causes(registry, store, NOW + 120) == []
    assert [n.kind for n in registry.alarms.standing()] == ["silent"]
    dead.close()


def test_the_inbox_shows_what_its_caller_sees(registry: Registry, store: EmbeddedStore) -> None:
    province(registry)
    registry.stages.put([STAGE])
    (notice,) = evaluate(registry, store, NOW)
    snapshot, today = registry.snapshot(), LOCAL_DAY
    own, sibling, viewer = (
        scope_of(User(name, role, Node("institution", node)), snapshot, today=today)
        for name, role, node in (
            ("m", Role.ENERGY_MANAGER, "c0s0"), ("s", Role.ENERGY_MANAGER, "c0s1"), ("v", Role.VIEWER, "c0s0"),
        )
    )  # fmt: skip
    assert [n.id for n in inbox(registry, own)] == [notice.id]
    assert inbox(registry, sibling) == []
    with pytest.raises(NotInRegistry):
        acknowledge(registry, sibling, notice.id, now=NOW)
    with pytest.raises(Forbidden):
        acknowledge(registry, viewer, notice.id, now=NOW)
    acknowledge(registry, own, notice.id, now=NOW, text="已安排")
    close(registry, own, notice.id, now=NOW + 5)
    assert [(e.event, e.author, e.text) for e in history(registry, own, notice.id)] == [
        ("opened", "", ""), ("acknowledged", "m", "已安排"), ("closed", "m", ""),
    ]  # fmt: skip
    assert evaluate(registry, store, NOW + 60) == []  # closed by a person: not raised again while it lasts


def test_nobody_subscribes_beyond_what_they_see_or_to_an_address_inside(registry: Registry) -> None:
    province(registry)
    own = scope_of(User("m", Role.ENERGY_MANAGER, Node("institution", "c0s0")), registry.snapshot(), today=LOCAL_DAY)
    settings = AlarmSettings()
    mine = Subscription("s1", "email", "m@example.org", user="m", scope="institution", node="c0s0")
    subscribe(registry, own, mine, settings)
    with pytest.raises(NotInRegistry):
        subscribe(registry, own, replace(mine, id="s2", node="c0s1"), settings)
    with pytest.raises(NotInRegistry):
        subscribe(registry, own, replace(mine, id="s3", scope="root", node=""), settings)
    with pytest.raises(Forbidden):
        subscribe(registry, own, replace(mine, id="s4", user="other"), settings)
    with pytest.raises(SendRefused, match="not public"):
        subscribe(registry, own, replace(mine, id="s5", channel="webhook", address="http://127.0.0.1/"), settings)
    registry.alarms.subscribe(Subscription("chief", "email", "c@example.org"))
    with pytest.raises(NotInRegistry):
        subscribe(registry, own, replace(mine, id="chief"), settings)
    assert [s.id for s in registry.alarms.subscriptions(user="m")] == ["s1"]
    assert everything(registry.snapshot()).is_whole
