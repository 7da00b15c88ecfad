"""Institutions: who is measured."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter

from api.context import Ctx
from api.schemas import InstitutionOut

router = APIRouter(prefix="/api/v1/institutions", tags=["institutions"])


@router.get("")
def list_institutions(ctx: Ctx) -> list[InstitutionOut]:
    """All institutions, by name."""
    snapshot = ctx.snapshot()
    n_meters = Counter(meter.institution for meter in snapshot.meters.values())
    rows = [
        InstitutionOut(
            id=i.id,
            name_zh=i.name_zh,
            name_en=i.name_en or i.name_zh,
            region=i.region,
            type=i.type,
            n_meters=n_meters[i.id],
        )
        for i in snapshot.institutions.values()
    ]
    return sorted(rows, key=lambda row: (row.region, row.id))
