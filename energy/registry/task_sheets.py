"""The sheets of what institutions are asked to do (整改, 作出说明), its history and its proofs."""

from __future__ import annotations

from energy.registry.cells import DATE, ID, INSTANT, TEXT, choice, text, whole
from energy.registry.columns import Column, Sheet, ref, table_of
from energy.registry.task_tables import TaskEventRow, TaskFileRow, TaskRow

_LONG = text(30_000)
_STATE = Column("state", choice("open", "submitted", "closed", "withdrawn"), empty="open")
_NUMBER = Column("number", whole(1, 1_000_000), needed=True)

TASKS = Sheet(
    "tasks",
    table_of(TaskRow),
    ("id",),
    (
        Column("id", ID, needed=True),
        ref("institution", "institutions", needed=True),
        Column("kind", choice("rectify", "explain"), needed=True),
        ref("finding", "findings"),
        Column("target", TEXT, empty=""),  # what was passed: scope/id/year/indicator/caliber
        Column("problem", _LONG, needed=True),
        Column("measure", _LONG, empty=""),
        Column("responsible", TEXT, needed=True),
        Column("deadline", DATE, needed=True),
        _STATE,
        Column("author", TEXT, needed=True),
        Column("created", INSTANT, needed=True),
        Column("closed", INSTANT),
        Column("result", _LONG, empty=""),
    ),
    part="id",
)
TASK_EVENTS = Sheet(
    "task_events",
    table_of(TaskEventRow),
    ("task", "number"),
    (
        ref("task", "tasks", needed=True),
        _NUMBER,
        Column("time", INSTANT, needed=True),
        Column("author", TEXT, needed=True),
        _STATE,
        Column("text", _LONG, empty=""),
    ),
    part="task",
)
TASK_FILES = Sheet(
    "task_files",
    table_of(TaskFileRow),
    ("task", "number"),
    (
        ref("task", "tasks", needed=True),
        _NUMBER,
        Column("name", TEXT, needed=True),
        Column("stored", ID, needed=True),
        Column("n_bytes", whole(0, 2**40), needed=True),
        Column("sha256", TEXT, needed=True),
        Column("author", TEXT, needed=True),
        Column("time", INSTANT, needed=True),
    ),
    part="task",
)
DEMANDED = (TASKS, TASK_EVENTS, TASK_FILES)
