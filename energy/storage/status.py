"""The newest status of meters, as those read it who only want one figure of it."""

from __future__ import annotations

import math
from typing import Final

from energy.intervals import DAY
from energy.storage.base import ResultStore
from energy.storage.schema import METER_STATUS

_FRESH_S: Final = 2 * DAY


def clocks_by_meter(store: ResultStore, now: int) -> dict[str, float]:
    """Seconds by which each meter's clock was last known to be ahead; meters of which that is unknown are absent."""
    rows = store.results(
        METER_STATUS.name, where={}, start=now - _FRESH_S, end=now + DAY, fields=("clock_ahead_s",)
    )  # in order of time, meter by meter
    found = dict(zip(rows.tags["meter"].tolist(), rows.fields["clock_ahead_s"].tolist(), strict=True))
    return {meter: value for meter, value in found.items() if math.isfinite(value)}
