"""Rules of one institution's year, each a small detector that looks for one thing people know by name.

Water that runs at night and load without people stand out against the four weeks before; sub-meters that do not fit
their head meter, and rooms beyond the set-points, break a rule that holds for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.consumption import on_grid
from analytics.detection import rules
from analytics.detection.kinds import Kind
from analytics.detection.rules import Breach
from analytics.findings import Finding, Pricing, priced
from analytics.jobs.estate import Estate
from analytics.jobs.habits import measured_only
from analytics.jobs.limits import Extents, has_season
from analytics.jobs.surroundings import Surroundings
from analytics.jobs.watch import Watched
from energy.errors import MissingReference
from energy.intervals import HOUR
from energy.model import Category, Meter, MeterKind
from energy.reference import set_point
from energy.series import BoolArray, FloatArray, IntArray

DOUBT: Final = 3.0
"""Strength at which a breach of quiet hours is as likely as not a fault."""
BALANCE_TIERS: Final = ((1, 0.10), (2, 0.07), (3, 0.05))
"""Days in a row, and share of the head meter's use by which the rest must have changed: meters' errors explain less."""
MOST_UNSEEN: Final = 0.2
"""Share that no sub-meter sees, up to which sub-meters see nearly everything."""
USUAL_DAYS: Final = 28
"""Days that a balance must have been known to say what is usual."""
HEATING_BELOW: Final = 5.0
"""Heating is on while the mean of five days is at most this: 采暖期 by GB 50736-2012 5.1 [°C]"""
COOLING_ABOVE: Final = 26.0
"""Cooling is needed on days whose mean is above this, the base of CDD26. [°C]"""
ROOM_DAYS: Final = 3
"""Days beyond the set-point until it counts; days off in between end nothing."""
DAYS_OFF: Final = 9
_DAYS_NEEDED: Final = {Kind.NIGHT_FLOW: 3, Kind.SET_POINT: ROOM_DAYS}


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """One judged year of an institution, as the rules look at it."""

    part: Watched
    estate: Estate
    extents: Extents
    around: Surroundings
    pricing: Mapping[str, Pricing]

    @property
    def day(self) -> FloatArray:
        """Local day of each hour, from 0."""
        return np.asarray(self.part.calendar.day - self.part.calendar.day[0], np.float64)

    def finding(
        self, meter: str, breach: Breach, price: Pricing, term: str, *, seen_after: int | None = None
    ) -> Finding | None:
        """The finding of days that stand out; None where they lie outside the judged days or are not told yet.

        It is told `seen_after` days, by default those the kind needs and one more.
        """
        needed = _DAYS_NEEDED[breach.kind] + 1 if seen_after is None else seen_after
        days = (
            int(self.part.calendar.day[0])
            + breach.first_day
            + np.array([0, needed, breach.last_day + 1 - breach.first_day])
        )
        start, seen, end = self.estate.calendar.day_start(days).tolist()
        if start not in self.part.span or seen > self.part.span.end:
            return None
        found = Finding(
            meter,
            breach.kind,
            start,
            end,
            breach.actual,
            breach.expected,
            price.unit,
            breach.strength / (breach.strength + DOUBT),
            ((term, breach.strength),),
            seen=seen,
        )
        return priced(found, price)


def breaches(year: Year) -> list[Finding]:
    """Every rule that was broken in the year."""
    found = [*_quiet_hours(year), *_balances(year), *_rooms(year)]
    return [finding for finding in found if finding is not None]


def _quiet_hours(year: Year) -> Iterator[Finding | None]:
    """Water that runs at night, of water meters with none above them; electricity while nobody is there.

    Water asks for no year before, only for the nights before.
    """
    part, day, calendar = year.part, year.day, year.part.calendar
    water = [m for m in year.estate.meters if m.id in part.steps and m.category is Category.WATER and m.parent is None]
    use = np.array([_hours(year, meter) for meter in water])
    hour = calendar.hour.astype(np.float64)
    for breach in rules.night_flow(use, day, hour, vacation=calendar.vacation) if water else ():
        meter = water[breach.row]
        yield year.finding(meter.id, breach, year.pricing[meter.id], "night")
    for breach, seen_after in rules.base_load(part.rest):
        meter = part.meters[breach.row]
        if meter.category is Category.ELECTRICITY and not has_season(meter):
            yield year.finding(meter.id, breach, year.pricing[meter.id], "night", seen_after=seen_after)


def _balances(year: Year) -> Iterator[Finding | None]:
    """Head meters whose sub-meters add up to more or less than they did."""
    for parent, below in _trees(year.estate.meters, year.part):
        total, *parts = (_hours(year, meter) for meter in (parent, *below))
        total, children = _days(total, np.stack(parts), (year.part.calendar.day - year.part.calendar.day[0]))
        for breach, seen_after in _unbalanced(total, children):
            yield year.finding(parent.id, breach, year.pricing[parent.id], "balance", seen_after=seen_after)


def _trees(meters: Sequence[Meter], part: Watched) -> Iterator[tuple[Meter, list[Meter]]]:
    """Head meters with those sub-meters that are read; plants with a season stand still for too long.

    What a sub-meter counts that is not read at all in these days, or no more, is like use that none sees. Virtual
    meters see nothing of their own.
    """
    read = [m for m in meters if m.id in part.steps and m.kind is not MeterKind.VIRTUAL]
    for parent in read:
        below = [m for m in read if m.parent == parent.id and m.category is parent.category]
        if below and not has_season(parent):
            yield parent, below


def _hours(year: Year, meter: Meter) -> FloatArray:
    n = len(year.part.calendar)
    return measured_only(on_grid(year.part.steps[meter.id], year.part.start, year.part.start + n * HOUR, HOUR))


def _days(total: FloatArray, children: FloatArray, day: IntArray) -> tuple[FloatArray, FloatArray]:
    """Use of each local day in the hours that all meters know; NaN unless they are half of it."""
    known = np.isfinite(total) & np.isfinite(children).all(axis=0)
    whole = np.bincount(day, known) >= 12
    rows = [np.where(whole, np.bincount(day, np.where(known, row, 0.0)), np.nan) for row in (total, *children)]
    return rows[0], np.array(rows[1:])


def _unbalanced(total: FloatArray, children: FloatArray) -> list[tuple[Breach, int]]:
    """Breaches of one head meter's balance, and the days after which each is told.

    Only sub-meters that see nearly everything are compared with what is usual: what they leave elsewhere is use that
    changes with weather and people. A load switched on below a sub-meter changes the share of the rest, but not the
    rest; it is use too.
    """
    rest = total - children.sum(axis=0)
    share = rest / np.where(total > 0, total, np.nan)
    if np.isfinite(share).sum() < USUAL_DAYS:
        return []
    is_whole = np.nanmedian(share) <= MOST_UNSEEN
    day = np.arange(len(total), dtype=np.float64)
    found: list[tuple[Breach, int]] = []
    for days, tolerance in BALANCE_TIERS:
        for breach in rules.balance(total, children, day, tolerance=tolerance, days=days):
            here = slice(breach.first_day, breach.last_day + 1)
            moved = np.nanmean(rest[here]) - np.nanmedian(rest)
            is_more = np.nanmean(share[here]) < -tolerance
            if is_more or (is_whole and abs(moved) > tolerance * np.nanmean(total[here])):
                _add(found, breach, days)
    return found


def _add(found: list[tuple[Breach, int]], breach: Breach, days: int) -> None:
    """Add a breach of a lower limit, in the place of those of higher limits in the same days; the first sight stays."""
    told = breach.first_day + days
    for other, after in [*found]:
        if other.first_day <= breach.last_day and other.last_day >= breach.first_day:
            told = min(told, other.first_day + after)
            found.remove((other, after))
    found.append((breach, told - breach.first_day))


def _rooms(year: Year) -> Iterator[Finding | None]:
    """Rooms cooled or heated beyond the set-points, on days on which that was needed."""
    rooms = [s for s in year.estate.sensors if s.id in year.extents and _hangs_in_a_room(s)]
    if not rooms:
        return
    n = len(year.part.calendar)
    on = year.estate.calendar.date_of(year.part.span.start)
    try:
        place = year.around.country
        coolest, warmest = (set_point(season, on, place=place).value_c for season in ("summer", "winter"))
    except MissingReference:
        return
    day = year.day
    cooling, heating = _needed(year)
    unread = np.full(n, np.nan)
    inside = np.stack(
        [unread if (t := year.around.temperature(room, year.part.start, n, HOUR)) is None else t for room in rooms]
    )
    found = rules.set_point(
        inside, day, year.part.calendar.occupied, cooling=cooling, heating=heating, coolest=coolest, warmest=warmest
    )
    for breach in _joined(found):
        if breach.last_day - breach.first_day + 1 >= ROOM_DAYS:
            room = rooms[breach.row]
            meter = _main_of((room.place or "").removeprefix("building:"), year)
            found_here = None if meter is None else year.finding(meter, breach, Pricing("°C"), "room")
            if found_here is not None:
                yield replace(found_here, also=(room.id,))


def _main_of(building: str, year: Year) -> str | None:
    """The meter of a building under which a finding of its rooms is kept: that of all its electricity."""
    whole = [
        m for m in year.estate.meters if m.category is Category.ELECTRICITY and not m.item and m.id in year.extents
    ]
    own = [m.id for m in whole if m.building == building]
    return min(own or [m.id for m in whole], default=None)


def _hangs_in_a_room(sensor: Meter) -> bool:
    return sensor.quantity == "temperature" and (sensor.place or "").startswith("building:")


def _needed(year: Year) -> tuple[BoolArray, BoolArray]:
    """Hours of days on which cooling is needed, and on which heating is on.

    Without an outdoor temperature nobody knows when to cool, and heating is on in the season that somebody stated.
    """
    n = len(year.part.calendar)
    outside = year.around.weather(year.part.start, n, HOUR).temperature
    if outside is not None:
        return _seasons(outside, year.day.astype(np.int64))
    return np.zeros(n, np.bool_), year.around.heated(year.part.calendar.day, is_sure=True)


def _seasons(outside: FloatArray, day: IntArray) -> tuple[BoolArray, BoolArray]:
    """Hours of days on which cooling is needed, and on which heating is on."""
    known = np.isfinite(outside)
    n = np.bincount(day, known)
    mean = np.bincount(day, np.where(known, outside, 0.0)) / np.where(n > 0, n, np.nan)
    total = np.cumsum(np.concatenate(([0.0], np.nan_to_num(mean))))
    count = np.cumsum(np.concatenate(([0], np.isfinite(mean))))
    last = np.arange(1, len(mean) + 1)
    first = np.maximum(last - 5, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        five_days = (total[last] - total[first]) / (count[last] - count[first])
    return (mean > COOLING_ABOVE)[day], (five_days <= HEATING_BELOW)[day]


def _joined(found: Sequence[Breach]) -> list[Breach]:
    """Breaches of one room and season with only days off between them are one."""
    joined: list[Breach] = []
    for breach in sorted(found, key=lambda b: (b.row, b.expected, b.first_day)):
        before = joined[-1] if joined else None
        if (
            before is None
            or (before.row, before.expected) != (breach.row, breach.expected)
            or breach.first_day - before.last_day - 1 > DAYS_OFF
        ):
            joined.append(breach)
            continue
        longer, shorter = sorted((before, breach), key=lambda b: b.first_day - b.last_day)
        strength = max(longer.strength, shorter.strength)
        joined[-1] = Breach(
            breach.kind, breach.row, before.first_day, breach.last_day, longer.actual, breach.expected, strength
        )
    return joined
