"""kill -9 of collector and endpoint under load: is everything that was acknowledged stored, once, and right?

    python benchmarks/kill.py --kills 2000 --seed 1

A fork server: everything is imported once, and every life of the collector is a fork. A publisher in this process
speaks MQTT 3.1.1 with QoS 1 to the real endpoint, sends again what was not acknowledged (and now and then what was),
and keeps a ledger. A life ends by SIGKILL at a random moment, or by its own hand at a named step. After the last life
one more drains the spool; then the ledger is compared with the store:

    missing   acknowledged, but neither stored nor parked
    dup       stored more than once
    wrong     stored with another value than was sent
    phantom   stored, but never sent

All four must be 0. Every run has a seed, and its home folder is kept if it fails. With `--stop` each life is asked to
end (SIGTERM) instead, and must do so by itself with exit code 0; the last column is then the longest stop.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from collector.endpoint import Endpoint
from collector.forwarder import Settlement
from collector.ingest import Ingest
from collector.parked import Parked
from collector.source import Delivery
from collector.spool import Group, Spool, SpoolReader
from collector.touched_marks import TouchedMarks
from energy.registry import Registry
from energy.series import Int32Array, IntArray
from energy.settings import IngestSettings, MqttSettings, Settings
from energy.storage import open_store

N_METERS = 20
T0 = 1_700_000_000
STEPS = (
    "received",  # messages are in memory
    "judged",  # decoded and checked, nothing written
    "in_transaction",  # rows written, not committed
    "committed",  # on disk, not acknowledged
    "acknowledged",  # acknowledgements handed over
    "stored",  # the store has confirmed, the spool has not forgotten
    "marked",  # marks written, the spool has not forgotten
)
WINDOW = 400  # publishes in flight
STRAY = 0.02  # share of publishes that are sent again although they were acknowledged


@dataclass
class Ledger:
    """What was sent and what was acknowledged, by number; the reading follows from the number."""

    sent: int = 0
    accepted: set[int] = field(default_factory=set)

    @staticmethod
    def reading(number: int) -> tuple[str, int, float]:
        """Meter, time and value of a number: times of a meter rise, now and then one comes late."""
        meter, step = number % N_METERS, number // N_METERS
        return f"m{meter}", T0 + step * 60, 1000.0 + step * 0.25


class Publisher:
    """One gateway: QoS 1 over a plain socket, unacknowledged messages sent again after every reconnect."""

    def __init__(self, port: int, ledger: Ledger, chance: random.Random) -> None:
        self._port = port
        self._ledger = ledger
        self._chance = chance
        self._socket: socket.socket | None = None
        self._in_flight: dict[int, int] = {}  # packet id -> number
        self._again: list[int] = []
        self._next_id = 1
        self._received = b""
        self.acknowledged = 0

    @property
    def is_connected(self) -> bool:
        return self._socket is not None

    @property
    def open_numbers(self) -> int:
        return len(self._in_flight) + len(self._again)

    def connect(self) -> bool:
        """One try to connect; True if the endpoint answered."""
        try:
            made = socket.create_connection(("127.0.0.1", self._port), timeout=2)
            body = b"\x00\x04MQTT\x04\x82\x00\x3c" + _text("c1") + _text("g1")
            made.sendall(bytes([0x10, len(body)]) + body)
            if made.recv(4) != b"\x20\x02\x00\x00":
                made.close()
                return False
        except OSError:
            return False
        made.setblocking(False)
        self._socket, self._received = made, b""
        self._again += sorted(self._in_flight.values())
        self._in_flight.clear()
        return True

    def drop(self) -> None:
        """The connection is gone."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def turn(self, *, new: bool = True) -> None:
        """Send what the window allows, take acknowledgements."""
        assert self._socket is not None
        packets = [self._publish(number) for number in self._numbers(new)]
        try:
            if packets:
                self._socket.setblocking(True)
                self._socket.settimeout(2)
                self._socket.sendall(b"".join(packets))
                self._socket.setblocking(False)
            readable, _, _ = select.select([self._socket], [], [], 0.002)
            if readable:
                data = self._socket.recv(65_536)
                if not data:
                    self.drop()
                    return
                self._take(data)
        except OSError:
            self.drop()

    def _numbers(self, new: bool) -> list[int]:
        room = min(WINDOW - len(self._in_flight), 50)
        chosen = [self._again.pop(0) for _ in range(min(room, len(self._again)))]
        if new:
            for _ in range(room - len(chosen)):
                chosen.append(self._ledger.sent)
                self._ledger.sent += 1
        if new and self._ledger.accepted and self._chance.random() < STRAY * max(room, 0):
            chosen.append(self._chance.choice(range(max(0, self._ledger.sent - 5000), self._ledger.sent)))
        return chosen

    def _publish(self, number: int) -> bytes:
        while self._next_id in self._in_flight:
            self._next_id = self._next_id % 65_535 + 1
        identity = self._next_id
        self._next_id = self._next_id % 65_535 + 1
        self._in_flight[identity] = number
        meter, instant, value = Ledger.reading(number)
        payload = b'{"readings":[{"meter":"%s","time":%d,"value":%r}]}' % (meter.encode(), instant, value)
        body = _text("jieneng/v1/i1/g1/readings") + struct.pack("!H", identity) + payload
        return b"\x32" + _length(len(body)) + body

    def _take(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 4:
            packet, self._received = self._received[:4], self._received[4:]
            if packet[0] != 0x40:
                raise RuntimeError(f"expected PUBACK, got {packet.hex()}")
            number = self._in_flight.pop(struct.unpack("!H", packet[2:])[0], None)
            if number is not None:
                self._ledger.accepted.add(number)
                self.acknowledged += 1


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _length(n: int) -> bytes:
    result = b""
    while True:
        n, digit = divmod(n, 128)
        result += bytes([digit | (128 if n else 0)])
        if not n:
            return result


Die = Callable[[str], None]
"""Told of a step: kills the process if it is the one to die at."""


class DyingSpool(Spool):
    """Step `in_transaction`."""

    die: Die

    def _write_group(self, group: Group) -> None:
        super()._write_group(group)
        if group.batches:
            self.die("in_transaction")


class DyingMarks(TouchedMarks):
    """Step `stored`."""

    def __init__(self, registry: Registry, die: Die) -> None:
        super().__init__(registry)
        self._die = die

    def mark(self, meter: Int32Array, time: IntArray, names: tuple[str, ...]) -> None:
        """Mark, if it lives to do so."""
        self._die("stored")
        super().mark(meter, time, names)


class DyingIngest(Ingest):
    """The real thing, with a step at which it kills itself."""

    step = ""
    passes = 1

    def _die(self, step: str) -> None:
        if step != self.step:
            return
        self.passes -= 1
        if self.passes <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def put(self, deliveries: list[Delivery]) -> None:
        """Step `received`."""
        super().put(deliveries)
        self._die("received")

    def _process(self, deliveries: list[Delivery], replayed: Sequence[Parked] = ()) -> None:
        super()._process(deliveries, replayed)
        if deliveries:
            self._die("acknowledged")

    def _commit(self, group: Group) -> bool:
        if not group.batches:
            return super()._commit(group)
        self._die("judged")
        done = super()._commit(group)
        self._die("committed")
        return done

    def _open_spool(self) -> Spool:
        sound = super()._open_spool()
        sound.close()
        spool = DyingSpool.open(sound.path.parent, self.settings.ingest)
        spool.die = self._die
        return spool

    def start(self) -> None:
        """From here on the steps of the forwarder count."""
        super().start()
        self.forwarder._marks = DyingMarks(self.registry, self._die)

    def _settle(self, settlement: Settlement) -> None:
        self._die("marked")
        super()._settle(settlement)


@dataclass
class Result:
    """One run, as the table shows it."""

    run: int
    seed: int
    faults: int
    accepted: int = 0
    missing: int = 0
    dup: int = 0
    wrong: int = 0
    phantom: int = 0
    slowest_s: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.dup or self.wrong or self.phantom)


