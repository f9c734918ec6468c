"""Loads that vary around a body of revolution: Fourier harmonics and a board's motion."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from femsim.cases.boundary import Range, Stress, Varying
from femsim.cases.keys import Coordinate, OnLine, Strict

Nodal: TypeAlias = Coordinate | Varying
Turn = Annotated[float, Field(ge=-3.2, le=3.2)]
MOTIONS = ("u_r", "u_t", "u_z")
RIGID = ("shift", "tilt", "twist")


class Harmonic(OnLine):
    """One harmonic at a place: amplitudes that go with cos(n theta), u_t and the tangential traction with sin."""

    n: Annotated[int, Field(ge=0, le=200)] | None = None
    odd: bool = Field(default=False, description="sin and cos change places; with n = 0 twist")
    name: str | None = Field(default=None, min_length=1, description="names its reactions in the results")
    on: str | None = Field(default=None, description="a named line")
    r: Coordinate | Range | None = None
    z: Coordinate | Range | None = None
    point: tuple[Coordinate, Coordinate] | None = Field(default=None, description="a ring")
    u_r: Nodal | None = Field(default=None, description="um, with cos(n theta)")
    u_t: Nodal | None = Field(default=None, description="um, with sin(n theta)")
    u_z: Nodal | Literal["straight"] | None = Field(
        default=None, description="um, with cos(n theta); straight: free to tilt"
    )
    pressure: Stress | Varying | None = Field(default=None, description="MPa, positive pushes onto the body")
    traction: tuple[Stress | Varying, Stress | Varying, Stress | Varying] | None = Field(
        default=None, description="MPa: radial, tangential, axial"
    )
    temperature: Annotated[float, Field(ge=-4000, le=4000)] | Varying | None = Field(
        default=None, description="K, added to the load's, with cos(n theta); without a place the whole body"
    )
    shift: Coordinate | None = Field(default=None, description="um along x: n = 1, u_z = 0")
    tilt: Turn | None = Field(default=None, description="rad: n = 1, u_z = tilt r cos, u_r = u_t = 0")
    twist: Turn | None = Field(default=None, description="rad: n = 0, u_t = twist r")

    @field_validator("point", "traction", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _what(self) -> Harmonic:
        rigid = [key for key in RIGID if getattr(self, key) is not None]
        what = [key for key in (*MOTIONS, "pressure", "traction", "temperature") if getattr(self, key) is not None]
        if rigid:
            if what or self.n is not None or self.odd:
                raise ValueError(f"{rigid[0]} stands alone: it says n and all displacements of its face")
            if self.twist is not None and len(rigid) > 1:
                raise ValueError(f"{rigid[0]} and twist are of different n; give an entry for each")
        elif self.n is None:
            raise ValueError("n: missing; give the number of waves around")
        elif not what:
            raise ValueError(
                f"give at least one of {', '.join((*MOTIONS, 'pressure', 'traction', 'temperature', *RIGID))}"
            )
        for value in (
            *(getattr(self, key) for key in MOTIONS),
            self.pressure,
            *(self.traction or ()),
            self.temperature,
        ):
            if isinstance(value, Varying) and value.point_data is None:
                raise ValueError("a harmonic takes numbers or point_data; it has no steps")
        self._place(what)
        return self

    def _place(self, what: list[str]) -> None:
        given = {axis: value for axis in ("r", "z") if (value := getattr(self, axis)) is not None}
        ranges = [axis for axis, value in given.items() if isinstance(value, list)]
        where = [key for key in ("on", "point") if getattr(self, key) is not None] + [
            a for a in given if a not in ranges
        ]
        if not where and what == ["temperature"]:
            return
        if len(where) != 1:
            raise ValueError(f"give exactly one of on, r, z, point (given: {', '.join(where) or 'none'})")
        for axis in ranges:
            low, high = given[axis]
            if not low < high:
                raise ValueError(f"{axis}: a range ascends, [{low:g}, {high:g}] does not")
            if where[0] not in ("r", "z"):
                raise ValueError(f"{axis}: a range cuts a line of constant coordinate; {where[0]} is none")
        if "temperature" in what and not self.everywhere:
            raise ValueError("temperature: of the whole body; leave the place out, or give a field as point_data")
        if self.point is not None and ("pressure" in what or "traction" in what):
            raise ValueError("a ring cannot carry a pressure or a traction; give a line")
        if self.u_z == "straight" and self.point is not None:
            raise ValueError("u_z: a ring is no line; straight needs one")

    @property
    def everywhere(self) -> bool:
        """Whether it names no place."""
        return all(getattr(self, key) is None for key in ("on", "point", "r", "z"))


class Board(Strict):
    """What the board does to a stack's outermost face, which it holds rigidly."""

    shift: Coordinate | None = Field(default=None, description="um along x")
    tilt: Turn | None = Field(default=None, description="rad")
    twist: Turn | None = Field(default=None, description="rad")

    @model_validator(mode="after")
    def _something(self) -> Board:
        if all(getattr(self, key) is None for key in RIGID):
            raise ValueError("give at least one of shift, tilt, twist")
        return self
