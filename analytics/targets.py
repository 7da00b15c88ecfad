"""Target of the year (年度指标) of one institution: an issued document, else what a chosen rule computes.

What is computed is a proposal (建议值) until a person approves it. Where something is missing there is no target, and
the answer says what is missing.

References
----------
《中央和国家机关能源资源消耗定额》, notice of 2021-02-20 (国管局, 中直管理局): the four branches.
Beijing, 限额 rule of 2014 and 2015: mean of the last five years, less a cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from analytics.levels import TIE, Levels


class Standing(StrEnum):
    """How binding a target is."""

    ISSUED = "issued"
    APPROVED = "approved"
    PROPOSED = "proposed"


STANDING_WORDS: Final = MappingProxyType(
    {
        Standing.ISSUED: ("下达值", "issued"),
        Standing.APPROVED: ("核定值", "approved"),
        Standing.PROPOSED: ("建议值", "proposed"),
    }
)


class Lack(StrEnum):
    """Why there is no target."""

    NO_RULE = "no_rule"
    NO_QUOTA = "no_quota"
    NO_ACTUAL = "no_actual"
    NO_LAST_TARGET = "no_last_target"
    SHORT_HISTORY = "short_history"
    OUTSIDE_PATH = "outside_path"
    NO_PEERS = "no_peers"


LACK_WORDS: Final = MappingProxyType(
    {
        Lack.NO_RULE: ("未下达指标, 也未选定核定规则", "no document was issued and no rule is chosen"),
        Lack.NO_QUOTA: ("定额表无对应的约束值、基准值或引导值", "the quota book lacks a level that the rule needs"),
        Lack.NO_ACTUAL: ("缺少上一年实际值", "the actual value of the year before is unknown"),
        Lack.NO_LAST_TARGET: ("缺少上一年指标", "the target of the year before is unknown"),
        Lack.SHORT_HISTORY: ("历史年份不足", "too few years of history"),
        Lack.OUTSIDE_PATH: ("年份不在路径的年限之内", "the year lies outside the years of the path"),
        Lack.NO_PEERS: ("缺少同类基准值", "the baseline value of the peers is unknown"),
    }
)


@dataclass(frozen=True, slots=True)
class Document:
    """The paper that issued a target: number (文号), date, file."""

    number: str
    issued_on: date
    file: str


@dataclass(frozen=True, slots=True)
class YearTarget:
    """What one institution may use in one year.

    Attributes
    ----------
    value : float
        In the unit of the indicator.
    rule : str
        Key of the rule; "" for an issued target.
    source : str
        Standard or notice the rule comes from, or number of the document.
    how : tuple of str
        How the value was found, Chinese and English.
    """

    year: int
    indicator: str
    caliber: str
    value: float
    standing: Standing
    rule: str
    source: str
    how: tuple[str, str]
    document: Document | None = None
    approved_by: str | None = None
    approved_on: date | None = None

    def __post_init__(self) -> None:
        if not 0 < self.value < float("inf"):
            raise ValueError(f"target {self.year} of {self.indicator}: expected a positive value, got {self.value}")

    def approved(self, by: str, on: date) -> YearTarget:
        """The proposal as approved by a person."""
        if self.standing is not Standing.PROPOSED:
            raise ValueError(f"target {self.year} of {self.indicator}: only a proposal can be approved")
        if not by:
            raise ValueError(f"target {self.year} of {self.indicator}: a person approves, nobody was named")
        return replace(self, standing=Standing.APPROVED, approved_by=by, approved_on=on)


@dataclass(frozen=True, slots=True)
class NoTarget:
    """There is no target, and why."""

    year: int
    indicator: str
    lack: Lack


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an institution when its target is found; all values in one indicator and caliber.

    Attributes
    ----------
    actual : mapping of int to float
        Actual values of past years; years that are unknown or below full coverage are absent.
    last_target : float, optional
        Target of the year before.
    levels : Levels, optional
        Quota that holds in `year`; None where the book has no row.
    normal : float, optional
        Own baseline: use of the year before in normal weather.
    peer_baseline : float, optional
        P50 of the peers, adjusted to this institution's drivers.
    """

    year: int
    indicator: str
    caliber: str
    actual: Mapping[int, float] = field(default_factory=dict)
    last_target: float | None = None
    levels: Levels | None = None
    normal: float | None = None
    peer_baseline: float | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rule computes, and how."""

    value: float
    how_zh: str
    how_en: str


class Rule(Protocol):
    """A way to compute the target of a year."""

    @property
    def key(self) -> str:
        """Name in the registry."""

    @property
    def source(self) -> str:
        """Standard or notice."""

    def propose(self, record: Record) -> Proposal | Lack:
        """The value, or what is missing for it."""


@dataclass(frozen=True, slots=True)
class FourBranches:
    """Rule of the central bodies. A = actual of the year before; C, B, G = constraint, baseline and guide value.

        A > C        A × (1 - cut_above_constraint)
        B < A <= C   A × (1 - cut_above_baseline)
        G < A <= B   the target of the year before
        A <= G       min(A × (1 + rise), G)

    Notes
    -----
    The notice says 大于 and 小于 and leaves equality open. Here a value equal to a limit keeps it, as in the grades:
    it belongs to the milder branch. Values that differ by rounding only are equal.

    Parameters are the least cuts and the largest rise that the notice allows; others inside its bounds may be set.
    """

    cut_above_constraint: float = 0.04
    cut_above_baseline: float = 0.02
    rise: float = 0.02
    key: str = "four_branches"
    source: str = "《中央和国家机关能源资源消耗定额》2021-02-20"

    def __post_init__(self) -> None:
        inside = 0.04 <= self.cut_above_constraint < 1 and 0.02 <= self.cut_above_baseline < 1
        if not (inside and 0 <= self.rise <= 0.02):
            raise ValueError(f"four branches: expected cuts >= 0.04 and >= 0.02 and a rise <= 0.02, got {self}")

    def propose(self, record: Record) -> Proposal | Lack:
        """The branch that the year before falls into."""
        actual, levels = record.actual.get(record.year - 1), record.levels
        if actual is None:
            return Lack.NO_ACTUAL
        if levels is None or levels.constraint is None:
            return Lack.NO_QUOTA
        if _is_above(actual, levels.constraint):
            return _cut(actual, self.cut_above_constraint, ("高于约束值", "above the constraint value"))
        if levels.guide is not None and not _is_above(actual, levels.guide):
            value = min(actual * (1 + self.rise), levels.guide)
            return Proposal(
                value,
                f"上年实际 {actual:g} 不高于引导值 {levels.guide:g}: 可增 {self.rise:.1%}, 不超过引导值",
                f"last year {actual:g}, not above the guide value {levels.guide:g}: may rise {self.rise:.1%} up to it",
            )
        if levels.baseline is None or levels.guide is None:
            return Lack.NO_QUOTA
        if _is_above(actual, levels.baseline):
            return _cut(actual, self.cut_above_baseline, ("高于基准值", "above the baseline value"))
        if record.last_target is None:
            return Lack.NO_LAST_TARGET
        return Proposal(
            record.last_target,
            f"上年实际 {actual:g} 不高于基准值 {levels.baseline:g}: 沿用上年指标",
            f"last year {actual:g}, not above the baseline value {levels.baseline:g}: the last target stays",
        )


def _is_above(value: float, limit: float) -> bool:
    return value > limit * (1 + TIE)


def _cut(actual: float, share: float, where: tuple[str, str]) -> Proposal:
    return Proposal(
        actual * (1 - share),
        f"上年实际 {actual:g} {where[0]}: 下降 {share:.1%}",
        f"last year {actual:g}, {where[1]}: less {share:.1%}",
    )


@dataclass(frozen=True, slots=True)
class FiveYearPath:
    """A straight path from the value of a base year to a cut after some years, five as five-year plans set it."""

    base_year: int
    cut: float
    source: str
    key: str = "five_year_path"
    n_years: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.cut < 1:
            raise ValueError(f"five-year path: expected a cut in [0, 1), got {self.cut}")

    def propose(self, record: Record) -> Proposal | Lack:
        """The point of the path in this year."""
        step = record.year - self.base_year
        if not 1 <= step <= self.n_years:
            return Lack.OUTSIDE_PATH
        base = record.actual.get(self.base_year)
        if base is None:
            return Lack.SHORT_HISTORY
        share = self.cut * step / self.n_years
        return Proposal(
            base * (1 - share),
            f"{self.base_year} 年 {base:g}, {self.n_years} 年下降 {self.cut:.1%} 的第 {step} 年: 下降 {share:.2%}",
            f"{base:g} in {self.base_year}; {self.cut:.1%} less in {self.n_years} years, year {step}: less {share:.2%}",
        )


@dataclass(frozen=True, slots=True)
class OwnHistory:
    """Mean of the last years less a cut (限额). The cut has no default: notices set another every year."""

    cut: float
    source: str
    n_years: int = 5
    key: str = "own_history"

    def __post_init__(self) -> None:
        if not 0 <= self.cut < 1 or self.n_years < 1:
            raise ValueError(f"own history: expected a cut in [0, 1) and at least one year, got {self}")

    def propose(self, record: Record) -> Proposal | Lack:
        """Every one of the last years must be known."""
        years = range(record.year - self.n_years, record.year)
        known = [record.actual[year] for year in years if year in record.actual]
        if len(known) < self.n_years:
            return Lack.SHORT_HISTORY
        mean = sum(known) / self.n_years
        return Proposal(
            mean * (1 - self.cut),
            f"前 {self.n_years} 年平均 {mean:g}: 下降 {self.cut:.1%}",
            f"mean of the last {self.n_years} years {mean:g}: less {self.cut:.1%}",
        )


@dataclass(frozen=True, slots=True)
class TowardsPeers:
    """Own baseline in normal weather on a path to the peers' baseline value: capped cut, never below the guide."""

    most: float = 0.03
    key: str = "towards_peers"
    source: str = "同类基准值路径"

    def __post_init__(self) -> None:
        if not 0 <= self.most < 1:
            raise ValueError(f"towards peers: expected a cut in [0, 1), got {self.most}")

    def propose(self, record: Record) -> Proposal | Lack:
        """One who is at or below the peers' baseline value keeps the own, or the guide value where that is more."""
        if record.normal is None:
            return Lack.NO_ACTUAL
        if record.peer_baseline is None:
            return Lack.NO_PEERS
        value = record.normal
        if _is_above(value, record.peer_baseline):
            value = max(record.peer_baseline, value * (1 - self.most))
        how_zh = (
            f"常年气象下自身基线 {record.normal:g}, 同类基准值 {record.peer_baseline:g}: 年降幅不超过 {self.most:.1%}"
        )
        how_en = f"own baseline {record.normal:g}, peers {record.peer_baseline:g}: at most {self.most:.1%} less a year"
        guide = record.levels.guide if record.levels is not None else None
        if guide is not None and _is_above(guide, value):
            return Proposal(
                guide, f"{how_zh}, 不低于引导值 {guide:g}", f"{how_en}, not below the guide value {guide:g}"
            )
        return Proposal(value, how_zh, how_en)


