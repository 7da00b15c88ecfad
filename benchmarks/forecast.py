"""How well the forecast of a year and its 80 % interval hold, as the year goes on, on recorded meters.

    python -m benchmarks.forecast [--data FOLDER]

FOLDER holds `cambridge/electricity_YYYY.csv.gz`. The year before gives the profile (month and kind of day), the spread
of a day, and nothing else; the drift is the prior of `analytics.expected`. Zeros are missing readings in this archive.
Printed for each number of elapsed days: share of year-ends inside the interval (.75 to .85 wanted), median absolute
error of the median, and median width of the interval relative to the year.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.progress import Uncertainty, forecast_year, seasonal_profile
from analytics.spread import DRIFT_PRIOR
from energy.holidays import work_calendar
from energy.series import FloatArray, IntArray

ELAPSED = (0, 31, 90, 181, 273, 334)
YEARS = range(2014, 2020)  # before the closures of 2020


@dataclass(frozen=True)
class Year:
    """Daily use of each building; NaN where less than a whole day is known."""

    days: IntArray
    use: dict[str, FloatArray]


def read(path: Path) -> Year:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)[1:]
        rows = list(reader)
    hours = np.array([[float(cell) if cell else 0.0 for cell in row[1:]] for row in rows])
    hours[hours <= 0] = np.nan
    first = np.datetime64(rows[0][0], "D").astype(int)
    daily = hours[: len(hours) // 24 * 24].reshape(-1, 24, len(names)).sum(axis=1)
    return Year(first + np.arange(len(daily)), {name: daily[:, i] for i, name in enumerate(names)})


def month_of(days: IntArray) -> IntArray:
    return days.astype("M8[D]").astype("M8[M]").astype(int) % 12 + 1


def pairs(folder: Path) -> Iterator[tuple[FloatArray, FloatArray, float]]:
    """Use of a year, its expected use by the year before, and the spread of a day."""
    calendar = work_calendar("GB-EAW")
    years = {year: read(folder / f"electricity_{year}.csv.gz") for year in YEARS}
    for year in YEARS[1:]:
        before, now = years[year - 1], years[year]
        for name in sorted(before.use.keys() & now.use.keys()):
            past, use = before.use[name], now.use[name]
            if min(np.isfinite(past).mean(), np.isfinite(use).mean()) < 0.95:
                continue
            work = [calendar.is_workday(days) for days in (before.days, now.days)]
            own = seasonal_profile(past, month_of(before.days), work[0], month_of(before.days), work[0])
            profile = seasonal_profile(past, month_of(before.days), work[0], month_of(now.days), work[1])
            yield use, profile, float(np.nanstd(past - own))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    folder = parser.parse_args().data / "cambridge"
    if not (folder / f"electricity_{YEARS[0]}.csv.gz").exists():
        print(f"forecast: no electricity_YYYY.csv.gz in {folder}; give the folder with --data", file=sys.stderr)
        return 1
    found = list(pairs(folder))
    print(f"{len(found)} years of meters")
    for elapsed in ELAPSED:
        inside, error, width = [], [], []
        for use, profile, spread in found:
            # days that stay unknown to the end count as forecast, so that truth and forecast speak of the same year
            truth = float(np.where(np.isfinite(use), use, profile).sum())
            seen = np.where(np.isfinite(use), use, profile)[None]
            uncertainty = Uncertainty(np.array([DRIFT_PRIOR]), np.array([spread]))
            forecast = forecast_year(seen, profile[None], elapsed, uncertainty)
            inside.append(forecast.low[0] <= truth <= forecast.high[0])
            error.append(abs(forecast.median[0] / truth - 1))
            width.append((forecast.high[0] - forecast.low[0]) / truth)
        print(
            f"after {elapsed:3} days: inside {np.mean(inside):.2f}, error {np.median(error):.3f}, "
            f"width {np.median(width):.3f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
