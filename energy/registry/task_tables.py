"""The tables of what institutions are asked to do: 整改 and 作出说明, what happened to each, and the proofs."""

from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from energy.registry.tables import Base, Key, refers


class TaskRow(Base):
    """Something an institution has to put right (rectify) or to explain, by a day."""

    __tablename__ = "tasks"
    id: Mapped[Key]
    institution: Mapped[str] = refers("institutions.id", index=True)
    kind: Mapped[str]
    finding: Mapped[str | None] = refers("findings.id")
    target: Mapped[str]
    problem: Mapped[str]
    measure: Mapped[str]
    responsible: Mapped[str]
    deadline: Mapped[date]
    state: Mapped[str]
    author: Mapped[str]
    created: Mapped[int]
    closed: Mapped[int | None]
    result: Mapped[str]


class TaskEventRow(Base):
    """One act of a person on a task, and how it stood afterwards."""

    __tablename__ = "task_events"
    task: Mapped[str] = refers("tasks.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[int]
    author: Mapped[str]
    state: Mapped[str]
    text: Mapped[str]


class TaskFileRow(Base):
    """A file that proves something about a task; its content lies in the home folder under the name `stored`."""

    __tablename__ = "task_files"
    task: Mapped[str] = refers("tasks.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    stored: Mapped[str]
    n_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    author: Mapped[str]
    time: Mapped[int]
