"""From the spool to the store: in order, in large requests, and forgotten only when the store has confirmed.

One thread. It never gives up: a store that is down is tried again for ever, one that refuses our credentials slowly
and with an alarm. Readings that the store refuses for what they are get parked, and only those: a refused request is
halved until the guilty ones are found. What was stored is marked for the jobs, several requests at a time, before the
spool forgets it.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from collector.batch import Batch
from collector.late import judge_late
from collector.ledger import Page, page
from collector.lookup import Lookup, Origin
from collector.parked import Parked
from collector.spool import SpoolReader
from collector.touched_marks import TouchedMarks
from energy.errors import RegistryError, SpoolError, StorageForbidden, StorageRejected, StorageUnavailable
from energy.model import Reason
from energy.registry import Registry
from energy.series import BoolArray, Int32Array, IntArray, Readings, Table
from energy.settings import IngestSettings
from energy.storage.base import Store
from energy.storage.schema import INGEST

_log = logging.getLogger(__name__)
_LONGEST_WAIT_S: Final = 30.0
_IDLE_S: Final = 1.0
_GATHER_S: Final = 0.4  # between two requests, unless there is enough for a large one: small ones cost the store most
_MARK_EVERY_S: Final = 2.0  # a backfill touches the same meters in each request: marks of several are fewer than theirs
_MOST_UNMARKED: Final = 100_000
_T = TypeVar("_T")


@dataclass(slots=True)
class Settlement:
    """What the store has confirmed, for the spool to forget."""

    batches: list[int] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    pages: list[Page] = field(default_factory=list)
    touched: list[tuple[Int32Array, IntArray]] = field(default_factory=list)
    """Meters and instants stored, to be marked before the spool forgets them."""

    def __bool__(self) -> bool:
        return bool(self.batches or self.samples)

    @property
    def n_touched(self) -> int:
        """Readings that are not marked yet."""
        return sum(len(time) for _, time in self.touched)


class _Stopped(Exception):
    """The forwarder was asked to stop while it waited."""


class Forwarder:
    """The thread that empties the spool."""

    def __init__(
        self,
        settings: IngestSettings,
        store: Store,
        registry: Registry,
        spool: Path,
        *,
        lookup: Callable[[], Lookup],
        settle: Callable[[Settlement], None],
        fatal: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._marks = TouchedMarks(registry)
        self._spool = spool
        self._lookup = lookup
        self._settle = settle
        self._fatal = fatal
        self._wake = threading.Event()
        self._enough = threading.Event()
        self._gathered = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._cursor = 0
        self._confirmed = Settlement()
        self._marked_at = 0.0
        self._samples_sent: set[tuple[int, int]] = set()
        self._is_behind = False
        self.trouble = ""
        """Why the store does not take readings at the moment; empty while it does."""

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """True while the thread turns."""
        return self._thread.is_alive()

    def wake(self, n_readings: int) -> None:
        """So many readings more are in the spool."""
        self._gathered += n_readings  # a race with its reset makes one request early or late, no more
        if self._gathered >= self._settings.forward_readings:
            self._enough.set()
        self._wake.set()

    def stop(self, timeout_s: float) -> bool:
        """Stop after the request under way; True if it ended in time. What is not confirmed stays in the spool."""
        self._stop.set()
        self._wake.set()
        self._enough.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        reader = SpoolReader(self._spool)
        try:
            while not self._stop.is_set():
                self._wake.clear()
                self._enough.clear()
                self._gathered = 0
                begun = time.monotonic()
                if not self._forward_next(reader):
                    self._wake.wait(_IDLE_S)
                elif not self._is_behind:
                    self._enough.wait(max(0.0, begun + _GATHER_S - time.monotonic()))
            if self._confirmed:
                self._mark_and_settle()
        except _Stopped:
            pass
        except SpoolError as exc:
            self._fatal(exc)
        except Exception as exc:  # the outermost loop of this thread: better a restart than a silent stop
            _log.exception("the forwarder failed")
            self._fatal(exc)
        finally:
            reader.close()

    def _forward_next(self, reader: SpoolReader) -> bool:
        """Forward one request's worth, and settle what was forwarded when it is time to; False if nothing waits."""
        ids, batches, n = [], [], 0
        for identity, batch in reader.batches(self._cursor):
            ids.append(identity)
            batches.append(batch)
            n += len(batch)
            if n >= self._settings.forward_readings or self._stop.is_set():
                break
        self._is_behind = n >= self._settings.forward_readings
        settlement = self._confirmed
        if batches:
            self._forward(batches, settlement)
            settlement.batches += ids
            self._cursor = ids[-1]
        n_samples = len(settlement.samples)
        self._forward_samples(reader, settlement)
        is_idle = not batches and len(settlement.samples) == n_samples
        is_due = time.monotonic() - self._marked_at >= _MARK_EVERY_S or settlement.n_touched >= _MOST_UNMARKED
        if settlement and (is_idle or is_due):
            self._mark_and_settle()
        return not is_idle

    def _mark_and_settle(self) -> None:
        """Tell the jobs what was stored; only then may the spool forget it."""
        settlement, self._confirmed = self._confirmed, Settlement()
        if settlement.touched:
            meter, instant = (np.concatenate(columns) for columns in zip(*settlement.touched, strict=True))
            self._persist(lambda: self._marks.mark(meter, instant, self._lookup().ids))
        self._marked_at = time.monotonic()
        self._settle(settlement)

    def _forward(self, batches: list[Batch], settlement: Settlement) -> None:
        readings, late = merge(batches, self._lookup().ids)
        verdict = self._persist(lambda: judge_late(readings, late, self._store))
        self._park(readings, verdict.conflict, Reason.CONFLICT, settlement)
        keep = np.flatnonzero(verdict.keep)
        request = readings.take(keep)
        refused = np.zeros(len(readings), np.bool_)
        refused[keep[self._write(request)]] = True
        self._park(readings, refused, Reason.STORE_REFUSED, settlement)
        kept, set_aside = verdict.keep & ~refused, verdict.conflict | refused
        meter = np.concatenate([batch.meter for batch in batches])
        settlement.touched.append((meter[kept], readings.time[kept]))
        settlement.pages.append(
            page(
                stored=[(meter[kept], readings.time[kept])],
                duplicate=[(meter[verdict.duplicate], readings.time[verdict.duplicate])],
                parked=[(meter[set_aside], readings.time[set_aside])],
            )
        )
        settlement.counts["stored"] += int(np.count_nonzero(kept))
        settlement.counts["duplicate"] += int(np.count_nonzero(verdict.duplicate))
        settlement.counts["settled"] += len(readings)

    def _write(self, readings: Readings) -> list[int]:
        """Write until the store has confirmed; positions of the readings it refuses for what they are."""
        if not len(readings):
            return []
        try:
            self._persist(lambda: self._store.write_readings(readings))
        except StorageRejected as exc:
            if len(readings) == 1:
                _log.warning("the store refuses a reading of meter %s: %s", readings.meters[readings.index[0]], exc)
                return [0]
            half = len(readings) // 2
            first, second = readings.take(slice(None, half)), readings.take(slice(half, None))
            return self._write(first) + [half + place for place in self._write(second)]
        return []

    def _forward_samples(self, reader: SpoolReader, settlement: Settlement) -> None:
        rows = reader.samples()
        sent, self._samples_sent = self._samples_sent, {row[:2] for row in rows}
        for identity, instant, text in rows:
            if (identity, instant) in sent:  # the spool has not forgotten it yet
                continue
            table = _sample_table(self._settings.collector_id, instant, json.loads(text))
            where = {"collector": [self._settings.collector_id]}
            try:
                self._persist(
                    lambda t=table, i=instant, w=where: self._store.replace(t, where=w, start=i, end=i + 1)  # type: ignore[misc]
                )
            except StorageRejected as exc:
                _log.error("the store refuses the sample of %s: %s", instant, exc)
            settlement.samples.append(identity)

    def _persist(self, action: Callable[[], _T]) -> _T:
        """The result of an action on store or registry, tried until it succeeds or is refused for its rows."""
        wait = self._settings.forward_backoff_s
        while True:
            try:
                result = action()
            except StorageUnavailable as exc:
                self._pause(f"the store is not available: {exc}", wait)
            except StorageForbidden as exc:
                self._pause(f"the store refuses us: {exc}", _LONGEST_WAIT_S)
            except RegistryError as exc:
                self._pause(f"the registry is not available: {exc}", wait)
            else:
                if self.trouble:
                    _log.warning("the store takes readings again")
                    self.trouble = ""
                return result
            wait = min(2 * wait, _LONGEST_WAIT_S)

    def _pause(self, trouble: str, wait: float) -> None:
        if not self.trouble:
            _log.error("%s; readings wait in the spool", trouble)
        self.trouble = trouble
        if self._stop.wait(wait * random.uniform(0.5, 1.0)):  # noqa: S311  # jitter, no secret
            raise _Stopped

    def _park(self, readings: Readings, where: BoolArray, reason: Reason, settlement: Settlement) -> None:
        now = int(time.time())
        origins = self._lookup().origins
        for row in readings.take(where).rows():
            origin = origins.get(row.meter, Origin())
            body = json.dumps({"readings": [{"meter": origin.local, "time": row.time, "value": row.value}]}).encode()
            detail = f"meter {row.meter}: value {row.value!r} at {row.time}"
            settlement.parked.append(
                Parked(reason, origin.topic, origin.gateway, origin.local, 1, detail, body, now, now)
            )
            settlement.counts[f"parked:{reason}"] += 1


