"""Runs of the jobs, and the collector's health as it wrote it into the store."""

from __future__ import annotations

import json
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import Depends, Response
from pydantic import Field

from api.answers import Pages, Wants, answers, one
from api.callers import Sees, may
from api.context import Ctx
from api.schemas import Body
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Instant
from energy.errors import Forbidden
from energy.registry import Run
from energy.storage.schema import DIFFERENCES

router = noun("operation")


class RunOut(Body):
    """One run of a job."""

    id: str
    job: str
    state: str = Field(description="running, done or failed")
    started: Instant
    ended: Instant | None
    version: str
    counts: dict[str, Any] = Field(description="what the run counted")
    error: str


class HealthOut(Body):
    """What the collector says of itself, newest minute."""

    time: int | None = Field(description="sample time, UTC epoch seconds; null = nothing was written yet")
    lag_s: float | None = Field(description="age of the oldest reading waiting for the store [s]")
    spool_bytes: float | None = Field(description="size of the disk queue")
    readings: dict[str, float] = Field(
        description="readings of the last hour by outcome (stored, duplicate, reasons); empty unless you see everything"
    )


@router.get("/runs", operation_id="list_runs", responses=answers(RunOut))
def list_runs(
    ctx: Ctx,
    scope: Annotated[Scope, Depends(may(Action.OPERATE))],
    wish: Wants,
    paging: Pages,
    job: str | None = None,
) -> Response:
    """Runs of the jobs, newest first. They speak of all institutions: only for who operates the whole installation."""
    if not scope.is_whole:
        raise Forbidden("runs speak of the whole installation: ask an operator whose node is its root")
    runs = ctx.registry.runs.listing("-started", "id", **({} if job is None else {"job": job}))
    return Shown(runs, (), lambda: True).answer(wish, paging, _run, RunOut)


@router.get("/collector", operation_id="read_collector", response_model=HealthOut)
def read_collector(ctx: Ctx, scope: Sees, wish: Wants) -> Response:
    """Newest lag and spool size, and what became of the readings of the last hour.

    Messages that were parked are listed, shown and replayed on the ingest port (`ingest.http_port`): `/api/v1/parked`.
    """
    now = ctx.now()
    table = ctx.store.results("ingest", where={}, start=now - 3600, end=now + 60)
    if len(table) == 0:
        return one(wish, HealthOut(time=None, lag_s=None, spool_bytes=None, readings={}))
    reasons = table.tags["reason"]
    readings = table.fields["readings"].astype(float)
    newest = table.take(np.flatnonzero(table.time == table.time.max()))
    counted = [r for r in dict.fromkeys(reasons) if r not in DIFFERENCES]
    counts = {str(r): float(np.nansum(readings[reasons == r])) for r in counted}
    health = HealthOut(
        time=int(table.time.max()),
        lag_s=_largest(newest.fields["lag_s"]),
        spool_bytes=_largest(newest.fields["spool_bytes"]),
        readings=counts if scope.is_whole else {},
    )
    return one(wish, health)


def _run(run: Run) -> RunOut:
    same = RunOut.model_fields.keys() - {"counts"}
    counts = json.loads(run.counts) if run.counts else {}
    return RunOut(counts=counts, **{name: getattr(run, name) for name in same})


def _largest(values: npt.NDArray[np.generic]) -> float | None:
    known = values.astype(float)
    known = known[~np.isnan(known)]
    return float(known.max()) if len(known) else None
