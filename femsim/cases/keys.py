"""The base of all models read from files, and the numbers they are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_LENGTH = 1.0e7  # um: ten metres; more is a slip of units
Positive = Annotated[float, Field(gt=0, le=MAX_LENGTH)]
NonNegative = Annotated[float, Field(ge=0, le=MAX_LENGTH)]
Coordinate = Annotated[float, Field(ge=-MAX_LENGTH, le=MAX_LENGTH)]


class Strict(BaseModel):
    """Frozen, no unknown keys, numbers are numbers (no text, no NaN, no infinity)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


Celsius = Annotated[float, Field(ge=-273.15, le=4000)]
