"""How many of the simulator's labelled faults the findings name, how soon, and how many findings name none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.detection.kinds import Kind
from analytics.jobs.budget import seen_at, shown_at
from energy.intervals import DAY, HOUR, Window
from energy.model import Meter
from energy.registry import Snapshot
from energy.registry.decisions import Finding
from simulators.faults import Fault, FaultKind
from simulators.loads import loads
from simulators.province import Province

FAST_S: Final = 2 * DAY
LIMITS_S: Final = {
    FaultKind.GAP: FAST_S, FaultKind.STUCK: FAST_S, FaultKind.SPIKE: FAST_S, FaultKind.OFF_HOURS: FAST_S,
    FaultKind.RATIO: FAST_S, FaultKind.OFFLINE: FAST_S, FaultKind.LEAK: 14 * DAY, FaultKind.LEVEL: 14 * DAY,
    FaultKind.SET_POINT: 14 * DAY, FaultKind.AREA: 62 * DAY,
}  # fmt: skip
"""How long after its beginning an event of a kind may be found; a wrong area when its first whole month has ended."""
ONLY_AS: Final = {FaultKind.SET_POINT: Kind.SET_POINT, FaultKind.AREA: Kind.SISTER}
"""Kinds of which no other finding speaks."""
_NEAR_S: Final = 2 * DAY


@dataclass(frozen=True, slots=True)
class Score:
    """Events of one kind: how many there were, were found at all, in time, and in time among the findings shown."""

    events: int = 0
    found: int = 0
    in_time: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Detection:
    """Scores by kind; findings in all, shown, and without any labelled cause, per meter-year."""

    scores: Mapping[FaultKind, Score]
    meter_years: float
    findings: int
    shown: int
    false: int

    @property
    def false_per_meter_year(self) -> float:
        """Findings that touch no labelled fault."""
        return self.false / self.meter_years if self.meter_years else 0.0


def felt(province: Province) -> list[Fault]:
    """The labelled faults that changed anything: a hospital is never empty, and nothing is left on in its off-hours."""
    return [f for f in province.truth.faults if f.kind is not FaultKind.OFF_HOURS or _excess(province, f) > 0]


def _excess(province: Province, fault: Fault) -> float:
    """What a fault added to its meter's use, in canonical units."""
    house = next(house for house in province.houses if house.id == fault.house)
    others = tuple(f for f in province.faults if f.house == fault.house and f is not fault)
    gateways = province.gateways[fault.house]
    without = loads(house, gateways, province.at, province.skies, others, province.streams).amounts[fault.subject]
    return float(np.sum(province.loads(fault.house).amounts[fault.subject] - without))


def compare(
    faults: Iterable[Fault], findings: Sequence[Finding], snapshot: Snapshot, span: Window, n_meters: int
) -> Detection:
    """Findings and faults that begin in the span."""
    labelled = list(faults)
    own = [f for f in findings if f.start in span and f.state != "withdrawn"]
    scores: dict[FaultKind, Score] = {}
    for fault in labelled:
        if fault.kind in LIMITS_S and fault.first in span and fault.last <= span.end - 2 * DAY:
            scores[fault.kind] = _with(scores.get(fault.kind, Score()), fault, own, snapshot)
    false = [f for f in own if not any(_touches(f, fault, snapshot, _NEAR_S) for fault in labelled)]
    years = n_meters * (span.end - span.start) / (365 * DAY)
    return Detection(scores, years, len(own), sum(shown_at(f) is not None for f in own), len(false))


def _with(score: Score, fault: Fault, findings: Sequence[Finding], snapshot: Snapshot) -> Score:
    touching = [f for f in findings if _touches(f, fault, snapshot, HOUR)]
    limit = fault.first + LIMITS_S[fault.kind]
    return Score(
        score.events + 1,
        score.found + bool(touching),
        score.in_time + any(seen_at(f) <= limit for f in touching),
        score.shown + any((shown := shown_at(f)) is not None and shown <= limit for f in touching),
    )


def _touches(finding: Finding, fault: Fault, snapshot: Snapshot, near_s: int) -> bool:
    end = finding.end or finding.start
    if finding.start >= fault.last + near_s or end <= fault.first - near_s:
        return False
    if fault.kind in ONLY_AS and finding.kind != ONLY_AS[fault.kind]:
        return False
    named = [finding.meter or "", *json.loads(finding.evidence).get("also", ())]
    if fault.subject in snapshot.gateways:
        return any((m := snapshot.meters.get(name)) is not None and m.gateway == fault.subject for name in named)
    family = {fault.subject, *_above(snapshot.meters, fault.subject)}
    return any(name in family or fault.subject in _above(snapshot.meters, name) for name in named)


def _above(meters: Mapping[str, Meter], name: str) -> list[str]:
    found: list[str] = []
    at = meters[name].parent if name in meters else None
    while at is not None and at not in found:
        found.append(at)
        at = meters[at].parent if at in meters else None
    return found