def run(number: int, seed: int, kills: int, home: Path, ending: signal.Signals) -> Result:
    """One home folder, ended `kills` times, and what became of its readings."""
    chance = random.Random(seed)
    settings = _settings(home)
    _fill_registry(settings)
    ledger = Ledger()
    publisher = Publisher(settings.mqtt.port, ledger, chance)
    result = Result(number, seed, kills)
    slowest = 0.0
    for _ in range(kills):
        if ending is signal.SIGTERM:
            slowest = max(slowest, _live_and_stop(settings, publisher, chance))
            continue
        step = chance.choice(("", "", *STEPS))  # "" is a random moment
        slowest = max(slowest, _live_and_die(settings, publisher, chance, step))
    result.slowest_s = slowest
    child = _fork(settings, "", 0)
    _finish(settings, publisher)
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    _compare(settings, ledger, result)
    return result


def _live_and_die(settings: Settings, publisher: Publisher, chance: random.Random, step: str) -> float:
    """One life of the collector under load; seconds from its birth to its first acknowledgement."""
    born = time.monotonic()
    child = _fork(settings, step, chance.randint(1, 6))
    before, first, end = publisher.acknowledged, 0.0, 0.0
    while not publisher.is_connected and time.monotonic() - born < 20:
        if not publisher.connect():
            time.sleep(0.003)
            gone, status = os.waitpid(child, os.WNOHANG)
            if gone:
                _require_killed(status)
                return 0.0  # killed itself while it forwarded what an earlier life had left
    end = time.monotonic() + (chance.uniform(0, 0.08) if not step else 3.0)
    while publisher.is_connected and time.monotonic() < end:
        publisher.turn()
        if not first and publisher.acknowledged > before:
            first = time.monotonic() - born
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _require_killed(os.waitpid(child, 0)[1])
    publisher.drop()
    return first


