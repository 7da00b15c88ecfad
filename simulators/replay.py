"""Recorded buildings sent as if their meters were talking now: hourly files become cumulative registers.

The folder holds `electricity_YYYY.csv.gz` and `gas_YYYY.csv.gz` (first column the UTC hour's beginning, then one
column of kWh a building), optionally `weather_*.csv.gz` (`temp_c`, `rel_hum_pct`) and `buildings.csv` (`building`,
`gia_m2`). A register is read at the end of each hour. The source wrote 0 for what it had not measured, so a zero is
replayed as missing: that register is not sent. What the missing hours used is in no file, so the register of the next
hour goes on from the last one known.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from energy.errors import RecordingError
from energy.intervals import HOUR, LocalCalendar
from energy.model import Category
from energy.series import FloatArray, IntArray
from energy.topics import Topic
from simulators.messages import Message, Sender
from simulators.recorded import INSTITUTION, WEATHER_GATEWAY, Recorded
from simulators.recorded_sheets import of_recording
from simulators.sheets import Sheets

_KINDS: Final = ((Category.ELECTRICITY, "electricity", "e"), (Category.GAS, "gas", "g"))


@dataclass(slots=True)
class Recording:
    """A folder of recorded buildings, ready to be sent; `zone` is the time zone of the site."""

    folder: Path
    zone: str
    meters: tuple[Recorded, ...]
    areas: dict[str, float]
    weather: tuple[IntArray, FloatArray] | None  # hours' beginnings; temperature and humidity, shape (2, n)

    @property
    def calendar(self) -> LocalCalendar:
        """The local calendar of the site."""
        return LocalCalendar(self.zone)

    @property
    def gateways(self) -> list[str]:
        """A gateway for each building, and one for the weather."""
        buildings = list(dict.fromkeys(m.building for m in self.meters))
        return [f"{INSTITUTION}-{b}" for b in buildings] + ([WEATHER_GATEWAY] if self.weather is not None else [])

    @property
    def sheets(self) -> Sheets:
        """The registry of the recorded buildings, in a region of its own."""
        return of_recording(self.meters, self.calendar, self.areas, self.gateways)

    def messages(self, start: int | None = None, end: int | None = None) -> Iterator[Message]:
        """Column messages of one building after another, weather first; instants [start, end) when given."""
        if self.weather is not None:
            times, values = self.weather
            yield from self._send(WEATHER_GATEWAY, times, ("t", "rh"), values, start, end)
        for building in dict.fromkeys(m.building for m in self.meters):
            meters = [m for m in self.meters if m.building == building]
            times, values = _together([m.registers(self.calendar) for m in meters])
            names = [m.local for m in meters]
            yield from self._send(f"{INSTITUTION}-{building}", times, names, values, start, end)

    def year_sums(self) -> dict[tuple[str, int], float]:
        """kWh by meter and local year, for years without a missing or zero hour: the truth of the replay."""
        return {(m.meter, year): kwh for m in self.meters for year, kwh in m.year_sums(self.calendar).items()}

    def _send(
        self,
        gateway: str,
        times: IntArray,
        names: Sequence[str],
        values: FloatArray,
        start: int | None,
        end: int | None,
    ) -> Iterator[Message]:
        wanted = np.ones(len(times), bool)
        if start is not None:
            wanted &= times >= start
        if end is not None:
            wanted &= times < end
        sender = Sender(gateway, str(Topic(INSTITUTION, gateway)))
        yield from sender.columns(times[wanted], names, values[:, wanted])


def load(folder: Path, *, zone: str = "Europe/London", buildings: Iterable[str] = ()) -> Recording:
    """Read a folder of recorded data; `buildings` keeps only these."""
    meters = [m for category, name, suffix in _KINDS for m in _meters(folder, category, name, suffix)]
    wanted = set(buildings)
    if missing := wanted - {m.building for m in meters}:
        raise RecordingError(f"{folder}: no data of building {', '.join(sorted(missing))}")
    if wanted:
        meters = [m for m in meters if m.building in wanted]
    if not meters:
        raise RecordingError(f"{folder}: expected electricity_YYYY.csv.gz or gas_YYYY.csv.gz, found neither")
    return Recording(folder, zone, tuple(meters), _areas(folder / "buildings.csv"), _weather(folder))


def sample(*, zone: str = "Europe/London") -> Recording:
    """The six buildings that ship with the program, 2016 and 2017 (licence: `sample/LICENSE.txt`)."""
    return load(Path(str(files("simulators") / "sample")), zone=zone)


def _meters(folder: Path, category: Category, name: str, suffix: str) -> Iterator[Recorded]:
    paths = sorted(folder.glob(f"{name}_[0-9][0-9][0-9][0-9].csv.gz"))
    tables = [_table(path) for path in paths]
    if not tables:
        return
    start = min(int(times[0]) for _, times, _ in tables)
    end = max(int(times[-1]) for _, times, _ in tables) + HOUR
    for building in dict.fromkeys(b for names, _, _ in tables for b in names):
        amounts = np.full((end - start) // HOUR, np.nan)
        for names, times, values in tables:
            if building in names:
                amounts[(times - start) // HOUR] = values[:, names.index(building)]
        amounts[~(amounts > 0)] = np.nan
        yield Recorded(f"{INSTITUTION}.{building}.{suffix}", suffix, building, category, start, amounts)


def _table(path: Path) -> tuple[list[str], IntArray, FloatArray]:
    """Column names, hours' beginnings and values of one wide file; an empty cell is NaN."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])[1:]
        body = list(rows)
    if not names or not body:
        raise RecordingError(f"{path}: expected a header and rows of hours")
    try:
        times = np.array([row[0] for row in body], "M8[s]").astype(np.int64)
        values = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in body], np.float64)
    except ValueError as exc:
        raise RecordingError(f"{path}: {exc}") from exc
    if values.ndim != 2 or values.shape[1] != len(names):
        raise RecordingError(f"{path}: expected {len(names)} values in every row")
    if np.any(times % HOUR) or np.any(np.diff(times) <= 0):
        raise RecordingError(f"{path}: expected whole hours in rising order")
    return names, times, values


def _areas(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["building"]: float(row["gia_m2"]) for row in csv.DictReader(file) if row.get("gia_m2")}


def _weather(folder: Path) -> tuple[IntArray, FloatArray] | None:
    path = next(iter(sorted(folder.glob("weather_*.csv.gz"))), None)
    if path is None:
        return None
    names, times, values = _table(path)
    if missing := {"temp_c", "rel_hum_pct"} - set(names):
        raise RecordingError(f"{path}: expected the column {', '.join(sorted(missing))}")
    return times, values[:, [names.index("temp_c"), names.index("rel_hum_pct")]].T


def _together(parts: list[tuple[IntArray, FloatArray]]) -> tuple[IntArray, FloatArray]:
    """Registers of several meters on the hours of all of them."""
    first, last = min(int(t[0]) for t, _ in parts), max(int(t[-1]) for t, _ in parts)
    times = np.arange(first, last + 1, HOUR, dtype=np.int64)
    values = np.full((len(parts), len(times)), np.nan)
    for row, (at, register) in zip(values, parts, strict=True):
        row[(at - first) // HOUR] = register
    return times, values
