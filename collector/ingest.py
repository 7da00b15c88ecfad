"""Messages in, acknowledgements out: the commit thread, and everything the ingest process consists of.

The event loop only collects deliveries. One commit thread takes everything that waits: decode, check, put on the
disk, hold, acknowledge. It is also the only writer of the spool: what the forwarder has settled, a changed registry
and the samples of each minute ride on its next commit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from collector.checks import Clock
from collector.decoders import Limits
from collector.forwarder import Forwarder, Settlement
from collector.judge import Judge, Judged, hold
from collector.lookup import Lookup
from collector.recent import Recent
from collector.rescue import Rescue, open_or_rescue
from collector.source import Acknowledger, Delivery, Source
from collector.spool import Group, Spool, SpoolReader
from energy.errors import SpoolFull, StorageError
from energy.registry import Registry, Snapshot
from energy.settings import Settings
from energy.storage.base import Store

_log = logging.getLogger(__name__)
EXIT_FATAL: Final = 70
_MOST_BYTES: Final = 16 * 1024 * 1024  # waiting payloads beyond which sources stop reading
_MOST_MESSAGES: Final = 100_000
_BYTES_A_READING: Final = 64  # a guess good enough to end the wait for more
_FULL_RETRY_S: Final = 0.5
_DRAIN_S: Final = 6.0
_FORWARDER_STOP_S: Final = 3.0


class Ingest:
    """The ingest process: a `Sink` for sources, and the owner of spool, forwarder and counters."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.store = store
        self.counters: Counter[str] = Counter()
        """Everything counted since the spool was made, as last committed."""
        self.rescue: Rescue | None = None
        self.trouble = ""
        """Why nothing can be put on the disk at the moment; empty while it can."""
        self.last_commit = 0.0
        self._clock = clock
        self._fatal = fatal or _exit
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._waiting_bytes = 0
        self._actions: deque[Callable[[], None]] = deque()
        self._next = Group()
        self._some = threading.Event()
        self._enough = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._stop_requested: asyncio.Event | None = None

    # The sink: called by sources.

    def put(self, deliveries: list[Delivery]) -> None:
        """Take deliveries; they are acknowledged when the disk has them."""
        size = sum([len(delivery.payload) for delivery in deliveries])
        with self._lock:
            self._waiting += deliveries
            self._waiting_bytes += size
            n = max(len(self._waiting), self._waiting_bytes // _BYTES_A_READING)
        self._some.set()
        if n >= self.settings.ingest.flush_readings:
            self._enough.set()

    @property
    def is_full(self) -> bool:
        """True while sources should stop reading: too much waits, or the disk takes nothing."""
        return bool(self.trouble) or self._waiting_bytes > _MOST_BYTES or len(self._waiting) > _MOST_MESSAGES

    # Life.

    def start(self) -> None:
        """Open the spool, learn what is known of every meter, and begin to work."""
        ingest = self.settings.ingest
        self._spool = self._open_spool()
        snapshot = self.registry.snapshot()
        self._judge = Judge(
            Lookup.of(snapshot, self._spool.number(snapshot.meters)),
            Recent(ingest.recent_per_meter),
            Limits(ingest.max_message_bytes, ingest.max_message_readings),
        )
        self._past = _instant(ingest.clock_past)
        self._remember(snapshot)
        reader = SpoolReader(self._spool.path)
        self.counters.update(reader.counters())
        reader.close()
        self.forwarder = Forwarder(
            ingest,
            self.store,
            self.registry,
            self._spool.path,
            lookup=lambda: self._judge.lookup,
            settle=self._settle,
            fatal=self._fatal,
        )
        self._thread.start()
        self.forwarder.start()

    def stop(self) -> None:
        """Commit and acknowledge what waits, then stop; what is not forwarded stays in the spool."""
        self._stopping.set()
        self._some.set()
        self._enough.set()
        self._thread.join(_DRAIN_S)
        self.forwarder.stop(_FORWARDER_STOP_S)
        self._thread.join(0)
        if not self._thread.is_alive():
            self._flush_settled()
            self._spool.close()

    def do(self, action: Callable[[], None]) -> None:
        """Run something on the commit thread, before its next group."""
        self._actions.append(action)
        self._some.set()

    @property
    def spool_path(self) -> str:
        """The spool's file, for readers."""
        return str(self._spool.path)

    async def run(self, source: Source) -> None:
        """Serve one source until `request_stop` or cancellation; everything taken is committed on the way out."""
        self._stop_requested = asyncio.Event()
        await asyncio.to_thread(self.start)
        try:
            await source.start(self)
            await self._stop_requested.wait()
        finally:
            await source.stop()
            await asyncio.to_thread(self.stop)
            await source.close()

    def request_stop(self) -> None:
        """End `run` (from its own event loop, as a signal handler does)."""
        if self._stop_requested is not None:
            self._stop_requested.set()

    # The commit thread.

    def _run(self) -> None:
        try:
            while not (self._stopping.is_set() and not self._waiting):
                self._some.wait()
                self._enough.wait(self.settings.ingest.flush_s)
                self._turn()
        except BaseException as exc:  # whatever was not committed was not acknowledged: end, and start again clean
            _log.critical("the commit thread failed: %s", exc, exc_info=True)
            self._fatal(exc)

    def _turn(self) -> None:
        with self._lock:
            deliveries, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._enough.clear()
            if not self._stopping.is_set():
                self._some.clear()
        while self._actions:
            self._actions.popleft()()
        judged = self._judge.judge(deliveries, self._now()) if deliveries else Judged(Group(), [])
        self._attach(judged)
        if judged.group and self._commit(judged.group):
            self._judge.settle(judged)
            self._count(judged.group)
            self.last_commit = time.monotonic()
            acknowledge(deliveries, judged.codes)
            if judged.fresh is not None or judged.group.samples:
                self.forwarder.wake()

    def _now(self) -> Clock:
        ingest = self.settings.ingest
        return Clock(int(self._clock()), self._past, ingest.clock_future_s, ingest.too_late_s)

    def _attach(self, judged: Judged) -> None:
        """Put the readings into batches, and let what the forwarder has settled ride along."""
        if judged.fresh is not None:
            judged.group.batches = list(judged.fresh.split(self.settings.ingest.forward_readings))
        with self._lock:
            settled, self._next = self._next, Group()
        group = judged.group
        group.forget, group.forget_samples = settled.forget, settled.forget_samples
        group.drop_parked, group.samples = settled.drop_parked, settled.samples
        group.parked += settled.parked
        group.counts.update(settled.counts)

    def _commit(self, group: Group) -> bool:
        """Put the group on the disk, however long that takes; False only if asked to stop on a full disk."""
        while True:
            try:
                self._spool.commit(group)
            except SpoolFull as exc:
                self._make_room(group, str(exc))
                if self._stopping.wait(_FULL_RETRY_S):
                    return False
                continue
            if self.trouble and self._spool.ballast.hold():
                _log.warning("the spool takes readings again")
                self.trouble = ""
            return True

    def _make_room(self, group: Group, trouble: str) -> None:
        """On a full disk, give up the ballast and forget what is stored; acknowledging stops until there is room."""
        if not self.trouble:
            _log.critical("%s: nothing is acknowledged until there is room again", trouble)
        self.trouble = trouble
        self._spool.ballast.release()
        with suppress(SpoolFull):
            self._flush_settled(group)

    def _flush_settled(self, group: Group | None = None) -> None:
        """Commit only what leaves the spool (of the waiting group, and what was settled since)."""
        with self._lock:
            leaving, self._next = self._next, Group()
        if group is not None:
            leaving.forget += group.forget
            leaving.forget_samples += group.forget_samples
            group.forget, group.forget_samples = [], []
            for name in ("stored", "duplicate:late", "settled"):
                leaving.counts[name] += group.counts.pop(name, 0)
        if leaving:
            try:
                self._spool.commit(leaving)
            except SpoolFull:
                with self._lock:
                    self._next = merged(leaving, self._next)
                raise
            self._count(leaving)

    def _count(self, group: Group) -> None:
        self.counters.update(group.counts)

    # From other threads, to ride on the next commit.

    def _settle(self, settlement: Settlement) -> None:
        self.ride(
            Group(
                forget=settlement.batches,
                forget_samples=settlement.samples,
                parked=settlement.parked,
                counts=settlement.counts,
            )
        )

    def ride(self, group: Group) -> None:
        """Let a group (without batches) ride on the next commit."""
        with self._lock:
            self._next = merged(self._next, group)
        self._some.set()

    # Start.

    def _open_spool(self) -> Spool:
        folder = self.settings.home / "spool"
        while True:
            try:
                spool, self.rescue = open_or_rescue(folder, self.settings.ingest, int(self._clock()))
                return spool
            except SpoolFull as exc:
                if not self.trouble:
                    _log.critical("%s: nothing is taken until there is room", exc)
                self.trouble = str(exc)
                if self._stopping.wait(_FULL_RETRY_S):
                    raise

    def _remember(self, snapshot: Snapshot) -> None:
        """Rebuild the newest readings: what the store holds, then what waits in the spool."""
        recent = self._judge.recent
        recent.grow(len(self._judge.lookup.ids))
        self.learn(self.ask(snapshot.meters))
        reader = SpoolReader(self._spool.path)
        for _, batch in reader.batches():
            hold(recent, batch)
        reader.close()

    def ask(self, meters: Iterable[str]) -> dict[str, tuple[int, float] | None]:
        """Newest stored reading of each meter (None: has none); empty when the store cannot say."""
        names = list(meters)
        try:
            latest = self.store.latest(names) if names else {}
        except StorageError as exc:
            _log.error("the store cannot say what it holds, every reading will be looked up before it goes: %s", exc)
            return {}
        return {name: latest.get(name) for name in names}

    def learn(self, latest: dict[str, tuple[int, float] | None]) -> None:
        """Take over what the store said (commit thread, or before it runs)."""
        for name, newest in latest.items():
            self._judge.recent.learn(self._spool.numbers[name], newest)

    def adopt(self, snapshot: Snapshot, latest: dict[str, tuple[int, float] | None]) -> None:
        """Judge by a changed registry from the next group on; `latest` is what the store says of new meters."""
        numbers = self._spool.number(snapshot.meters)
        self._judge.recent.grow(len(numbers))
        self.learn(latest)
        self._judge.adopt(Lookup.of(snapshot, numbers))

    @property
    def lookup(self) -> Lookup:
        """The registry as it is judged by now."""
        return self._judge.lookup

    def unknown(self) -> list[str]:
        """Meters of which the store has not said yet what it holds."""
        ids = self.lookup.ids
        return [ids[number] for number in self._judge.recent.unknown().tolist() if number < len(ids)]


def merged(first: Group, second: Group) -> Group:
    """Two groups without readings as one."""
    return Group(
        parked=first.parked + second.parked,
        counts=first.counts + second.counts,
        samples=first.samples + second.samples,
        forget=first.forget + second.forget,
        forget_samples=first.forget_samples + second.forget_samples,
        drop_parked=first.drop_parked + second.drop_parked,
    )


def acknowledge(deliveries: list[Delivery], codes: list[int]) -> None:
    """Acknowledge in the order of arrival, once for each connection."""
    tokens: dict[Acknowledger, tuple[list[int], list[int]]] = {}
    for delivery, code in zip(deliveries, codes, strict=True):
        mine = tokens.get(delivery.acknowledger)
        if mine is None:
            mine = tokens[delivery.acknowledger] = ([], [])
        mine[0].append(delivery.token)
        mine[1].append(code)
    for acknowledger, (numbers, results) in tokens.items():
        acknowledger.acknowledge(numbers, results)


def _instant(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp())


def _exit(_error: BaseException) -> None:
    os._exit(EXIT_FATAL)
