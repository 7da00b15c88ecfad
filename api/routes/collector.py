"""The collector's health, as it wrote it into the store."""

from __future__ import annotations

import time

import numpy as np
from fastapi import APIRouter

from api.callers import Sees
from api.context import Ctx
from api.schemas import HealthOut

router = APIRouter(prefix="/api/v1/collector", tags=["health"])


@router.get("")
def read_collector(ctx: Ctx, _scope: Sees) -> HealthOut:
    """Newest lag and spool size, and what became of the readings of the last hour."""
    now = int(time.time())
    table = ctx.store.results("ingest", where={}, start=now - 3600, end=now + 60)
    if len(table) == 0:
        return HealthOut(time=None, lag_s=None, spool_bytes=None, readings={})
    reasons = table.tags["reason"]
    readings = table.fields["readings"].astype(float)
    newest = table.take(np.flatnonzero(table.time == table.time.max()))
    return HealthOut(
        time=int(table.time.max()),
        lag_s=_largest(newest.fields["lag_s"]),
        spool_bytes=_largest(newest.fields["spool_bytes"]),
        readings={str(r): float(np.nansum(readings[reasons == r])) for r in dict.fromkeys(reasons)},
    )


def _largest(values: np.ndarray[tuple[int], np.dtype[np.generic]]) -> float | None:
    known = values.astype(float)
    known = known[~np.isnan(known)]
    return float(known.max()) if len(known) else None
