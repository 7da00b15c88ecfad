"""Targets of the years: issued, approved, or proposed until a person approves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from energy.registry.database import Database, lock_counters
from energy.registry.decided import TARGETS
from energy.registry.decisions import Target
from energy.registry.paging import Listing
from energy.registry.repository import Repository


@dataclass(frozen=True, slots=True)
class Pair:
    """What has a target, proposed or issued."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str
    issued: int  # 1 where it was, 0 where it waits


class Targets(Repository[Target]):
    """`put` is for what people decide; what a rule computes goes through `propose`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, TARGETS, Target)

    def pairs(self, year: int, **wanted: object) -> Listing[Pair]:
        """What has a target of a year, those that wait to be issued first: proposal and issue are one row."""
        table = self._sheet.table
        subject = [table.c[name] for name in ("scope", "id", "year", "indicator", "caliber")]
        issued = func.max(case((table.c.state == "issued", 1), else_=0)).label("issued")
        grouped = select(*subject, issued).where(table.c.year == year).group_by(*subject).subquery()
        order = ("issued", "scope", "id", "indicator", "caliber")
        return Listing(self._database, grouped, lambda row: Pair(**row), order, wanted)

    def propose(self, rows: Sequence[Target]) -> int:
        """Bring proposals (建议值) up to date; how many changed.

        A target that was issued or approved meanwhile stays, and so does a proposal that a person stated.
        """
        with self._database.writing() as connection:
            lock_counters(connection)
            stored = self._read(connection, {"id": sorted({row.id for row in rows})})
            settled = {_subject(row) for row in stored if row.state == "issued" or row.approved_by or not row.rule}
            return len(self._put(connection, [row for row in rows if _subject(row) not in settled]))


def _subject(row: Target) -> tuple[str, str, int, str, str]:
    return (row.scope, row.id, row.year, row.indicator, row.caliber)
