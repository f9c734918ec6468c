"""Steps and cycles of a case: temperature, time, births and removals, free strains; and the life asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from femsim.cases.fatigue import FatigueSpec
from femsim.cases.keys import Celsius, PointData, Positive, Strict

#: s; three hundred years
Seconds = Annotated[float, Field(ge=0, le=1.0e10)]
Span = Annotated[float, Field(gt=0, le=1.0e10)]
#: a free strain; a tenth is a slip of units
Strain = Annotated[float, Field(ge=-0.1, le=0.1)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Intrinsic(Strict):
    """A stress that a film has at its birth, before anything around it gives."""

    stress: Annotated[float, Field(ge=-1.0e6, le=1.0e6)] = Field(description="MPa, equibiaxial in the plane")


class StepSpec(Strict):
    """One step: everything goes linearly from its value at the start to that at the end; removals, then births, come at
    the start.
    """

    name: str = Field(min_length=1)
    temperature: Celsius | PointData | Literal["heat"] | None = Field(
        default=None, description="degC at its end; left out: unchanged"
    )
    duration: Seconds = Field(default=1.0, description="s; 0: at once, nothing creeps")
    add: list[str] = Field(default_factory=list, description="roles, regions or blocks born at its start")
    remove: list[str] = Field(default_factory=list, description="roles, regions or blocks removed at its start")
    eigenstrain: dict[str, Strain | tuple[Strain, Strain, Strain] | Intrinsic] = Field(
        default_factory=dict,
        description="by role, region or block: free strain reached at its end, or a stress at birth",
    )
    increments: Count | None = Field(default=None, description="at least so many; left out: by the error of time")

    @field_validator("eigenstrain", mode="before")
    @classmethod
    def _as_tuples(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: tuple(entry) if isinstance(entry, list) else entry for key, entry in value.items()}

    @model_validator(mode="after")
    def _once(self) -> StepSpec:
        for key in ("add", "remove"):
            names = getattr(self, key)
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{key}: {name!r} twice")
        both = sorted(set(self.add) & set(self.remove))
        if both:
            raise ValueError(f"add: {both[0]!r} is removed in the same step")
        return self


class CycleSpec(Strict):
    """Cycles between two temperatures after the steps: ramp, dwell, ramp, dwell."""

    low: Celsius = Field(description="degC")
    high: Celsius = Field(description="degC")
    ramp: Span = Field(description="s each way")
    dwell_low: Seconds = Field(default=0.0, description="s")
    dwell_high: Seconds = Field(default=0.0, description="s")
    count: Count = 1
    start: Literal["low", "high"] = Field(default="high", description="where the first ramp goes")
    increments: Count | None = Field(default=None, description="of each ramp and dwell, at least")
    jump: Annotated[float, Field(ge=1e-4, le=0.5)] | None = Field(
        default=None,
        description="cycles are jumped over with at most this error, a part of what flows in a jump; left out: all run",
    )
    fields: list[Count] | None = Field(
        default=None,
        description="cycles whose fields are written; left out: all of a short program, else two",
    )

    @model_validator(mode="after")
    def _apart(self) -> CycleSpec:
        if not self.high > self.low:
            raise ValueError(f"high: {self.high:g} is not > low, {self.low:g}")
        for number in self.fields or ():
            if number > self.count:
                raise ValueError(f"fields: {number} is not <= count, {self.count}")
        return self


class LifeSpec(FatigueSpec):
    """Cycles to failure of a region from the last cycle, by the laws whose constants are given."""

    region: str = Field(min_length=1)
    crack_length: Positive | None = Field(default=None, description="um")

    @model_validator(mode="after")
    def _laws(self) -> LifeSpec:
        if self.darveaux is not None and self.crack_length is None:
            raise ValueError("crack_length: missing; darveaux needs it (um)")
        given = ("darveaux", "syed_energy", "syed_strain", "coffin_manson", "engelmaier")
        if all(getattr(self, key) is None for key in given):
            raise ValueError(f"give at least one of {', '.join(given)}")
        return self


def end_temperature(steps: Any, cycle: Any) -> float | None:
    """The temperature (degC) at which steps and cycle end, from the tables of a file; None where they do not say."""
    if isinstance(cycle, dict):
        last = cycle.get("low" if cycle.get("start", "high") == "high" else "high")
        return float(last) if isinstance(last, int | float) else None
    for step in reversed(steps if isinstance(steps, list) else []):
        last = step.get("temperature") if isinstance(step, dict) else None
        if last is not None:
            return float(last) if isinstance(last, int | float) else None
    return None
