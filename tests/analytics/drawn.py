"""Hours that a kernel may meet, drawn at random: gaps, ties, constants, one value, none, clocks that change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
from hypothesis import strategies as st

from analytics.calendars import calendar_rows
from analytics.detection.grid import HourGrid
from energy.intervals import HOUR, LocalCalendar

ZONES = [LocalCalendar("Europe/London"), LocalCalendar("Asia/Shanghai")]
FIRST_DAYS = [date(2022, 3, 26), date(2022, 10, 29)]
"""On the day after each, London's clocks go forward or back."""
SEEDS = st.integers(0, 10_000)


def hours(zone: LocalCalendar, n: int, first_day: date) -> HourGrid:
    start = zone.start_of(first_day)
    return HourGrid.of(start, calendar_rows(start + HOUR * np.arange(n, dtype=np.int64), HOUR, zone))


def grids(fewest: int, most: int) -> st.SearchStrategy[HourGrid]:
    """Grids of so many hours, the second local day of 23, 24 or 25."""
    return st.builds(hours, st.sampled_from(ZONES), st.integers(fewest, most), st.sampled_from(FIRST_DAYS))


def drawn(seed: int, shape: tuple[int, ...], missing: float, digits: int) -> np.ndarray:
    """Noise, with ties where it has few digits, NaN where it is missing."""
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(0, 1, shape), digits)
    values[generator.random(shape) < missing] = np.nan
    return values.astype(np.float32)


def series(n: int, middle: float = 0.0, missing: Iterable[float] = (0.0, 0.2, 1.0)) -> st.SearchStrategy[np.ndarray]:
    """So many values about a middle: any, tied or all the same."""
    return st.builds(
        lambda seed, gaps, digits, spread: np.float32(middle) + np.float32(spread) * drawn(seed, (n,), gaps, digits),
        SEEDS,
        st.sampled_from(list(missing)),
        st.sampled_from([0, 6]),
        st.sampled_from([0.0, 1.0]),
    )


def groups(places: Iterable[int], gap: int) -> list[list[int]]:
    """Places in ascending order, parted where two lie more than the gap apart."""
    parted: list[list[int]] = []
    for place in places:
        if parted and place - parted[-1][-1] <= gap:
            parted[-1].append(place)
        else:
            parted.append([place])
    return parted
