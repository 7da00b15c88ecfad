"""Weather files into the installation, as readings of a registered weather sensor."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from energy.errors import NotInRegistry, RecordingError
from energy.registry import Snapshot
from energy.settings import Settings
from jieneng.operator import ask

_READINGS_A_MESSAGE: Final = 10_000
HOUR_BEGINNING: Final = "datetime_utc"


def push(path: Path, sensors: dict[str, str], snapshot: Snapshot, settings: Settings) -> int:
    """Send the columns of a file as readings of sensors (column -> sensor id); the number of readings taken."""
    gateways = {_gateway(snapshot, sensor) for sensor in sensors.values()}
    if len(gateways) != 1:
        raise RecordingError(f"expected sensors of one gateway, got sensors of {', '.join(sorted(gateways))}")
    locals_ = {column: snapshot.meters[sensor].local or "" for column, sensor in sensors.items()}
    taken = 0
    for times, columns in _blocks(path, list(sensors), _READINGS_A_MESSAGE // len(sensors)):
        body: dict[str, Any] = {"times": times, "values": {locals_[name]: values for name, values in columns.items()}}
        ask(settings, f"/api/v1/readings?gateway={next(iter(gateways))}", body)
        taken += sum(value is not None for values in columns.values() for value in values)
    return taken


def _gateway(snapshot: Snapshot, sensor: str) -> str:
    found = snapshot.meters.get(sensor)
    if found is None or found.gateway is None:
        raise NotInRegistry(f"sensor {sensor!r} with a gateway: import it in the sheet `sensors` first")
    return found.gateway


def _blocks(path: Path, wanted: list[str], size: int) -> Iterator[tuple[list[int], dict[str, list[float | None]]]]:
    times: list[int] = []
    columns: dict[str, list[float | None]] = {name: [] for name in wanted}
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {HOUR_BEGINNING, *wanted} - set(rows.fieldnames or ())
        if missing:
            raise RecordingError(f"{path}: expected the columns {', '.join(sorted(missing))}, found {rows.fieldnames}")
        for row in rows:
            times.append(_instant(path, rows.line_num, row[HOUR_BEGINNING]))
            for name in wanted:
                columns[name].append(_number(path, rows.line_num, name, row[name]))
            if len(times) == size:
                yield times, columns
                times, columns = [], {name: [] for name in wanted}
    if times:
        yield times, columns


def _instant(path: Path, line: int, text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as exc:
        raise RecordingError(f"{path} line {line}: expected YYYY-MM-DDTHH:MM (UTC), got {text!r}") from exc


def _number(path: Path, line: int, column: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as exc:
        raise RecordingError(f"{path} line {line}, {column}: expected a number, got {text!r}") from exc
