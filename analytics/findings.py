"""From alarms to findings a person reads: one finding a cause, ordered by money x certainty, few enough for a day.

Everything here is computed from the numbers of the alarms; `analytics.wording` puts them into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from analytics.anomalies import BUDGETS, Alarms
from analytics.detection.kinds import Kind
from energy.intervals import HOUR
from energy.series import FloatArray

READER_PER_1000: Final = 20
"""New findings a day for 1,000 meters; the rest waits."""
OVERLAP: Final = 0.5
"""Two alarms have one cause if they share this much of the shorter one's time."""
SHARE: Final = 0.6
"""A child explains its parent's alarm if its excess is at least this share of the parent's."""


USE_KINDS: Final = frozenset({Kind.LEVEL, Kind.LOW, Kind.OFF_HOURS, Kind.SLOW_CHANGE, Kind.BASE_LOAD, Kind.NIGHT_FLOW})
"""Kinds that say energy was used; a broken balance with the head meter says it was not."""
RULES: Final = frozenset({Kind.NIGHT_FLOW, Kind.BASE_LOAD, Kind.BALANCE})
"""Kinds told by a rule of their own, beside the alarms of the same meter."""
UNTOLD: Final = frozenset({Kind.STUCK, Kind.GAP_CATCHUP, Kind.OFFLINE})
"""Kinds that say when use is not known, so nobody knows how much of it was too much: that is not 0."""
ORDER_YUAN: Final = {"kWh": 0.6, "m3": 4.0, "GJ": 60.0, "kg": 1.0, "L": 7.0, "°C": 50.0}
"""What a unit counts for in the order of findings where no price is known: only the order, never told as money."""


class Verdict(StrEnum):
    """What a person said of a finding."""

    TRUE = "true"
    FALSE = "false"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth a person's time.

    Attributes
    ----------
    meter : str
        Meter at which it is seen best.
    kind : Kind
    start, end : int
        First instant and the one after the last. [UTC epoch s]
    actual, usual : float
        Use of that time and what would have been usual. [unit]
    unit : str
    certainty : float
        0 .. 1.
    evidence : tuple of (term, log-odds)
        Strongest first.
    yuan, kgce : float
        Of the excess (its size, also where less was used); NaN where it, or a price or coefficient, is unknown.
    also : tuple of str
        Other meters with the same cause.
    seen : int
        When it could be told for the first time; 0 where nobody said. [UTC epoch s]
    """

    meter: str
    kind: Kind
    start: int
    end: int
    actual: float
    usual: float
    unit: str
    certainty: float
    evidence: tuple[tuple[str, float], ...] = ()
    yuan: float = float("nan")
    kgce: float = float("nan")
    also: tuple[str, ...] = ()
    seen: int = 0

    @property
    def difference(self) -> float:
        """What was counted beyond the usual, whether or not it was used then. [unit]"""
        return self.actual - self.usual

    @property
    def excess(self) -> float:
        """Use beyond the usual; NaN where the use itself is not known (`UNTOLD`). [unit]"""
        return float("nan") if self.kind in UNTOLD else self.difference

    @property
    def worth(self) -> float:
        """Money times certainty, what findings are ordered by; without a price `ORDER_YUAN` stands in for it.

        0 where the excess is unknown: faults of transport come last, and silence has alarms of its own.
        """
        size = self.yuan if self.yuan == self.yuan else abs(self.excess) * ORDER_YUAN.get(self.unit, 1.0)
        return size * self.certainty if size == size else 0.0


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a unit of a meter's use is worth; NaN where unknown."""

    unit: str
    yuan_per_unit: float = float("nan")
    kgce_per_unit: float = float("nan")


