"""Raw readings into steps, for just the span that a change can reach.

What a changed reading can alter lies between two anchors: readings whose verdict does not depend on it. The span is
widened to the local days of the anchors, and readings are loaded until both ends of these days are beyond doubt, so
that a window gives the same figures as the whole history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analytics.consumption import SWAP, Steps, amount_steps, join, marked_spikes, power_steps, register_steps
from analytics.jobs.corrections import reached, with_stated_amounts, with_stated_readings
from analytics.jobs.estate import ENERGY, Estate
from analytics.jobs.limits import Extents, rests, usual_per_hour
from analytics.register_profiles import RegisterProfile
from analytics.registers import GAP_FACTOR, RegisterBank, RegisterLimits, judge, settled
from analytics.spikes import interval_spikes
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Flag, Meter, Swap, ValueKind
from energy.series import BoolArray, IntArray, Series
from energy.storage.base import ReadingReader
from energy.units import unit


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A meter's steps, right within `window` (the whole local days a change can reach), and its loaded readings."""

    meter: Meter
    window: Window
    steps: Steps
    series: Series


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """Readings of one meter with what is certain about them."""

    steps: Steps
    times: IntArray  # readings (and swaps), rising
    anchor: BoolArray  # accepted and moving, whatever was before
    ahead: int  # readings needed after one for its verdict to be final
    behind: int = 0  # readings before one whose verdict it may change
    reach_s: int = 0  # how far before a reading its amount begins


def judged(
    store: ReadingReader,
    estate: Estate,
    meter: Meter,
    changed: Window,
    *,
    profile: RegisterProfile | None,
    extents: Extents,
) -> Judged | None:
    """Steps around the readings that changed in [start, end); None where the meter has no readings at all."""
    if meter.id not in extents:
        return None
    calendar, stated = estate.calendar, estate.corrections.get(meter.id, ())
    swaps = estate.swaps.get(meter.id, ())
    first, last = extents[meter.id]
    whole = reached(changed, stated)
    changed = Window(max(whole.start, min(first, changed.start)), min(whole.end, max(last + 1, changed.end)))
    if _sends_intervals(meter):  # whether a value is a spike depends on the days beside it
        days = _local_days(calendar, changed)
        changed = _local_days(calendar, Window(days.start - 1, days.end + 1))
    margin = 5 * DAY if _sends_intervals(meter) else DAY
    span = _local_days(calendar, Window(changed.start - margin, changed.end + margin))
    while True:
        span = Window(max(span.start, min(first, changed.start)), max(min(span.end, last + 1), changed.start))
        series = with_stated_readings(store.readings([meter.id], span.start, span.end)[meter.id], stated)
        complete = (span.start <= first, span.end > last)
        if _sends_intervals(meter):
            loaded = _load_intervals(calendar, meter, series, span, complete)
        else:
            loaded = _load(meter, series, swaps, profile)
        window, short_before, short_after = _settle(calendar, loaded, changed, complete)
        if not (short_before or short_after):
            return Judged(meter, window, with_stated_amounts(loaded.steps, stated), series)
        span = _widened(store, meter.id, span, short_before, short_after)


def _widened(store: ReadingReader, meter: str, span: Window, before: bool, after: bool) -> Window:
    length = max(span.end - span.start, 2 * DAY)
    start, end = span.start, span.end
    if before:
        known = store.latest([meter], before=start).get(meter)
        start = min(start - length, known[0] if known else start)
    if after:
        known = store.earliest_after([meter], end).get(meter)
        end = max(end + length, known[0] + 1 if known else end)
    return Window(start, end)


def _settle(
    calendar: LocalCalendar, loaded: _Loaded, changed: Window, complete: tuple[bool, bool]
) -> tuple[Window, bool, bool]:
    """The days that the change can reach, and whether readings are missing before or after to be sure of them."""
    times, anchors = loaded.times, np.flatnonzero(loaded.anchor)
    n = len(times)
    begin_known, end_known = complete
    at_change = int(np.searchsorted(times, changed.start))
    after_change = int(np.searchsorted(times, changed.end))
    before = anchors[anchors < at_change - loaded.behind]
    after = anchors[anchors >= after_change + loaded.ahead]
    if not (len(before) or begin_known) or not (len(after) or end_known):
        return changed, not (len(before) or begin_known), not (len(after) or end_known)
    first = min(changed.start, int(times[0]) if n else changed.start) - loaded.reach_s
    start = int(times[before[-1]]) if len(before) else first
    # A reading at midnight also bounds the day that begins with it.
    last = int(times[-1]) + 1 if n else changed.end
    end = int(times[after[0]]) if len(after) else max(changed.end, last)
    window = _local_days(calendar, Window(start, max(end, start + 1)))
    sure_before = begin_known or bool(np.any(times[anchors] <= window.start))
    final = anchors[anchors + loaded.ahead < n]
    sure_after = end_known or bool(np.any(times[final] >= window.end))
    return window, not sure_before, not sure_after


def _local_days(calendar: LocalCalendar, window: Window) -> Window:
    edges = calendar.edges(window, "day")
    return Window(int(edges[0]), int(edges[-1]))


def _load(meter: Meter, series: Series, swaps: Sequence[Swap], profile: RegisterProfile | None) -> _Loaded:
    if meter.value_kind is ValueKind.REGISTER:
        return _load_register(meter, series, swaps, profile)
    return _Loaded(Steps.empty(), series.time, _every_but_first(len(series)), ahead=1)


