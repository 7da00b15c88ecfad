"""Stages of targets that were raised, against what was truly used in the simulated province."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from energy.model import Category
from energy.registry.decisions import Stage, Target
from simulators.province import Province

Subject = tuple[str, int, float]
"""Institution, year and stage."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """Stages surely crossed; those raised once; raised twice or more; raised though surely not crossed."""

    true: int
    raised: int
    doubled: int
    wrong: int

    @property
    def is_exact(self) -> bool:
        """True if every stage surely crossed was raised once, and no other."""
        return self.raised == self.true and not self.doubled and not self.wrong


def compare(province: Province, targets: Sequence[Target], stages: Sequence[Stage], today: date) -> Crossings:
    """Compare electricity targets of institutions; `today` is not over yet and does not count."""
    levels = sorted({stage.stage for stage in stages})
    own = [t for t in targets if t.scope == "institution" and t.indicator == "electricity_per_area"]
    areas = _areas(province)
    sure: set[Subject] = set()
    possible: set[Subject] = set()
    for target in own:
        least, most = _use(province, target.id, target.year, today)
        goal = target.value * areas[target.id]
        sure |= {(target.id, target.year, level) for level in levels if least >= level * goal}
        possible |= {(target.id, target.year, level) for level in levels if most >= level * goal}
    known = {(t.id, t.year) for t in own}
    raised = Counter(
        (s.id, s.year, s.stage)
        for s in stages
        if s.withdrawn is None and s.indicator == "electricity_per_area" and (s.id, s.year) in known
    )
    return Crossings(
        len(sure),
        sum(n == 1 for subject, n in raised.items() if subject in sure),
        sum(n > 1 for n in raised.values()),
        sum(subject not in possible for subject in raised),
    )


def _use(province: Province, house: str, year: int, today: date) -> tuple[float, float]:
    """The least and the most that can be known to be used in a year until today. [kWh]

    They are the same for a metered institution. Of a bill over the turn of the year nobody knows which part belongs
    to which year; and a bill that has not come is not known at all.
    """
    meter = f"{house}.electricity"
    if province.billed is None or meter not in province.billed.daily:
        used = _until(province, house, year, today)
        return used, used
    bills = [b for b in province.billed.bills if b.meter == meter and b.last < today]
    inside = sum(b.amount for b in bills if b.first.year == b.last.year == year)
    across = sum(b.amount for b in bills if b.first.year != b.last.year and year in (b.first.year, b.last.year))
    return inside, inside + across


def _until(province: Province, house: str, year: int, today: date) -> float:
    days = province.truth.institution_days(house, Category.ELECTRICITY)
    first = province.calendar.date_of(province.window.start)
    begin, end = (date(year, 1, 1) - first).days, (min(date(year + 1, 1, 1), today) - first).days
    return float(np.sum(days[max(begin, 0) : max(end, 0)]))


def _areas(province: Province) -> Mapping[str, float]:
    others = province.billed.houses if province.billed else ()
    return {house.id: house.area_m2 for house in (*province.houses, *others)}
