"""Where readings and results live: one Protocol, two stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from energy.settings import Settings
    from energy.storage.base import Store

Role = Literal["ingest", "work", "read"]
"""What a process does with the store: takes readings in, computes results, or only reads."""


def open_store(settings: Settings, *, role: Role) -> Store:
    """The store the settings name; only the one in use is imported, since memory of the ingest process counts."""
    if settings.store.kind == "influx":
        from energy.storage.influx_store import InfluxStore

        return InfluxStore.from_settings(settings.store, role=role)
    from energy.storage.embedded import EmbeddedStore

    return EmbeddedStore(settings.home, writes_readings=role == "ingest", writes_results=role != "read")
