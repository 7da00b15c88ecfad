"""Tasks: what an institution has to put right (整改) or to explain (作出说明), who answers for it and until when.

A task is open, then submitted by whoever answers for it, then closed by a re-check or returned (open again).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from energy.errors import NotInRegistry, RegistryError
from energy.registry.database import Database, lock_counters
from energy.registry.repository import Repository
from energy.registry.task_sheets import TASK_EVENTS, TASK_FILES, TASKS

Act = Literal["submit", "close", "return", "withdraw", "note"]
PENDING: Final = ("open", "submitted")
"""States of a task in which somebody still has to act."""

_AFTER: Final[dict[Act, tuple[tuple[str, ...], str | None]]] = {
    "submit": (("open",), "submitted"),
    "close": (("submitted",), "closed"),
    "return": (("submitted",), "open"),
    "withdraw": (("open", "submitted"), "withdrawn"),
    "note": (("open", "submitted"), None),
}
"""Of each act, the states it may be done in and the state it leads to."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one institution has to do; `target` is what was passed, as scope/id/year/indicator/caliber."""

    id: str
    institution: str
    kind: str  # rectify | explain
    problem: str
    responsible: str
    deadline: date
    author: str
    created: int
    finding: str | None = None
    target: str = ""
    measure: str = ""
    state: str = "open"  # open | submitted | closed | withdrawn
    closed: int | None = None
    result: str = ""

    @property
    def is_pending(self) -> bool:
        """True while somebody still has to act."""
        return self.state in PENDING

    def is_overdue(self, today: date) -> bool:
        """True if the deadline passed before the task was closed."""
        return self.is_pending and self.deadline < today


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One act of a person on a task."""

    task: str
    number: int
    time: int
    author: str
    state: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A proof; `stored` is the name the server gave its content."""

    task: str
    number: int
    name: str
    stored: str
    n_bytes: int
    sha256: str
    author: str
    time: int


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many tasks there are (查摆), how many are closed (整改到位), still due, and past their deadline."""

    found: int
    closed: int
    pending: int
    overdue: int


class Tasks(Repository[Task]):
    """Tasks with their history and proofs; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, TASKS, Task)
        self._events: Repository[TaskEvent] = Repository(database, TASK_EVENTS, TaskEvent)
        self._files: Repository[TaskFile] = Repository(database, TASK_FILES, TaskFile)

    def give(self, task: Task) -> None:
        """A new task; the first event of its history says what the problem is."""
        with self._database.writing() as connection:
            lock_counters(connection)
            if self._read(connection, {"id": task.id}):
                raise RegistryError(f"task {task.id!r} exists already")
            self._put(connection, [task])
            self._events._put(connection, [TaskEvent(task.id, 1, task.created, task.author, task.state, task.problem)])

    def act(self, task: str, act: Act, *, author: str, time: int, text: str = "") -> Task:
        """A person's act; RegistryError where the task's state does not allow it. Returns the task."""
        allowed, leads_to = _AFTER[act]
        with self._database.writing() as connection:
            lock_counters(connection)
            before = self._one(self._read(connection, {"id": task}), task)
            if before.state not in allowed:
                raise RegistryError(f"task {task!r}: expected state {' or '.join(allowed)}, it is {before.state}")
            after = replace(
                before,
                state=leads_to or before.state,
                closed=time if leads_to in ("closed", "withdrawn") else None,
                result=text if act == "submit" else before.result,
            )
            self._put(connection, [after])
            number = len(self._events._read(connection, {"task": task})) + 1
            self._events._put(connection, [TaskEvent(task, number, time, author, after.state, text)])
        return after

    def history(self, task: str) -> list[TaskEvent]:
        """What people did with a task, first to last."""
        return self._events.rows(task=task)

    def add_file(self, task: str, name: str, stored: str, *, n_bytes: int, sha256: str, author: str, time: int) -> None:
        """Note a proof whose content was stored."""
        with self._database.writing() as connection:
            lock_counters(connection)
            self._one(self._read(connection, {"id": task}), task)
            number = len(self._files._read(connection, {"task": task})) + 1
            self._files._put(connection, [TaskFile(task, number, name, stored, n_bytes, sha256, author, time)])

    def files(self, task: str) -> list[TaskFile]:
        """The proofs of a task."""
        return self._files.rows(task=task)

    def counts(self, institutions: Sequence[str], *, today: date) -> TaskCounts:
        """Found, closed, pending and overdue of these institutions; what was withdrawn counts nowhere."""
        tasks = [task for task in self.rows(institution=list(institutions)) if task.state != "withdrawn"]
        return TaskCounts(
            found=len(tasks),
            closed=sum(task.state == "closed" for task in tasks),
            pending=sum(task.is_pending for task in tasks),
            overdue=sum(task.is_overdue(today) for task in tasks),
        )

    @staticmethod
    def _one(found: list[Task], task: str) -> Task:
        if not found:
            raise NotInRegistry(f"task {task!r} is not in the registry")
        return found[0]
