"""The InfluxDB store against a real InfluxDB 2."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

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


class WatchedDoor(Door):
    """Looks at the totals after each request that changes something."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.seen: list[tuple[str, dict[int, float]]] = []
        self._reader = InfluxStore(address)

    def write(self, lines: bytes) -> None:
        super().write(lines)
        self._look("write")

    def delete(self, measurement: str, tags: Mapping[str, str], first: int, last: int) -> None:
        super().delete(measurement, tags, first, last)
        self._look("delete")

    def _look(self, request: str) -> None:
        found = self._reader.results("total", where={}, start=T0, end=T0 + 365 * DAY, fields=["amount"])
        days = ((found.time - T0) // DAY).tolist()
        self.seen.append((request, dict(zip(days, found.fields["amount"].tolist(), strict=True))))


class WatchedStore(InfluxStore):
    """A store behind a watched door."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._influx = self.door = WatchedDoor(address)


def replaced(store: InfluxStore, amounts: Mapping[int, float], *, uncovered: Sequence[int] = ()) -> tuple[int, int]:
    """Make a year hold these amounts by day, with a coverage but for some."""
    days = [
        total("i", T0 + day * DAY, amount, **({} if day in uncovered else {"coverage": 1.0}))
        for day, amount in amounts.items()
    ]
    return store.replace(table("total", days), where={"id": ["i"]}, start=T0, end=T0 + 365 * DAY)


def test_a_row_that_stays_is_there_at_every_moment_of_a_replacement(influx: Influx) -> None:
    store = WatchedStore(Address.to_write(settings_of(influx)))
    replaced(store, {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, 5: 5.0})
    store.door.seen.clear()
    assert replaced(store, {0: 0.0, 2: 20.0, 3: 3.0, 4: 4.0, 6: 6.0}, uncovered=[3]) == (3, 2)
    assert store.door.seen == [
        ("write", {0: 0.0, 1: 1.0, 2: 20.0, 3: 3.0, 4: 4.0, 5: 5.0, 6: 6.0}),
        ("delete", {0: 0.0, 2: 20.0, 3: 3.0, 4: 4.0, 5: 5.0, 6: 6.0}),
        ("delete", {0: 0.0, 2: 20.0, 4: 4.0, 5: 5.0, 6: 6.0}),
        ("delete", {0: 0.0, 2: 20.0, 4: 4.0, 6: 6.0}),
        ("write", {0: 0.0, 2: 20.0, 3: 3.0, 4: 4.0, 6: 6.0}),
    ]
    store.close()


def test_many_scattered_ghosts_go_by_one_deletion(influx: Influx) -> None:
    store = WatchedStore(Address.to_write(settings_of(influx)))
    replaced(store, {day: day + 0.5 for day in range(40)})
    store.door.seen.clear()
    even = {day: day + 0.5 for day in range(0, 40, 2)}
    assert replaced(store, even) == (0, 20)
    assert store.door.seen == [("delete", {0: 0.5}), ("write", even)]
    store.close()


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