def issued(record: Record, value: float, document: Document) -> YearTarget:
    """The target that a document set."""
    how = (f"{document.number} 下达", f"issued by {document.number}")
    return YearTarget(
        record.year, record.indicator, record.caliber, value, Standing.ISSUED, "", document.number, how, document
    )


def target_of_year(
    record: Record, *, set_by: YearTarget | None = None, approved: YearTarget | None = None, rule: Rule | None = None
) -> YearTarget | NoTarget:
    """The one target of the year.

    Parameters
    ----------
    record : Record
        What is known of the institution.
    set_by : YearTarget, optional
        Issued by a document: it counts before everything else.
    approved : YearTarget, optional
        An earlier proposal that a person approved: it stays, whatever the rule would say of newer data.
    rule : Rule, optional
        The rule chosen for the institution; its value is a proposal.
    """
    for found in (set_by, approved):
        if found is not None:
            _require_same(record, found)
            return found
    if rule is None:
        return NoTarget(record.year, record.indicator, Lack.NO_RULE)
    proposal = rule.propose(record)
    if isinstance(proposal, Lack):
        return NoTarget(record.year, record.indicator, proposal)
    return YearTarget(
        record.year,
        record.indicator,
        record.caliber,
        proposal.value,
        Standing.PROPOSED,
        rule.key,
        rule.source,
        (proposal.how_zh, proposal.how_en),
    )


def _require_same(record: Record, found: YearTarget) -> None:
    wanted, given = (
        (record.year, record.indicator, record.caliber),
        (found.year, found.indicator, found.caliber),
    )
    if wanted != given:
        raise ValueError(f"target: expected {' / '.join(map(str, wanted))}, got {' / '.join(map(str, given))}")
