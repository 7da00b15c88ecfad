"""What one run of the jobs did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    failed : dict
        What was wrong with institutions that could not be computed, by institution; the next run tries again.
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
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """What is wrong, in a line; empty if every institution was computed."""
        if not self.failed:
            return ""
        name, error = next(iter(self.failed.items()))
        rest = f" and {len(self.failed) - 1} more" if len(self.failed) > 1 else ""
        return f"institution {name}{rest} cannot be computed and is tried again by the next run: {error}"

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
            "failed": dict(self.failed),
        }
