"""The indicators of a page with what was corrected in them: a value that is not known has a row that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analytics.quotas import OFFICE_CORRECTED, OFFICE_MEASURED
from api.console.figures import IndicatorRow
from api.offices import OfficeCorrection

Notes = dict[tuple[str, str], tuple[str, str]]
"""Words on an indicator, Chinese and English, by period and key."""


def corrected(rows: Sequence[IndicatorRow]) -> tuple[list[IndicatorRow], Notes]:
    """The rows, and words on those of offices: how they were corrected, or why their value is not known."""
    periods: dict[tuple[str, int], dict[str, IndicatorRow]] = {}
    for row in rows:
        periods.setdefault((row.period, row.time), {})[row.indicator] = row
    shown, notes = list(rows), Notes()
    for (period, _), found in periods.items():
        own = found.get(OFFICE_CORRECTED)
        values = {key: row.value for key, row in found.items()}
        told = OfficeCorrection.of(values, None if own is None else own.group)
        if told is None:
            continue
        notes[period, OFFICE_CORRECTED] = told.words
        if own is None:
            measured = found[OFFICE_MEASURED]
            unknown = replace(measured, indicator=OFFICE_CORRECTED, value=np.nan, rank=np.nan, group=None, peers=None)
            unknown = replace(unknown, constraint=np.nan, baseline=np.nan, guide=np.nan)
            shown.insert(next(i for i, row in enumerate(shown) if row is measured) + 1, unknown)
    return shown, notes
