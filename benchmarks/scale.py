"""Speed and memory of expected use and of the whole detector on many meters.

    python benchmarks/scale.py [--meters 1000 10000] [--only expected,model,detector,as_seen] [--json OUT.json]

Prints, with and without gaps (2 % of the hours, in days), Mvalues per CPU-second on meters x 8,760 float32, the ratio
to `np.copyto` of the same array in the same process, and the peak of resident memory above imports, warm-up and input.
`expected` is fit and residual of the fit year; `model` is that with spreads, drift and sufficiency: all that is stored
of a meter, and its prediction of another year. `detector` learns from and judges a year (retrospective, expectation
included). `as_seen` learns from the first half of the meters' array as year before and judges the second half, so its
values are counted as they are read: two years of the same offices.

First it prints the CPU seconds of each job's first use, on 64 meters: what compiling takes in an empty
`NUMBA_CACHE_DIR`, what loading takes in a filled one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402

from analytics import anomalies  # noqa: E402
from analytics.calendars import calendar_rows  # noqa: E402
from analytics.design import Design, Terms, Weather, build_design, choose_terms  # noqa: E402
from analytics.expected import Rows, chunks, fit_expected, recency  # noqa: E402
from analytics.regression import fit_rows, predict_rows  # noqa: E402
from energy.holidays import work_calendar  # noqa: E402
from energy.intervals import HOUR, LocalCalendar, Window  # noqa: E402
from energy.series import Float32Array  # noqa: E402

ZONE = LocalCalendar("Asia/Shanghai")
HOURS = 8760


START = ZONE.start_of(date(2022, 1, 1))


def designs() -> tuple[Terms, Design, Design, anomalies.HourGrid, anomalies.HourGrid]:
    """Terms and rows of two years, 2022 and 2023, with weather and sun; the grid of the first and of both."""
    times = START + HOUR * np.arange(2 * HOURS, dtype=np.int64)
    day = np.arange(2 * HOURS) / 24
    generator = np.random.default_rng(0)
    wander = np.interp(day, np.arange(732), generator.normal(0, 3, 732))
    temperature = 15 - 12 * np.cos(2 * np.pi * day / 365) - 4 * np.cos(2 * np.pi * day) + wander
    sun = 500 * np.maximum(-np.cos(2 * np.pi * day), 0)
    rows = calendar_rows(times, HOUR, ZONE, kinds=work_calendar("CN").kind)
    halves = [
        (calendar_rows(times[half], HOUR, ZONE, kinds=work_calendar("CN").kind), Weather(temperature[half], sun[half]))
        for half in (slice(0, HOURS), slice(HOURS, None))
    ]
    terms = choose_terms(*halves[0])
    first, second = (build_design(terms, calendar, weather) for calendar, weather in halves)
    return terms, first, second, anomalies.HourGrid.of(START, first.calendar), anomalies.HourGrid.of(START, rows)


def meters(n: int, halves: tuple[Design, Design], gaps: bool) -> Float32Array:
    """Offices of many sizes, made a few at a time.

    Those of the second half are those of the first in the year after, by its calendar, with six faults of up to two
    days, so that alarms are raised.
    """
    out = np.empty((n, HOURS), np.float32)
    shapes = [(40 + 60 * design.calendar.occupied).astype(np.float32) for design in halves]
    half = max(n // 2, 1)
    for i in range(n):
        generator, size = np.random.default_rng(i), np.random.default_rng([i % half]).lognormal(0, 1)
        out[i] = shapes[i >= half] * size * (1 + 0.1 * generator.standard_normal(HOURS, np.float32))
        for first in generator.integers(0, HOURS - 48, 6 if i >= half else 0):
            out[i, first : first + generator.integers(3, 48)] *= 1.8
        if gaps:
            for first in generator.integers(0, HOURS - 24, 7):
                out[i, first : first + 24] = np.nan
    return out


def peak_mb() -> float:
    """Highest resident memory since the last reset."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measured(what: Callable[[Float32Array], None], values: Float32Array) -> tuple[float, float]:
    """CPU seconds, and peak memory above what was there before."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = peak_mb()
    start = time.process_time()
    what(values)
    return time.process_time() - start, peak_mb() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meters", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--only", default="expected,model,detector,as_seen")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    terms, first, second, grid, both = designs()

    def expected(values: Float32Array) -> None:
        rows = Rows.of(first, terms)
        basis = rows.basis(recency(HOURS, HOUR))
        out = np.empty((32, HOURS), np.float32)
        for chunk in chunks(len(values)):
            own = values[chunk]
            fitted = predict_rows(fit_rows(own, basis), first.calendar.slot, rows.values, out[: len(own)])
            np.subtract(own, fitted, out=fitted)

    def model(values: Float32Array) -> None:
        for first_meter in range(0, len(values), 1000):
            own = values[first_meter : first_meter + 1000]
            found = fit_expected(own, first, terms, Window(START, START + HOURS * HOUR))
            for chunk in chunks(len(own)):
                found.take(chunk).predict(second)

    def detector(values: Float32Array) -> None:
        usual = anomalies.UsualUse(first, None)
        for chunk in chunks(len(values)):
            anomalies.judge_retrospective(values[chunk], usual(values[chunk]), grid)

    def as_seen(values: Float32Array) -> None:
        usual = anomalies.UsualUse(first, second)
        half = len(values) // 2
        for chunk in chunks(half):
            years = np.concatenate([values[chunk], values[half:][chunk]], axis=1)
            anomalies.judge_as_seen(years, usual(values[chunk]), both, HOURS)

    def years(name: str) -> tuple[Design, Design]:
        return (first, second) if name == "as_seen" else (first, first)

    every = {"expected": expected, "model": model, "detector": detector, "as_seen": as_seen}
    jobs = {name: every[name] for name in options.only.split(",")}
    result: dict[str, float] = {}
    for name, job in jobs.items():
        start = time.process_time()
        for gaps in (False, True):
            job(meters(64, years(name), gaps))
        result[f"{name}.first_use_cpu_s"] = time.process_time() - start
        print(f"{name:28s} first use {result[f'{name}.first_use_cpu_s']:5.1f} CPU-s", flush=True)
    for n in options.meters:
        for gaps in (False, True):
            for name, job in jobs.items():
                values = meters(n, years(name), gaps)
                copy = np.empty_like(values)
                np.copyto(copy, values)
                start = time.process_time()
                np.copyto(copy, values)
                copied = time.process_time() - start
                del copy
                seconds, memory = measured(job, values)
                key = f"{name}.{n}.{'gaps' if gaps else 'whole'}"
                result[f"{key}.mvalues_per_cpu_s"] = values.size / seconds / 1e6
                result[f"{key}.times_copyto"] = seconds / copied
                result[f"{key}.cpu_s"] = seconds
                result[f"{key}.peak_mb"] = memory
                print(
                    f"{key:28s} {values.size / seconds / 1e6:8.1f} Mvalues/CPU-s  {seconds:7.2f} CPU-s  "
                    f"{seconds / copied:7.1f} x copyto  peak {memory:6.1f} MB",
                    flush=True,
                )
                del values
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
