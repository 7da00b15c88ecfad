"""Readings and intervals of one meter, by column: long series in few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from fastapi import Query, Response
from pydantic import Field

from analytics import consumption
from api.answers import Wants, answers, file, json_answer
from api.callers import Sees
from api.context import Ctx
from api.problems import wrong
from api.schemas import Body, Share
from api.strict import noun
from api.times import Within
from energy.intervals import RESOLUTIONS
from energy.model import Meter, ValueKind
from energy.storage.schema import METHODS
from energy.units import CANONICAL

router = noun("figures")
Resolution = Literal["15min", "30min", "hour"]
_STATES: Final = ("measured", "estimated", "corrected", "spread")


class ReadingsOut(Body):
    """Readings of one meter as they came, oldest first; the lists have equal length."""

    meter: str
    unit: str
    value_kind: str
    n_due: int = Field(description="readings due in the window (应报), by the meter's interval")
    n_came: int = Field(description="readings there are (实报)")
    time: list[int] = Field(description="instants read, UTC epoch seconds")
    value: list[float]
    flag: list[int] = Field(description="0 none, 1 implausible, 2 sent without acknowledgement, 3 confirmed")


class IntervalsOut(Body):
    """Amounts of regular intervals of one meter; the lists have equal length. An interval that is absent is unknown."""

    meter: str
    category: str
    unit: str
    resolution: Resolution
    interval_s: int
    coverage: Share | None = Field(description="share of the window's intervals with a known amount")
    states: list[str] = Field(description="the words of the codes in `state`")
    methods: list[str] = Field(description="the words of the codes in `method`")
    start: list[int] = Field(description="start of each interval, UTC epoch seconds")
    amount: list[float | None]
    power_kw: list[float | None] = Field(description="mean power; electricity only")
    state: list[int | None]
    method: list[int | None]
    expected: list[float | None]
    expected_low: list[float | None]
    expected_high: list[float | None]


@router.get("/meters/{meter}/readings", operation_id="read_readings", responses=answers(ReadingsOut, paged=False))
def read_readings(ctx: Ctx, scope: Sees, wish: Wants, meter: str, window: Within) -> Response:
    """Raw readings of one meter, in the meter's own unit."""
    found = scope.meter(meter)
    series = ctx.store.readings([meter], window.start, window.end)[meter]
    columns: dict[str, npt.NDArray[Any]] = {"time": series.time, "value": series.value, "flag": series.flag}
    if wish.format != "json":
        return file(wish, f"{meter}-readings", list(columns), _rows(columns))
    head = {
        "meter": meter,
        "unit": found.unit,
        "value_kind": found.value_kind.value,
        "n_due": (window.end - window.start) // found.interval_s,
        "n_came": len(series),
    }
    return json_answer(wish, head | _lists(columns))


@router.get("/meters/{meter}/intervals", operation_id="read_intervals", responses=answers(IntervalsOut, paged=False))
def read_intervals(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    meter: str,
    window: Within,
    resolution: Annotated[
        Resolution | None, Query(description="length of one interval; the meter's own by default")
    ] = None,
) -> Response:
    """What a meter measured in each interval, whether it was measured or estimated, and what was to be expected."""
    found = scope.meter(meter)
    own = _own_resolution(found)
    step = RESOLUTIONS[resolution or own]
    fields = ["amount", "power_kw", "state", "method", "expected", "expected_low", "expected_high"]
    where: dict[str, list[str]] = {"meter": [meter], "resolution": [resolution or own]}
    table = ctx.store.results("interval", where=where, start=window.start, end=window.end, fields=fields)
    columns: dict[str, npt.NDArray[Any]] = {"start": table.time, **table.fields}
    if wish.format != "json":
        return file(wish, f"{meter}-intervals", list(columns), _rows(columns))
    n_due = (window.end - window.start) // step
    n_known = int(np.count_nonzero(~np.isnan(table.fields["amount"].astype(float))))
    head = {
        "meter": meter,
        "category": found.category.value,
        "unit": CANONICAL[found.category],
        "resolution": resolution or own,
        "interval_s": step,
        "coverage": min(n_known / n_due, 1.0) if n_due else None,
        "states": list(_STATES),
        "methods": list(METHODS.values()),
    }
    codes = {name: _codes(columns[name]) for name in ("state", "method")}
    return json_answer(wish, head | _lists(columns) | codes)


def _own_resolution(meter: Meter) -> str:
    """The finest regular resolution that the meter's readings fill."""
    if meter.value_kind is ValueKind.MEASUREMENT and meter.quantity != "power":
        raise wrong("path.meter", "a meter of energy or water (a sensor has readings only)", meter.quantity)
    return consumption.resolution(meter.interval_s) or "hour"


def _lists(columns: dict[str, npt.NDArray[Any]]) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in columns.items()}


def _codes(values: npt.NDArray[Any]) -> list[int | None]:
    unknown = np.isnan(values)
    whole: list[int | None] = np.where(unknown, 0, values).astype(np.int64).tolist()
    for place in np.flatnonzero(unknown).tolist():
        whole[place] = None
    return whole


def _rows(columns: dict[str, npt.NDArray[Any]]) -> Iterator[tuple[Any, ...]]:
    return zip(*(values.tolist() for values in columns.values()), strict=True)
