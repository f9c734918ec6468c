"""Keys of a small chip face down on a large one, with rewiring."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import NonNegative, Positive, Strict
from femsim.cases.parts import CaseBase, OwnModelSpec, PackageMeshSpec
from femsim.cases.stacks.checks import _less


class FlipchipGeometry(Strict):
    """A small first chip face-down on a large second one, insulation, rewiring, terminals (reference defaults, um).

    z = 0 is the second chip's functional surface; the first chip hangs above it on connection members of height
    ``gap``. In axisymmetry members, vias and terminals off the axis are rings with smeared materials; a radius of 0 on
    a ring means one member on the axis.
    """

    second_radius: Positive = Field(default=2000.0, description="large chip: radius (half width)")
    second_thickness: Positive = 200.0
    first_radius: Positive = Field(default=1200.0, description="small chip: radius (half width)")
    first_thickness: Positive = 80.0
    gap: Positive = Field(default=30.0, description="height of the connection members")
    member_radius: Positive = Field(default=25.0, description="radius of one connection member")
    member_rings: list[NonNegative] = Field(
        default=[1100.0], description="radii on which connection members sit; 0 is the axis"
    )
    member_counts: list[Annotated[int, Field(ge=1, le=100000)]] | None = Field(
        default=None, description="members on each ring (default: a pitch of four member radii)"
    )
    insulation_thickness: Positive = Field(
        default=20.0, description="insulation film over the first chip's rear surface"
    )
    insulation_step: NonNegative = Field(
        default=0.0, description="how much lower the film's surface lies over the non-opposed region; 0 is flat"
    )
    rewiring_thickness: Positive = 5.0
    rewiring: list[NonNegative] = Field(
        default=[900.0, 1800.0], min_length=2, max_length=2, description="inner and outer radius of the rewiring"
    )
    rear_contact_radius: NonNegative = Field(
        default=0.0, description="rewiring's contact with the first rear surface, on the axis; 0: none"
    )
    resin_thickness: Positive = Field(default=25.0, description="protective resin above the rewiring")
    terminal_ring: NonNegative = Field(default=1000.0, description="radius on which the external terminals sit")
    terminal_radius: Positive = 125.0
    terminal_count: Annotated[int, Field(ge=1, le=100000)] | None = Field(
        default=None, description="default: a pitch of four terminal radii"
    )
    terminal_height: Positive = Field(default=100.0, description="how far terminals project from the protective resin")
    via_ring: NonNegative = Field(default=1500.0, description="radius on which the via conductors sit; 0: no via")
    via_radius: Positive = 50.0
    via_count: Annotated[int, Field(ge=1, le=100000)] | None = Field(
        default=None, description="default: a pitch of four via radii"
    )
    heat_sink_radius: NonNegative = Field(default=400.0, description="heat-sink terminal on the axis; 0: none")
    diffusion_thickness: NonNegative = Field(
        default=1.0, description="diffusion prevention film on the first rear surface; 0: none"
    )
    rear_film_thickness: NonNegative = Field(
        default=20.0, description="rear protective film of the second chip; 0: none"
    )

    @field_validator("member_rings")
    @classmethod
    def _ascending(cls, rings: list[float]) -> list[float]:
        if not rings:
            raise ValueError("the chips need at least one ring of connection members")
        if any(b <= a for a, b in pairwise(rings)):
            raise ValueError(f"{rings} does not ascend")
        return rings

    @property
    def top(self) -> float:
        """Height of the insulation film's surface over the first chip."""
        return self.rear + self.diffusion_thickness + self.insulation_thickness

    @property
    def rear(self) -> float:
        """Height of the first chip's rear surface."""
        return self.gap + self.first_thickness

    @model_validator(mode="after")
    def _fits(self) -> FlipchipGeometry:
        _less("first_radius", self.first_radius, "second_radius", self.second_radius)
        for index, ring in enumerate(self.member_rings):
            if ring > 0:
                _less("member_radius", self.member_radius, f"member_rings.{index}", ring)
            outside = ring + self.member_radius
            if outside >= self.first_radius:
                raise ValueError(
                    f"member_rings.{index}: {ring:g} + member_radius ({self.member_radius:g}) is not < first_radius "
                    f"({self.first_radius:g})"
                )
            if index and ring - self.member_rings[index - 1] <= 2 * self.member_radius:
                raise ValueError(
                    f"member_rings.{index}: {ring:g} overlaps member_rings.{index - 1} with member_radius "
                    f"{self.member_radius:g}"
                )
        if self.member_counts is not None and len(self.member_counts) != len(self.member_rings):
            raise ValueError(
                f"member_counts: {len(self.member_counts)} numbers for {len(self.member_rings)} member_rings"
            )
        _less("insulation_step", self.insulation_step, "rewiring_thickness", self.rewiring_thickness)
        inner, outer = self.rewiring
        if outer <= inner:
            raise ValueError(f"rewiring: [{inner:g}, {outer:g}] does not ascend")
        if outer >= self.second_radius:
            raise ValueError(f"rewiring: outer radius {outer:g} is not < second_radius ({self.second_radius:g})")
        self._terminals(inner, outer)
        self._via(inner, outer)
        return self

    def _terminals(self, inner: float, outer: float) -> None:
        low, high = self.terminal_ring - self.terminal_radius, self.terminal_ring + self.terminal_radius
        if self.terminal_ring == 0:
            low = 0.0
        elif low <= 0:
            raise ValueError(
                f"terminal_radius: {self.terminal_radius:g} is not < terminal_ring ({self.terminal_ring:g})"
            )
        if high >= self.second_radius:
            raise ValueError(
                f"terminal_radius: {self.terminal_radius:g} + terminal_ring ({self.terminal_ring:g}) "
                f"is not < second_radius ({self.second_radius:g})"
            )
        if low < inner or high > outer:
            raise ValueError(
                f"terminal_ring: {self.terminal_ring:g} -+ terminal_radius ({self.terminal_radius:g}) "
                f"does not lie on the rewiring [{inner:g}, {outer:g}]"
            )
        if self.insulation_step > 0 and low < self.first_radius < high:
            raise ValueError(
                f"terminal_ring: {self.terminal_ring:g} -+ terminal_radius ({self.terminal_radius:g}) stands across "
                f"the film's step at "
                f"first_radius ({self.first_radius:g}); move it, or set insulation_step to 0"
            )
        if self.heat_sink_radius > 0:
            if self.heat_sink_radius >= self.first_radius:
                raise ValueError(
                    f"heat_sink_radius: {self.heat_sink_radius:g} is not < first_radius ({self.first_radius:g})"
                )
            if self.heat_sink_radius >= inner:
                raise ValueError(
                    f"heat_sink_radius: {self.heat_sink_radius:g} overlaps rewiring [{inner:g}, {outer:g}]"
                )
            if self.rear_contact_radius > 0:
                raise ValueError(
                    "rear_contact_radius: the rewiring's contact and heat_sink_radius share the axis; give one of them"
                )
        if self.rear_contact_radius > 0:
            _less("rear_contact_radius", self.rear_contact_radius, "first_radius", self.first_radius)
            if inner > 0 or self.rear_contact_radius > outer:
                raise ValueError(
                    f"rear_contact_radius: {self.rear_contact_radius:g} does not lie under the rewiring [{inner:g}, "
                    f"{outer:g}]; "
                    "start it at 0"
                )

    def _via(self, inner: float, outer: float) -> None:
        if self.via_ring == 0:
            return
        if self.via_ring - self.via_radius <= self.first_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} - via_radius ({self.via_radius:g}) is not > first_radius "
                f"({self.first_radius:g}); "
                "a via stands in the non-opposed region"
            )
        if self.via_ring + self.via_radius >= self.second_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} + via_radius ({self.via_radius:g}) is not < second_radius "
                f"({self.second_radius:g})"
            )
        if self.via_ring - self.via_radius < inner or self.via_ring + self.via_radius > outer:
            raise ValueError(
                f"via_ring: {self.via_ring:g} -+ via_radius ({self.via_radius:g}) does not lie under the rewiring "
                f"[{inner:g}, {outer:g}]"
            )


class FlipchipCase(CaseBase):
    """Stack ``flipchip``: the third seed, claims 1 to 8."""

    ROLES: ClassVar[tuple[str, ...]] = (
        "first", "second", "member", "fill", "insulation", "rewiring", "resin", "terminal", "via", "heat_sink", "diffusion", "rear_film",  # noqa: E501
    )  # fmt: skip
    STANDARD: ClassVar[dict[str, str]] = {"first": "silicon", "second": "silicon"}
    stack: Literal["flipchip"]
    geometry: FlipchipGeometry = Field(default_factory=FlipchipGeometry)
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)
    mesh: PackageMeshSpec = Field(default_factory=PackageMeshSpec)

    def needed_roles(self) -> tuple[str, ...]:
        """All roles the geometry builds."""
        g = self.geometry
        optional = {
            "via": g.via_ring,
            "heat_sink": g.heat_sink_radius,
            "diffusion": g.diffusion_thickness,
            "rear_film": g.rear_film_thickness,
        }
        built = ("member", "fill", "insulation", "rewiring", "resin", "terminal")
        return (*built, *(role for role, size in optional.items() if size > 0))
