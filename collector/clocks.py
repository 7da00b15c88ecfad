"""How far the clocks of gateways are ahead: what the jobs found of live readings, and what was refused as future."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from analytics.clocks import WARN_S, by_gateway
from collector.pipeline import Pipeline
from collector.spool import SpoolReader
from energy.intervals import DAY
from energy.storage.status import clocks_by_meter

EVERY_S: Final = 600.0


def leads(spool: Path, since: int) -> dict[str, float]:
    """Seconds by which gateways were ahead whose readings were parked for it since an instant, by gateway."""
    found: dict[str, list[float]] = {}
    with closing(SpoolReader(spool)) as reader:
        for gateway, came, body in reader.ahead_of_us(since):
            taken = [reading["time"] for reading in msgspec.json.decode(body)["readings"]]
            found.setdefault(gateway, []).append(float(max(taken) - came))
    return {gateway: median(values) for gateway, values in found.items()}


@dataclass(frozen=True, slots=True)
class Clocks:
    """How many gateways' clocks are known, how many are off, and the one that is off most (negative: behind)."""

    known: int
    off: int
    largest: float | None


class ClockWatch:
    """Looks at the clocks of all gateways each time it is asked to."""

    def __init__(self, ingest: Pipeline) -> None:
        self._ingest = ingest
        self.last: Clocks | None = None
        """None until they were looked at."""

    def look(self) -> None:
        """Look now; StorageError where the store does not answer."""
        now = int(time.time())
        gateway_of = {meter: origin.gateway for meter, origin in self._ingest.lookup.origins.items()}
        refused = leads(self._ingest.spool.path, now - DAY)
        found = by_gateway(gateway_of, clocks_by_meter(self._ingest.store, now), refused).values()
        off = sum(abs(ahead) >= WARN_S for ahead in found)
        self.last = Clocks(len(found), off, max(found, key=abs, default=None))
