"""Every measurement, tag and field name: the contract between jobs, stores, dashboards and API."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: tags are identity only, fields are floats unless listed in `texts`."""

    name: str
    tags: tuple[str, ...]
    fields: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @property
    def all_fields(self) -> tuple[str, ...]:
        """Numbers and texts."""
        return self.fields + self.texts


READING: Final = Measurement("reading", ("meter",), ("value", "received", "flag"))
INTERVAL: Final = Measurement(
    "interval",
    ("meter", "resolution"),
    ("amount", "power_kw", "state", "method", "expected", "expected_low", "expected_high"),
)
TOTAL: Final = Measurement(
    "total",
    ("scope", "id", "period", "category", "item"),
    (
        "amount", "expected", "expected_low", "expected_high", "cost_yuan", "coverage", "estimated_share",
        "last_year", "n_expected", "n_reporting", "cost_note",
    ),
)  # fmt: skip
"""`cost_note` is an `energy.model.CostNote`, absent where there is nothing to say."""
INDICATOR: Final = Measurement(
    "indicator",
    ("scope", "id", "period", "indicator", "caliber"),
    (
        "value", "constraint", "baseline", "guide", "rank", "rank_of", "coverage",
        "constraint_low", "constraint_high", "baseline_low", "baseline_high", "guide_low", "guide_high",
        "adjustment_users_per_area", "adjustment_operating_hours",
    ),
    ("group",),
)  # fmt: skip
"""Limits of peers have an interval, and parts of the value that are due to drivers: absent for limits of a quota."""
TARGET: Final = Measurement(
    "target",
    ("scope", "id", "indicator", "caliber"),
    (
        "target", "used", "expected_share", "used_share", "forecast", "forecast_low", "forecast_high", "stage",
        "outlook", "breach_ms", "coverage",
    ),
)  # fmt: skip
DAY_PROFILE: Final = Measurement(
    "day_profile", ("scope", "id", "category"), tuple(f"h{hour:02d}" for hour in range(24))
)
DAY_PART: Final = Measurement(
    "day_part",
    ("meter",),
    ("inner", "head", "tail", "inner_s", "valid_s", "estimated_s", "expected", "expected_s"),
)
"""What is known of each meter's local day, in parts that add up to any longer period (`analytics.consumption`)."""
FINDING: Final = Measurement(
    "finding",
    ("institution", "meter", "kind"),
    ("end_ms", "severity", "excess", "excess_yuan", "open"),
    ("id", "title_zh", "title_en", "text_zh", "text_en"),
)
INGEST: Final = Measurement("ingest", ("collector", "reason"), ("readings", "lag_s", "spool_bytes"))
DIFFERENCES: Final = ("unaccounted", "missing")
"""Reasons of `ingest` that state a difference as the last audit found it, and no count since the row before."""
METER_STATUS: Final = Measurement(
    "meter_status",
    ("meter",),
    ("last_seen_s", "coverage_day", "received_day", "state", "clock_ahead_s", "clock_drift_s_per_day"),
    ("institution",),
)
"""`received_day` is the share of the readings due that came, `coverage_day` that of the time whose use is known.

`clock_ahead_s` (negative: behind) and its trend are absent where a meter is not heard live (`analytics.clocks`).
"""
DIRECTORY: Final = Measurement(
    "directory",
    ("scope", "id"),
    ("floor_area_m2", "headcount"),
    ("parent", "region", "name_zh", "name_en", "choice_zh", "choice_en", "type", "tier", "zone", "department"),
)

MEASUREMENTS: Final = MappingProxyType(
    {
        m.name: m
        for m in (
            READING, INTERVAL, TOTAL, INDICATOR, TARGET, DAY_PROFILE, DAY_PART, FINDING, INGEST, METER_STATUS,
            DIRECTORY,
        )
    }
)  # fmt: skip
"""All measurements by name."""

METHODS: Final = MappingProxyType(
    {
        0: "register_difference",
        1: "linear_fill",
        2: "profile_fill",
        3: "register_spread",
        4: "rollover",
        5: "swap",
        6: "amount",
        7: "correction",
        8: "bill_spread",
        9: "virtual",
        10: "unknown",
        11: "standstill",
        12: "spike_fill",
    }
)
"""Codes of `interval.method`: the rule that made the amount. New rules get new numbers."""

PERIODS: Final = ("day", "month", "year", "rolling12", "season")
DIRECTORY_TIME: Final = 1262304000
"""The fixed instant of `directory` rows (2010-01-01 UTC): they have no history."""