def findings_of(alarms: Alarms, meters: Sequence[str], pricing: Mapping[str, Pricing]) -> list[Finding]:
    """Findings of alarms whose rows are `meters`."""
    found = []
    for i in range(len(alarms)):
        meter = meters[int(alarms.meter[i])]
        price = pricing[meter]
        found.append(
            Finding(
                meter,
                Kind(str(alarms.kind[i])),
                int(alarms.start[i]),
                int(alarms.end[i]),
                float(alarms.actual[i]),
                float(alarms.usual[i]),
                price.unit,
                float(alarms.certainty[i]),
                alarms.strongest(i),
            )
        )
    return [priced(finding, pricing[finding.meter]) for finding in found]


def priced(finding: Finding, price: Pricing) -> Finding:
    """The finding with what its excess is worth."""
    size = abs(finding.excess)
    return replace(finding, yuan=size * price.yuan_per_unit, kgce=size * price.kgce_per_unit)


def group_by_cause(findings: Sequence[Finding], parent_of: Mapping[str, str | None]) -> list[Finding]:
    """One finding a cause: alarms of a meter and its parents at the same time, in the same direction, become one.

    Notes
    -----
    The lowest meter that explains most of its parent's excess keeps the finding, because the cause lies there; where
    no child explains the parent, the parent keeps it and names the children. The strongest certainty and the earliest
    sight count. What a sub-meter shows and its head meter does not is no use, but a fault of metering; so is less at
    the head meter that its sub-meters do not show. More at the head meter is use that no sub-meter sees.
    """
    order = sorted(findings, key=lambda f: (f.start, f.meter, f.kind))
    leader = list(range(len(order)))
    by_meter: dict[str, list[int]] = {}
    for i, finding in enumerate(order):
        by_meter.setdefault(finding.meter, []).append(i)

    def root(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    for i, finding in enumerate(order):
        for above in (finding.meter, *_ancestors(finding.meter, parent_of)):
            for j in by_meter.get(above, ()):
                if i != j and _same_cause(finding, order[j]):
                    leader[max(root(i), root(j))] = min(root(i), root(j))
    groups: dict[int, list[Finding]] = {}
    for i, finding in enumerate(order):
        groups.setdefault(root(i), []).append(finding)
    return [_merged(group, parent_of) for group in groups.values()]


def _ancestors(meter: str, parent_of: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    above = parent_of.get(meter)
    while above is not None and above not in found:
        found.append(above)
        above = parent_of.get(above)
    return found


def _same_cause(a: Finding, b: Finding) -> bool:
    if Kind.SET_POINT in (a.kind, b.kind):  # a room's temperature is no use, and no use explains it away
        return False
    shared = min(a.end, b.end) - max(a.start, b.start)
    lengths = max(a.end - a.start, HOUR), max(b.end - b.start, HOUR)
    if a.meter == b.meter:  # two ways of looking at one meter: only what they both see nearly whole is one
        return bool({a.kind, b.kind} & RULES) and shared >= OVERLAP * max(lengths)
    if Kind.BALANCE in (a.kind, b.kind):  # what one meter counts too much, the balance of the other misses
        return shared >= OVERLAP * min(lengths)
    return shared >= OVERLAP * min(lengths) and not (a.difference > 0 > b.difference or a.difference < 0 < b.difference)


def _merged(group: list[Finding], parent_of: Mapping[str, str | None]) -> Finding:
    if len(group) == 1:
        return group[0]
    depth = {f.meter: len(_ancestors(f.meter, parent_of)) for f in group}
    top = max((f for f in group if depth[f.meter] == min(depth.values())), key=lambda f: abs(f.difference))
    explaining = [f for f in group if abs(f.difference) >= SHARE * abs(top.difference)]
    best = max(
        explaining or [top], key=lambda f: (depth[f.meter], f.kind is not Kind.BALANCE, abs(f.difference), f.meter)
    )
    others = tuple(sorted({f.meter for f in group} - {best.meter}))
    found = replace(best, certainty=max(f.certainty for f in group), also=others, seen=min(f.seen for f in group))
    unbalanced = next((f for f in group if f.kind is Kind.BALANCE), None)
    if unbalanced is None or best.kind not in USE_KINDS:
        return found
    if best.meter == unbalanced.meter and best.excess > 0:
        return replace(found, evidence=(*best.evidence, *unbalanced.evidence))
    return replace(found, kind=Kind.BALANCE, evidence=(*unbalanced.evidence, *best.evidence))


def daily_budget(n_meters: int) -> int:
    """New findings that the readers of so many meters are shown on a day: 20 for 1,000, at least 1."""
    return max(round(READER_PER_1000 * n_meters / 1000), 1)


SUDDEN_KINDS: Final = frozenset({Kind.SPIKE, Kind.ZERO, Kind.GAP_CATCHUP})
ASSUMED: Final = 2
"""True and false verdicts each that a meter's kind is taken to have had before anyone spoke."""
TIRESOME: Final = 3
"""A meter's kind called false this many times more often than true is not shown at all."""

Said = Sequence[tuple[str, Kind, Verdict]]
"""What people said of findings: meter, kind, verdict."""


def allowances(verdicts: Said) -> dict[tuple[str, Kind], float]:
    """Share of the usual budget that a meter's kind has earned, 0.5 to 1.5; 1 for those not named.

    Notes
    -----
    Half, and the share of true verdicts (see `ASSUMED`). `KNOWN` (right, but expected) counts as neither.
    """
    counts: dict[tuple[str, Kind], list[int]] = {}
    for meter, kind, verdict in verdicts:
        if verdict is not Verdict.KNOWN:
            counts.setdefault((meter, kind), [ASSUMED, ASSUMED])[verdict is Verdict.TRUE] += 1
    return {who: 0.5 + true / (false + true) for who, (false, true) in counts.items()}


def budgets_after(verdicts: Said, meters: Sequence[str], base: tuple[float, float] = BUDGETS) -> FloatArray:
    """Budgets of each meter after what people said, shape (n_meters, 2): lasting, sudden.

    Notes
    -----
    An hour's class is known before its kind, so a class keeps the budget of its most trusted kind, and
    `told_and_silenced` asks more of the others: what is said of one kind never hides another.
    """
    out: FloatArray = np.tile(np.asarray(base, np.float64), (len(meters), 1))
    earned = allowances(verdicts)
    for i, meter in enumerate(meters):
        out[i] *= [_class_allowance(earned, meter, is_sudden) for is_sudden in (False, True)]
    return out


def _class_allowance(earned: Mapping[tuple[str, Kind], float], meter: str, is_sudden: bool) -> float:
    return max(earned.get((meter, kind), 1.0) for kind in Kind if (kind in SUDDEN_KINDS) is is_sudden)


def told_and_silenced(findings: Sequence[Finding], verdicts: Said) -> tuple[list[Finding], list[Finding]]:
    """Findings that the budget of their meter and kind lets through, and the others.

    Notes
    -----
    Alarms above a threshold thin out about e-fold with each unit of log-odds, so a kind with a share q of its class's
    budget must lie ln(1/q) above the threshold, where a certainty of 1/2 is.
    """
    earned = allowances(verdicts)
    balance: dict[tuple[str, Kind], int] = {}
    for meter, kind, verdict in verdicts:
        step = {Verdict.FALSE: -1, Verdict.TRUE: 1, Verdict.KNOWN: 0}[verdict]
        balance[meter, kind] = balance.get((meter, kind), 0) + step
    told: list[Finding] = []
    silenced: list[Finding] = []
    for f in findings:
        is_sure = (f.meter, f.kind) not in earned or f.certainty >= _least_certainty(earned, f)
        (told if is_sure and balance.get((f.meter, f.kind), 0) > -TIRESOME else silenced).append(f)
    return told, silenced


def _least_certainty(earned: Mapping[tuple[str, Kind], float], finding: Finding) -> float:
    """Certainty whose odds are the class's allowance over the kind's."""
    own = earned[finding.meter, finding.kind]
    whole = _class_allowance(earned, finding.meter, finding.kind in SUDDEN_KINDS)
    return whole / (whole + own) if whole > own else 0.0
