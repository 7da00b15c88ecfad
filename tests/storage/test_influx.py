"""The InfluxDB store against a real InfluxDB 2."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from energy.errors import StorageForbidden, StorageRejected, StorageUnavailable
from energy.series import Readings
from energy.settings import StoreSettings
from energy.storage.influx import Address, ensure_bucket, make_token, may_write
from energy.storage.influx import Influx as Door
from energy.storage.influx_store import InfluxStore
from tests.servers import Influx, free_port
from tests.storage.contract import DAY, T0, ReadingContract, ResultContract, reading, table, total

pytestmark = pytest.mark.services


@pytest.fixture
def store(influx: Influx) -> Iterator[InfluxStore]:
    store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
    yield store
    store.close()


class TestReadings(ReadingContract):
    pass


class TestResults(ResultContract):
    pass


def settings_of(influx: Influx, **more: object) -> StoreSettings:
    own = {"url": influx.url, "org": influx.org, "bucket": influx.bucket, "token": influx.token}
    return StoreSettings.model_validate({"kind": "influx", **own, **more})


def test_a_wrong_token_or_bucket_is_forbidden(influx: Influx) -> None:
    one = Readings.of([reading("a", T0, 1.0)])
    for change in ({"token": "wrong"}, {"bucket": "nowhere"}, {"org": "nobody"}):
        store = InfluxStore.from_settings(settings_of(influx, **change), role="ingest")
        with pytest.raises(StorageForbidden):
            store.write_readings(one)
        store.close()


def test_a_server_that_is_away_is_unavailable(influx: Influx) -> None:
    store = InfluxStore.from_settings(settings_of(influx, url=f"http://127.0.0.1:{free_port()}"), role="ingest")
    for ask in (
        lambda: store.write_readings(Readings.of([reading("a", T0, 1.0)])),
        lambda: store.latest(["a"]),
        lambda: store.matrix(["a"], T0, T0 + DAY, 3600),
        store.check,
    ):
        with pytest.raises(StorageUnavailable, match="127"):
            ask()
    store.close()


def test_a_server_that_hangs_is_unavailable_and_works_again_later(influx_factory: Callable[[], Influx]) -> None:
    server = influx_factory()
    server.start()
    store = InfluxStore.from_settings(settings_of(server, timeout_s=0.5), role="ingest")
    one = Readings.of([reading("a", T0, 1.0)])
    server.send(signal.SIGSTOP)
    with pytest.raises(StorageUnavailable):
        store.write_readings(one)
    server.send(signal.SIGCONT)
    patient = InfluxStore.from_settings(settings_of(server), role="ingest")
    patient.write_readings(one)
    assert patient.latest(["a"]) == {"a": (T0, 1.0)}
    store.close()
    patient.close()


def test_of_a_refused_request_the_other_lines_may_be_stored(influx: Influx) -> None:
    door = Door(Address.to_write(settings_of(influx)))
    door.write(b"reading,meter=a value=1.0 1767225600")
    with pytest.raises(StorageRejected, match="422"):
        door.write(b'reading,meter=b value=2.0 1767225600\nreading,meter=a value="text" 1767225601')
    with pytest.raises(StorageRejected, match="400"):
        door.write(b"reading,meter=c value=3.0 1767225600\nthis is no line")
    store = InfluxStore(door.address)
    assert store.latest(["a", "b", "c"]) == {"a": (T0, 1.0), "b": (T0, 2.0)}
    store.close()
    door.close()


def test_a_reading_token_reads_and_cannot_write(influx: Influx) -> None:
    settings = settings_of(influx)
    assert may_write(settings)
    writer = InfluxStore.from_settings(settings, role="ingest")
    writer.write_readings(Readings.of([reading("a", T0, 1.0)]))
    reading_settings = settings_of(influx, token="none", read_token=make_token(settings, "read"))
    assert not may_write(reading_settings)
    reader = InfluxStore.from_settings(reading_settings, role="read")
    assert reader.latest(["a"]) == {"a": (T0, 1.0)}
    assert_array_equal(reader.matrix(["a"], T0, T0 + 1, 1).values, [[1]])
    for write in (
        lambda: reader.write_readings(Readings.of([reading("a", T0, 2.0)])),
        lambda: reader.replace(table("total", [total("i", T0, 1.0)]), where={}, start=T0, end=T0 + 1),
    ):
        with pytest.raises(StorageForbidden):
            write()
    reader.close()
    writer.close()


def test_names_from_outside_are_bound_and_never_run(influx: Influx) -> None:
    store = InfluxStore.from_settings(settings_of(influx), role="work")
    store.write_readings(Readings.of([reading("a", T0, 1.0)]))
    for name in ("x'; DROP MEASUREMENT reading; --", '" or true or r.meter == "', "a|.*", ".*"):
        assert store.latest([name]) == {}
        assert len(store.readings([name], T0, T0 + 1)[name]) == 0
        assert len(store.results("total", where={"id": [name]}, start=T0, end=T0 + 1)) == 0
    assert store.latest(["a"]) == {"a": (T0, 1.0)}
    store.close()


def test_the_bucket_is_made_with_its_retention_once(influx: Influx) -> None:
    settings = settings_of(influx, bucket=f"{influx.bucket}-new", retention_days=30)
    assert ensure_bucket(settings)
    assert not ensure_bucket(settings)
    found = influx.call("GET", f"/api/v2/buckets?name={influx.bucket}-new")["buckets"][0]
    assert found["retentionRules"] == [
        {"type": "expire", "everySeconds": 30 * DAY, "shardGroupDurationSeconds": 30 * DAY}
    ]
    for_ever = settings_of(influx, bucket=settings.bucket, retention_days=0)
    assert ensure_bucket(for_ever)
    assert not ensure_bucket(for_ever)
    found = influx.call("GET", f"/api/v2/buckets?name={influx.bucket}-new")["buckets"][0]
    assert found["retentionRules"] == [{"type": "expire", "everySeconds": 0, "shardGroupDurationSeconds": 91 * DAY}]


def test_many_meters_and_years_are_read_in_pieces(influx: Influx) -> None:
    store = InfluxStore.from_settings(settings_of(influx), role="work")
    meters = tuple(f"m{number:03d}" for number in range(95))
    times = T0 + 200 * DAY * np.arange(5)
    n = len(meters) * len(times)
    readings = Readings(
        meters,
        np.repeat(np.arange(len(meters), dtype=np.int32), len(times)),
        np.tile(times, len(meters)),
        np.arange(n, dtype=np.float64),
        np.zeros(n, np.uint8),
        np.full(n, T0),
    )
    store.write_readings(readings)
    expected = np.arange(n).reshape(len(meters), len(times))
    assert_array_equal(store.matrix(meters, T0, T0 + 1000 * DAY, 200 * DAY).values, expected)
    found = store.readings(meters, T0, T0 + 1000 * DAY)
    assert_array_equal([found[meter].value for meter in meters], expected)
    assert_array_equal(store.values_at([meters[3], meters[90]], times[[0, 4]]), [15, 454])
    store.close()


def test_writing_needs_neither_arrow_nor_pandas(influx: Influx) -> None:
    own = {"kind": "influx", "url": influx.url, "org": influx.org, "bucket": influx.bucket, "token": influx.token}
    code = f"""
import sys
from energy.model import Reading
from energy.series import Readings
from energy.settings import Settings, StoreSettings
from energy.storage import open_store
store = StoreSettings.model_validate({own!r})
opened = open_store(Settings(store=store), role="ingest")
opened.write_readings(Readings.of([Reading("a", {T0}, 1.0, received={T0})]))
assert opened.latest(["a"]) == {{"a": ({T0}, 1.0)}}
opened.close()
assert not sys.modules.keys() & {{"pyarrow", "pandas", "sqlalchemy", "zstandard"}}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
