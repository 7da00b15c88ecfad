"""Files of hourly use as the recorded buildings have them: UTC, one column a building."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.recorded import hours_of, numbers_of, read_table
from energy.errors import RecordingError
from energy.intervals import HOUR
from energy.series import Float32Array, IntArray

STAMPS = "datetime_utc"
"""The column of hours; the first one where none has this name."""


@dataclass(frozen=True)
class Year:
    """One file: buildings, instants and use (n_buildings, n_hours)."""

    names: tuple[str, ...]
    times: IntArray
    use: Float32Array

    def take(self, names: Sequence[str]) -> Float32Array:
        """Use of these buildings; NaN for one that the file has not."""
        row = {name: i for i, name in enumerate(self.names)}
        out = np.full((len(names), len(self.times)), np.nan, np.float32)
        for i, name in enumerate(names):
            if name in row:
                out[i] = self.use[row[name]]
        return out


def hours_of_year(year: int) -> IntArray:
    """Every hour of a UTC year."""
    first, end = (int(np.datetime64(f"{y}-01-01", "s").astype(np.int64)) for y in (year, year + 1))
    return np.arange(first, end, HOUR, dtype=np.int64)


def is_filler(column: pd.Series[Any]) -> bool:
    """A column without name and content, as commas at the end of lines make one."""
    return str(column.name).startswith("Unnamed:") and bool(column.isna().all())


def read_wide(path: Path) -> Year:
    """Every hour of the year in the file's name, in order; NaN where the file has no row or no number.

    Raises
    ------
    RecordingError
        Names the file, what was expected and what came.
    """
    year = re.search(r"_(\d{4})(?!\d)", path.name)
    if year is None:
        raise RecordingError(f"{path}: expected a year in the file's name, such as electricity_2016.csv.gz")
    table = read_table(path)
    columns = [str(name) for name in table]
    stamps = STAMPS if STAMPS in columns else columns[0]
    names = [name for name in columns if name != stamps and not is_filler(table[name])]
    hours = hours_of(path, table[stamps])
    times = hours_of_year(int(year.group(1)))
    place = (hours - times[0]) // HOUR
    inside = (place >= 0) & (place < len(times))
    if not inside.any():
        came = pd.to_datetime(hours[:1], unit="s").strftime("%Y-%m-%dT%H:%M").tolist()
        raise RecordingError(f"{path}: expected hours of {year.group(1)}, came {', '.join(came) or 'no row'}")
    again = pd.Series(hours).duplicated()
    if again.any():
        first = pd.to_datetime(hours[again.to_numpy()][0], unit="s")
        raise RecordingError(f"{path}: expected each hour once, came twice: {first:%Y-%m-%dT%H:%M}; write hours in UTC")
    use = np.full((len(names), len(times)), np.nan, np.float32)
    for i, name in enumerate(names):
        use[i, place[inside]] = numbers_of(path, table[name])[inside]
    return Year(tuple(names), times, use)


def write_wide(path: Path, year: Year) -> None:
    """What `read_wide` reads."""
    times = pd.to_datetime(year.times, unit="s").strftime("%Y-%m-%dT%H:%M")
    table = pd.DataFrame(year.use.T, columns=list(year.names), index=pd.Index(times, name=STAMPS))
    table.to_csv(path)
