"""How a target could be divided: by what each part used in the year before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from analytics.breakdown import break_down, in_steps
from api.console import figures
from api.console.frame import Page
from api.routes.breakdowns import RESERVE
from energy.intervals import LocalCalendar
from energy.model import Scope as Level
from energy.registry import Subject


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Amounts that make the whole together with the reserve (none where no use is known), and whose use is unknown."""

    amounts: Mapping[str, Decimal]
    unknown: Sequence[str]


def suggestion(page: Page, subject: Subject, names: Sequence[str], whole: Decimal, reserve: Decimal) -> Suggestion:
    """The target less what is kept back, divided in steps of 0.01; what the steps leave over is kept back, too."""
    used = _last_year(page, subject, names)
    unknown = [name for name in names if name not in used]
    if not used or not 0 <= reserve <= whole:
        return Suggestion({}, unknown)
    shared = in_steps(float(whole - reserve))
    return Suggestion({**break_down(shared, used).parts, RESERVE: whole - shared}, unknown)


def _last_year(page: Page, subject: Subject, names: Sequence[str]) -> dict[str, float]:
    """What each part used, by the same indicator and caliber; parts without a figure are absent."""
    window = LocalCalendar(page.ctx.zone).window(date(subject.year - 1, 1, 1), date(subject.year - 1, 12, 31))
    found: dict[str, float] = {}
    for level in (Level.REGION, Level.INSTITUTION, Level.BUILDING):
        ids = [subject.part(name).id for name in names if name.startswith(f"{level.value}:")]
        for row in figures.indicators(page, level, ids, ["year"], window, only=subject.indicator):
            if row.caliber == subject.caliber and row.value > 0:
                found[f"{level.value}:{row.id}"] = row.value
    return found
