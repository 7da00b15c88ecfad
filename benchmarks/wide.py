"""Files of hourly use as the recorded buildings have them: UTC, one column a building."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from energy.series import Float32Array, IntArray


@dataclass(frozen=True)
class Year:
    """One file: buildings, instants and use (n_buildings, n_hours)."""

    names: tuple[str, ...]
    times: IntArray
    use: Float32Array

    def take(self, names: list[str]) -> Float32Array:
        return np.ascontiguousarray(self.use[[self.names.index(name) for name in names]])


def read_wide(path: Path) -> Year:
    table = pd.read_csv(path)
    times = pd.to_datetime(table.iloc[:, 0]).to_numpy().astype("M8[s]").astype(np.int64)
    values = table.iloc[:, 1:].to_numpy(np.float32, na_value=np.nan).T
    return Year(tuple(str(c) for c in table.columns[1:]), times, np.ascontiguousarray(values))


def write_wide(path: Path, year: Year) -> None:
    """What `read_wide` reads."""
    times = pd.to_datetime(year.times, unit="s").strftime("%Y-%m-%dT%H:%M")
    table = pd.DataFrame(year.use.T, columns=list(year.names), index=pd.Index(times, name="datetime_utc"))
    table.to_csv(path)
