"""Targets of the year, from proposal (建议值) to issue with its document, and the quota book behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from api.console import acts, figures, proofs
from api.console.frame import Approves, ConsoleRoute, Reads
from api.problems import Problem
from energy.errors import NotInRegistry
from energy.model import Scope as Level
from energy.registry import Target

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@dataclass(frozen=True, slots=True)
class Line:
    """One target: what was proposed, what was issued, how the year stands."""

    proposed: Target | None
    issued: Target | None
    state: figures.TargetState | None

    @property
    def any(self) -> Target:
        """Whichever there is, the issued one first."""
        found = self.issued or self.proposed
        assert found is not None  # a line is made from at least one of them
        return found


@router.get("/targets", response_class=HTMLResponse)
def targets(page: Reads, year: int | None = None) -> HTMLResponse:
    """All targets of a year with their progress, and the quotas that are known."""
    chosen = year if year is not None and 1990 <= year <= 2200 else page.ctx.today().year
    found = acts.targets(page, year=chosen)
    states: dict[tuple[str, str, str, str], figures.TargetState] = {}
    if chosen == page.ctx.today().year:
        for level in (Level.REGION, Level.INSTITUTION, Level.BUILDING):
            ids = [t.id for t in found if t.scope == level.value]
            states |= {(s.scope, s.id, s.indicator, s.caliber): s for s in figures.target_states(page, level, ids)}
    lines: dict[tuple[str, str, str, str], dict[str, Target]] = {}
    for target in found:
        lines.setdefault((target.scope, target.id, target.indicator, target.caliber), {})[target.state] = target
    rows = [Line(pair.get("proposed"), pair.get("issued"), states.get(key)) for key, pair in lines.items()]
    rows.sort(
        key=lambda line: (
            -(line.state.used_share if line.state and line.state.used_share == line.state.used_share else -1.0)
        )
    )
    day = page.ctx.today()
    return page.show(
        "targets.html",
        rows=rows,
        year=chosen,
        years=range(day.year - 2, day.year + 2),
        quotas=page.ctx.registry.quotas.rows(),
        name=lambda t: page.put.name(page.scope.find(t.scope, t.id), t.id),  # type: ignore[arg-type]
        kinds=",".join(proofs.KINDS),
    )


@router.post("/targets")
def issue(
    page: Approves,
    scope: Annotated[str, Form()],
    id: Annotated[str, Form()],  # noqa: A002 -- the name of the column
    year: Annotated[int, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    value: Annotated[float, Form(gt=0)],
    document: Annotated[str, Form(min_length=1, max_length=200)],
    issued_on: Annotated[date, Form()],
    file: UploadFile | None = None,
) -> RedirectResponse:
    """Issue a target with its document number (文号), date and, if there is one, the paper itself."""
    page.scope.find(scope, id)
    stored = ""
    if file is not None and file.filename:
        proof = proofs.keep(page.ctx.folder("proofs"), file.filename, file.file.read(proofs.MOST_BYTES + 1))
        stored = f"{proof.stored}|{proof.name}"
    row = {
        "scope": scope,
        "id": id,
        "year": year,
        "indicator": indicator,
        "caliber": caliber,
        "state": "issued",
        "value": value,
        "unit": page.indicator_unit(indicator).replace("²", "2").replace("³", "3"),
        "document": document,
        "date": issued_on.isoformat(),
        "file": stored,
        "approved_by": page.user,
    }
    page.ctx.registry.import_sheets({"targets": [row]})
    return page.go(f"/targets?year={year}", "issued")


@router.get("/targets/{scope}/{id}/{year}/{indicator}/{caliber}/file")
def read_file(page: Reads, scope: str, id: str, year: int, indicator: str, caliber: str) -> Response:  # noqa: A002
    """The paper of an issued target, to be saved."""
    if scope not in (level.value for level in Level):
        raise Problem(404, "not found", "expected region, institution or building")
    page.scope.find(scope, id)
    wanted = {"scope": scope, "id": id, "year": year, "indicator": indicator, "caliber": caliber, "state": "issued"}
    found = page.ctx.registry.targets.rows(**wanted)
    stored, _, name = found[0].file.partition("|") if found else ("", "", "")
    path = page.ctx.folder("proofs") / stored
    if not stored or path.parent != page.ctx.folder("proofs") or not path.is_file():
        raise NotInRegistry("this target has no file here")
    return FileResponse(path, media_type=proofs.media_type(stored), filename=name)
