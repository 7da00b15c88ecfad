"""What one run of the jobs did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analytics.jobs.meters import Recomputed


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What was computed, when, with which versions, and what came of it.

    Attributes
    ----------
    now : int
        The instant up to which readings were expected. [s]
    revision : int
        Revision of the registry.
    institutions : tuple of str
        Those whose figures were computed again.
    recomputed : tuple of Recomputed
        Every span of local days of a meter that was computed again.
    regions : tuple of str
        Regions whose totals were added again.
    models : dict
        Version of the register profile used, by meter.
    written, deleted : dict
        Rows that changed and rows that vanished, by measurement.
    seconds : float
        How long it took.
    """

    now: int
    revision: int
    institutions: tuple[str, ...]
    recomputed: tuple[Recomputed, ...]
    regions: tuple[str, ...]
    models: Mapping[str, int]
    written: Mapping[str, int]
    deleted: Mapping[str, int]
    seconds: float

    def counts(self) -> dict[str, object]:
        """What is kept of it in the registry, as JSON types."""
        return {
            "institutions": len(self.institutions),
            "meters": len({part.meter for part in self.recomputed}),
            "regions": len(self.regions),
            "revision": self.revision,
            "written": self.written,
            "deleted": self.deleted,
            "seconds": round(self.seconds, 1),
        }
