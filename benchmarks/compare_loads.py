"""Do the simulated buildings behave like recorded ones? Both side by side, on figures that do not depend on size.

    python -m benchmarks.compare_loads [FOLDER]

FOLDER holds recorded electricity in the format of `jieneng replay`; without one the sample that ships is used.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np

from energy.intervals import HOUR, LocalCalendar
from energy.model import Category
from energy.series import FloatArray
from simulators import replay
from simulators.province import Province, build

FIGURES = ("night / day", "weekend / workday", "correlation 1 h", "CV", "residual CV", "residual correlation 1 h")


def figures(amounts: FloatArray, start: int, zone: str) -> FloatArray:
    """Six figures of an hourly load that say nothing about its size; NaN hours are left out.

    Night is 0-4 h and day 10-15 h of Monday to Friday; the residual is what the mean of the hour of the week leaves.
    """
    calendar = LocalCalendar(zone)
    how = calendar.hour_of_week(start + HOUR * np.arange(len(amounts), dtype=np.int64))
    known = ~np.isnan(amounts)
    hour, workday = how % 24, how < 120
    mean = float(np.mean(amounts[known]))

    def part(where: np.ndarray) -> float:
        return float(np.mean(amounts[known & where]))

    counted = np.maximum(np.bincount(how[known], minlength=168), 1)
    habit = np.bincount(how[known], amounts[known], minlength=168) / counted
    residual = amounts - habit[how]
    return np.array(
        [
            part(workday & (hour < 4)) / part(workday & (hour >= 10) & (hour < 15)),
            part(~workday) / part(workday),
            _neighbours(amounts),
            float(np.std(amounts[known])) / mean,
            float(np.std(residual[known])) / mean,
            _neighbours(residual),
        ]
    )


def _neighbours(values: FloatArray) -> float:
    both = ~np.isnan(values[1:]) & ~np.isnan(values[:-1])
    return float(np.corrcoef(values[1:][both], values[:-1][both])[0, 1])


def of_recording(recording: replay.Recording) -> FloatArray:
    """Figures of every building-year with at least 98 % of its hours, shape (n, 6)."""
    rows = []
    for meter in recording.meters:
        if meter.category is not Category.ELECTRICITY:
            continue
        for begin in range(0, len(meter.amounts) - 8759, 8760):
            year = meter.amounts[begin : begin + 8760]
            if np.mean(~np.isnan(year)) >= 0.98:
                rows.append(figures(year, meter.start + begin * HOUR, recording.zone))
    return np.array(rows)


def of_province(province: Province) -> FloatArray:
    """Figures of every simulated building's main meter, shape (n, 6)."""
    mains = [d for d in province.devices.values() if d.category is Category.ELECTRICITY and not d.item]
    start, zone = province.window.start, province.calendar.zone
    return np.array([figures(province.loads(d.house).amounts[d.id], start, zone) for d in mains])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    recorded = of_recording(replay.load(folder) if folder else replay.sample())
    simulated = of_province(build(1, date(2024, 1, 1), date(2025, 1, 1)))
    print(f"{'P10 / P50 / P90':28}  {f'recorded ({len(recorded)})':>22}  {f'simulated ({len(simulated)})':>22}")
    for i, name in enumerate(FIGURES):
        spans = [" / ".join(f"{q:.2f}" for q in np.percentile(x[:, i], [10, 50, 90])) for x in (recorded, simulated)]
        print(f"{name:28}  {spans[0]:>22}  {spans[1]:>22}")


if __name__ == "__main__":
    main()
