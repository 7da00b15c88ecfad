"""A small estate with real registry and real embedded store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analytics.jobs import RunRecord, run
from energy.model import Reading
from energy.registry import Registry, Touched
from energy.series import Readings, Table
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore

HOUR = 3600
DAY = 24 * HOUR


def instant(text: str) -> int:
    """UTC epoch seconds of a time in Beijing."""
    return int(datetime.fromisoformat(text + "+08:00").astimezone(UTC).timestamp())


def meter(name: str, **columns: object) -> dict[str, object]:
    """A row of sheet `meters`: an hourly electricity register of institution `school`."""
    return {
        "id": name,
        "institution": "school",
        "category": "electricity",
        "unit": "kWh",
        "digits": 6,
        "interval_s": HOUR,
        **columns,
    }


@dataclass
class Works:
    """Registry and store of one installation, and what tests do with them."""

    folder: Path
    registry: Registry
    store: Store

    @classmethod
    def open(cls, folder: Path) -> Works:
        registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
        return cls(folder, registry, EmbeddedStore(folder, writes_readings=True))

    def close(self) -> None:
        self.store.close()
        self.registry.close()

    def estate(self, *meters: Mapping[str, object], **sheets: Sequence[Mapping[str, object]]) -> None:
        """Region 990000 > 990101, institution `school` with building `b1`, and these meters."""
        self.registry.import_sheets(
            {
                "regions": [
                    {"code": "990000", "name_zh": "示例省"},
                    {"code": "990101", "name_zh": "示例县", "parent": "990000"},
                ],
                "institutions": [
                    {"id": "school", "name_zh": "学校", "region": "990101", "type": "021"},
                    {"id": "court", "name_zh": "法院", "region": "990101", "type": "01"},
                ],
                "buildings": [
                    {"id": "b1", "institution": "school", "name_zh": "教学楼"},
                    {"id": "b2", "institution": "court", "name_zh": "办公楼"},
                ],
                "meters": list(meters),
                **sheets,
            }
        )

    def read(self, name: str, times: Sequence[int], values: Sequence[float]) -> None:
        """Readings arrive: stored, then marked as touched, as the collector does."""
        rows = [Reading(name, int(t), float(v)) for t, v in zip(times, values, strict=True)]
        self.store.write_readings(Readings.of(rows))
        self.registry.mark_touched([Touched(name, int(min(times)), int(max(times)))])

    def hourly(self, name: str, first: str, energy: Sequence[float], start: float = 0.0) -> np.ndarray:
        """A register read at every hour from `first` on; its values."""
        values = start + np.concatenate(([0.0], np.cumsum(energy)))
        times = instant(first) + HOUR * np.arange(len(values))
        self.read(name, times.tolist(), values.tolist())
        return values

    def run(self, now: str = "2026-03-01T00:00:00", **options: object) -> RunRecord:
        return run(self.store, self.registry, now=instant(now), **options)  # type: ignore[arg-type]

    def rows(self, measurement: str, **where: str) -> Table:
        return self.store.results(measurement, where={tag: [value] for tag, value in where.items()}, start=0, end=2**32)

    def total(
        self, identity: str, period: str, when: str, *, category: str = "electricity", item: str = "all"
    ) -> dict[str, float]:
        """Fields of one total by the local start of its period; empty if there is none."""
        found = self.rows("total", id=identity, period=period, category=category, item=item)
        at = np.flatnonzero(found.time == instant(when))
        return {name: float(values[at[0]]) for name, values in found.fields.items()} if len(at) else {}


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    opened = Works.open(tmp_path)
    yield opened
    opened.close()
