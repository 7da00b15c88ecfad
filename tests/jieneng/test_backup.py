"""A backup taken under load holds everything acknowledged before it, once, and goes on as an installation (P-12)."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from collector.source import Delivery
from energy.errors import SettingsError, StorageForbidden
from energy.registry import Registry
from energy.settings import Settings
from energy.storage import open_store
from jieneng.backup import back_up, elsewhere
from tests.collector.world import T0, TOPIC, Acks, is_drained, make_registry, message, running, settings_for, until

N = 400


def test_a_backup_under_load_goes_on_with_everything_acknowledged_before_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home", forward_readings=20)
    settings.home.mkdir()
    acks, copies = Acks(), tmp_path / "copies"
    messages = [Delivery(TOPIC, message(("e-side", T0 + 60 * n, float(n))), n + 1, acks) for n in range(N)]
    with closing(make_registry(settings.home)) as registry, running(settings, registry) as (pipeline, _, _):
        sender = threading.Thread(target=lambda: [pipeline.put([delivery]) for delivery in messages])
        sender.start()
        acks.wait(N // 4)
        acknowledged = len(acks.order)
        names = {copy.name for copy in back_up(settings, copies)}
        sender.join()
    assert names >= {"spool/spool.db", "spool/meters.json", "registry.db", "readings.db"}

    restored = settings_for(copies)
    with closing(Registry.open(restored.registry_url)) as registry, running(restored, registry) as (pipeline, store, _):
        again = Acks()
        pipeline.put([Delivery(TOPIC, delivery.payload, n + 1, again) for n, delivery in enumerate(messages[:5])])
        again.wait(5)
        until(lambda: is_drained(pipeline))
        held = store.readings(["e2"], T0, T0 + 60 * N)["e2"]
        assert held.value.tolist()[:acknowledged] == [float(n) for n in range(acknowledged)]
        assert len(set(held.time.tolist())) == len(held.time)
        assert pipeline.counters["duplicate"] >= 5


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "registry.db").write_text("the only copy")
    with pytest.raises(SettingsError, match="a backup never overwrites another"):
        list(back_up(Settings(home=tmp_path / "home"), tmp_path / "old"))


def test_a_damaged_database_is_not_taken_for_a_backup(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    make_registry(home).close()
    file = home / "registry.db"
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    file.write_bytes(damaged)
    with pytest.raises(StorageForbidden, match=r"registry\.db"):
        list(back_up(Settings(home=home), tmp_path / "copies"))


def test_what_servers_keep_is_named(tmp_path: Path) -> None:
    url = {"url": "postgresql://u:p@db/x"}
    told = elsewhere(Settings(home=tmp_path, registry=url, store={"kind": "influx"}))
    assert ["pg_dump" in told[0], "influx backup" in told[1], "u:p" in "".join(told)] == [True, True, False]
    assert elsewhere(Settings(home=tmp_path)) == []


def test_an_untouched_store_equals_its_copy(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    settings.home.mkdir()
    with closing(make_registry(settings.home)) as registry, running(settings, registry) as (pipeline, store, _):
        acks = Acks()
        pipeline.put([Delivery(TOPIC, message(("e-main", T0 + 900, 5.0), ("w-main", T0 + 900, 6.0)), 1, acks)])
        acks.wait(1)
        until(lambda: is_drained(pipeline))
        list(back_up(settings, tmp_path / "copies"))
        latest = store.latest(["e1", "w1"])
    with closing(open_store(Settings(home=tmp_path / "copies"), role="read")) as copy:
        assert copy.latest(["e1", "w1"]) == latest
