"""整改 and 作出说明: tasks from findings or passed targets, their proofs and re-checks, who is late."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from api import proofs
from api.console import acts, tree
from api.console.frame import ConsoleRoute, Judges, Page, Reads
from api.console.views.findings import visible
from api.problems import Problem
from api.scope import Action
from energy.errors import NotInRegistry
from energy.registry import Task, TaskCounts

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_OF_JUDGES = ("close", "return", "withdraw")


@router.get("/tasks", response_class=HTMLResponse)
def tasks(page: Reads, state: Literal["pending", "overdue", "closed", "all"] = "pending") -> HTMLResponse:
    """All tasks, and by region how many were found, closed and are late."""
    today = page.ctx.today()
    found = acts.tasks(page)
    shown = {
        "pending": [t for t in found if t.is_pending],
        "overdue": [t for t in found if t.is_overdue(today)],
        "closed": [t for t in found if t.state == "closed"],
        "all": found,
    }
    counts = page.ctx.registry.tasks.counts(sorted(page.scope.institutions), today=today)
    return page.show(
        "tasks.html", tasks=shown[state], shown=shown, state=state, counts=counts, levels=list(_levels(page, today))
    )


def _levels(page: Page, today: date) -> Iterator[tuple[int, str, TaskCounts]]:
    """Every visible region with tasks below it: depth in the tree, code, counts."""
    for depth, code, below in tree.regions(page):
        counts = page.ctx.registry.tasks.counts(sorted(below), today=today)
        if counts.found:
            yield depth, code, counts


@router.get("/tasks/new", response_class=HTMLResponse)
def new_task(
    page: Judges,
    finding: str = "",
    institution: str = "",
    target: str = "",
    kind: Literal["rectify", "explain"] = "rectify",
) -> HTMLResponse:
    """The form for a new task, filled from a finding or a passed target."""
    from_finding = visible(page, finding) if finding else None
    where = from_finding.institution if from_finding else institution
    problem = ""
    if from_finding:
        text = page.put.either(from_finding.text_zh, from_finding.text_en)
        problem = f"{page.put.either(from_finding.title_zh, from_finding.title_en)}\n{text}".strip()
    elif target:
        _, _, year, indicator, *_ = [*target.split("/"), "", "", "", ""]
        problem = page.words["target_passed"].format(year=year, indicator=page.indicator(indicator))
    return page.show(
        "task_new.html",
        finding=from_finding,
        institution=page.scope.institution(where) if where else None,
        institutions=sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh),
        target=target,
        kind=kind,
        problem=problem,
        deadline=page.ctx.today() + timedelta(days=30),
    )


@router.post("/tasks")
def give(
    page: Judges,
    institution: Annotated[str, Form()],
    kind: Annotated[Literal["rectify", "explain"], Form()],
    problem: Annotated[str, Form(min_length=1, max_length=4000)],
    responsible: Annotated[str, Form(min_length=1, max_length=120)],
    deadline: Annotated[date, Form()],
    measure: Annotated[str, Form(max_length=4000)] = "",
    finding: Annotated[str, Form()] = "",
    target: Annotated[str, Form(max_length=300)] = "",
) -> RedirectResponse:
    """Give a task to an institution."""
    where = visible(page, finding).institution if finding else page.scope.institution(institution).id
    if deadline < page.ctx.today():
        raise Problem(422, "request not valid", f"deadline: expected today or later, came {deadline}")
    identity = f"t-{page.ctx.today():%Y%m%d}-{secrets.token_hex(4)}"
    page.ctx.registry.tasks.give(
        Task(
            id=identity, institution=where, kind=kind, problem=problem.strip(), responsible=responsible.strip(),
            deadline=deadline, author=page.user, created=page.ctx.now(), finding=finding or None, target=target,
            measure=measure.strip(),
        )
    )  # fmt: skip
    return page.go(f"/tasks/{identity}", "task")


@router.get("/tasks/{task}", response_class=HTMLResponse)
def task(page: Reads, task: str) -> HTMLResponse:
    """One task with its history and proofs."""
    one = _visible(page, task)
    acting = page.scope.may(Action.JUDGE) or page.scope.may(Action.CORRECT)
    return page.show(
        "task.html",
        one=one,
        here=page.scope.institution(one.institution),
        finding=visible(page, one.finding) if one.finding else None,
        history=page.ctx.registry.tasks.history(task),
        files=page.ctx.registry.tasks.files(task),
        may_act=acting and one.is_pending,
        kinds=",".join(proofs.KINDS),
        most_mb=proofs.MOST_BYTES // 1_000_000,
    )


@router.post("/tasks/{task}/acts")
def act(
    page: Reads,
    task: str,
    act: Annotated[Literal["submit", "close", "return", "withdraw", "note"], Form()],
    text: Annotated[str, Form(max_length=4000)] = "",
) -> RedirectResponse:
    """Report it done, note something, or close or return it after a re-check by somebody else."""
    one = _visible(page, task)
    _require(page, act)
    submitted = [e for e in page.ctx.registry.tasks.history(task) if e.state == "submitted"]
    if act == "close" and submitted and submitted[-1].author == page.user and not page.scope.may(Action.ADMINISTER):
        raise Problem(403, "not allowed", "a task is re-checked by somebody else than who reported it done")
    page.ctx.registry.tasks.act(one.id, act, author=page.user, time=page.ctx.now(), text=text.strip())
    return page.go(f"/tasks/{task}", "act")


@router.post("/tasks/{task}/files")
def add_file(page: Reads, task: str, file: UploadFile) -> RedirectResponse:
    """Store a proof."""
    one = _visible(page, task)
    _require(page, "note")
    if not one.is_pending:
        raise Problem(409, "not in this state", "a closed task takes no more files")
    proof = proofs.keep(page.ctx.folder("proofs"), file.filename or "", file.file.read(proofs.MOST_BYTES + 1))
    page.ctx.registry.tasks.add_file(
        task,
        proof.name,
        proof.stored,
        n_bytes=proof.n_bytes,
        sha256=proof.sha256,
        author=page.user,
        time=page.ctx.now(),
    )
    return page.go(f"/tasks/{task}", "file")


@router.get("/tasks/{task}/files/{number}")
def read_file(page: Reads, task: str, number: int) -> Response:
    """A proof, to be saved (never shown inside the console)."""
    _visible(page, task)
    for one in page.ctx.registry.tasks.files(task):
        if one.number == number:
            path = page.ctx.folder("proofs") / one.stored
            return FileResponse(path, media_type=proofs.media_type(one.stored), filename=one.name)
    raise NotInRegistry(f"file {number} of task {task!r} is not known here")


def _visible(page: Page, task: str) -> Task:
    found = page.ctx.registry.tasks.rows(id=task)
    if not found or found[0].institution not in page.scope.institutions:
        raise NotInRegistry(f"task {task!r} is not known here")
    return found[0]


def _require(page: Page, act: str) -> None:
    """Who judges re-checks; who corrects (the institution's own people) reports and notes as well."""
    if act in _OF_JUDGES or not page.scope.may(Action.CORRECT):
        page.scope.require(Action.JUDGE)
