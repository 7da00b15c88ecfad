"""From a delivery to the store: acknowledged when on disk, stored once, parked with a reason, nothing lost."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from collector.pipeline import Pipeline
from collector.source import Delivery
from collector.spool import SpoolReader
from collector.watch import Watch
from energy.errors import StorageForbidden, StorageRejected, StorageUnavailable
from energy.registry import Registry, Touched
from energy.series import FloatArray, IntArray, Readings
from energy.storage import open_store
from energy.storage.base import Store
from tests.collector.world import (
    NOW,
    SHEETS,
    T0,
    TOPIC,
    Acks,
    is_drained,
    message,
    running,
    settings_for,
    until,
)


def send(pipeline: Pipeline, *payloads: bytes, topic: bytes = TOPIC, **fields: object) -> Acks:
    acks = Acks()
    deliveries = [Delivery(topic, payload, place + 1, acks, **fields) for place, payload in enumerate(payloads)]  # type: ignore[arg-type]
    pipeline.put(deliveries)
    acks.wait(len(payloads))
    return acks


def stored(store: Store, meter: str) -> list[tuple[int, float]]:
    series = store.readings([meter], 0, NOW + 1000)[meter]
    return list(zip(series.time.tolist(), series.value.tolist(), strict=True))


class Moody:
    """A real store in front of which a test can put troubles."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.trouble: Exception | None = None
        self.refuses: set[float] = set()
        self.requests: list[int] = []
        self.lookups = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def latest(self, meters: list[str]) -> dict[str, tuple[int, float]]:
        self._complain()
        return self._store.latest(meters)

    def write_readings(self, readings: Readings) -> None:
        self._complain()
        if self.refuses & set(readings.value.tolist()):
            raise StorageRejected("a value this test refuses")
        self.requests.append(len(readings))
        self._store.write_readings(readings)

    def values_at(self, meters: list[str], times: IntArray) -> FloatArray:
        self._complain()
        self.lookups += 1
        return self._store.values_at(meters, times)

    def _complain(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def test_a_reading_is_acknowledged_stored_and_marked(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        acks = send(pipeline, message(("e-main", T0, 100.0), ("w-main", T0, 5.0)))
        assert acks.codes == {1: 0}
        until(lambda: is_drained(pipeline))
        assert stored(store, "e1") == [(T0, 100.0)]
        assert pipeline.counters["taken"] == pipeline.counters["stored"] == 2
    _, marks = registry.take_touched()
    assert {Touched("e1", T0, T0), Touched("w1", T0, T0)} <= set(marks)


def test_a_meter_just_registered_is_no_stranger(tmp_path: Path, registry: Registry) -> None:
    """Nothing watches the registry here: the reading itself makes the pipeline look again."""
    known = SHEETS["meters"][1]
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        send(pipeline, message(("e-main", T0, 1.0)))
        registry.import_sheets(
            {
                "gateways": [{"id": "g9", "institution": "i1", "name_zh": "网关", "name_en": "nine"}],
                "meters": [
                    {**known, "id": "n1", "gateway": "g1", "local": "new"},
                    {**known, "id": "n9", "gateway": "g9", "local": "new"},
                ],
            }
        )
        assert send(pipeline, message(("e-main", T0 + 900, 2.0), ("new", T0, 3.0))).codes == {1: 0}
        send(pipeline, message(("new", T0, 4.0)), topic=b"jieneng/v1/i1/g9/readings")
        send(pipeline, message(("never", T0, 5.0)))
        until(lambda: is_drained(pipeline))
        assert stored(store, "n1") == [(T0, 3.0)]
        assert stored(store, "n9") == [(T0, 4.0)]
        assert pipeline.counters["parked:unknown_device"] == 1
        assert pipeline.counters["taken"] == 5


def test_acknowledgements_keep_the_order_of_arrival(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        payloads = [message(("e-main", T0 + n, float(n))) for n in range(500)]
        assert send(pipeline, *payloads).order == list(range(1, 501))


def test_the_same_message_again_has_the_effect_of_once(tmp_path: Path, registry: Registry) -> None:
    again = message(("e-main", T0, 100.0))
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        send(pipeline, again, again)
        send(pipeline, again)
        until(lambda: is_drained(pipeline))
        assert stored(store, "e1") == [(T0, 100.0)]
        assert pipeline.counters["duplicate"] == 2
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        send(pipeline, again)
        assert pipeline.counters["duplicate"] == 3


def test_another_value_of_the_same_instant_is_parked_and_the_first_stays(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        send(pipeline, message(("e-main", T0, 100.0)))
        acks = send(pipeline, message(("e-main", T0, 101.0)))
        assert acks.codes[1] >= 0x80
        until(lambda: is_drained(pipeline))
        assert stored(store, "e1") == [(T0, 100.0)]
        (parked,) = SpoolReader(pipeline.spool.path).parked()
        assert (parked.reason, parked.gateway, parked.meter) == ("conflict", "g1", "e-main")


def test_readings_older_than_what_is_held_are_judged_by_the_store(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path, recent_per_meter=2)
    with running(settings, registry, Moody(open_store(settings, role="ingest"))) as (pipeline, store, _):  # type: ignore[arg-type]
        send(pipeline, *[message(("e-main", T0 + 900 * n, 100.0 + n)) for n in range(10)])
        until(lambda: is_drained(pipeline))
        again, other = message(("e-main", T0 + 900, 101.0)), message(("e-main", T0 + 1800, 7.0))
        new = message(("e-main", T0 - 900, 99.0))
        acks = send(pipeline, again, other, new, new)
        assert set(acks.codes.values()) == {0}  # nobody can know yet
        until(lambda: is_drained(pipeline))
        assert pipeline.counters["duplicate"] == 2  # the one stored before, and `new` the second time
        assert pipeline.counters["parked:conflict"] == 1
        assert stored(store, "e1")[:3] == [(T0 - 900, 99.0), (T0, 100.0), (T0 + 900, 101.0)]
        store.close()


def test_late_readings_of_one_request_are_looked_up_by_one_read(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path, recent_per_meter=2)
    moody = Moody(open_store(settings, role="ingest"))
    with running(settings, registry, moody) as (pipeline, _, _deaths):  # type: ignore[arg-type]
        send(pipeline, *[message(("e-main", T0 + n, 1.0 + n)) for n in range(5)])
        until(lambda: is_drained(pipeline))
        moody.lookups = 0
        send(pipeline, message(*[("e-main", T0 - n, 0.5) for n in range(1, 400)]))
        until(lambda: is_drained(pipeline))
        assert moody.lookups == 1
        moody.close()  # type: ignore[operator]


def test_a_dead_store_costs_disk_and_no_reading(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path)
    moody = Moody(open_store(settings, role="ingest"))
    moody.trouble = StorageUnavailable("down")
    with running(settings, registry, moody) as (pipeline, store, _):  # type: ignore[arg-type]
        send(pipeline, *[message(("e-main", T0 + n, float(n))) for n in range(100)])
        until(lambda: "down" in pipeline.forwarder.trouble)
        assert pipeline.spool.readings == 100
        moody.trouble = None
        until(lambda: is_drained(pipeline))
        assert pipeline.forwarder.trouble == ""
        assert stored(store, "e1") == [(T0 + n, float(n)) for n in range(100)]
        moody.close()  # type: ignore[operator]


def test_a_store_that_forbids_stops_the_forwarder_with_an_alarm(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path)
    moody = Moody(open_store(settings, role="ingest"))
    moody.trouble = StorageForbidden("wrong token")
    with running(settings, registry, moody) as (pipeline, _, _deaths):  # type: ignore[arg-type]
        send(pipeline, message(("e-main", T0, 1.0)))
        until(lambda: "wrong token" in pipeline.forwarder.trouble)
        assert pipeline.spool.readings == 1
        moody.close()  # type: ignore[operator]


def test_started_while_the_store_is_down_no_conflict_slips_through(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path)
    with running(settings, registry) as (pipeline, _, _deaths):
        send(pipeline, message(("e-main", T0, 100.0)))
        until(lambda: is_drained(pipeline))
    moody = Moody(open_store(settings, role="ingest"))
    moody.trouble = StorageUnavailable("down")
    with running(settings, registry, moody) as (pipeline, store, _):  # type: ignore[arg-type]
        send(pipeline, message(("e-main", T0, 666.0), ("e-main", T0 + 900, 101.0)))
        moody.trouble = None
        Watch(pipeline).look_at_registry()  # asks again what the store holds
        until(lambda: pipeline.unknown() == [])
        send(pipeline, message(("e-main", T0 + 900, 777.0)))
        until(lambda: is_drained(pipeline))
        assert stored(store, "e1") == [(T0, 100.0), (T0 + 900, 101.0)]
        assert pipeline.counters["parked:conflict"] == 2
        moody.close()  # type: ignore[operator]


@pytest.mark.parametrize("n_poison", [1, 3, 10])
def test_readings_the_store_refuses_are_parked_and_only_those(
    tmp_path: Path, registry: Registry, n_poison: int
) -> None:
    settings = settings_for(tmp_path)
    moody = Moody(open_store(settings, role="ingest"))
    places = np.random.default_rng(n_poison).choice(1000, n_poison, replace=False).tolist()
    moody.refuses = {1000.0 + place for place in places}
    with running(settings, registry, moody) as (pipeline, store, _):  # type: ignore[arg-type]
        send(pipeline, message(*[("e-side", T0 + n, 1000.0 + n) for n in range(1000)]))
        until(lambda: is_drained(pipeline))
        assert pipeline.counters["parked:store_refused"] == n_poison
        assert {time - T0 for time, _ in stored(store, "e2")} == set(range(1000)) - set(places)
        parked = SpoolReader(pipeline.spool.path).parked()
        moody.refuses = set()
        pipeline.replay(parked).result(10)
        until(lambda: is_drained(pipeline))
        assert len(stored(store, "e2")) == 1000
        moody.close()  # type: ignore[operator]


def test_a_changed_registry_is_taken_at_once_and_the_parked_can_be_replayed(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        text = b'{"times":[1767225600,1767226500],"values":{"e-new":[1,2],"e-main":[3,4]}}'
        assert send(pipeline, text).codes == {1: 0}
        until(lambda: is_drained(pipeline))
        (parked,) = SpoolReader(pipeline.spool.path).parked(reason="unknown_device")
        assert (parked.count, parked.meter) == (2, "e-new")
        new = {**SHEETS["meters"][0], "id": "e9", "local": "e-new", "rated_kw": None}
        registry.import_sheets({"meters": [new]})
        Watch(pipeline).look_at_registry()
        assert pipeline.replay([parked]).result(10) == 2
        until(lambda: is_drained(pipeline))
        assert stored(store, "e9") == [(T0, 1.0), (T0 + 900, 2.0)]
        assert SpoolReader(pipeline.spool.path).parked() == []


def test_replaying_what_is_still_wrong_parks_it_again_once(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        send(pipeline, message(("nobody", T0, 1.0)))
        (parked,) = SpoolReader(pipeline.spool.path).parked()
        pipeline.replay([parked]).result(10)
        (again,) = SpoolReader(pipeline.spool.path).parked()
        assert again.count == 1
        assert pipeline.unaccounted == 0


def test_the_credential_decides_even_when_a_message_is_replayed(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        acks = send(pipeline, message(("e-main", T0, 666.0)), gateway="g2")  # on the topic of g1
        assert acks.codes == {1: 0x87}
        (parked,) = SpoolReader(pipeline.spool.path).parked()
        assert (parked.reason, parked.gateway) == ("identity_mismatch", "g2")
        pipeline.replay([parked]).result(10)
        assert [row.reason for row in SpoolReader(pipeline.spool.path).parked()] == ["identity_mismatch"]
        assert stored(store, "e1") == []


def test_status_messages_are_kept_and_never_parked(tmp_path: Path, registry: Registry) -> None:
    topic = b"jieneng/v1/i1/g1/status"
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        acks = send(pipeline, b'{"online":true}', b"nonsense", topic=topic)
        assert set(acks.codes.values()) == {0}
        reader = SpoolReader(pipeline.spool.path)
        assert reader.gateways() == {"g1": (NOW, '{"online":true}')}
        assert reader.parked() == []


def test_gaps_in_seq_are_counted_as_a_hint_of_loss(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        for seq in (5, 6, 9, 9, 1, 2):  # 7 and 8 never came; 1 is a restart
            send(pipeline, b'{"seq":%d,"readings":[]}' % seq)
        assert pipeline.counters["seq_gap"] == 2


def test_unprotected_readings_are_flagged(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        send(pipeline, message(("e-main", T0, 1.0)), qos=0)
        until(lambda: is_drained(pipeline))
        assert store.readings(["e1"], 0, NOW)["e1"].flag.tolist() == [2]
        assert pipeline.counters["qos0"] == 1


def test_back_pressure_is_told_and_ends(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        gate = threading.Event()
        entered = threading.Event()
        pipeline.do(lambda: (entered.set(), gate.wait(10)))  # type: ignore[arg-type, return-value]
        assert entered.wait(10)
        acks = Acks()
        pipeline.put([Delivery(TOPIC, b"x" * 1_000_000, n, acks) for n in range(1, 20)])
        assert pipeline.is_full
        gate.set()
        acks.wait(19)
        until(lambda: not pipeline.is_full)


def test_a_stop_commits_and_acknowledges_what_waits(tmp_path: Path, registry: Registry) -> None:
    acks = Acks()
    with running(settings_for(tmp_path, flush_s=1.0), registry) as (pipeline, _, _deaths):
        pipeline.put([Delivery(TOPIC, message(("e-main", T0 + n, float(n))), n, acks) for n in range(1, 100)])
    assert len(acks.order) == 99
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        until(lambda: is_drained(pipeline))
        assert len(stored(store, "e1")) == 99


def test_every_minute_a_sample_reaches_the_store(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, store, _):
        watch = Watch(pipeline)
        send(pipeline, message(("e-main", T0, 1.0), ("nobody", T0, 1.0)))
        until(lambda: is_drained(pipeline))
        watch.sample()
        until(lambda: len(store.results("ingest", where={"collector": ["c1"]}, start=NOW - 10**9, end=2 * NOW)) > 0)
        table = store.results("ingest", where={"collector": ["c1"]}, start=NOW - 10**9, end=2 * NOW)
        counted = dict(zip(table.tags["reason"].tolist(), table.fields["readings"].tolist(), strict=True))
        assert counted["taken"] == 2
        assert counted["stored"] == 1
        assert counted["unknown_device"] == 1
