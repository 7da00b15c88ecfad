"""Faults of metering and transport, told by the readings themselves: standing registers, gaps, silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analytics.consumption import CORRECTION, STANDSTILL, Steps
from analytics.detection.kinds import Kind
from analytics.findings import Finding, Pricing
from analytics.jobs.limits import Extents
from energy.intervals import DAY, HOUR, LocalCalendar, Window
from energy.model import Meter, ValueKind

SHORTEST_S: Final = 6 * HOUR
"""A gap shorter than this is bridged and needs nobody."""
LONG_SILENT_S: Final = 14 * DAY
"""A meter silent for longer was reported long ago; nothing new is said of it."""
_SURE: Final = 0.95
_ALIKE_S: Final = 2 * HOUR

Usual = Callable[[str, int, int], float]
"""Expected use of a meter in [start, end); NaN where unknown."""


def told_at(calendar: LocalCalendar, start: int, end: int) -> int:
    """When a silence or standstill of [start, end) is told first: in the night in which it is long enough, or over.

    The day on which it began must have ended; a run that its end sets off tells it then.
    """
    day = calendar.day_number(np.array([start]))
    first, second = (int(calendar.day_start(day + n)[0]) for n in (1, 2))
    if end <= first or first - start >= SHORTEST_S + HOUR:
        return first
    return min(end, second)


def register_findings(
    calendar: LocalCalendar,
    meters: Sequence[Meter],
    steps: Mapping[str, Steps],
    span: Window,
    last: Mapping[str, int],
    usual: Usual,
    pricing: Mapping[str, Pricing],
) -> list[Finding]:
    """Standstills and gaps of at least six hours that begin in the span; gaps of one gateway at one time are one."""
    stuck: list[Finding] = []
    gaps: list[Finding] = []
    for meter in meters:
        own = steps[meter.id]
        stuck += _standing_still(meter, own, span, last.get(meter.id, 0), usual, pricing[meter.id].unit)
        long = own.method != CORRECTION
        long &= (own.end - own.start >= SHORTEST_S + HOUR) & (own.start >= span.start) & (own.start < span.end)
        for k in np.flatnonzero(long).tolist():
            kind = Kind.STUCK if own.method[k] == STANDSTILL else Kind.GAP_CATCHUP
            start, end = int(own.start[k]), int(own.end[k])
            unit = pricing[meter.id].unit
            found = Finding(
                meter.id,
                kind,
                start,
                end,
                float(own.amount[k]),
                usual(meter.id, start, end),
                unit,
                _SURE,
            )
            (stuck if kind is Kind.STUCK else gaps).append(found)
    every = stuck + by_gateway(gaps, meters)
    return [replace(found, seen=told_at(calendar, found.start, found.end)) for found in every]


def _standing_still(meter: Meter, steps: Steps, span: Window, last: int, usual: Usual, unit: str) -> list[Finding]:
    """A register whose newest readings, six hours of them, say nothing new although they came: it stands still yet."""
    if meter.value_kind is not ValueKind.REGISTER or not len(steps):
        return []
    since = int(steps.end[-1])
    if since not in span or min(last, span.end) - since < SHORTEST_S + HOUR:
        return []
    return [Finding(meter.id, Kind.STUCK, since, last, 0.0, usual(meter.id, since, last), unit, _SURE)]


def silences(
    calendar: LocalCalendar, meters: Sequence[Meter], extents: Extents, now: int, pricing: Mapping[str, Pricing]
) -> list[Finding]:
    """Meters of which nothing has been heard since, one finding a gateway."""
    found = []
    for meter in meters:
        if meter.id in extents and meter.gateway is not None:
            last = extents[meter.id][1]
            if max(SHORTEST_S, 3 * meter.interval_s) <= now - last <= LONG_SILENT_S:
                nothing = float("nan")
                unit = pricing[meter.id].unit if meter.id in pricing else ""
                seen = min(told_at(calendar, last, now), now)
                found.append(Finding(meter.id, Kind.OFFLINE, last, now, nothing, nothing, unit, _SURE, seen=seen))
    return by_gateway(found, meters)


def by_gateway(found: Sequence[Finding], meters: Sequence[Meter]) -> list[Finding]:
    """Gaps of meters of one gateway at the same time have one cause."""
    gateway = {meter.id: meter.gateway or meter.id for meter in meters}
    groups: dict[tuple[str, int], list[Finding]] = {}
    order = sorted(found, key=lambda f: (gateway[f.meter], f.start, f.meter))
    begun: dict[str, int] = {}
    for finding in order:
        key = gateway[finding.meter]
        if finding.start - begun.get(key, -_ALIKE_S - 1) > _ALIKE_S:
            begun[key] = finding.start
        groups.setdefault((key, begun[key]), []).append(finding)
    result = []
    for group in groups.values():
        first = max(group, key=lambda f: (f.end - f.start, -group.index(f)))
        others = tuple(sorted({f.meter for f in group} - {first.meter}))
        result.append(replace(first, also=others))
    return result
