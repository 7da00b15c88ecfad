"""The tables of reports: figures people enter for the statutory forms, and what was published (公示)."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from energy.registry.tables import Base, Key, refers


class SurveyEntryRow(Base):
    """A cell of a statutory form that no meter knows, or that a person states against the meter."""

    __tablename__ = "survey_entries"
    institution: Mapped[str] = refers("institutions.id", primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quarter: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field: Mapped[Key]
    number: Mapped[float | None]
    text: Mapped[str]
    note: Mapped[str]
    author: Mapped[str]
    time: Mapped[int]


class PublicationRow(Base):
    """What an institution published of a quarter: fixed figures, with who approved them."""

    __tablename__ = "publications"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id")
    year: Mapped[int]
    quarter: Mapped[int]
    figures: Mapped[str]
    approved_by: Mapped[str]
    approved: Mapped[int]
    __table_args__ = (Index(None, "institution", "year", "quarter", unique=True),)


class PublicationNoteRow(Base):
    """What turned out to be otherwise after the publication; the published figures stay."""

    __tablename__ = "publication_notes"
    publication: Mapped[str] = refers("publications.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[int]
    author: Mapped[str]
    text: Mapped[str]
