"""All results of a store, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

from energy.storage.schema import MEASUREMENTS
from tests.analytics.jobs.conftest import Works


def everything(works: Works) -> dict[str, list[tuple[str, ...]]]:
    """Every result row of every measurement, each number as it is written out in full."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for name in MEASUREMENTS:
        if name != "reading":
            rows = works.store.results(name, where={}, start=0, end=2**32)
            columns = [rows.time, *rows.tags.values(), *rows.fields.values()]
            found[name] = [tuple(repr(column[i]) for column in columns) for i in range(len(rows))]
    return found


def differing(ones: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows that only one of the two has."""
    return sorted(set(ones) ^ set(others)) or [("the order",)]
