"""What the arrival of the last days' readings tells of each device: its clock, and how many readings came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.arrivals import received_share
from analytics.clocks import MOST_S, clock_ahead, clock_drift
from analytics.jobs.estate import Estate, service
from analytics.jobs.limits import Extents
from energy.intervals import DAY, Window
from energy.model import Meter
from energy.series import FloatArray, IntArray, Series
from energy.storage.base import Store
from energy.storage.schema import METER_STATUS

_TREND_DAYS: Final = 14


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """By meter; NaN where the readings do not tell, or none was due.

    Attributes
    ----------
    ahead : ndarray
        How far the clock is ahead. [s]
    drift : ndarray
        How much it gains. [s/day]
    received : ndarray
        Share of yesterday's readings that came.
    """

    ahead: FloatArray
    drift: FloatArray
    received: FloatArray


def arrivals_of(
    store: Store, estate: Estate, meters: Sequence[Meter], extents: Extents, *, yesterday: Window, now: int
) -> Arrivals:
    """Of the devices that send by themselves; one read of the raw readings since yesterday."""
    sending = [m for m in meters if m.gateway is not None]
    longest = max((m.interval_s for m in sending if m.interval_s <= DAY), default=0)
    since = min(yesterday.start - longest, now - DAY - MOST_S)
    heard = [m.id for m in sending if m.id in extents and extents[m.id][1] >= since]
    series = store.readings(heard, since, now + MOST_S) if heard else {}
    ahead = {m.id: _ahead(m, series[m.id], now) for m in sending if m.id in series}
    before = _before(store, sorted(name for name, value in ahead.items() if np.isfinite(value)), yesterday.end)
    drift = {name: clock_drift(*_with(days, yesterday.end, ahead[name])) for name, days in before.items()}
    received = {m.id: _received(estate, m, series.get(m.id), yesterday) for m in sending}
    return Arrivals(*(_column(meters, found) for found in (ahead, drift, received)))


def _ahead(meter: Meter, series: Series, now: int) -> float:
    fresh = series.received >= now - DAY
    return clock_ahead(series.time[fresh], series.received[fresh], stretch=meter.interval_s)


def _received(estate: Estate, meter: Meter, series: Series | None, day: Window) -> float:
    served = service(estate.calendar, meter)
    time = np.zeros(0, np.int64) if series is None else series.time
    start, end = max(day.start, served.start), min(day.end, served.end)
    return received_share(time, interval=meter.interval_s, start=start, end=end)


def _before(store: Store, names: Sequence[str], today: int) -> dict[str, tuple[list[int], list[float]]]:
    """Instants and values of the statuses of the days before, by meter."""
    found: dict[str, tuple[list[int], list[float]]] = {name: ([], []) for name in names}
    start, where = today - _TREND_DAYS * DAY, {"meter": list(names)}
    if not names:
        return found
    rows = store.results(METER_STATUS.name, where=where, start=start, end=today, fields=("clock_ahead_s",))
    columns = (rows.tags["meter"].tolist(), rows.time.tolist(), rows.fields["clock_ahead_s"].tolist())
    for name, time, value in zip(*columns, strict=True):
        found[name][0].append(time)
        found[name][1].append(value)
    return found


def _with(before: tuple[list[int], list[float]], today: int, value: float) -> tuple[IntArray, FloatArray]:
    times, values = before
    return np.array([*times, today], np.int64), np.array([*values, value], np.float64)


def _column(meters: Sequence[Meter], found: Mapping[str, float]) -> FloatArray:
    return np.array([found.get(m.id, np.nan) for m in meters], np.float64)
