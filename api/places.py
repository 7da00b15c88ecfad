"""The four levels of the tree as parts of a path."""

from __future__ import annotations

from typing import Literal

from api.scope import Scope
from energy.model import Scope as Level

LEVELS = Literal["regions", "institutions", "buildings", "meters"]


def institution_of(scope: Scope, level: Level, identity: str) -> str | None:
    """The institution whose days a visible thing lives by; None for a region."""
    match level:
        case Level.REGION:
            return None
        case Level.INSTITUTION:
            return scope.institution(identity).id
        case Level.BUILDING:
            return scope.building(identity).institution
        case Level.METER:
            return scope.meter(identity).institution
