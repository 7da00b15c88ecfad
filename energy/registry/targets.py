"""Targets of the years: issued, approved, or proposed until a person approves."""

from __future__ import annotations

from collections.abc import Sequence

from energy.registry.database import Database, lock_counters
from energy.registry.decided import TARGETS
from energy.registry.decisions import Target
from energy.registry.repository import Repository


class Targets(Repository[Target]):
    """`put` is for what people decide; what a rule computes goes through `propose`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, TARGETS, Target)

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
