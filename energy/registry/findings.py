"""Findings: computed by the jobs, judged by people, with the history of what people did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from energy.errors import NotInRegistry, RegistryError
from energy.registry.cells import BadCell
from energy.registry.columns import Record
from energy.registry.database import Database, lock_counters
from energy.registry.decided import DECISIONS, FINDING_EVENTS, FINDINGS
from energy.registry.decisions import Finding, FindingEvent
from energy.registry.paging import Listing
from energy.registry.repository import Repository

TAKEN_BACK: Final = "none"
"""Given as a verdict: what was said before holds no more."""


class Findings(Repository[Finding]):
    """`put` brings what was computed up to date and leaves what people decided."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, FINDINGS, Finding)
        self._events: Repository[FindingEvent] = Repository(database, FINDING_EVENTS, FindingEvent)

    def worthiest(self, **wanted: object) -> Listing[Finding]:
        """Findings page by page, in the order of `Finding.rank`: the one in which people see them everywhere."""
        return self.listing("-severity", "-start", "id", **wanted)

    def decide(
        self,
        finding: str,
        *,
        author: str,
        time: int,
        state: str | None = None,
        verdict: str | None = None,
        comment: str | None = None,
        assignee: str | None = None,
    ) -> Finding:
        """A person's act: what is given replaces what stood there, and one event is kept. Returns the finding.

        The verdict `TAKEN_BACK` leaves none.
        """
        given = {"state": state, "verdict": verdict, "comment": comment, "assignee": assignee}
        changed: dict[str, Any] = {name: _word(name, value) for name, value in given.items() if value is not None}
        with self._database.writing() as connection:
            lock_counters(connection)
            found = self._read(connection, {"id": finding})
            if not found:
                raise NotInRegistry(f"finding {finding!r} is not in the registry")
            after = replace(found[0], **changed)
            table = FINDINGS.table
            decided = {name: getattr(after, name) for name in DECISIONS}
            connection.execute(table.update().where(table.c.id == finding).values(decided))
            number = len(self._events._read(connection, {"finding": finding})) + 1
            self._events._put(connection, [FindingEvent(finding, number, time, author, **decided)])
        return after

    def history(self, finding: str) -> list[FindingEvent]:
        """What people did with a finding, first to last."""
        return self._events.rows(finding=finding)

    def _kept(self, before: Record, after: Record) -> Record:
        return {**after, **{name: before[name] for name in DECISIONS}}


def _word(name: str, value: str) -> str | None:
    if name == "verdict" and value == TAKEN_BACK:
        return None
    (column,) = (column for column in FINDINGS.columns if column.name == name)
    try:
        return str(column.kind.read(value))
    except BadCell as exc:
        raise RegistryError(f"finding, {name}: expected {exc}, came {value!r}") from exc
