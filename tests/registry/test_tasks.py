"""What institutions are asked to do: acts in their order, history, proofs, and who is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from energy.errors import NotInRegistry, RegistryError
from energy.registry import Registry, Task, TaskCounts
from tests.registry.sample import sample

TASK = Task(
    id="t-1",
    institution="school",
    kind="rectify",
    problem="夜间用水 0.8 m³/h",
    responsible="王工",
    deadline=date(2026, 3, 1),
    author="approver",
    created=1_767_225_600,
)


@pytest.fixture(autouse=True)
def given(registry: Registry) -> None:
    registry.import_sheets(sample())
    registry.tasks.give(TASK)


def test_a_task_is_submitted_returned_submitted_and_closed(registry: Registry) -> None:
    registry.tasks.act("t-1", "submit", author="manager", time=10, text="阀门已换")
    registry.tasks.act("t-1", "return", author="approver", time=20, text="缺照片")
    registry.tasks.act("t-1", "submit", author="manager", time=30, text="照片已补")
    task = registry.tasks.act("t-1", "close", author="approver", time=40)
    assert (task.state, task.closed, task.result) == ("closed", 40, "照片已补")
    assert [(e.number, e.state, e.text) for e in registry.tasks.history("t-1")] == [
        (1, "open", "夜间用水 0.8 m³/h"),
        (2, "submitted", "阀门已换"),
        (3, "open", "缺照片"),
        (4, "submitted", "照片已补"),
        (5, "closed", ""),
    ]


def test_what_was_not_submitted_cannot_be_closed(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="expected state submitted, it is open"):
        registry.tasks.act("t-1", "close", author="approver", time=40)
    assert registry.tasks.rows(id="t-1") == [TASK]


def test_a_task_nobody_gave_is_refused(registry: Registry) -> None:
    with pytest.raises(NotInRegistry, match="t-2"):
        registry.tasks.act("t-2", "note", author="a", time=1)
    with pytest.raises(RegistryError, match="exists already"):
        registry.tasks.give(TASK)


def test_proofs_are_numbered(registry: Registry) -> None:
    for name in ("before.jpg", "after.jpg"):
        registry.tasks.add_file("t-1", name, f"f-{name}", n_bytes=3, sha256="ab", author="manager", time=5)
    assert [(f.number, f.name, f.stored) for f in registry.tasks.files("t-1")] == [
        (1, "before.jpg", "f-before.jpg"),
        (2, "after.jpg", "f-after.jpg"),
    ]


def test_one_question_counts_found_closed_pending_and_overdue(registry: Registry) -> None:
    registry.tasks.give(replace(TASK, id="t-2", deadline=date(2026, 2, 28)))
    registry.tasks.give(replace(TASK, id="t-3", deadline=date(2026, 2, 1)))
    registry.tasks.give(replace(TASK, id="t-4", deadline=date(2026, 2, 1)))
    for task, acts in {"t-3": ("submit", "close"), "t-4": ("withdraw",)}.items():
        for act in acts:
            registry.tasks.act(task, act, author="a", time=9)  # type: ignore[arg-type]
    # On 1 March t-1 (due that very day) is not late yet, t-2 is by a day; t-4 was withdrawn and counts nowhere.
    assert registry.tasks.counts(["school"], today=date(2026, 3, 1)) == TaskCounts(3, 1, 2, 1)
    assert registry.tasks.counts([], today=date(2026, 3, 1)) == TaskCounts(0, 0, 0, 0)
