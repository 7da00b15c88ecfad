"""Tables of recorded data as other people write them: packed or not, any order of rows and columns."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energy.errors import RecordingError
from energy.intervals import HOUR
from energy.series import BoolArray, FloatArray, IntArray

GZIP = b"\x1f\x8b"


def found(path: Path) -> Path | None:
    """The file, under its own name or with `.gz` more or less."""
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return next((one for one in (path, other) if one.is_file()), None)


def read_table(path: Path, *needed: str) -> pd.DataFrame:
    """A CSV file with a header; `needed` columns must be there, names are stripped of spaces.

    Raises
    ------
    RecordingError
        Names the file, what was expected and what came.
    """
    there = found(path)
    if there is None:
        raise RecordingError(f"{path}: expected this file, there is none")
    content = there.read_bytes()
    try:
        text = (gzip.decompress(content) if content.startswith(GZIP) else content).decode("utf-8-sig")
        header = [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]
        table = pd.read_csv(io.StringIO(text), low_memory=False, dtype={"building": str})
    except (OSError, EOFError, zlib.error, ValueError) as exc:  # pandas' own errors are ValueErrors
        problem = str(exc).splitlines()[0]
        raise RecordingError(f"{there}: expected a CSV file in UTF-8, plain or gzip: {problem}") from exc
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise RecordingError(f"{there}: expected each column once, came twice: {', '.join(twice)}")
    table.columns = pd.Index([name.strip() for name in table.columns])
    missing = [name for name in needed if name not in table]
    if missing:
        came = ", ".join(table.columns[:8])
        raise RecordingError(f"{there}: expected the column {', '.join(missing)}; came {came}")
    return table


def instants_of(path: Path, column: pd.Series[Any]) -> IntArray:
    """Instants of a column of time stamps, UTC unless they say otherwise. [epoch s]"""
    stamps = pd.to_datetime(column.astype(str).str.strip(), utc=True, format="ISO8601", errors="coerce")
    refuse(path, column, stamps.isna().to_numpy(), "time stamps such as 2016-01-01T00:00")
    return stamps.to_numpy("datetime64[s]").astype(np.int64)


def hours_of(path: Path, column: pd.Series[Any]) -> IntArray:
    """Instants that each begin an hour. [epoch s]"""
    instants = instants_of(path, column)
    refuse(path, column, instants % HOUR != 0, "whole hours (sum up shorter intervals first)")
    return instants


def numbers_of(path: Path, column: pd.Series) -> FloatArray:
    """Values of a column; NaN where a cell is empty or not finite."""
    values = pd.to_numeric(column, errors="coerce")
    wrong = (values.isna() & column.notna()).to_numpy()
    refuse(path, column, wrong, "numbers or empty cells (leave other columns out)")
    known = values.to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(known), known, np.nan)


def refuse(path: Path, column: pd.Series[Any], wrong: BoolArray, expected: str) -> None:
    """RecordingError for the first wrong row."""
    if wrong.any():
        row = int(wrong.argmax())
        raise RecordingError(
            f"{path}: expected {expected} in column {column.name!r}, came {column.iloc[row]!r} in line {row + 2}"
        )
