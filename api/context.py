"""What every route needs, made once by `create_app`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from analytics.jobs.estate import regions_above
from energy.errors import SettingsError
from energy.heating import HeatingCalendar
from energy.intervals import LocalCalendar
from energy.registry import Registry, Snapshot
from energy.settings import AlarmSettings
from energy.storage.base import Store

Parked = Callable[[int], list[tuple[str, str, int]]]
"""(gateway, reason, readings) of what lies parked and was last seen since an instant."""

Leads = Callable[[int], Mapping[str, float]]
"""Seconds by which gateways were ahead whose readings were refused for it since an instant."""


@dataclass
class Context:
    """Registry and store of one installation. `snapshot()` is the newest: a right taken away is gone at once."""

    registry: Registry
    store: Store
    zone: str
    is_https: bool = False
    home: Path | None = None
    ingest_url: str | None = None
    clock: Callable[[], float] = time.time
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    parked: Parked = field(default=lambda _since: [])
    leads: Leads = field(default=lambda _since: {})
    certificates: Mapping[str, Path] = field(default_factory=dict)
    _snapshot: Snapshot | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def snapshot(self) -> Snapshot:
        """The registry as it is now; one cheap question where it has not changed."""
        revision = self.registry.revision()
        with self._lock:
            if self._snapshot is None or self._snapshot.revision != revision:
                self._snapshot = self.registry.snapshot()
            return self._snapshot

    def folder(self, name: str) -> Path:
        """A folder of the installation's home; SettingsError where the application was given no home."""
        if self.home is None:
            raise SettingsError("files can only be kept where the application knows its home folder")
        return self.home / name

    def zone_of(self, institution: str) -> str:
        """Time zone of an institution's site; the installation's where none is stated."""
        return self.snapshot().zone_of(institution) or self.zone

    def calendar_of(self, institution: str | None) -> LocalCalendar:
        """The local calendar of an institution, or of the installation (regions)."""
        return LocalCalendar(self.zone if institution is None else self.zone_of(institution))

    def heating_of(self, institution: str) -> HeatingCalendar:
        """The heating seasons of an institution."""
        places = [f"institution:{institution}", *regions_above(self.snapshot(), institution)]
        return HeatingCalendar.of(self.registry.heating_seasons.rows(), places)

    def now(self) -> int:
        """UTC epoch seconds."""
        return int(self.clock())

    def today(self) -> date:
        """The installation's local date."""
        return LocalCalendar(self.zone).date_of(self.now())


def context_of(request: Request) -> Context:
    """The context of the running application."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]
