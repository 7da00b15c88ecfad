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
