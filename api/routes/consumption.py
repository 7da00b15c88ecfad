"""Consumption and expected consumption of a meter, building, institution or region, by local day, month or year."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
from fastapi import Depends, Query, Response
from pydantic import Field

from api.answers import Wants, Wish, answers, file, json_answer
from api.callers import Sees
from api.context import Ctx
from api.places import LEVELS, institution_of
from api.schemas import Body, Share
from api.strict import noun
from api.times import Between
from energy.intervals import LocalCalendar
from energy.model import Category, CostNote
from energy.model import Scope as Level
from energy.series import Table
from energy.units import CANONICAL

router = noun("figures")
Period = Literal["day", "month", "year"]
Length = Annotated[Period, Query(description="length of one row")]
Item = Annotated[str, Query(max_length=16, description="end-use code, `all` (the whole), or `every` (one series each)")]
Only = Annotated[Category | None, Query(description="only this category")]
Start = Annotated[int, Field(description="local start of the period, UTC epoch seconds")]
Amount = Annotated[float | None, Field(description="in the unit of the series; null = unknown, never zero")]
Coverage = Annotated[Share | None, Field(description="share of expected intervals that hold valid values")]
Expected = Annotated[int | None, Field(description="meters that should report (应报)")]
Reporting = Annotated[int | None, Field(description="meters that did report (实报)")]


class ConsumptionRow(Body):
    """One period."""

    start: Start
    amount: Amount
    cost_yuan: Annotated[float | None, Field(description="[yuan]; null = unknown, `cost_note` says why")]
    cost_note: Annotated[
        str | None,
        Field(
            description="why the cost is only a bound from below (`demand_from_longer_means`, `step_bound`) or unknown",
            json_schema_extra={"enum": [*(note.word for note in CostNote if note), None]},
        ),
    ]
    last_year: Annotated[
        float | None,
        Field(description="amount a year before; of a period that still runs, of the same span"),
    ]
    coverage: Coverage
    estimated_share: Annotated[Share | None, Field(description="share of the amount that is estimated")]
    n_expected: Expected
    n_reporting: Reporting


class ExpectedRow(Body):
    """One period, and what was to be expected of it."""

    start: Start
    amount: Amount
    expected: Annotated[float | None, Field(description="from weather, calendar and history")]
    expected_low: float | None
    expected_high: float | None
    coverage: Coverage
    n_expected: Expected
    n_reporting: Reporting


R = TypeVar("R", ConsumptionRow, ExpectedRow)


class TotalSeries(Body, Generic[R]):
    """One category and item."""

    category: Category
    item: str = Field(description="end-use code, or `all`")
    unit: str
    rows: list[R]


class TotalsOut(Body, Generic[R]):
    """Totals of one thing. Physical amounts have no caliber (口径); kgce and CO2 are indicators, which have one."""

    level: Level
    id: str
    period: Period
    zone: str = Field(description="time zone whose days these are")
    series: list[TotalSeries[R]]


_COUNTS = {"n_expected", "n_reporting"}
_NOTES = {float(note): note.word for note in CostNote if note}


class _Asked:
    """One question about the totals of a visible thing; its arguments are parameters of the request."""

    def __init__(
        self,
        ctx: Ctx,
        scope: Sees,
        level: LEVELS,
        id: str,  # noqa: A002 -- the name in the path
        days: Between,
        period: Length = "day",
        category: Only = None,
        item: Item = "all",
    ) -> None:
        self.level = Level(level.removesuffix("s"))
        scope.find(self.level, id)
        self.id = id
        self.period = period
        self.zone = ctx.calendar_of(institution_of(scope, self.level, id)).zone
        self._where: dict[str, list[str]] = {"scope": [self.level.value], "id": [id], "period": [period]}
        self._where |= {"category": [category.value]} if category else {}
        self._where |= {"item": [item]} if item != "every" else {}
        self._window = days.window(LocalCalendar(self.zone))
        self._store = ctx.store

    def answer(self, wish: Wish, row: type[Body]) -> Response:
        """The totals, with the columns of `row`."""
        names = [name for name in row.model_fields if name != "start"]
        start, end = self._window.start, self._window.end
        table = self._store.results("total", where=self._where, start=start, end=end, fields=names)
        if wish.format != "json":
            columns = ("category", "item", "unit", "start", *names)
            return file(wish, f"{self.level}-{self.id}-{self.period}", columns, _flat(table, names))
        series = [
            {"category": category, "item": item, "unit": CANONICAL[category], "rows": rows}
            for category, item, rows in _by_series(table, names)
        ]
        head = {"level": self.level, "id": self.id, "period": self.period, "zone": self.zone}
        return json_answer(wish, head | {"series": series})


@router.get(
    "/{level}/{id}/consumption",
    operation_id="read_consumption",
    responses=answers(TotalsOut[ConsumptionRow], paged=False),
)
def read_consumption(wish: Wants, asked: Annotated[_Asked, Depends()]) -> Response:
    """Totals by category and item; a period that is absent is unknown, not zero."""
    return asked.answer(wish, ConsumptionRow)


@router.get(
    "/{level}/{id}/expected", operation_id="read_expected", responses=answers(TotalsOut[ExpectedRow], paged=False)
)
def read_expected(wish: Wants, asked: Annotated[_Asked, Depends()]) -> Response:
    """Totals beside their expected amount and its band (no band: not enough history yet)."""
    return asked.answer(wish, ExpectedRow)


def _by_series(table: Table, names: Sequence[str]) -> Iterator[tuple[Category, str, list[dict[str, Any]]]]:
    keys = list(zip(table.tags["category"].tolist(), table.tags["item"].tolist(), strict=True))
    for category in Category:  # in the order people expect, not that of the alphabet
        for item in dict.fromkeys(i for c, i in keys if c == category.value):
            mine = table.take(np.array([key == (category.value, item) for key in keys]))
            yield category, item, _rows(mine, names)


def _rows(table: Table, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = [_column(name, table.fields[name].tolist()) for name in names]
    return [
        {"start": start, **dict(zip(names, values, strict=True))}
        for start, *values in zip(table.time.tolist(), *columns, strict=True)
    ]


def _flat(table: Table, names: Sequence[str]) -> Iterator[list[object]]:
    for category, item, rows in _by_series(table, names):
        for row in rows:
            yield [category.value, item, CANONICAL[category], *row.values()]


def _column(name: str, values: Sequence[float]) -> list[float | int | str | None]:
    if name == "cost_note":
        return [_NOTES.get(v) for v in values]
    return [None if math.isnan(v) else int(v) if name in _COUNTS else v for v in values]
