"""Judged spans of one institution's meters, remembered while a run needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analytics.consumption import Steps
from analytics.jobs.conversion import canonical_steps
from analytics.jobs.estate import Estate, service
from analytics.jobs.judged import Judged, judged
from analytics.jobs.limits import Extents
from analytics.register_profiles import RegisterProfile
from energy.intervals import Window
from energy.model import Meter
from energy.storage.base import ReadingReader


@dataclass(slots=True)
class Spans:
    """What readings say, span by span; a span inside one that was judged before is taken from that."""

    store: ReadingReader
    estate: Estate
    profiles: Mapping[str, RegisterProfile]
    extents: Extents
    _known: dict[str, Judged] = field(default_factory=dict)

    def judged(self, meter: Meter, span: Window) -> Judged | None:
        """Steps that are right within the span, and often beyond; None for a meter that was never read."""
        known = self._known.get(meter.id)
        if known is not None and _covers(known.window, span, self.extents[meter.id]):
            return known
        return self._judged(meter, span)

    def changed(self, meter: Meter, span: Window) -> Judged | None:
        """Steps of all days that a change of readings in the span can reach; None for a meter that was never read.

        What was judged before is taken only where all of the meter's readings are in the span: its window is what
        another change can reach, or what was asked for.
        """
        known = self._known.get(meter.id)
        first, last = self.extents.get(meter.id, (0, 0))
        if known is not None and first in span and last in span and _covers(known.window, span, (first, last)):
            return known
        return self._judged(meter, span)

    def _judged(self, meter: Meter, span: Window) -> Judged | None:
        known = self._known.get(meter.id)
        found = judged(self.store, self.estate, meter, span, profile=self.profiles.get(meter.id), extents=self.extents)
        if found is not None and (known is None or _length(found) > _length(known)):
            self._known[meter.id] = found
        return found

    def canonical(self, meter: Meter, span: Window) -> Steps:
        """Its steps of the time in service, in the unit analytics uses; none where nothing converts the meter's."""
        part = self.judged(meter, span)
        if part is None:
            return Steps.empty()
        return canonical_steps(meter, part.steps.within(service(self.estate.calendar, meter)), self.estate.gas)


def _covers(window: Window, span: Window, extent: tuple[int, int]) -> bool:
    """Whether the window holds all of the span in which the meter was read."""
    first, last = extent
    start, end = max(span.start, first), min(span.end, last + 1)
    return end > start and window.start <= start and end <= window.end


def _length(part: Judged) -> int:
    return part.window.end - part.window.start
