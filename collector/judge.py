"""From deliveries to one commit group: decode, check, new or known.

Pure but for the topics seen. What was judged is remembered by `settle`, after the disk has it, so that a group can be
judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from operator import call
from typing import Final

import msgspec
import numpy as np

from collector import checks
from collector.batch import Batch
from collector.checks import Clock, Novelty, Rows
from collector.decoders import Columns, Decoder, Limits, Problem
from collector.ledger import Page, page
from collector.lookup import Lookup
from collector.parked import Parked
from collector.recent import Recent
from collector.roster import UNKNOWN
from collector.senders import Sender, Senders
from collector.source import Delivery
from collector.spool import Group
from energy.model import Flag, Reason, is_id
from energy.series import BoolArray, ByteArray, FloatArray, Int32Array, IntArray

TAKEN: Final = 0
_REFUSALS: Final = {
    Reason.IDENTITY_MISMATCH: 0x87,  # not authorized
    Reason.BAD_TOPIC: 0x90,  # topic name invalid
    Reason.OVERSIZE: 0x95,  # packet too large
    Reason.UNKNOWN_DEVICE: 0x83,  # implementation specific error
    Reason.CONFLICT: 0x83,
    Reason.CLOCK_FUTURE: 0x83,
    Reason.CLOCK_PAST: 0x83,
    Reason.TOO_LATE: 0x83,
}
_STRANGER: Final = f"parked:{Reason.UNKNOWN_DEVICE}"
_MISPLACED: Final = f"parked:{Reason.IDENTITY_MISMATCH}"
_UNREADABLE: Final = 0x99  # payload format invalid
_MOST_UNITS: Final = 200
_ROWS_A_BODY: Final = 500
_SHORT: Final = 4  # names a message, below which to find each is as quick as to compare their list
_LARGEST_GAP: Final = 1_000_000  # a greater jump of `seq` is a restart with another start, not a loss


@dataclass(slots=True)
class Judged:
    """One group, ready for the disk."""

    group: Group
    codes: list[int]
    fresh: Batch | None = None
    awaited: dict[str, int] = field(default_factory=dict)
    """The next sequence number of each gateway that numbers its messages."""

    @property
    def names_strangers(self) -> bool:
        """True if a gateway or meter was not in the registry as the judge knows it, or in another place there."""
        counts = self.group.counts
        return bool(counts[_STRANGER] or counts[_MISPLACED])


@dataclass(slots=True)
class _Draft:
    deliveries: Sequence[Delivery]
    senders: list[Sender]
    now: int
    group: Group = field(default_factory=Group)
    refused: dict[int, Reason] = field(default_factory=dict)
    awaited: dict[str, int] = field(default_factory=dict)


class Judge:
    """Judges commit groups against the registry and the newest readings."""

    def __init__(self, lookup: Lookup, recent: Recent, limits: Limits) -> None:
        self.recent = recent
        self._limits = limits
        self._awaited: dict[str, int] = {}
        self.adopt(lookup)

    def adopt(self, lookup: Lookup) -> None:
        """Judge by another revision of the registry from now on."""
        self.lookup = lookup
        self._senders = Senders(lookup)
        self._units: dict[str | None, int] = {None: 0}
        self._factor = np.ones((1, len(lookup.unit_names)))
        self._offset = np.zeros((1, len(lookup.unit_names)))

    def judge(self, deliveries: Sequence[Delivery], clock: Clock) -> Judged:
        """What becomes of these messages; nothing is remembered of their readings yet."""
        draft = _Draft(deliveries, self._senders.of(deliveries), clock.now)
        by_decoder = self._sorted(draft)
        fresh = [self._read(draft, decoder, places, clock) for decoder, places in by_decoder.items()]
        draft.group.counts["messages"] += len(deliveries)
        codes = [TAKEN] * len(deliveries)
        for place, reason in draft.refused.items():
            codes[place] = _REFUSALS.get(reason, _UNREADABLE)
        return Judged(draft.group, codes, _concat(fresh), draft.awaited)

    def settle(self, judged: Judged) -> None:
        """Hold what the disk now has, so that it is recognised when it comes again."""
        self._awaited.update(judged.awaited)
        if judged.fresh is not None:
            hold(self.recent, judged.fresh)

    def _sorted(self, draft: _Draft) -> dict[Decoder, Sequence[int]]:
        """The places of the messages each decoder reads; what is no reading is done with here."""
        kinds = set(draft.senders)
        decoders = {sender.decoder for sender in kinds}
        if len(decoders) == 1 and not any(sender.is_status or sender.refusal is Reason.BAD_TOPIC for sender in kinds):
            return {decoders.pop(): range(len(draft.senders))}
        by_decoder: dict[Decoder, list[int]] = {}
        for place, sender in enumerate(draft.senders):
            if sender.is_status:
                self._note_status(draft, draft.deliveries[place], sender)
            elif sender.refusal is Reason.BAD_TOPIC:
                self._park(draft, Problem(place, Reason.BAD_TOPIC, sender.detail))
            else:
                by_decoder.setdefault(sender.decoder, []).append(place)
        return dict(by_decoder)

    def _note_status(self, draft: _Draft, delivery: Delivery, sender: Sender) -> None:
        try:
            status = msgspec.json.decode(delivery.payload[:4096])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            status = None
        if not isinstance(status, dict) or sender.refusal is not None:
            draft.group.counts["status_ignored"] += 1
            return
        draft.group.counts["status"] += 1
        draft.group.statuses[sender.gateway] = (draft.now, msgspec.json.encode(status).decode())

    def _read(self, draft: _Draft, decoder: Decoder, places: Sequence[int], clock: Clock) -> Batch | None:
        deliveries = [draft.deliveries[place] for place in places]
        columns = decoder.decode([delivery.payload for delivery in deliveries], self._limits)
        columns = _numbered(columns, np.array(places, np.int64), len(draft.deliveries))
        self._follow_seq(draft, columns.seq)
        counts = draft.group.counts
        counts["unknown_fields"] += columns.unknown_fields
        counts["taken"] += len(columns)
        for problem in columns.problems:
            self._park(draft, problem)
        if not len(columns):
            return None
        return self._check(draft, columns, clock)

    def _check(self, draft: _Draft, columns: Columns, clock: Clock) -> Batch | None:
        meter = _meters(draft.senders, columns)
        is_open = np.fromiter([d.qos == 0 for d in draft.deliveries], np.bool_, len(draft.deliveries))[columns.message]
        value, has_bad_unit = self._convert(columns, meter)
        if columns.length is not None:
            meter, is_open = np.repeat(meter, columns.length), np.repeat(is_open, columns.length)
        rows = Rows(meter, columns.time, value, is_open)
        codes = checks.faults(rows, self.lookup, clock)
        if has_bad_unit is not None:
            codes[has_bad_unit & (codes == checks.GOOD)] = checks.REASONS.index(Reason.BAD_UNIT) + 1
        good = np.flatnonzero(codes == checks.GOOD) if codes.any() else np.arange(len(rows))
        novelty = checks.novelty(rows.take(good) if len(good) < len(rows) else rows, self.recent)
        if len(good) < len(rows) or not novelty.is_all_new:
            faulty = [(int(row), checks.reason_of(codes[row])) for row in np.flatnonzero(codes)]
            faulty += [(int(row), Reason.CONFLICT) for row in good[novelty.order[novelty.conflict]]]
            taken = np.unique(columns.message[columns.row_run[good[novelty.order[~novelty.conflict]]]])
            self._park_rows(draft, columns, faulty, set(taken.tolist()))
            draft.group.counts["duplicate"] += int(np.count_nonzero(novelty.duplicate))
            draft.group.pages.append(_page(rows, codes, novelty))
        return self._batch(draft, novelty)

    def _convert(self, columns: Columns, meter: Int32Array) -> tuple[FloatArray, BoolArray | None]:
        """Values in the meters' own units, and which cannot be turned into them (None: no unit was sent)."""
        if columns.unit is None or not len(self.lookup.ids):
            return columns.value, None
        code = np.fromiter(map(self._unit_code, columns.unit), np.int64, len(columns.unit))
        target = self.lookup.unit[meter]
        factor, offset = self._factor[code, target], self._offset[code, target]
        if columns.length is not None:
            factor, offset = np.repeat(factor, columns.length), np.repeat(offset, columns.length)
        bad = np.isnan(factor)
        return np.where(bad, columns.value, columns.value * factor + offset), bad

    def _unit_code(self, unit: str | None) -> int:
        code = self._units.get(unit)
        if code is not None:
            return code
        if len(self._units) >= _MOST_UNITS:  # nobody sends that many units in earnest
            self._units = {None: 0}
            self._factor, self._offset = self._factor[:1], self._offset[:1]
        factor, offset = self.lookup.conversion(unit or "")
        self._factor = np.vstack([self._factor, factor])
        self._offset = np.vstack([self._offset, offset])
        self._units[unit] = len(self._factor) - 1
        return self._units[unit]

    def _batch(self, draft: _Draft, novelty: Novelty) -> Batch | None:
        if novelty.is_all_new:
            kept, late = novelty.rows, novelty.late
        else:
            keep = novelty.new | novelty.late
            kept, late = novelty.rows.take(keep), novelty.late[keep]
        if not len(kept):
            return None
        flag = checks.flags(kept, self.lookup, self.recent)
        draft.group.counts["qos0"] += int(np.count_nonzero(kept.unprotected))
        draft.group.counts["implausible"] += int(np.count_nonzero(flag == Flag.IMPLAUSIBLE))
        return Batch(kept.meter, kept.time, kept.value, flag, late, draft.now)

    def _park(self, draft: _Draft, problem: Problem) -> None:
        """Park what a decoder or a topic refused."""
        draft.group.counts["taken"] += problem.count
        self._add(draft, problem, draft.deliveries[problem.message].payload if problem.body is None else problem.body)
        if problem.body is None:
            draft.refused[problem.message] = problem.reason
        else:
            draft.refused.setdefault(problem.message, problem.reason)

    def _park_rows(self, draft: _Draft, columns: Columns, faulty: list[tuple[int, Reason]], taken: set[int]) -> None:
        """Park single readings: those of one message, meter and reason together."""
        run = columns.row_run
        together: dict[tuple[int, str, Reason], list[int]] = {}
        for row, reason in faulty:
            place = int(run[row])
            message, local = int(columns.message[place]), columns.local[place]
            if reason is Reason.UNKNOWN_DEVICE:
                reason = _why_unknown(draft.senders[message], local)
            together.setdefault((message, local, reason), []).append(row)
        for (message, local, reason), rows in together.items():
            for part in _pieces(rows, _ROWS_A_BODY):
                body = msgspec.json.encode({"readings": [_reading(columns, run, row) for row in part]})
                detail = self._detail(draft.senders[message], local, reason, columns, part[0])
                self._add(draft, Problem(message, reason, detail, local, len(part), body), body)
            draft.refused.setdefault(message, reason)
        for message in taken & draft.refused.keys():
            del draft.refused[message]

    def _detail(self, sender: Sender, local: str, reason: Reason, columns: Columns, row: int) -> str:
        if sender.refusal is not None:
            return sender.detail
        time, value = int(columns.time[row]), float(columns.value[row])
        if reason is Reason.UNKNOWN_DEVICE:
            return f"gateway {sender.gateway} has no meter {local} in the registry"
        if reason is Reason.BAD_UNIT:
            unit = columns.unit[columns.row_run[row]] if columns.unit else None
            number = sender.roster.find(local, UNKNOWN)
            return f"meter {local}: unit {unit!r:.40} cannot become {self.lookup.unit_names[self.lookup.unit[number]]}"
        return f"meter {local[:64]!a}: {_EXPLAINED[reason]}; value {value!r} at {time}"

    def _add(self, draft: _Draft, problem: Problem, body: bytes) -> None:
        delivery = draft.deliveries[problem.message]
        topic = delivery.topic.decode("utf-8", "backslashreplace")
        gateway = delivery.gateway or draft.senders[problem.message].gateway  # who sent it, whatever the topic says
        reason, now = problem.reason, draft.now
        draft.group.counts[f"parked:{reason}"] += problem.count
        parked = Parked(reason, topic, gateway, problem.local, problem.count, problem.detail, body, now, now)
        draft.group.parked.append(parked)

    def _follow_seq(self, draft: _Draft, numbers: Sequence[int | None]) -> None:
        """Count what a gateway numbered and we never saw: a hint of loss, since a smaller number is a restart."""
        before, now, gaps = self._awaited, draft.awaited, 0
        for sender, seq in zip(draft.senders, numbers, strict=True):
            if seq is None or sender.refusal is not None:
                continue
            gateway = sender.gateway
            awaited = now[gateway] if gateway in now else before.get(gateway, seq)
            if awaited < seq <= awaited + _LARGEST_GAP:
                gaps += seq - awaited
            now[gateway] = seq + 1
        draft.group.counts["seq_gap"] += gaps


