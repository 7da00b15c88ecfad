"""Institutions: who is measured."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter

from api.callers import Sees
from api.schemas import InstitutionOut

router = APIRouter(prefix="/api/v1/institutions", tags=["institutions"])


@router.get("")
def list_institutions(scope: Sees) -> list[InstitutionOut]:
    """All institutions, by name."""
    n_meters = Counter(meter.institution for meter in scope.meters())
    rows = [
        InstitutionOut(
            id=i.id,
            name_zh=i.name_zh,
            name_en=i.name_en or i.name_zh,
            region=i.region,
            type=i.type,
            n_meters=n_meters[i.id],
        )
        for i in map(scope.institution, scope.institutions)
    ]
    return sorted(rows, key=lambda row: (row.region, row.id))
