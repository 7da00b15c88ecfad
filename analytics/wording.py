"""Findings in words: what is said of each kind, from its numbers only; the sentences stand in `finding_texts.csv`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

from analytics.detection.kinds import Kind
from analytics.findings import Finding
from energy.intervals import DAY, HOUR

PATTERNS: Final = frozenset({Kind.LEVEL, Kind.LOW, Kind.OFF_HOURS, Kind.SLOW_CHANGE})
FLAT: Final = 0.03
"""An excess below this share of the usual use is none: the hours were unusual, not their sum."""
LASTING: Final = DAY
"""What is over before stays neither high nor low. [s]"""
IN_HOURS: Final = 3 * DAY
"""Shorter times are told in hours, longer ones in days. [s]"""
MANIFOLD: Final = 10
"""From so many times the usual on nobody thinks in percent."""
SMALLEST: Final = 5e-5
"""What is less is written as nothing."""
_WRITTEN: Final = {"m3": "m³"}


@dataclass(frozen=True, slots=True)
class FindingText:
    """Title, sentence, likely causes and the first thing to check, in both languages."""

    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    causes_zh: str
    causes_en: str
    check_zh: str
    check_en: str


@cache
def catalogue() -> Mapping[str, FindingText]:
    """The texts of every kind, and other words for some of them (`_words_for`)."""
    with files("analytics").joinpath("finding_texts.csv").open(encoding="utf-8") as lines:
        return {row.pop("kind"): FindingText(**row) for row in csv.DictReader(lines)}


def describe(finding: Finding) -> FindingText:
    """The finding in words."""
    raw = catalogue()[_words_for(finding)]
    actual, usual, excess = finding.actual, finding.usual, finding.excess
    n_hours = max((finding.end - finding.start) / HOUR, 1)
    n_days = max(round((finding.end - finding.start) / DAY), 1)
    period_zh, period_en = _period(finding.end - finding.start)
    share_zh, share_en = _share(finding)
    times_zh, times_en = _times(finding)
    numbers = {
        "period_zh": period_zh,
        "period_en": period_en,
        "days": f"{n_days}",
        "days_en": "1 day" if n_days == 1 else f"{n_days} days",
        "actual": _amount(actual, finding.unit),
        "usual": _amount(usual, finding.unit),
        "excess": _amount(excess, finding.unit),
        "shortfall": _amount(-excess, finding.unit),
        "beyond": f"{abs(excess):.3g}",
        "actual_plain": f"{actual:.3g}",
        "usual_plain": f"{usual:.3g}",
        "actual_hourly": _amount(actual / n_hours, finding.unit),
        "usual_hourly": _amount(usual / n_hours, finding.unit),
        "share_zh": share_zh,
        "share_en": share_en,
        "times_zh": times_zh,
        "times_en": times_en,
    }
    return replace(raw, text_zh=raw.text_zh.format(**numbers), text_en=raw.text_en.format(**numbers))


def _words_for(finding: Finding) -> str:
    """The row of the catalogue: some kinds read differently by direction, length, or what flows through the meter."""
    name = _variant(finding) or finding.kind.value
    in_pipe = f"{name}_pipe"
    return in_pipe if finding.unit != "kWh" and in_pipe in catalogue() else name


def _variant(finding: Finding) -> str | None:
    kind, is_less = finding.kind, finding.excess < 0
    if kind in PATTERNS and abs(finding.excess) < FLAT * finding.usual:
        return "pattern"
    if kind in (Kind.LEVEL, Kind.LOW) and finding.end - finding.start < LASTING:
        return f"{kind}_short"
    if kind is Kind.GAP_CATCHUP and not finding.actual > 0:  # nothing caught up, or nobody knows how much
        return "gap_open" if math.isnan(finding.actual) else "gap_still"
    if kind is Kind.BALANCE and any(term != "balance" for term, _ in finding.evidence):
        return "balance_of_meter"  # numbers of one meter, which its tree disowns, are not those of a balance
    return {
        (Kind.BALANCE, True): "balance_below",
        (Kind.SET_POINT, True): "set_point_cold",
        (Kind.SLOW_CHANGE, True): "slow_change_low",
    }.get((kind, is_less))


def _period(seconds: int) -> tuple[str, str]:
    """How long it lasted, as people say it."""
    if seconds < IN_HOURS:
        return f"{seconds // HOUR} 小时", f"{seconds // HOUR} h"
    days = f"{seconds / DAY:.1f}".removesuffix(".0")
    return f"{days} 天", f"{days} days"


def _share(finding: Finding) -> tuple[str, str]:
    """By how much it differs from the usual, in brackets; nothing where there is no usual to compare with."""
    ratio = _ratio(finding)
    if math.isnan(ratio):
        return "", ""
    if ratio >= MANIFOLD:
        times_zh, times_en = _times(finding)
        return f"（约 {times_zh}）", f" (about {times_en})"
    percent = f"{(ratio - 1) * 100:+.0f} %"
    return f"（{percent}）", f" ({percent})"


def _times(finding: Finding) -> tuple[str, str]:
    """The multiple of the usual, as a share of it below 1."""
    ratio = _ratio(finding)
    if ratio < 1:
        percent = f"{_number(100 * ratio, 2)} %"
        return percent, f"{percent} of"
    return f"{_number(ratio, 2)} 倍", f"{_number(ratio, 2)} times"


def _ratio(finding: Finding) -> float:
    return finding.actual / finding.usual if finding.usual > 0 else math.nan


def _amount(value: float, unit: str) -> str:
    """A number people read, with its unit."""
    return f"{_number(value, 3)} {_WRITTEN.get(unit, unit)}"


def _number(value: float, digits: int) -> str:
    """So many significant digits but at most four decimals, no exponent, and nothing behind the point of a zero."""
    if math.isnan(value):
        return "—"
    if abs(value) < SMALLEST:
        return "0"
    magnitude = math.floor(math.log10(max(abs(value), 0.01)))
    return f"{value:,.{max(digits - 1 - magnitude, 0)}f}"
