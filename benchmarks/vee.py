"""How surely faults of registers are found and named (validation), and how fast registers are judged.

    python -m benchmarks.vee --data FOLDER [--years 2015 2016 ...] [--json OUT.json]

FOLDER holds `anomaly/register_readings.csv.gz` (building, datetime_utc, register_kwh, digits) and
`anomaly/register_events.csv` (building, kind, first, last), or `cambridge/electricity_YYYY.csv.gz`: with `--years`,
registers of those years are made with faults at random, of the recorded kinds and of others.

found      a flag with any reason within two readings of the fault
precision  runs of flagged readings that touch a fault, of all of them
kind       faults whose nearest run's most frequent reason is the right one, of kinds that are known here
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.register_profiles import fit_register_profile
from analytics.registers import GAP_FACTOR, Judgement, RegisterBank, RegisterLimits, Verdict, judge
from benchmarks.recorded import found, instants_of, numbers_of, read_table, refuse
from benchmarks.register_faults import LABELLED, OTHERS, Register, RegisterFault, RegisterRule, hourly_times, put_in
from benchmarks.wide import read_wide
from energy.intervals import HOUR
from energy.series import BoolArray, IntArray

REACH = 2
"""A run of flags so many readings from a fault still touches it."""
DAYS = 120
"""Length of a drawn register, that of the recorded ones."""
LONGEST_REST = 4
"""Hours without use that a drawn register may hold: longer ones are faults of the record that no label names. [h]"""
TIMED = 4_000_000
"""Readings judged for the figure of speed."""
EVERY = {**LABELLED, **OTHERS}
KINDS = {kind: rule.verdict for kind, rule in EVERY.items()}


@dataclass(frozen=True)
class Score:
    """How one set of registers was judged: faults by kind, found and named; runs of flags, and those that touch one."""

    total: Counter[str]
    found: Counter[str]
    named: Counter[str]
    runs: int
    touching: int

    def figures(self) -> dict[str, float]:
        n = self.total.total()
        rates = {
            "recall": share(self.found.total(), n),
            "precision": share(self.touching, self.runs),
            "kind": share(self.named.total(), sum(self.total[kind] for kind in KINDS)),
        }
        by_kind = {f"recall.{kind}": self.found[kind] / self.total[kind] for kind in sorted(self.total)}
        return {**rates, "events": float(n), **by_kind}


def share(part: int, whole: int) -> float:
    """NaN of nothing."""
    return part / whole if whole else float("nan")


def read_registers(folder: Path) -> list[Register]:
    """The recorded registers of `folder`/anomaly; none where the files are not there.

    Raises
    ------
    RecordingError
        A file cannot be read.
    """
    readings, events = folder / "anomaly" / "register_readings.csv.gz", folder / "anomaly" / "register_events.csv"
    if not (found(readings) and found(events)):
        return []
    faults = read_faults(events)
    table = read_table(readings, "building", "datetime_utc", "register_kwh", "digits")
    time = instants_of(readings, table["datetime_utc"])
    value, digits = (numbers_of(readings, table[name]) for name in ("register_kwh", "digits"))
    refuse(readings, table["digits"], ~(digits > 0), "the digits of the display")
    refuse(readings, table["register_kwh"], np.isnan(value), "a reading (leave out rows without one)")
    registers = []
    for name in table["building"].unique():
        own = np.flatnonzero(table["building"] == name)
        own = own[np.argsort(time[own], kind="stable")]
        registers.append(Register(str(name), time[own], value[own], int(digits[own[0]]), tuple(faults[str(name)])))
    return registers


def read_faults(path: Path) -> defaultdict[str, list[RegisterFault]]:
    """Faults by building."""
    table = read_table(path, "building", "kind", "first", "last")
    first, last = (instants_of(path, table[name]).tolist() for name in ("first", "last"))
    faults = defaultdict(list)
    for name, kind, a, b in zip(table["building"], table["kind"].astype(str), first, last, strict=True):
        faults[str(name)].append(RegisterFault(kind, a, b))
    return faults


def drawn(folder: Path, year: int, rules: Mapping[str, RegisterRule]) -> list[Register]:
    """Registers of a year's well recorded buildings, with faults of some kinds; the year alone tells which."""
    wide = read_wide(folder / "cambridge" / f"electricity_{year}.csv.gz")
    generator = np.random.default_rng(year)
    registers = []
    for row, name in enumerate(wide.names):
        first = int(generator.integers(0, len(wide.times) - 24 * DAYS))
        use = np.nan_to_num(wide.use[row, first : first + 24 * DAYS].astype(np.float64))
        if max((b - a for a, b in runs_of(use <= 0)), default=0) < LONGEST_REST:
            registers.append(put_in(name, hourly_times(int(wide.times[first]), len(use)), use, rules, generator))
    return registers


