"""The quota book of 示例省: invented limits by type of institution, tier and climate zone, and rules for targets.

No figure here is of a real standard. The limits lie around what the simulated institutions use, so that every grade
is found among them; they do not move with the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from simulators.catalogue import HOUSES, REGIONS, House
from simulators.sheets import Row

STANDARD: Final = "示例 DB99/T 1-2024 (虚构 fictitious)"
SOURCE: Final = "虚构 (fictitious)"
_BODY: Final = "示例省机关事务管理局"


@dataclass(frozen=True, slots=True)
class _Usual:
    """Baseline values of one type in the county, cold zone A; water has a common and an advanced value."""

    electricity: float  # kWh/(m2·a)
    nonheating: float  # kgce/(m2·a), electricity at 0.31
    water: tuple[float, float]  # m3/(p·a)


_USUAL: Final = {
    "党政机关": _Usual(95.0, 30.5, (18.0, 8.0)),
    "中小学校": _Usual(65.0, 21.5, (12.0, 5.4)),
    "高等学校": _Usual(92.0, 32.0, (56.0, 50.0)),
    "医院": _Usual(175.0, 55.0, (90.0, 28.5)),
    "科研机构": _Usual(146.0, 47.0, (36.0, 24.0)),
    "图书馆": _Usual(114.0, 36.0, (6.5, 5.5)),
    "文化馆": _Usual(127.0, 40.0, (5.9, 2.75)),
    "体育场馆": _Usual(126.0, 39.0, (19.0, 15.0)),
    "政务服务中心": _Usual(116.0, 36.0, (6.4, 5.5)),
    "社会团体": _Usual(89.0, 28.0, (11.0, 10.0)),
}
_TIERS: Final = {"省级": 1.2, "市级": 1.05, "县级": 1.0, "三级": 1.05, "二级": 1.0}
_ZONES: Final = {"寒冷A": 1.0, "寒冷B": 0.96}
_LEVELS: Final = (1.15, 1.0, 0.88)
"""Constraint and guide value relative to the baseline value."""
_CONVENTIONAL: Final = 0.95
_HEATING: Final = (7.8, 7.55, 7.3)  # kgce/(m2·a) of heated area and season


def quota_rows(first: date) -> Iterator[Row]:
    """Limits of every type, tier and zone that the province has."""
    kinds = sorted({(house.quota_class, house.tier) for house in HOUSES})
    kinds += [(name, "县级") for name in ("医院",) if (name, "县级") not in kinds]  # clinics that get a bill a month
    for institution_type, tier in kinds:
        usual, scale = _USUAL[institution_type], _TIERS[tier]
        for zone, milder in _ZONES.items():
            one = _Row(institution_type, tier, zone, first)
            electricity, nonheating = usual.electricity * scale * milder, usual.nonheating * scale * milder
            yield one.of("electricity_per_area", "physical", "kWh/(m2·a)", _around(electricity))
            yield one.of(
                "conventional_electricity_per_area", "physical", "kWh/(m2·a)", _around(electricity * _CONVENTIONAL)
            )
            yield one.of("nonheating_energy_per_area", "sd_2019", "kgce/(m2·a)", _around(nonheating))
            heating = tuple(round(level * milder**1.5, 2) for level in _HEATING)
            yield one.of("heating_energy_per_heated_area", "sd_2019", "kgce/(m2·a)", heating)
            common, advanced = usual.water
            yield one.of("water_per_person", "physical", "m3/(p·a)", (common, None, advanced))


def rule_rows(houses: tuple[House, ...], first: date) -> Iterator[Row]:
    """The rule by which each institution's targets are proposed, each of the four kinds in turn.

    Peers stand in where the book has no limit: their rule is for an indicator without a quota.
    """
    by_quota = {"indicator": "nonheating_energy_per_area", "caliber": "sd_2019"}
    by_peers = {"indicator": "energy_per_area", "caliber": "gb2589_equivalent_value"}
    chosen: tuple[dict[str, object], ...] = (
        {**by_quota, "rule": "four_branches"},
        {**by_peers, "rule": "towards_peers"},
        {**by_quota, "rule": "own_history", "cut": 0.02, "n_years": 1},
        {**by_quota, "rule": "five_year_path", "cut": 0.05, "base_year": first.year},
    )
    for i, house in enumerate(houses):
        yield {
            "institution": house.id, "valid_from": first.isoformat(), "source": SOURCE, **chosen[i % len(chosen)],
        }  # fmt: skip


def _around(baseline: float) -> tuple[float, ...]:
    return tuple(round(baseline * level, 1) for level in _LEVELS)


@dataclass(frozen=True, slots=True)
class _Row:
    """Whose limits are stated."""

    institution_type: str
    tier: str
    zone: str
    first: date

    def of(self, indicator: str, caliber: str, unit: str, levels: tuple[float | None, ...]) -> Row:
        """The row of one indicator."""
        constraint, baseline, guide = levels
        return {
            "region": REGIONS[0].name_zh, "standard": STANDARD, "institution_type": self.institution_type,
            "tier": self.tier, "climate_zone": self.zone, "indicator": indicator,
            "kind": "water" if baseline is None else "three_level", "constraint": constraint, "baseline": baseline,
            "guide": guide, "unit": unit, "caliber": caliber, "valid_from": self.first.isoformat(), "source": SOURCE,
            "confidence": "sure", "approved_by": _BODY,
        }  # fmt: skip
