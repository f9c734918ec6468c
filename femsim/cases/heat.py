"""Keys of ``[heat]``: sources, boundaries, contacts and the transient; powers in W (plane: W per um of depth)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, TypeAlias

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import COORDINATES, Celsius, Coordinate, OnLine, Strict
from femsim.cases.tables import Table

#: larger amounts (W, W/m2, W/m3) are a slip of units
Amount = Annotated[float, Field(ge=-1.0e24, le=1.0e24)]
Film = Annotated[float, Field(ge=0.0, le=1.0e15)]
Seconds = Annotated[float, Field(ge=0.0, le=1.0e12)]
Span = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]


class TimeTable(Strict):
    """Values over time (s): linear in between, end values outside; two equal times are a jump."""

    t: list[Seconds] = Field(min_length=1)
    value: list[Amount] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> TimeTable:
        if len(self.t) != len(self.value):
            raise ValueError(f"t has {len(self.t)} entries, value has {len(self.value)}")
        for k, (before, after) in enumerate(pairwise(self.t)):
            if after < before or (k and self.t[k - 1] == before == after):
                raise ValueError(f"t: {after:g} after {before:g}; times must ascend, two equal ones are a jump")
        return self


class Duty(Strict):
    """On with ``value`` for the fraction ``duty`` of every ``period`` (s), from its start; off for the rest."""

    period: Annotated[float, Field(gt=0.0, le=1.0e12)] = Field(description="s")
    duty: Annotated[float, Field(gt=0.0, le=1.0)]
    value: Amount


class StepValues(Strict):
    """A value for each [[step]]."""

    steps: list[Amount] = Field(min_length=1)


class NodalField(Strict):
    """Nodal values of the mesh file."""

    point_data: str = Field(min_length=1)


Timed: TypeAlias = Amount | TimeTable | Duty | StepValues


class HeatPlace(OnLine):
    """A named line (``on``) or a line of constant r, z, x or y, which a range of the other coordinate may cut."""

    on: str | None = Field(default=None, min_length=1, description="a named line")
    r: Coordinate | Span | None = Field(default=None, description="um; a list is a range")
    z: Coordinate | Span | None = Field(default=None, description="um; a list is a range")
    x: Coordinate | Span | None = Field(default=None, description="um; a list is a range")
    y: Coordinate | Span | None = Field(default=None, description="um; a list is a range")

    @property
    def point(self) -> None:
        """Heat has no places that are points."""
        return None

    def words(self) -> str:
        """The place in words."""
        level = self.level()
        where = self.on or (f"{level[0]} = {level[1]:g}" if level else "")
        return ", ".join([where, *(f"{axis} = [{a:g}, {b:g}]" for axis, (a, b) in self.ranges().items())])

    def _line_given(self) -> bool:
        """Whether a line is given; ValueError where it is not given in one way."""
        levels = [axis for axis in COORDINATES if isinstance(getattr(self, axis), float | int)]
        where = (["on"] if self.on is not None else []) + levels
        for axis, (low, high) in self.ranges().items():
            if not low < high:
                raise ValueError(f"{axis}: [{low:g}, {high:g}] does not ascend")
            if not levels:
                raise ValueError(f"{axis}: a range cuts a line of constant coordinate; give that line too, as z = 90")
        if len(where) > 1:
            raise ValueError(f"give one of on, r, z, x, y (given: {', '.join(where)})")
        return bool(where)


class HeatSource(HeatPlace):
    """Power in a region or on a line; a region beside a line names the side of a contact it sits on."""

    name: str | None = Field(default=None, min_length=1)
    region: str | None = Field(default=None, min_length=1)
    power: Timed | None = Field(default=None, description="W in all (axisymmetric: whole circle; plane: W per um)")
    density: Timed | None = Field(default=None, description="W/m3 in a region, W/m2 on a line")

    @model_validator(mode="after")
    def _where_and_what(self) -> HeatSource:
        if not self._line_given() and self.region is None:
            raise ValueError("say where: region, or on, r, z, x or y")
        if (self.power is None) == (self.density is None):
            raise ValueError("give either power or density")
        return self


class HeatBoundary(HeatPlace):
    """What happens on a line: convection (h), a prescribed temperature, or a flux into the body."""

    name: str | None = Field(default=None, min_length=1)
    h: Film | Table | TimeTable | Duty | StepValues | None = Field(default=None, description="W/(m2 K)")
    ambient: Celsius | TimeTable | None = Field(default=None, description="degC, of this convection alone")
    temperature: Celsius | TimeTable | StepValues | NodalField | None = Field(default=None, description="degC")
    flux: Timed | None = Field(default=None, description="W/m2 into the body")

    @model_validator(mode="after")
    def _where_and_what(self) -> HeatBoundary:
        if not self._line_given():
            raise ValueError("say where: one of on, r, z, x, y")
        what = [key for key in ("h", "temperature", "flux") if getattr(self, key) is not None]
        if len(what) != 1:
            raise ValueError(f"give exactly one of h, temperature, flux (given: {', '.join(what) or 'none'})")
        if self.ambient is not None and self.h is None:
            raise ValueError("ambient: goes with h")
        numbers = [] if self.h is None or isinstance(self.h, float | int) else _values(self.h)
        for number in numbers:
            if number < 0.0:
                raise ValueError(f"h: {number:g} is not >= 0")
        for key in ("temperature", "ambient"):
            value = getattr(self, key)
            for number in _values(value) if isinstance(value, TimeTable | StepValues) else ():
                if not -273.15 <= number <= 4000.0:
                    raise ValueError(f"{key}: {number:g} is not between -273.15 and 4000")
        return self


def _values(value: Table | TimeTable | Duty | StepValues) -> list[float]:
    if isinstance(value, StepValues):
        return value.steps
    return value.value if isinstance(value.value, list) else [value.value]


class HeatContact(Strict):
    """A contact resistance between two regions."""

    between: Annotated[list[str], Field(min_length=2, max_length=2)]
    resistance: Annotated[float, Field(gt=0.0, le=1.0e9)] = Field(description="mm2 K/W")

    @model_validator(mode="after")
    def _two(self) -> HeatContact:
        if self.between[0] == self.between[1]:
            raise ValueError(f"between: {self.between[0]!r} twice; name the two regions that touch")
        return self


class Transient(Strict):
    """A course in time from a start; steps are chosen for an error tolerance, or constant."""

    initial: Celsius | NodalField = Field(description="degC at the start")
    end: Annotated[float, Field(gt=0.0, le=1.0e12)] = Field(description="s")
    times: list[Seconds] | None = Field(default=None, min_length=1, description="s, where results are given")
    tolerance: Annotated[float, Field(ge=1.0e-9, le=0.1)] = Field(
        default=1.0e-5, description="error a step may make, as a fraction of the range of temperatures so far"
    )
    step: Annotated[float, Field(gt=0.0, le=1.0e12)] | None = Field(
        default=None, description="s; a constant step instead of one chosen by its error"
    )

    @field_validator("times")
    @classmethod
    def _ascend(cls, times: list[float] | None) -> list[float] | None:
        for before, after in pairwise(times or []):
            if not before < after:
                raise ValueError(f"{after:g} after {before:g} does not ascend")
        return times

    @model_validator(mode="after")
    def _within(self) -> Transient:
        if self.times and self.times[-1] > self.end:
            raise ValueError(f"times: {self.times[-1]:g} s is after the end, {self.end:g} s")
        return self


class Heat(Strict):
    """Heat conduction: what heats the body, what cools it, and when."""

    ambient: Celsius = Field(default=25.0, description="degC, what rises and resistances are measured against")
    source: list[HeatSource] = Field(default_factory=list)
    boundary: list[HeatBoundary] = Field(default_factory=list)
    contact: list[HeatContact] = Field(default_factory=list)
    transient: Transient | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Heat:
        for what, entries in (("source", self.source), ("boundary", self.boundary)):
            names = [entry.name for entry in entries if entry.name is not None]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{what}: two are named {name!r}")
        pairs = [frozenset(contact.between) for contact in self.contact]
        for pair in pairs:
            if pairs.count(pair) > 1:
                raise ValueError(f"contact: two between {' and '.join(sorted(pair))}")
        return self