def judged(registers: Sequence[Register]) -> tuple[RegisterBank, RegisterLimits, Judgement]:
    """All registers at once, each by the limits of its own readings; one without any use is left out by its limits."""
    bank = RegisterBank(
        np.cumsum([0, *(len(r.time) for r in registers)]),
        np.concatenate([r.time for r in registers]),
        np.concatenate([r.value for r in registers]),
    )
    profiles = [fit_register_profile(r.time, r.value, gap_s=HOUR * GAP_FACTOR) for r in registers]
    limits = RegisterLimits(
        np.array([10.0**r.digits for r in registers]),
        np.array([p.per_hour if p else np.inf for p in profiles]),
        np.full(len(registers), HOUR * GAP_FACTOR),
        np.array([p.stuck_s if p else np.inf for p in profiles]),
    )
    return bank, limits, judge(bank, limits)


def score(registers: Sequence[Register]) -> Score:
    """Faults found and named, by kind."""
    bank, _, judgement = judged(registers)
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    named: Counter[str] = Counter()
    n_runs = n_touching = 0
    for m, register in enumerate(registers):
        verdict = judgement.verdict[bank.offset[m] : bank.offset[m + 1]]
        runs = runs_of((verdict != Verdict.ACCEPTED) & (verdict != Verdict.FIRST))
        touched: set[tuple[int, int]] = set()
        for fault in register.faults:
            near = touching(runs, register.time, fault)
            reasons = [Counter(verdict[a : b + 1].tolist()).most_common(1)[0][0] for a, b in near]
            total[fault.kind] += 1
            found[fault.kind] += bool(near)
            named[fault.kind] += KINDS.get(fault.kind) in reasons
            touched.update(near)
        n_runs += len(runs)
        n_touching += len(touched)
    return Score(total, found, named, n_runs, n_touching)


def runs_of(flagged: BoolArray) -> list[tuple[int, int]]:
    """First and last place of each run of True."""
    change = np.diff(np.concatenate(([0], flagged.astype(np.int8), [0])))
    return list(zip(np.flatnonzero(change == 1).tolist(), (np.flatnonzero(change == -1) - 1).tolist(), strict=True))


def touching(runs: Sequence[tuple[int, int]], times: IntArray, fault: RegisterFault) -> list[tuple[int, int]]:
    """Runs within `REACH` readings of a fault."""
    low = int(np.searchsorted(times, fault.first)) - REACH
    high = int(np.searchsorted(times, fault.last, side="right")) - 1 + REACH
    return [(a, b) for a, b in runs if a <= high and b >= low]


def speed(registers: Sequence[Register]) -> float:
    """Million readings judged per CPU-second, the registers side by side as often as `TIMED` readings need."""
    bank, limits, _ = judged(registers)
    times = max(TIMED // len(bank.time), 1)
    many = RegisterBank(
        np.concatenate(([0], np.cumsum(np.tile(np.diff(bank.offset), times)))),
        np.tile(bank.time, times),
        np.tile(bank.value, times),
    )
    wide = RegisterLimits(
        np.tile(limits.capacity, times),
        np.tile(limits.per_hour, times),
        np.tile(limits.gap_s, times),
        np.tile(limits.stuck_s, times),
    )
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        judge(many, wide)
        best = min(best, time.process_time() - start)
    return len(many.time) / best / 1e6


def recorded_figures(folder: Path) -> dict[str, float]:
    """Figures of the recorded registers; none where there are none."""
    registers = read_registers(folder)
    if not registers:
        return {}
    return {**score(registers).figures(), "mreadings_per_cpu_second": speed(registers)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--years", type=int, nargs="+", default=())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = {f"recorded.{key}": value for key, value in recorded_figures(options.data).items()}
    for way, rules in (("labelled", LABELLED), ("other", OTHERS), ("mixed", EVERY)):
        sets = [drawn(options.data, year, rules) for year in options.years]
        if sets:
            result |= {f"{way}.{k}": v for k, v in score([r for one in sets for r in one]).figures().items()}
    for key, value in result.items():
        print(f"{key:40s} {value:.4f}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
