"""The heating season (供暖期) of a place: what its registry states, else the reference table, else an assumption.

A season is named by the year in which it begins; both of its days belong to it. Sheet `heating_seasons` states it by
institution or region, dated; a season that a city prolonged is a row valid for that season alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from energy.errors import MissingReference
from energy.reference import climate_zone
from energy.registry.decisions import HeatingSeason as Stated

_USUAL: Final = ("11-15", "03-15")
"""The legal days of most cities of the north; of any one of them it is an assumption."""


@dataclass(frozen=True, slots=True)
class HeatingSeason:
    """First and last day, where they are from, and how sure that is: sure, seen, unsure."""

    first: date
    last: date
    source: str
    confidence: str

    @property
    def is_assumed(self) -> bool:
        """Whether nobody stated it for the place."""
        return not self.source


@dataclass(frozen=True, slots=True)
class HeatingCalendar:
    """The heating seasons of one place.

    Attributes
    ----------
    stated : tuple of tuple of rows
        What the place and those above it state, the nearest first.
    regions : tuple of str
        Codes of its region and of those above it, the nearest first.
    """

    stated: tuple[tuple[Stated, ...], ...]
    regions: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Stated], places: Sequence[str]) -> HeatingCalendar:
        """Of a place and those above it, like `institution:court`, `region:370600`; the nearest first."""
        by_place: dict[str, list[Stated]] = {}
        for row in rows:
            by_place.setdefault(f"{row.scope}:{row.id}", []).append(row)
        codes = tuple(place.removeprefix("region:") for place in places if place.startswith("region:"))
        return cls(tuple(tuple(by_place[place]) for place in places if place in by_place), codes)

    def season(self, year: int) -> HeatingSeason:
        """The season that begins in a year."""
        for rows in self.stated:
            for row in rows:
                first, last = _days(year, row.begins, row.ends)
                if (row.valid_from or date.min) <= first < (row.valid_to or date.max):
                    return HeatingSeason(first, last, row.source, row.confidence)
        for code in self.regions:
            try:
                zone = climate_zone(code)
            except MissingReference:
                continue
            return HeatingSeason(*zone.heating_season(year), zone.source, zone.confidence)
        return HeatingSeason(*_days(year, *_USUAL), "", "unsure")


def _days(year: int, begins: str, ends: str) -> tuple[date, date]:
    return date.fromisoformat(f"{year}-{begins}"), date.fromisoformat(f"{year + 1}-{ends}")
