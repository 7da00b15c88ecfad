"""The newest readings of each meter, by which a reading is recognised as new, known, or too old to say.

Per meter a ring of times and values, its newest reading, and a `floor`: from the floor on, every reading that was ever
taken is in the ring, so that "not found" means "new". Below the floor only the store can answer. Where the store
could not be asked yet (it was down at start), the floor lies above everything. Used by the commit thread alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from energy.series import BoolArray, FloatArray, Int32Array, IntArray

NEVER: Final = np.iinfo(np.int64).min
UNKNOWN: Final = np.iinfo(np.int64).max


class Recent:
    """Newest readings of every meter, by meter number."""

    def __init__(self, per_meter: int) -> None:
        self._depth = per_meter
        # By slot, then meter: live readings come to neighbours in the same slot, and share what the processor fetches.
        self._times: IntArray = np.full((per_meter, 0), NEVER, np.int64)
        self._values: FloatArray = np.zeros((per_meter, 0))
        self._next = np.zeros(0, np.int64)
        self._floor = np.zeros(0, np.int64)
        self._highest = np.zeros(0, np.int64)
        self.newest: IntArray = np.zeros(0, np.int64)
        """Newest reading of each meter; NEVER for none, UNKNOWN while the store has not been asked."""
        self.newest_value: FloatArray = np.zeros(0)

    def __len__(self) -> int:
        return len(self.newest)

    def grow(self, size: int) -> None:
        """Make room for new meters, of which nothing is known until `learn`."""
        more = size - len(self)
        if more <= 0:
            return
        self._times = np.hstack([self._times, np.full((self._depth, more), NEVER, np.int64)])
        self._values = np.hstack([self._values, np.zeros((self._depth, more))])
        self._next = np.append(self._next, np.zeros(more, np.int64))
        self._floor = np.append(self._floor, np.full(more, UNKNOWN))
        self._highest = np.append(self._highest, np.full(more, NEVER))
        self.newest = np.append(self.newest, np.full(more, UNKNOWN))
        self.newest_value = np.append(self.newest_value, np.full(more, np.nan))

    def unknown(self) -> IntArray:
        """Numbers of the meters for which the store has not been asked yet."""
        return np.flatnonzero(self.newest == UNKNOWN)

    def learn(self, meter: int, latest: tuple[int, float] | None) -> None:
        """What the store holds as newest of a meter of which nothing was known."""
        if self.newest[meter] != UNKNOWN:
            return
        time, value = latest if latest is not None else (NEVER, np.nan)
        highest = int(self._highest[meter])
        self.newest[meter] = max(time, highest)
        if time < highest:  # readings taken meanwhile are known by their time alone
            self._floor[meter] = highest + 1
            return
        self._floor[meter], self.newest_value[meter] = time, value
        self._times[0, meter], self._values[0, meter] = time, value
        self._next[meter] = 1 % self._depth

    def find(self, meter: Int32Array, time: IntArray) -> tuple[BoolArray, FloatArray, BoolArray]:
        """Of readings not newer than the newest: which are held, their values, and which lie below the floor."""
        at = self._times[:, meter] == time
        held: BoolArray = at.any(axis=0)
        value = self._values[at.argmax(axis=0), meter]
        return held, value, ~held & (time < self._floor[meter])

    def insert(self, meter: Int32Array, time: IntArray, value: FloatArray) -> None:
        """Hold new readings, ordered by meter and time, each (meter, time) once."""
        if not len(meter):
            return
        if not (meter[1:] == meter[:-1]).any():
            self._insert_one_each(meter, time, value)
            return
        first, count = _runs(meter)
        rank = np.arange(len(meter)) - np.repeat(first, count)
        stays = rank >= np.repeat(count, count) - self._depth
        self._raise_floor(meter[~stays], time[~stays])
        slot = (self._next[meter] + rank) % self._depth
        self._raise_floor(meter[stays], self._times[slot[stays], meter[stays]])
        self._times[slot[stays], meter[stays]] = time[stays]
        self._values[slot[stays], meter[stays]] = value[stays]
        who = meter[first]
        self._next[who] = (self._next[who] + count) % self._depth
        last = first + count - 1
        self._advance(who, time[last], value[last])

    def _insert_one_each(self, meter: Int32Array, time: IntArray, value: FloatArray) -> None:
        """The same where no meter comes twice, as live readings do."""
        slot = self._next[meter]
        place = slot * len(self) + meter
        times, values = self._times.reshape(-1), self._values.reshape(-1)  # views: one index is half the work of two
        self._floor[meter] = np.maximum(self._floor[meter], times[place] + 1)  # NEVER + 1 shuts nothing out
        times[place], values[place] = time, value
        self._next[meter] = (slot + 1) % self._depth
        self._advance(meter, time, value)

    def insert_unseen(self, meter: Int32Array, time: IntArray) -> None:
        """Readings that were taken for the store to judge: they are not held, and nobody may think so."""
        np.maximum.at(self._highest, meter, time)
        ahead = (self.newest[meter] != UNKNOWN) & (time > self.newest[meter])
        np.maximum.at(self.newest, meter[ahead], time[ahead])
        np.maximum.at(self._floor, meter[ahead], time[ahead] + 1)
        self.newest_value[meter[ahead]] = np.nan

    def _raise_floor(self, meter: Int32Array, gone: IntArray) -> None:
        real = gone != NEVER
        np.maximum.at(self._floor, meter[real], gone[real] + 1)

    def _advance(self, meter: Int32Array, time: IntArray, value: FloatArray) -> None:
        """Take over the newest of these readings, one of each meter."""
        newer = time > self.newest[meter]  # nothing is newer than UNKNOWN
        if not newer.all():
            self._highest[meter] = np.maximum(self._highest[meter], time)  # asked for only while the newest is UNKNOWN
            meter, time, value = meter[newer], time[newer], value[newer]
        self.newest[meter], self.newest_value[meter] = time, value


def _runs(ordered: Int32Array) -> tuple[IntArray, IntArray]:
    """Start and length of each run of equal numbers."""
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return first, np.diff(np.append(first, len(ordered)))