def hold(recent: Recent, batch: Batch) -> None:
    """Insert a batch into the newest readings: what is new by value, what the store must judge by time alone."""
    if not batch.late.any():
        recent.insert(batch.meter, batch.time, batch.value)
        return
    new = ~batch.late
    recent.insert(batch.meter[new], batch.time[new], batch.value[new])
    recent.insert_unseen(batch.meter[batch.late], batch.time[batch.late])


_EXPLAINED: Final = {
    Reason.NOT_FINITE: "expected a finite number",
    Reason.OUT_OF_RANGE: "expected a value between -2^53 and 2^53",
    Reason.IMPLAUSIBLE: "a cumulative register cannot be negative",
    Reason.TIME_UNIT: "expected seconds since 1970, this counts milliseconds or finer",
    Reason.CLOCK_PAST: "the instant lies before the first one believed; is the gateway's clock set?",
    Reason.CLOCK_FUTURE: "the instant lies ahead of the server's clock; is the gateway's clock right?",
    Reason.TOO_LATE: "the instant is older than this installation takes",
    Reason.BAD_ID: "expected 1 to 64 of A-Z a-z 0-9 _ . -",
    Reason.CONFLICT: "another value of this instant came before; the first stays",
}


def _page(rows: Rows, codes: ByteArray, novelty: Novelty) -> Page:
    """What the ledger says of rows of known meters that enter no batch, by what became of them."""
    faulty = rows.take((codes != checks.GOOD) & (rows.meter >= 0))
    known, contradicted = novelty.rows.take(novelty.duplicate), novelty.rows.take(novelty.conflict)
    duplicate = [(known.meter, known.time)]
    parked = [(faulty.meter, faulty.time), (contradicted.meter, contradicted.time)]
    return page(taken=duplicate + parked, duplicate=duplicate, parked=parked)


