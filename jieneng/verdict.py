"""What a demo came to, against the simulator's truth: counts exact, consumption equal wherever it can be known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from rich.table import Table as RichTable

from energy.intervals import LocalCalendar, Window
from energy.model import Category
from energy.registry import Registry
from energy.series import FloatArray, IntArray
from energy.storage.base import ResultStore
from energy.units import CANONICAL
from jieneng import crossed, detected
from simulators.messages import Tally
from simulators.province import DemoPlan
from simulators.replay import Recording

_TOLERANCE: Final = 0.05  # of a canonical unit and day: registers show 2 digits, ratios multiply them
_YEAR_TOLERANCE_KWH: Final = 0.1


@dataclass
class Verdict:
    """The figures of the table, and every disagreement in words."""

    counts: dict[str, int]
    consumption: dict[Category, tuple[float, float]]  # amount and mean coverage of day totals of root meters
    n_compared: int = 0
    n_years: int = 0
    complaints: list[str] = field(default_factory=list)


def judge(plan: DemoPlan, recording: Recording, tally: Tally, counted: dict[str, int], store: ResultStore) -> Verdict:
    """Compare counts with the tally and results with the truth."""
    counts = {"sent": tally.sent, **{n: counted.get(n, 0) for n in ("stored", "duplicate")}, **_parked(counted)}
    verdict = Verdict(counts, {})
    _compare_counts(verdict, tally)
    _compare_days(verdict, plan, store)
    _compare_years(verdict, recording, store)
    return verdict


def table(verdict: Verdict, seconds: float) -> RichTable:
    """The summary that `up --demo --once` prints."""
    shown = RichTable(title=f"demo in {seconds:.0f} s", show_header=False)
    for name, n in verdict.counts.items():
        shown.add_row(name, f"{n:,}", "readings")
    for category, (amount, coverage) in verdict.consumption.items():
        shown.add_row(category.value, f"{amount:,.1f}", f"{CANONICAL[category]}, completeness {coverage:.2%}")
    shown.add_row("meter-days equal to the truth", f"{verdict.n_compared:,}", "all that can be known")
    shown.add_row("recorded building-years equal", f"{verdict.n_years:,}", "to 0.1 kWh")
    return shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What findings and stages came to, against the labelled faults and the true use."""

    detection: detected.Detection
    crossings: crossed.Crossings


def look(plan: DemoPlan, registry: Registry) -> Seen:
    """Compare findings and stages with the truth, in the years that have a year before them."""
    province, snapshot = plan.province, registry.snapshot()
    year = province.calendar.date_of(plan.start).year + 1
    begin = max(province.calendar.start_of(date(year, 1, 1)), plan.start)
    span = Window(min(begin, plan.history_end), plan.history_end)
    n_meters = sum(not device.is_sensor for device in province.devices.values())
    names = [house.id for house in province.houses]
    findings = registry.findings.rows(institution=names)
    today = province.calendar.date_of(plan.now)
    return Seen(
        detected.compare(detected.felt(province), findings, snapshot, span, n_meters),
        crossed.compare(province, registry.targets.rows(), registry.stages.rows(), today),
    )


def detection_table(seen: Seen) -> RichTable:
    """Findings by kind of fault, and stages."""
    found, stages = seen.detection, seen.crossings
    shown = RichTable("fault", "events", "found", "in time", "shown", title="findings against labelled faults")
    for kind, score in sorted(found.scores.items()):
        shown.add_row(kind.value, *(str(n) for n in (score.events, score.found, score.in_time, score.shown)))
    shown.add_section()
    shown.add_row("findings", str(found.findings), "", "", str(found.shown))
    shown.add_row("without a label", f"{found.false_per_meter_year:.2f}", "a meter and year")
    shown.add_row(
        "stages crossed",
        str(stages.true),
        f"{stages.raised} raised once",
        f"{stages.doubled} twice",
        f"{stages.wrong} wrongly",
    )
    return shown


def _parked(counted: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in sorted(counted.items()) if name.startswith("parked:") and n}


def _compare_counts(verdict: Verdict, tally: Tally) -> None:
    counts = verdict.counts
    ended = sum(n for name, n in counts.items() if name != "sent")
    if ended != counts["sent"]:
        verdict.complaints.append(f"sent {counts['sent']:,}, but stored + duplicate + parked = {ended:,}")
    expected = Counter({"stored": tally.stored, "duplicate": tally.duplicate})
    expected.update({f"parked:{reason}": n for reason, n in tally.parked.items()})
    for name in sorted({*expected, *counts} - {"sent"}):
        if expected[name] != counts.get(name, 0):
            verdict.complaints.append(f"{name}: expected {expected[name]:,}, counted {counts.get(name, 0):,}")


def _compare_days(verdict: Verdict, plan: DemoPlan, store: ResultStore) -> None:
    truth, local = plan.province.truth, plan.province.calendar
    edges = local.edges(Window(plan.start, plan.history_end), "day")
    edges = edges[(edges >= plan.start) & (edges < plan.history_end)]
    by_category: dict[Category, list[tuple[FloatArray, FloatArray]]] = {}
    for meter, category in truth.roots.items():
        amount, coverage = _days(store, meter, edges)
        known = truth.knowable(meter, edges, until=plan.history_end)
        wrong = ~np.isnan(known) & ~(np.abs(amount - known) <= _TOLERANCE + 1e-9 * np.abs(known))
        verdict.n_compared += int(np.count_nonzero(~np.isnan(known) & ~wrong))
        by_category.setdefault(category, []).append((amount, coverage))
        for i in np.flatnonzero(wrong)[:3]:
            day = local.date_of(int(edges[i]))
            verdict.complaints.append(f"{meter} {day}: {amount[i]:.3f} computed, {known[i]:.3f} true")
    for category, parts in sorted(by_category.items()):
        amounts, coverages = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        verdict.consumption[category] = float(np.nansum(amounts)), float(np.nanmean(np.nan_to_num(coverages)))


def _days(store: ResultStore, meter: str, edges: IntArray) -> tuple[FloatArray, FloatArray]:
    """Amount and coverage of the day totals of one meter; NaN where there is none."""
    where = {"scope": ["meter"], "id": [meter], "period": ["day"], "item": ["all"]}
    rows = store.results("total", where=where, start=int(edges[0]), end=int(edges[-1]), fields=["amount", "coverage"])
    places = np.searchsorted(edges, rows.time)
    columns = []
    for name in ("amount", "coverage"):
        values = np.full(len(edges) - 1, np.nan)
        values[places] = rows.fields[name]
        columns.append(values)
    return columns[0], columns[1]


def _compare_years(verdict: Verdict, recording: Recording, store: ResultStore) -> None:
    local = LocalCalendar(recording.zone)
    for (meter, year), kwh in recording.year_sums().items():
        start = int(np.datetime64(f"{year}-01-01", "s").astype(np.int64))
        begin = int(local.to_utc(np.array([start]))[0])
        where = {"scope": ["meter"], "id": [meter], "period": ["year"], "item": ["all"]}
        rows = store.results("total", where=where, start=begin, end=begin + 1, fields=["amount"])
        found = float(rows.fields["amount"][0]) if len(rows) else float("nan")
        if abs(found - kwh) <= _YEAR_TOLERANCE_KWH:
            verdict.n_years += 1
        else:
            verdict.complaints.append(f"{meter} {year}: {found:.1f} kWh computed, {kwh:.1f} in the source")
