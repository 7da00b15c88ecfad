"""Rows of a result measurement, written straight into a store by tests that know each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from energy.series import Table
from energy.storage import schema
from energy.storage.base import Store


def write(
    store: Store, measurement: str, rows: Sequence[Mapping[str, Any]], where: Mapping[str, list[str]] | None = None
) -> None:
    """Replace what stood within the span of the rows; fields that are not given are unknown."""
    shape = schema.MEASUREMENTS[measurement]
    tags = {name: np.array([row[name] for row in rows], object) for name in shape.tags}
    fields: dict[str, Any] = {name: np.array([row.get(name, np.nan) for row in rows], float) for name in shape.fields}
    fields |= {name: np.array([row.get(name) for row in rows], object) for name in shape.texts}
    time = np.array([row["time"] for row in rows], np.int64)
    order = np.lexsort((time, *(tags[name].astype(str) for name in reversed(shape.tags))))
    table = Table(measurement, time, tags, fields).take(order)
    store.replace(table, where=where or {}, start=int(time.min()), end=int(time.max()) + 1)
