"""Levels of a quota (定额) derived from what the institutions of one kind used: a proposed value (建议值).

It becomes a quota when somebody approves it; until then it is a row of sheet `quotas` without a name in `approved_by`,
which no import takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.jobs.peers import PERIOD
from analytics.levels import Derivation, OutlierRule, Shares, derive
from analytics.quota_book import ANY_TIER, ANY_ZONE
from analytics.ranking import MIN_COVERAGE
from energy.errors import RegistryError
from energy.intervals import DAY, LocalCalendar
from energy.model import Scope
from energy.reference import indicator
from energy.registry import Snapshot
from energy.series import FloatArray
from energy.storage.base import ResultStore
from energy.storage.schema import INDICATOR


@dataclass(frozen=True, slots=True)
class Kind:
    """Whose quota is asked for, and of what.

    Attributes
    ----------
    region : str
        Institutions in it and below it.
    quota_class : str
        Their class in the quota book (`quota_class`).
    tier, climate_zone : str
        Only these; empty: any.
    indicator, caliber : str
        Keys of the reference tables.
    """

    region: str
    quota_class: str
    indicator: str
    caliber: str
    tier: str = ""
    climate_zone: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ProposedQuota:
    """Levels with the sample that they rest on.

    Attributes
    ----------
    kind : Kind
    month : date
        First day of the last of the twelve months.
    institutions : tuple of str
        The sample; those left out among them.
    values : float64, shape (n_institutions,)
        Figures of the twelve months; NaN where less than 95 % is known.
    derivation : Derivation
    """

    kind: Kind
    month: date
    institutions: tuple[str, ...]
    values: FloatArray
    derivation: Derivation

    def row(self, standard: str) -> dict[str, object]:
        """The row of sheet `quotas` that somebody may approve by naming himself."""
        levels, cleaned = self.derivation.levels, self.derivation.cleaned
        return {
            "region": self.kind.region,
            "standard": standard,
            "institution_type": self.kind.quota_class,
            "tier": self.kind.tier or ANY_TIER,
            "climate_zone": self.kind.climate_zone or ANY_ZONE,
            "indicator": self.kind.indicator,
            "kind": "three_level",
            "constraint": levels.constraint,
            "baseline": levels.baseline,
            "guide": levels.guide,
            "unit": indicator(self.kind.indicator).unit,
            "caliber": self.kind.caliber,
            "source": f"derived from {self.derivation.n_kept} institutions, twelve months to {self.month:%Y-%m}",
            "confidence": "unsure",
            "approved_by": "",
            "note": f"{cleaned.rule}, {self.derivation.n_dropped} left out",
        }


def proposed_quota(
    store: ResultStore,
    snapshot: Snapshot,
    calendar: LocalCalendar,
    kind: Kind,
    month: date,
    *,
    shares: Shares,
    rule: OutlierRule = OutlierRule.TWO_SIGMA,
) -> ProposedQuota:
    """Derive the levels from the rolling year that ends with a month; RegistryError where nobody's figure is known."""
    names = _institutions(snapshot, kind)
    values = _values(store, calendar, kind, names, month)
    if not np.isfinite(values).any():
        raise RegistryError(
            f"no {kind.indicator} ({kind.caliber}) with {MIN_COVERAGE:.0%} coverage of the twelve months to "
            f"{month:%Y-%m} is known of the {len(names)} institutions of class {kind.quota_class!r} in {kind.region}"
        )
    return ProposedQuota(kind, month, tuple(names), values, derive(values, shares, rule))


def _institutions(snapshot: Snapshot, kind: Kind) -> list[str]:
    return [
        name
        for name in snapshot.institutions_below(kind.region)
        if snapshot.institutions[name].quota_class == kind.quota_class
        and kind.tier in ("", snapshot.institutions[name].tier)
        and kind.climate_zone in ("", snapshot.climate_zone_of(name))
    ]


def _values(store: ResultStore, calendar: LocalCalendar, kind: Kind, names: Sequence[str], month: date) -> FloatArray:
    """One value an institution; NaN where it is unknown or incomplete."""
    values = np.full(len(names), np.nan)
    if not names:
        return values
    where = {
        "scope": [Scope.INSTITUTION.value], "id": list(names), "period": [PERIOD],
        "indicator": [kind.indicator], "caliber": [kind.caliber],
    }  # fmt: skip
    begin = calendar.start_of(month.replace(day=1))
    found = store.results(INDICATOR.name, where=where, start=begin - DAY, end=begin + DAY)  # by clocks of their own
    place = {name: i for i, name in enumerate(names)}
    complete = np.asarray(found.fields["coverage"], np.float64) >= MIN_COVERAGE
    own = np.array([place[name] for name in found.tags["id"]], np.int64)[complete]
    values[own] = np.asarray(found.fields["value"], np.float64)[complete]
    return values
