"""What every route needs, made once by `create_app`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from energy.registry import Registry, Snapshot
from energy.storage.base import Store


@dataclass
class Context:
    """Registry and store of one installation; the snapshot of the registry is at most a second old."""

    registry: Registry
    store: Store
    zone: str
    _snapshot: Snapshot | None = field(default=None, init=False)
    _looked: float = field(default=0.0, init=False)

    def snapshot(self) -> Snapshot:
        """The registry as it was at most a second ago."""
        now = time.monotonic()
        if self._snapshot is not None and now - self._looked <= 1:
            return self._snapshot
        if self._snapshot is None or self.registry.revision() != self._snapshot.revision:
            self._snapshot = self.registry.snapshot()
        self._looked = now
        return self._snapshot

    def zone_of(self, institution: str) -> str:
        """Time zone of an institution's site; the installation's where none is stated."""
        zones = [s.timezone for s in self.snapshot().sites.values() if s.institution == institution and s.timezone]
        return zones[0] if zones else self.zone


def context_of(request: Request) -> Context:
    """The context of the running application."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]
