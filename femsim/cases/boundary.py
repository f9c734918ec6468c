"""Boundary conditions of a case: where, what, how large over steps or time, and when; body forces."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import COORDINATES, Coordinate, OnLine, Strict, Vector

Amount = Annotated[float, Field(ge=-1.0e16, le=1.0e16)]
Stress = Annotated[float, Field(ge=-1.0e7, le=1.0e7)]
Time = Annotated[float, Field(ge=0.0, le=1.0e12)]
Range = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]

MOTIONS = ("u_r", "u_z", "u_x", "u_y")


class Varying(Strict):
    """A value over the steps (``steps``: at the end of each), over time (``t`` in s and ``value``), or a nodal field of
    the mesh file (``point_data``); beside a field, steps or values over time are factors.
    """

    steps: list[Amount] | None = Field(
        default=None, description="at the end of each [[step]], linear in between, from 0"
    )
    t: list[Time] | None = Field(default=None, description="s; two equal times are a jump")
    value: list[Amount] | None = Field(default=None, description="at the times t; the end values stay outside")
    point_data: str | None = Field(default=None, min_length=1, description="a nodal field of the mesh file")

    @model_validator(mode="after")
    def _one_way(self) -> Varying:
        if self.steps is not None and self.t is not None:
            raise ValueError("give steps or t, not both")
        if (self.t is None) != (self.value is None):
            raise ValueError("t and value belong together")
        if self.steps is None and self.t is None and self.point_data is None:
            raise ValueError("give steps, or t and value, or point_data")
        if self.steps is not None and not self.steps:
            raise ValueError("steps: give at least one value")
        if self.t is not None and self.value is not None:
            check_times(self.t, len(self.value))
        return self


def check_times(t: list[float], values: int) -> None:
    """Raise ValueError unless times ascend (two equal ones are a jump) and have a value each."""
    if len(t) != values or len(t) < 1:
        raise ValueError(f"t: {len(t)} times for {values} values")
    for k, (before, after) in enumerate(pairwise(t)):
        if after < before or (k and t[k - 1] == before == after):
            raise ValueError(f"t: {after:g} after {before:g}; times ascend, and at most two are equal")


Value: TypeAlias = Amount | Varying
Components: TypeAlias = Annotated[tuple[Value, ...], Field(min_length=2, max_length=3)]
Motion: TypeAlias = Coordinate | Literal["equal", "straight"] | Varying


class Where(OnLine):
    """Where: exactly one of a named line (``on``), a line of constant r, z, x or y, or a point; a line of constant
    coordinate may be cut by a range of the other one, as in z = 90, r = [0, 50]. In 3D ``on`` names a surface, a line
    or a set of points, and a constant coordinate is a plane.
    """

    on: str | None = Field(default=None, description="a named line")
    r: Coordinate | Range | None = None
    z: Coordinate | Range | None = None
    x: Coordinate | Range | None = None
    y: Coordinate | Range | None = None
    point: Vector | None = None

    @field_validator("point", mode="before")
    @classmethod
    def _tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_place(self) -> Where:
        given = {axis: getattr(self, axis) for axis in COORDINATES if getattr(self, axis) is not None}
        ranges = [axis for axis, value in given.items() if isinstance(value, list)]
        levels = [axis for axis in given if axis not in ranges]
        where = [key for key in ("on", "point") if getattr(self, key) is not None] + levels
        if len(where) != 1:
            raise ValueError(f"give exactly one of on, r, z, x, y, point (given: {', '.join(where) or 'none'})")
        for axis in ranges:
            low, high = given[axis]
            if not low < high:
                raise ValueError(f"{axis}: a range ascends, [{low:g}, {high:g}] does not")
            if not levels:
                raise ValueError(f"{axis}: a range cuts a line of constant coordinate; {where[0]} is none")
        return self


class Boundary(Where):
    """A boundary condition: where, and what (displacement, pressure, traction, force), in which steps (``during``)."""

    name: str | None = Field(default=None, min_length=1, description="names its reactions in the results")
    u_r: Motion | None = Field(default=None, description="um; equal: one common free value; straight: a + b s")
    u_z: Motion | None = Field(default=None, description="um; equal: one common free value; straight: a + b s")
    u_x: Motion | None = Field(default=None, description="um; equal: one common free value; straight: a + b s")
    u_y: Motion | None = Field(default=None, description="um; equal: one common free value; straight: a + b s")
    pressure: Stress | Varying | None = Field(default=None, description="MPa, positive pushes onto the body")
    traction: Annotated[tuple[Stress | Varying, ...], Field(min_length=2, max_length=3)] | None = Field(
        default=None, description="MPa"
    )
    force: Value | Components | None = Field(
        default=None, description="N (plane: N per um of depth) on an equal or straight line; [f, f] at a point"
    )
    from_: str | None = Field(
        default=None,
        alias="from",
        min_length=1,
        description="a directory of results: displacement here, temperature inside",
    )
    centre: Vector | None = Field(
        default=None,
        description="beside from, in an axisymmetric case: where its r = 0, z = 0 stands in a run in space [x, y, z] "
        "or a plane one [x, y], whose displacement around the axis is taken as harmonics",
    )
    waves: Annotated[int, Field(ge=0, le=32)] | None = Field(
        default=None, description="beside centre: the largest number of waves around, default 4"
    )
    during: list[str] | None = Field(default=None, min_length=1, description="names of the steps it is in force in")

    @field_validator("traction", "force", "centre", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def motions(self) -> dict[str, float | str | Varying]:
        """The displacements it rules, by key."""
        return {key: value for key in MOTIONS if (value := getattr(self, key)) is not None}

    @model_validator(mode="after")
    def _what(self) -> Boundary:
        what = [*self.motions(), *(key for key in ("pressure", "traction", "force") if getattr(self, key) is not None)]
        if self.centre is not None and self.from_ is None:
            raise ValueError("centre: goes with from")
        if self.waves is not None and self.centre is None:
            raise ValueError("waves: goes with centre")
        if self.from_ is not None:
            if what or self.point is not None or self.during is not None:
                raise ValueError("from stands alone with a line: the run it names gives the displacement there")
            return self
        if not what:
            raise ValueError("give at least one of u_r, u_z, u_x, u_y, pressure, traction, force, from")
        common = [key for key, value in self.motions().items() if isinstance(value, str)]
        if self.point is not None:
            for key in ("pressure", "traction"):
                if key in what:
                    raise ValueError(f"a point cannot carry a {key}; give a line")
            if common:
                raise ValueError(f"{common[0]}: a point is no line; {getattr(self, common[0])} needs one")
            if self.force is not None and not isinstance(self.force, tuple):
                raise ValueError("force: a point takes one number for each direction, as [0, 1e-3]")
        elif self.force is not None and (isinstance(self.force, tuple) or len(common) != 1):
            raise ValueError('force: on a line it is one number, beside one displacement that is "equal" or "straight"')
        return self


class Body(Strict):
    """A force on the volume of a region: ``force`` (N/m3), ``acceleration`` (m/s2, with the density), or ``rotation``
    (rad/s about the axis r = 0; in plane models about the origin).
    """

    region: str = Field(min_length=1)
    force: Components | None = Field(default=None, description="N/m3")
    acceleration: Components | None = Field(default=None, description="m/s2")
    rotation: Value | None = Field(default=None, description="rad/s")

    @field_validator("force", "acceleration", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _what(self) -> Body:
        given = [key for key in ("force", "acceleration", "rotation") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of force, acceleration, rotation (given: {', '.join(given) or 'none'})")
        return self
