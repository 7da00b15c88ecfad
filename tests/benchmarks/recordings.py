"""A small folder of recorded buildings with faults put in, laid out as strangers lay theirs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

BEFORE, AFTER = 2015, 2016
NAMES = ("b1", "b2", "b3")
FAULTS = (
    ("b1", "zero", "2016-03-08T09:00", "2016-03-08T16:00"),
    ("b1", "scale_error", "2016-05-10T00:00", "2016-05-12T23:00"),
    ("b2", "stuck", "2016-07-04T06:00", "2016-07-06T05:00"),
    ("b2", "spike", "2016-12-31T23:00", "2016-12-31T23:00"),
)
CHANGES: dict[str, Callable[[pd.Series], object]] = {
    "zero": lambda hours: 0.0,
    "scale_error": lambda hours: (hours * 2).round(1),
    "stuck": lambda hours: hours.iloc[0],
    "spike": lambda hours: hours * 4,
}


def hours(year: int) -> pd.Index:
    times = pd.date_range(f"{year}-01-01T00:00", f"{year}-12-31T23:00", freq="h")
    return pd.Index(times.strftime("%Y-%m-%dT%H:%M"), name="datetime_utc")


def office(year: int) -> pd.DataFrame:
    """Buildings that work from Monday to Friday, 8 to 18."""
    times = pd.to_datetime(hours(year))
    busy = (times.day_of_week < 5) & (times.hour >= 8) & (times.hour < 18)
    noise = np.random.default_rng(year).normal(1, 0.05, (len(times), len(NAMES)))
    use = np.where(busy, 30.0, 10.0)[:, None] * noise * [1, 2, 5]
    return pd.DataFrame(use.round(1), hours(year), list(NAMES))


@dataclass
class Recordings:
    """Tables by path; a test changes some of them and writes all; None and absent tables are not written."""

    tables: dict[str, pd.DataFrame | str | bytes | None] = field(default_factory=dict)

    @classmethod
    def of_offices(cls) -> Recordings:
        judged = office(AFTER)
        labels = pd.DataFrame(0, judged.index, judged.columns)
        for name, kind, first, last in FAULTS:
            judged.loc[first:last, name] = CHANGES[kind](judged.loc[first:last, name])
            labels.loc[first:last, name] = 1
        both = pd.concat([office(BEFORE), judged])
        day = np.arange(len(both)) / 24
        temperature = 10 - 8 * np.cos(2 * np.pi * day / 365) - 3 * np.cos(2 * np.pi * day)
        weather = pd.DataFrame({"temp_c": temperature.round(1), "rel_hum_pct": 80}, both.index)
        return cls(
            {
                f"cambridge/electricity_{BEFORE}.csv.gz": office(BEFORE),
                f"cambridge/electricity_{AFTER}.csv.gz": office(AFTER),
                "cambridge/weather_2015_2016.csv.gz": weather,
                f"anomaly/electricity_{AFTER}_injected.csv.gz": judged,
                f"anomaly/labels_{AFTER}.csv.gz": labels,
                f"anomaly/events_{AFTER}.csv": pd.DataFrame(
                    FAULTS, columns=["building", "kind", "first_hour", "last_hour"]
                ).set_index("building"),
            }
        )

    def write(self, folder: Path) -> Path:
        for name, table in self.tables.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(table, str):
                path.write_text(table, encoding="utf-8")
            elif isinstance(table, bytes):
                path.write_bytes(table)
            elif table is not None:
                packed = {"method": "gzip", "compresslevel": 1} if path.suffix == ".gz" else None
                table.to_csv(path, compression=packed)
        return folder
