"""What reports keep: entries of the statutory forms, and publications (公示) whose figures never move again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from energy.errors import NotInRegistry, RegistryError
from energy.registry.database import Database, lock_counters
from energy.registry.reporting_tables import PublicationNoteRow, PublicationRow, SurveyEntryRow


@dataclass(frozen=True, slots=True)
class SurveyEntry:
    """A cell of a statutory form as a person stated it; quarter 0 is the whole year."""

    institution: str
    year: int
    quarter: int
    field: str
    author: str
    time: int
    number: float | None = None
    text: str = ""
    note: str = ""  # explains a difference from what was metered

    def __post_init__(self) -> None:
        if not 0 <= self.quarter <= 4:
            raise RegistryError(f"entry {self.field}: expected quarter 1 to 4, or 0 for the year, came {self.quarter}")
        if self.number is not None and not math.isfinite(self.number):
            raise RegistryError(f"entry {self.field}: expected a finite number, came {self.number}")


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published of a quarter; `figures` is JSON and stays as it was approved."""

    id: str
    institution: str
    year: int
    quarter: int
    figures: str
    approved_by: str
    approved: int


@dataclass(frozen=True, slots=True)
class PublicationNote:
    """What turned out to be otherwise after the publication."""

    publication: str
    number: int
    time: int
    author: str
    text: str


class Reporting:
    """Entries and publications; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, institutions: list[str], year: int) -> list[SurveyEntry]:
        """What people entered for these institutions and this year."""
        statement = select(SurveyEntryRow.__table__).where(
            SurveyEntryRow.institution.in_(institutions), SurveyEntryRow.year == year
        )
        with self._database.reading() as connection:
            return [SurveyEntry(**row._mapping) for row in connection.execute(statement)]

    def enter(self, entry: SurveyEntry) -> None:
        """State a cell; an empty one (no number, no text) takes back what was stated."""
        table = SurveyEntryRow
        same = delete(table).where(
            table.institution == entry.institution,
            table.year == entry.year,
            table.quarter == entry.quarter,
            table.field == entry.field,
        )
        with self._database.writing() as connection:
            lock_counters(connection)
            connection.execute(same)
            if entry.number is not None or entry.text:
                connection.execute(insert(table).values(**_columns(entry)))

    def publications(self, *, institution: str | None = None, identity: str | None = None) -> list[Publication]:
        """What was published, newest first."""
        table = PublicationRow
        statement = select(table.__table__).order_by(table.year.desc(), table.quarter.desc(), table.id)
        if institution is not None:
            statement = statement.where(table.institution == institution)
        if identity is not None:
            statement = statement.where(table.id == identity)
        with self._database.reading() as connection:
            return [Publication(**row._mapping) for row in connection.execute(statement)]

    def publish(self, publication: Publication) -> None:
        """Fix the figures of a quarter; RegistryError if that quarter was published before."""
        table = PublicationRow
        same = select(table.id).where(
            table.institution == publication.institution,
            table.year == publication.year,
            table.quarter == publication.quarter,
        )
        with self._database.writing() as connection:
            lock_counters(connection)
            if connection.execute(same).first() is not None:
                raise RegistryError(
                    f"{publication.institution} {publication.year} quarter {publication.quarter} was published "
                    "already: what changed since then belongs into a note"
                )
            connection.execute(insert(table).values(**_columns(publication)))

    def notes(self, publication: str) -> list[PublicationNote]:
        """Notes of a publication, first to last."""
        statement = select(PublicationNoteRow.__table__).where(PublicationNoteRow.publication == publication)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(PublicationNoteRow.number))
            return [PublicationNote(**row._mapping) for row in rows]

    def add_note(self, publication: str, *, author: str, time: int, text: str) -> PublicationNote:
        """Add what turned out to be otherwise."""
        notes = PublicationNoteRow
        with self._database.writing() as connection:
            lock_counters(connection)
            if connection.execute(select(PublicationRow.id).where(PublicationRow.id == publication)).first() is None:
                raise NotInRegistry(f"publication {publication!r} is not in the registry")
            numbers = connection.execute(select(notes.number).where(notes.publication == publication)).scalars()
            note = PublicationNote(publication, max(numbers, default=0) + 1, time, author, text)
            connection.execute(insert(notes).values(**_columns(note)))
        return note


def _columns(row: SurveyEntry | Publication | PublicationNote) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
