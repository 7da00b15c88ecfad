"""What comes in and leaves over HTTP: strict models, units in the names, unknown as null."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]
Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["990101-01"])]
UserName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["zhang.wei"])]
Secret = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra={"format": "password"})]


class Asked(BaseModel):
    """Base of every body that comes in: types are not guessed, unknown fields are refused, numbers are finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Body(BaseModel):
    """Base of every answer: no field that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InstitutionOut(Body):
    """One institution in a list."""

    id: str
    name_zh: str
    name_en: str
    region: str
    type: str
    n_meters: int = Field(description="meters of the institution in the registry")


class ConsumptionRow(Body):
    """One period of one category."""

    start: int = Field(description="local start of the period, UTC epoch seconds")
    amount: float | None = Field(description="amount in the unit of the series; null = unknown, never zero")
    coverage: Share | None = Field(description="share of expected intervals that hold valid values")
    estimated_share: Share | None = Field(description="share of the amount that is estimated")
    n_expected: int | None = Field(description="meters that should report (应报)")
    n_reporting: int | None = Field(description="meters that did report (实报)")


class ConsumptionSeries(Body):
    """One category's totals."""

    category: str
    unit: str
    rows: list[ConsumptionRow]


class ConsumptionOut(Body):
    """Consumption of one institution."""

    id: str
    period: str
    zone: str = Field(description="time zone whose days these are")
    series: list[ConsumptionSeries]


class HealthOut(Body):
    """What the collector says of itself, newest minute."""

    time: int | None = Field(description="sample time, UTC epoch seconds; null = nothing was written yet")
    lag_s: float | None = Field(description="age of the oldest reading waiting for the store [s]")
    spool_bytes: float | None = Field(description="size of the disk queue")
    readings: dict[str, float] = Field(description="readings of the last hour by outcome (stored, duplicate, reasons)")