def merge(batches: list[Batch], names: tuple[str, ...]) -> tuple[Readings, BoolArray]:
    """One request from several batches, in order, and which of its readings are late."""
    numbers = np.concatenate([batch.meter for batch in batches])
    is_used = np.zeros(len(names), np.bool_)
    is_used[numbers] = True
    place = np.cumsum(is_used, dtype=np.int32) - 1  # of a number among those used; np.unique sorts
    readings = Readings(
        tuple(map(names.__getitem__, np.flatnonzero(is_used).tolist())),
        place[numbers],
        np.concatenate([batch.time for batch in batches]),
        np.concatenate([batch.value for batch in batches]),
        np.concatenate([batch.flag for batch in batches]),
        np.repeat(np.array([batch.received for batch in batches], np.int64), [len(batch) for batch in batches]),
    )
    return readings, np.concatenate([batch.late for batch in batches])


def _sample_table(collector: str, instant: int, sample: dict[str, dict[str, float]]) -> Table:
    """Rows of the `ingest` measurement: by reason, the fields."""
    reasons = list(sample)
    return Table(
        INGEST.name,
        np.full(len(reasons), instant, np.int64),
        {
            "collector": np.array([collector] * len(reasons), object),
            "reason": np.array(reasons, object),
        },
        {name: np.array([sample[reason][name] for reason in reasons], np.float64) for name in INGEST.fields},
    )
