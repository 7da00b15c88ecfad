"""Messages in, acknowledgements out: the commit thread and what it works with.

The event loop only collects deliveries. One commit thread takes everything that waits: decode, check, put on the
disk, hold, acknowledge. It is also the only writer of the spool: what the forwarder has settled, a changed registry
and the samples of each minute ride on its next commit.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import accumulate, groupby
from typing import Final

from collector.checkpoint import Checkpoints
from collector.checks import Clock
from collector.decoders import Limits
from collector.forwarder import Forwarder, Settlement
from collector.judge import Judge, Judged, hold, total_parked
from collector.lookup import Lookup
from collector.parked import Parked
from collector.recent import Recent
from collector.rescue import Rescue, open_or_rescue
from collector.source import Acknowledger, Delivery
from collector.spool import Group, Spool, SpoolReader
from energy.errors import RegistryError, SpoolFull, StorageError
from energy.registry import Registry, Snapshot
from energy.settings import Settings
from energy.storage.base import Store

_log = logging.getLogger(__name__)
EXIT_FATAL: Final = 70
_MOST_BYTES: Final = 4 * 1024 * 1024  # waiting payloads beyond which sources stop reading
_MOST_MESSAGES: Final = 20_000
_GROUP_BYTES: Final = 1024 * 1024  # payloads of one group: what bounds the memory of decoding and checking
_BYTES_A_READING: Final = 64  # a guess good enough to end the wait for more
_FULL_RETRY_S: Final = 0.5
_WEIGH_EVERY_S: Final = 0.5
_REGISTRY_RETRY_S: Final = 5.0
_DRAIN_S: Final = 6.0
_FORWARDER_STOP_S: Final = 3.0


class Pipeline:
    """A `Sink` for sources, and the owner of spool, forwarder and counters."""

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
        """Monotonic time of the newest commit."""
        self.unaccounted = 0
        """Readings taken that are neither stored, known, parked nor waiting: anything but 0 is an alarm."""
        self.spool_bytes = 0
        """Size of the spool, as of the last second."""
        self._weighed_at = 0.0
        self._ask_registry_from = 0.0
        self._clock = clock
        self._fatal = fatal or _exit
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._waiting_bytes = 0
        self._actions: deque[Callable[[], None]] = deque()
        self._riding = Group()
        self._some = threading.Event()
        self._enough = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)

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
        self._judge = Judge(
            self._first_lookup(),
            Recent(ingest.recent_per_meter),
            Limits(ingest.max_message_bytes, ingest.max_message_readings),
        )
        self._past = int(ingest.clock_past.timestamp())
        self._remember()
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
        self._checkpoints = Checkpoints(self._spool.path)
        self._thread.start()
        self.forwarder.start()
        self._checkpoints.start()

    def stop(self) -> None:
        """Commit and acknowledge what waits, then stop; what is not forwarded stays in the spool."""
        self._stopping.set()
        self._some.set()
        self._enough.set()
        self._thread.join(_DRAIN_S)
        self.forwarder.stop(_FORWARDER_STOP_S)
        self._checkpoints.stop()
        self._thread.join(0)
        if not self._thread.is_alive():
            with suppress(SpoolFull):  # what the store has is then recognised as known when it is sent again
                self._spool.commit(self._take_riding())
            self._spool.close()

    def do(self, action: Callable[[], None]) -> None:
        """Run something on the commit thread, before its next group."""
        self._actions.append(action)
        self._some.set()

    def replay(self, rows: Sequence[Parked]) -> Future[int]:
        """Judge parked things again, as if they came now; the readings that were sent again.

        They leave the parked in the same commit that takes them, and are parked anew if nothing has changed.
        """
        ready = [row for row in rows if row.is_replayable]
        done: Future[int] = Future()

        def again() -> None:
            self._process([_again(row) for row in ready], ready)
            done.set_result(sum(row.count for row in ready))

        self.do(again)
        return done

    @property
    def spool(self) -> Spool:
        """The spool; only its path and its counts are for other threads."""
        return self._spool

    @property
    def is_alive(self) -> bool:
        """True while both threads turn."""
        return self._thread.is_alive() and self.forwarder.is_alive

    # The commit thread.

    def _run(self) -> None:
        began = 0.0
        try:
            while not (self._stopping.is_set() and not self._waiting):
                self._some.wait()
                self._enough.wait(began + self.settings.ingest.flush_s - time.monotonic())
                began = time.monotonic()
                self._turn()
        except BaseException as exc:  # whatever was not committed was not acknowledged: end, and start again clean
            _log.critical("the commit thread failed: %s", exc, exc_info=True)
            self._fatal(exc)

    def _turn(self) -> None:
        deliveries = self._take()
        while self._actions:
            self._actions.popleft()()
        self._process(deliveries)

    def _take(self) -> list[Delivery]:
        """What waits, up to the size of one group."""
        with self._lock:
            taken, rest = self._waiting, []
            if self._waiting_bytes > _GROUP_BYTES:
                ends = list(accumulate([len(delivery.payload) for delivery in taken]))
                n = max(1, bisect_right(ends, _GROUP_BYTES))
                taken, rest = taken[:n], taken[n:]
                self._waiting_bytes -= ends[n - 1]
            else:
                self._waiting_bytes = 0
            self._waiting = rest
            if not rest and not self._stopping.is_set():
                self._enough.clear()
                self._some.clear()
        return taken

    def _process(self, deliveries: list[Delivery], replayed: Sequence[Parked] = ()) -> None:
        judged = self._judged(deliveries)
        group = judged.group
        if judged.fresh is not None:
            group.batches = list(judged.fresh.split(self.settings.ingest.forward_readings))
        group.drop_parked = [row.id for row in replayed]
        group.counts["replayed"] += sum(row.count for row in replayed)
        if self._commit(group):
            self._judge.settle(judged)
            acknowledge(deliveries, judged.codes)
            if group.batches:
                self.forwarder.wake(sum(map(len, group.batches)))

    def _judged(self, deliveries: list[Delivery]) -> Judged:
        """The verdict by the registry as it is now, as far as strangers are concerned."""
        if not deliveries:
            return Judged(Group(), [])
        judged = self._judge.judge(deliveries, self._now())
        if judged.names_strangers and self._adopt_what_changed():
            judged = self._judge.judge(deliveries, self._now())
        return judged

    def _adopt_what_changed(self) -> bool:
        """Take over a registry that changed since it was last looked at; False if it did not, or cannot be asked.

        The store is not asked for what it holds of new meters, since it may hang: `Watch` does that soon, and until
        then their readings are looked up before they are written.
        """
        if time.monotonic() < self._ask_registry_from:
            return False
        try:
            if self.registry.revision() == self.lookup.revision:
                return False
            self.adopt(self.registry.snapshot(), {})
        except (RegistryError, SpoolFull) as exc:
            _log.error("the registry cannot be taken over, strangers are parked: %s", exc)
            self._ask_registry_from = time.monotonic() + _REGISTRY_RETRY_S
            return False
        return True

    def _now(self) -> Clock:
        ingest = self.settings.ingest
        return Clock(int(self._clock()), self._past, ingest.clock_future_s, ingest.too_late_s)

    def _commit(self, group: Group) -> bool:
        """Put the group on the disk, however long that takes; False only if asked to stop on a full disk.

        What the forwarder has settled rides along, and goes alone where a full disk takes nothing new: forgetting
        what is stored is what makes room.
        """
        while True:
            riding = self._take_riding()
            try:
                self._spool.commit(riding, group)
            except SpoolFull as exc:
                self._make_room(riding, str(exc))
                if self._stopping.wait(_FULL_RETRY_S):
                    return False
                continue
            self._count(riding, group)
            if self.trouble and self._spool.ballast.hold():
                _log.warning("the spool takes readings again")
                self.trouble = ""
            return True

    def _make_room(self, riding: Group, trouble: str) -> None:
        if not self.trouble:
            _log.critical("%s: nothing is acknowledged until there is room again", trouble)
        self.trouble = trouble
        self._spool.ballast.release()
        try:
            self._spool.commit(riding)
        except SpoolFull:
            with self._lock:
                self._riding = merged(riding, self._riding)
        else:
            self._count(riding)

    def _take_riding(self) -> Group:
        with self._lock:
            riding, self._riding = self._riding, Group()
        return riding

    def _count(self, *groups: Group) -> None:
        for group in groups:
            self.counters.update(group.counts)
        counts = self.counters
        ended = counts["stored"] + counts["duplicate"] + total_parked(counts)
        self.unaccounted = counts["taken"] - ended - self._spool.readings
        now = time.monotonic()
        if now - self._weighed_at >= _WEIGH_EVERY_S:
            self._weighed_at, self.spool_bytes = now, self._spool.bytes
        self.last_commit = now

    # From other threads, to ride on the next commit.

    def _settle(self, settlement: Settlement) -> None:
        self.ride(
            Group(
                forget=settlement.batches,
                forget_samples=settlement.samples,
                parked=settlement.parked,
                counts=settlement.counts,
                pages=settlement.pages,
            )
        )

    def ride(self, group: Group) -> None:
        """Let a group (without batches) ride on the next commit."""
        with self._lock:
            self._riding = merged(self._riding, group)
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

    def _first_lookup(self) -> Lookup:
        """The registry, compiled; the snapshot, a kilobyte a meter, ends here."""
        snapshot = self.registry.snapshot()
        self.gateways = snapshot.gateways
        return Lookup.of(snapshot, self._spool.number(snapshot.meters))

    def _remember(self) -> None:
        """Rebuild the newest readings: what the store holds, then what waits in the spool."""
        recent, ids = self._judge.recent, self._judge.lookup.ids
        recent.grow(len(ids))
        self.learn(self.ask(ids))
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
        if snapshot.revision < self.lookup.revision:  # the commit thread was quicker than the watch
            return
        self._judge.adopt(Lookup.of(snapshot, numbers))
        self.gateways = snapshot.gateways  # not the whole snapshot: a kilobyte a meter

    @property
    def lookup(self) -> Lookup:
        """The registry as it is judged by now."""
        return self._judge.lookup

    def unknown(self) -> list[str]:
        """Meters of which the store has not said yet what it holds."""
        ids = self.lookup.ids
        return [ids[number] for number in self._judge.recent.unknown().tolist() if number < len(ids)]


class _Nobody:
    """Acknowledges what nobody waits for."""

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Nobody waits."""


