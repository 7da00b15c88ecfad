"""What kind of fault an alarm looks like, told from its numbers alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.detection.alarms import (
    ACTUAL,
    BUSY_EXCESS,
    EARLY,
    FIRST,
    KNOWN,
    LAST,
    LAST_SHARE,
    LATE,
    MATCH,
    REST_EXCESS,
    STUCK_HOURS,
    USUAL_USE,
    ZERO_HOURS,
)
from energy.series import Float32Array


class Kind(StrEnum):
    """Kinds of findings; each has its text in `finding_texts.csv`."""

    SPIKE = "spike"
    ZERO = "zero"
    STUCK = "stuck"
    OFF_HOURS = "off_hours"
    LEVEL = "level"
    LOW = "low"
    SCALE = "scale"
    GAP_CATCHUP = "gap_catchup"
    SLOW_CHANGE = "slow_change"
    NIGHT_FLOW = "night_flow"
    BASE_LOAD = "base_load"
    SET_POINT = "set_point"
    BALANCE = "balance"
    SISTER = "sister"
    OFFLINE = "offline"


SHORT: Final = 4
"""An excess of at most this many hours is a spike. [h]"""
LONG: Final = 5 * 24
"""A change that grows over at least this long is slow. [h]"""


def kinds_of(alarms: Float32Array) -> npt.NDArray[np.str_]:
    """Kind of each raw alarm of `analytics.detection.alarms`; the first rule that holds decides."""
    hours = alarms[:, LAST] - alarms[:, FIRST] + 1
    known = np.maximum(alarms[:, KNOWN], 1)
    usual, actual = alarms[:, USUAL_USE], alarms[:, ACTUAL]
    ratio = np.where(usual > 0, actual / np.where(usual > 0, usual, 1), np.inf)
    excess = actual - usual
    early, late = np.abs(alarms[:, EARLY]), np.abs(alarms[:, LATE])
    rest, busy = alarms[:, REST_EXCESS], alarms[:, BUSY_EXCESS]
    rules: list[tuple[npt.NDArray[np.bool_], Kind]] = [
        (
            (alarms[:, ZERO_HOURS] >= 0.6 * (known - 3)) & (hours >= 3) & (alarms[:, LAST_SHARE] > 0.5) & (actual > 0),
            Kind.GAP_CATCHUP,
        ),
        (alarms[:, ZERO_HOURS] >= 0.5 * known, Kind.ZERO),
        (
            (rest > 0) & (rest >= 2 * np.abs(busy)) & (alarms[:, STUCK_HOURS] < 0.85 * known) & (hours > SHORT),
            Kind.OFF_HOURS,
        ),
        (alarms[:, STUCK_HOURS] >= 0.5 * known, Kind.STUCK),
        ((hours <= SHORT) & (excess > 0), Kind.SPIKE),
        ((alarms[:, MATCH] >= 0.8 * known) & (hours >= 12) & ((ratio > 1.8) | (ratio < 0.6)), Kind.SCALE),
        ((hours >= LONG) & (late >= 1.5 * early) & (late > 0.05), Kind.SLOW_CHANGE),
        (excess < 0, Kind.LOW),
    ]
    return np.select([where for where, _ in rules], [kind.value for _, kind in rules], Kind.LEVEL.value)