def _live_and_stop(settings: Settings, publisher: Publisher, chance: random.Random) -> float:
    """One life under load that is asked to end; seconds from asking to its end."""
    child = _fork(settings, "", 0)
    while not publisher.is_connected and not publisher.connect():
        time.sleep(0.003)
    end = time.monotonic() + chance.uniform(0, 0.3)
    while publisher.is_connected and time.monotonic() < end:
        publisher.turn()
    asked = time.monotonic()
    os.kill(child, signal.SIGTERM)
    while publisher.is_connected:  # what comes in the meantime is acknowledged or not, but never lost
        publisher.turn()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise RuntimeError(f"a collector that was asked to end ended with {code}, expected 0")
    return time.monotonic() - asked


def _require_killed(status: int) -> None:
    """A life that ends by itself is no kill point: it must not be counted as one."""
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"a collector ended by itself with exit code {os.waitstatus_to_exitcode(status)}")


def _finish(settings: Settings, publisher: Publisher) -> None:
    """A last life: everything open is sent again, and everything in the spool reaches the store."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if not publisher.is_connected and not publisher.connect():
            time.sleep(0.01)
            continue
        publisher.turn(new=False)
        if not publisher.open_numbers and _is_spool_empty(settings):
            return
    raise RuntimeError("the last life did not come to rest within 120 s")


def _is_spool_empty(settings: Settings) -> bool:
    reader = SpoolReader(settings.home / "spool" / "spool.db")
    try:
        return reader.oldest() is None
    finally:
        reader.close()


def _compare(settings: Settings, ledger: Ledger, result: Result) -> None:
    store = open_store(settings, role="read")
    stored = store.readings([f"m{n}" for n in range(N_METERS)], T0 - 1, T0 + 10**8)
    store.close()
    seen: dict[tuple[str, int], float] = {}
    for meter, series in stored.items():
        for instant, value in zip(series.time.tolist(), series.value.tolist(), strict=True):
            result.dup += (meter, instant) in seen
            seen[meter, instant] = value
    sent = {}
    for number in range(ledger.sent):
        meter, instant, value = Ledger.reading(number)
        sent[meter, instant] = value
        if number in ledger.accepted and (meter, instant) not in seen:
            result.missing += 1
    result.accepted = len(ledger.accepted)
    result.wrong = sum(key in sent and sent[key] != value for key, value in seen.items())
    result.phantom = sum(key not in sent for key in seen) + len(_parked(settings))


def _parked(settings: Settings) -> list[Parked]:
    """Nothing of this load is bad: whatever is parked was made up on the way."""
    reader = SpoolReader(settings.home / "spool" / "spool.db")
    try:
        return reader.parked()
    finally:
        reader.close()


def _fork(settings: Settings, step: str, passes: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        logging.disable(logging.CRITICAL)
        asyncio.run(_life(settings, step, passes))
        code = 0
    except BaseException:
        traceback.print_exc()  # whoever reads that a life ended by itself asks why
    finally:
        os._exit(code)


async def _life(settings: Settings, step: str, passes: int) -> None:
    registry = Registry.open(settings.registry_url)
    store = open_store(settings, role="ingest")
    ingest = DyingIngest(settings, registry, store)
    ingest.step, ingest.passes = step, passes
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ingest.request_stop)
    await ingest.run(Endpoint(settings.mqtt, authenticate=lambda user, password: user))
    store.close()
    registry.close()


def _settings(home: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Settings(
        home=home,
        mqtt=MqttSettings(port=port, require_credentials=False),
        ingest=IngestSettings(http_port=0, spool_ballast_bytes=0, forward_readings=500, recent_per_meter=4),
    )


def _fill_registry(settings: Settings) -> None:
    row = {"institution": "i1", "name_zh": "表", "name_en": "meter", "category": "electricity", "interval_s": 60}
    registry = Registry.open(settings.registry_url, migrate=True)
    registry.import_sheets(
        {
            "regions": [{"code": "990000", "name_zh": "示例省", "name_en": "Example", "climate_zone": "cold"}],
            "institutions": [{"id": "i1", "name_zh": "甲", "name_en": "A", "region": "990000", "type": "01"}],
            "gateways": [{"id": "g1", "institution": "i1", "name_zh": "网关", "name_en": "one"}],
            "meters": [
                {**row, "id": f"m{n}", "gateway": "g1", "local": f"m{n}", "unit": "kWh"} for n in range(N_METERS)
            ],
        }
    )
    registry.close()


HEAD = ("run", "seed", "faults", "accepted", "missing", "dup", "wrong", "phantom")
WIDTHS = (4, 8, 7, 9, 8, 5, 6, 8, 11)


def _line(cells: tuple[object, ...]) -> str:
    return "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2000, help="kill points in all")
    parser.add_argument("--stop", action="store_true", help="ask to end by SIGTERM instead of killing")
    parser.add_argument("--per-run", type=int, default=100, help="kills of one home folder")
    parser.add_argument("--seed", type=int, default=1, help="first seed; run n has seed + n")
    wanted = parser.parse_args()
    ending = signal.SIGTERM if wanted.stop else signal.SIGKILL
    logging.disable(logging.CRITICAL)
    print(_line((*HEAD, "stop s" if wanted.stop else "recovery s")), flush=True)
    results = []
    for number in range((wanted.kills + wanted.per_run - 1) // wanted.per_run):
        kills = min(wanted.per_run, wanted.kills - number * wanted.per_run)
        home = Path(tempfile.mkdtemp(prefix="jieneng-kill-"))
        r = run(number, wanted.seed + number, kills, home, ending)
        results.append(r)
        cells = (r.run, r.seed, r.faults, r.accepted, r.missing, r.dup, r.wrong, r.phantom, f"{r.slowest_s:.2f}")
        print(_line(cells), flush=True)
        if r.is_good:
            shutil.rmtree(home)
        else:
            print(f"     run {r.run} failed; its folder is kept at {home}", flush=True)
    total = [sum(getattr(r, n) for r in results) for n in ("faults", "accepted", "missing", "dup", "wrong", "phantom")]
    print(_line(("all", "", *total, f"{max(r.slowest_s for r in results):.2f}")))
    return 0 if all(r.is_good for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
