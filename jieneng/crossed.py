"""Stages of targets that were raised, against what was truly used in the simulated province."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from energy.model import Category
from energy.registry.decisions import Stage, Target
from energy.series import FloatArray
from simulators.province import Province

Subject = tuple[str, int, float]
"""Institution, year and stage."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """Stages truly crossed; those raised once; raised twice or more; raised though not crossed."""

    true: int
    raised: int
    doubled: int
    wrong: int


def compare(province: Province, targets: Sequence[Target], stages: Sequence[Stage], today: date) -> Crossings:
    """Compare electricity targets of institutions; `today` is not over yet and does not count."""
    levels = sorted({stage.stage for stage in stages})
    own = [t for t in targets if t.scope == "institution" and t.indicator == "electricity_per_area"]
    used = {t.id: _daily(province, t.id) for t in own}
    areas = _areas(province)
    true: set[Subject] = set()
    for target in own:
        amount = _until(province, used[target.id], target.year, today) / areas[target.id]
        true |= {(target.id, target.year, level) for level in levels if amount >= level * target.value}
    known = {(t.id, t.year) for t in own}
    raised = Counter(
        (s.id, s.year, s.stage)
        for s in stages
        if s.withdrawn is None and s.indicator == "electricity_per_area" and (s.id, s.year) in known
    )
    return Crossings(
        len(true),
        sum(n == 1 for subject, n in raised.items() if subject in true),
        sum(n > 1 for n in raised.values()),
        sum(subject not in true for subject in raised),
    )


def _daily(province: Province, house: str) -> FloatArray:
    if province.billed is not None and f"{house}.electricity" in province.billed.daily:
        return province.billed.daily[f"{house}.electricity"]
    return province.truth.institution_days(house, Category.ELECTRICITY)


def _until(province: Province, days: FloatArray, year: int, today: date) -> float:
    first = province.calendar.date_of(province.window.start)
    begin, end = (date(year, 1, 1) - first).days, (min(date(year + 1, 1, 1), today) - first).days
    return float(np.sum(days[max(begin, 0) : max(end, 0)]))


def _areas(province: Province) -> Mapping[str, float]:
    others = province.billed.houses if province.billed else ()
    return {house.id: house.area_m2 for house in (*province.houses, *others)}