_NOBODY: Final = _Nobody()


def _again(row: Parked) -> Delivery:
    assert row.body is not None  # is_replayable
    return Delivery(row.topic.encode(), row.body, 0, _NOBODY, gateway=row.gateway or None)


def merged(first: Group, second: Group) -> Group:
    """Two groups without readings as one."""
    return Group(
        parked=first.parked + second.parked,
        counts=first.counts + second.counts,
        samples=first.samples + second.samples,
        forget=first.forget + second.forget,
        forget_samples=first.forget_samples + second.forget_samples,
        pages=first.pages + second.pages,
    )


def acknowledge(deliveries: list[Delivery], codes: list[int]) -> None:
    """Acknowledge in the order of arrival, once for each connection."""
    whose = [delivery.acknowledger for delivery in deliveries]
    tokens = [delivery.token for delivery in deliveries]
    answers: dict[Acknowledger, tuple[list[int], list[int]]] = {}
    start = 0
    for acknowledger, run in groupby(whose):  # a connection's messages come in stretches
        end = start + len(list(run))
        mine = answers.setdefault(acknowledger, ([], []))
        mine[0].extend(tokens[start:end])
        mine[1].extend(codes[start:end])
        start = end
    for acknowledger, (numbers, results) in answers.items():
        acknowledger.acknowledge(numbers, results)


def _exit(_error: BaseException) -> None:
    os._exit(EXIT_FATAL)