def _sends_intervals(meter: Meter) -> bool:
    """Whether the meter sends amounts or power, which nothing that comes later corrects."""
    is_power = meter.value_kind is ValueKind.MEASUREMENT and unit(meter.unit).quantity == "power"
    return meter.quantity == ENERGY and (meter.value_kind is ValueKind.AMOUNT or is_power)


def _load_intervals(
    calendar: LocalCalendar, meter: Meter, series: Series, span: Window, complete: tuple[bool, bool]
) -> _Loaded:
    """Steps of amounts or power, spikes left out; certain where the days on both sides were loaded too."""
    day = calendar.day_number(series.time - (meter.interval_s if meter.value_kind is ValueKind.AMOUNT else 0))
    spike = interval_spikes(series.value, day) & (series.flag != Flag.CONFIRMED)
    time, value = series.time[~spike], series.value[~spike]
    if meter.value_kind is ValueKind.AMOUNT:
        steps, reach_s = amount_steps(time, value, length_s=meter.interval_s), meter.interval_s
    else:
        gap_s = meter.interval_s * GAP_FACTOR
        steps, reach_s = power_steps(time, value * unit(meter.unit).factor, gap_s=gap_s), 0
    # A gap is filled from both neighbours: a change reaches one reading further than its own step.
    known = calendar.day_number(np.array([span.start, span.end - 1]))
    first = -np.inf if complete[0] else known[0] + 2
    last = np.inf if complete[1] else known[1] - 2
    anchor = _every_but_first(len(series)) & ~spike & (day >= first) & (day <= last)
    return _Loaded(marked_spikes(steps, series.time[spike]), series.time, anchor, ahead=1, reach_s=reach_s)


def _every_but_first(n: int) -> BoolArray:
    every = np.ones(n, bool)
    every[:1] = False
    return every


def _load_register(meter: Meter, series: Series, swaps: Sequence[Swap], profile: RegisterProfile | None) -> _Loaded:
    segments = _segments(meter, series, swaps)
    bank = RegisterBank(
        np.concatenate(([0], np.cumsum([len(s.time) for s in segments]))).astype(np.int64),
        np.concatenate([s.time for s in segments]),
        np.concatenate([s.value for s in segments]),
    )
    n = len(segments)
    usual = usual_per_hour(meter, profile)
    gap_s = meter.interval_s * GAP_FACTOR
    limits = RegisterLimits(
        np.full(n, np.inf if meter.digits is None else 10.0**meter.digits),
        np.array([usual / s.ratio for s in segments]),
        np.full(n, gap_s),
        np.full(n, np.inf if profile is None else profile.stuck_s),
        np.full(n, rests(meter)),
    )
    verdicts = judge(bank, limits)
    parts = [
        _with_swap(register_steps(bank, verdicts, i, ratio=s.ratio, gap_s=gap_s), s) for i, s in enumerate(segments)
    ]
    anchor = settled(bank, limits) & (verdicts.increment > 0)
    opened = [int(bank.offset[i]) for i, s in enumerate(segments) if s.is_opened and len(s.time)]
    anchor[opened] = True
    return _Loaded(join(parts), bank.time, anchor, ahead=2, behind=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """The readings of one device on this meter's place, with what is known of its exchange."""

    time: IntArray
    value: np.ndarray[tuple[int], np.dtype[np.float64]]
    ratio: float
    is_opened: bool  # begins with the register stated at its installation
    is_closed: bool  # ends with the register stated at its removal


def _segments(meter: Meter, series: Series, swaps: Sequence[Swap]) -> list[_Segment]:
    if not swaps:
        return [_Segment(series.time, series.value, meter.ratio, False, False)]
    found: list[_Segment] = []
    bounds = [None, *swaps, None]
    for opening, closing in pairwise(bounds):
        after = series.time > opening.time if opening else np.ones(len(series), bool)
        before = series.time < closing.time if closing else np.ones(len(series), bool)
        time, value = series.time[after & before], series.value[after & before]
        loaded_from = int(series.time[0]) if len(series) else 0
        loaded_to = int(series.time[-1]) if len(series) else -1
        is_opened = opening is not None and loaded_from <= opening.time <= loaded_to
        if is_opened and opening is not None:
            time, value = np.insert(time, 0, opening.time), np.insert(value, 0, opening.new_start)
        is_closed = closing is not None and closing.old_end is not None and loaded_from <= closing.time <= loaded_to
        if is_closed and closing is not None and closing.old_end is not None:
            time, value = np.append(time, closing.time), np.append(value, closing.old_end)
        ratio = opening.new_ratio if opening else closing.old_ratio if closing else meter.ratio
        found.append(_Segment(time, value, ratio, is_opened, is_closed))
    return found


def _with_swap(steps: Steps, segment: _Segment) -> Steps:
    """Mark the step that ends with a stated removal, and the one that begins with a stated installation."""
    method = steps.method.copy()
    known = np.isfinite(steps.amount) & ~steps.is_long
    if segment.is_opened and len(method) and known[0]:
        method[0] = SWAP
    if segment.is_closed and len(method) and known[-1]:
        method[-1] = SWAP
    return Steps(steps.start, steps.end, steps.amount, method)


def extents_of(store: ReadingReader, meters: Sequence[str]) -> dict[str, tuple[int, int]]:
    """First and last instant read of each meter that was ever read."""
    first = store.earliest_after(meters, 0)
    last = store.latest(meters)
    return {name: (first[name][0], last[name][0]) for name in meters if name in first and name in last}