def _meters(senders: Sequence[Sender], columns: Columns) -> Int32Array:
    """Number of the meter of each run, message by message, or name by name where messages are short."""
    message, local = columns.message, columns.local
    starts = np.flatnonzero(np.append(True, message[1:] != message[:-1])).tolist()
    if len(local) < _SHORT * len(starts):
        finds = [sender.roster.find for sender in senders]
        found = map(call, map(finds.__getitem__, message.tolist()), local, repeat(UNKNOWN))
        return np.fromiter(found, np.int32, len(local))
    ends, whose = [*starts[1:], len(local)], message[starts].tolist()
    return np.concatenate([senders[n].roster.numbers(local[a:b]) for n, a, b in zip(whose, starts, ends, strict=True)])


def _why_unknown(sender: Sender, local: str) -> Reason:
    if sender.refusal is not None:
        return sender.refusal
    return Reason.UNKNOWN_DEVICE if is_id(local) else Reason.BAD_ID


def _numbered(columns: Columns, places: IntArray, n_messages: int) -> Columns:
    """The same columns with the messages' numbers in the whole group."""
    if len(places) == n_messages:
        return columns
    seq: list[int | None] = [None] * n_messages
    for place, number in zip(places.tolist(), columns.seq, strict=True):
        seq[place] = number
    for problem in columns.problems:
        problem.message = int(places[problem.message])
    return Columns(
        columns.local, places[columns.message], columns.length, columns.time, columns.value, columns.unit, seq,
        columns.problems, columns.unknown_fields,
    )  # fmt: skip


def _reading(columns: Columns, run: IntArray, row: int) -> dict[str, object]:
    place = int(run[row])
    reading: dict[str, object] = {
        "meter": columns.local[place],
        "time": int(columns.time[row]),
        "value": float(columns.value[row]),
    }
    if columns.unit is not None and columns.unit[place] is not None:
        reading["unit"] = columns.unit[place]
    return reading


def _pieces(rows: list[int], size: int) -> list[list[int]]:
    iterator = iter(rows)
    return list(iter(lambda: list(islice(iterator, size)), []))


def _concat(batches: Sequence[Batch | None]) -> Batch | None:
    parts = [batch for batch in batches if batch is not None]
    if len(parts) < 2:
        return parts[0] if parts else None
    # Two decoders in one group: their meters are apart, so that each part stays ordered by itself.
    return Batch(
        np.concatenate([p.meter for p in parts]),
        np.concatenate([p.time for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.flag for p in parts]),
        np.concatenate([p.late for p in parts]),
        parts[0].received,
    )


def total_parked(counts: Counter[str]) -> int:
    """Readings parked, over all reasons."""
    return sum(n for name, n in counts.items() if name.startswith("parked:"))
