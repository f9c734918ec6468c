"""Numbers that may depend on temperature, as files write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from pydantic import Field, model_validator

from femsim.cases.keys import Celsius, Strict


class Table(Strict):
    """A property tabulated over temperature: linear in between, and a warning (constant) outside."""

    T: list[Celsius] = Field(min_length=1)
    value: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> Table:
        if len(self.T) != len(self.value):
            raise ValueError(f"T has {len(self.T)} entries, value has {len(self.value)}")
        if any(b <= a for a, b in zip(self.T, self.T[1:], strict=False)):
            raise ValueError("T must ascend")
        return self


Parameter: TypeAlias = float | Table
Quantity: TypeAlias = float | Table | list[float | Table]


def numbers_of(value: Quantity | Iterable[float] | None) -> list[float]:
    """All numbers of a property, those of its tables and axes too."""
    if isinstance(value, Table):
        return list(value.value)
    if value is None or isinstance(value, float | int):
        return [] if value is None else [value]
    return [number for entry in value for number in numbers_of(entry)]
