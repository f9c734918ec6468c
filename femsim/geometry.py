"""Geometry keys of the stacks, in um, with what fits into what.

Every misfit names both keys. Reference defaults are the dimensions of the shipped cases, whose files name their sources.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from femsim.strict import Coordinate, NonNegative, Positive, Strict


class BilayerGeometry(Strict):
    """Posts sealed by a low-elastic layer under a thin high-elastic one (reference defaults, um)."""

    cell_radius: Positive = Field(default=150.0, description="radius of the cell around one post")
    chip_thickness: Positive = 300.0
    post_radius: Positive = 50.0
    low_thickness: Positive = Field(default=72.0, description="low-elastic layer, away from the post")
    high_thickness: Positive = Field(default=18.0, description="high-elastic layer, away from the post")
    ratio: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, exclude=True, description="stands for low_thickness: low = ratio x high"
    )
    slope_height: NonNegative = Field(default=0.0, description="the low layer's extra thickness at the post wall")
    slope_width: NonNegative = Field(default=0.0, description="radial distance over which it falls to nothing")
    pad_radius: NonNegative = Field(default=0.0, description="0: as the post, where there is a pad")
    pad_thickness: NonNegative = Field(default=0.0, description="connection pad between chip and post; 0: none")
    ball_height: NonNegative = Field(default=0.0, description="solder ball on the post, a spherical cap; 0: none")

    @model_validator(mode="before")
    @classmethod
    def _ratio_stands_for_low(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("ratio") is None:
            return data
        if "low_thickness" in data:
            raise ValueError("give low_thickness or ratio, not both")
        ratio, high = data["ratio"], data.get("high_thickness", 18.0)
        if all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and v > 0 for v in (ratio, high)):
            return {**data, "low_thickness": float(ratio) * float(high)}
        return data  # the field checks name the culprit

    @model_validator(mode="after")
    def _fits(self) -> BilayerGeometry:
        if self.post_radius >= self.cell_radius:
            raise ValueError(f"post_radius: {self.post_radius:g} is not < cell_radius ({self.cell_radius:g})")
        if (self.slope_height > 0) != (self.slope_width > 0):
            given, other = ("slope_height", "slope_width") if self.slope_height > 0 else ("slope_width", "slope_height")
            raise ValueError(f"{other}: 0 is not > 0, but {given} is {getattr(self, given):g}; a slope needs both")
        if self.slope_height >= self.high_thickness and self.slope_height > 0:
            raise ValueError(f"slope_height: {self.slope_height:g} is not < high_thickness ({self.high_thickness:g})")
        if self.post_radius + self.slope_width >= self.cell_radius and self.slope_width > 0:
            room = self.cell_radius - self.post_radius
            raise ValueError(f"slope_width: {self.slope_width:g} is not < cell_radius - post_radius ({room:g})")
        if self.pad_radius > 0 and self.pad_thickness == 0:
            raise ValueError(f"pad_thickness: 0 is not > 0, but pad_radius is {self.pad_radius:g}; a pad needs a thickness")
        if self.pad_thickness >= self.low_thickness:
            raise ValueError(f"pad_thickness: {self.pad_thickness:g} is not < low_thickness ({self.low_thickness:g})")
        if self.pad_radius >= self.cell_radius:
            raise ValueError(f"pad_radius: {self.pad_radius:g} is not < cell_radius ({self.cell_radius:g})")
        return self


class StaggeredGeometry(Strict):
    """Cell of a conductor that is built of layers (the layers are ``[[layer]]`` entries)."""

    cell_radius: Positive = Field(default=150.0, description="radius (half width) of the cell around one conductor")
    chip_thickness: Positive = 300.0
    insulation_thickness: Positive | None = Field(
        default=None, description="protective insulating layer; as high as the conductor where not given"
    )


class LayerSpecGeometry(Strict):
    """One layer of a conductor."""

    thickness: Positive
    radius: Positive
    offset: Coordinate = Field(default=0.0, description="lateral; needs a plane or 3D model")


class FlipchipGeometry(Strict):
    """A small first chip face-down on a large second one, insulation, rewiring, terminals (reference defaults, um).

    z = 0 is the second chip's functional surface; the first chip hangs above it on connection members of height ``gap``. In axisymmetry
    members, vias and terminals off the axis are rings with smeared materials; a radius of 0 on a ring means one member on the axis.
    """

    second_radius: Positive = Field(default=2000.0, description="large chip: radius (half width)")
    second_thickness: Positive = 200.0
    first_radius: Positive = Field(default=1200.0, description="small chip: radius (half width)")
    first_thickness: Positive = 80.0
    gap: Positive = Field(default=30.0, description="height of the connection members")
    member_radius: Positive = Field(default=25.0, description="radius of one connection member")
    member_rings: list[NonNegative] = Field(default=[1100.0], description="radii on which connection members sit; 0 is the axis")
    member_counts: list[Annotated[int, Field(ge=1, le=100000)]] | None = Field(
        default=None, description="members on each ring (default: a pitch of four member radii)"
    )
    insulation_thickness: Positive = Field(default=20.0, description="insulation film over the first chip's rear surface")
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
    via_count: Annotated[int, Field(ge=1, le=100000)] | None = Field(default=None, description="default: a pitch of four via radii")
    heat_sink_radius: NonNegative = Field(default=400.0, description="heat-sink terminal on the axis; 0: none")
    diffusion_thickness: NonNegative = Field(default=1.0, description="diffusion prevention film on the first rear surface; 0: none")
    rear_film_thickness: NonNegative = Field(default=20.0, description="rear protective film of the second chip; 0: none")

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
                    f"member_rings.{index}: {ring:g} + member_radius ({self.member_radius:g}) is not < first_radius ({self.first_radius:g})"
                )
            if index and ring - self.member_rings[index - 1] <= 2 * self.member_radius:
                raise ValueError(
                    f"member_rings.{index}: {ring:g} overlaps member_rings.{index - 1} with member_radius {self.member_radius:g}"
                )
        if self.member_counts is not None and len(self.member_counts) != len(self.member_rings):
            raise ValueError(f"member_counts: {len(self.member_counts)} numbers for {len(self.member_rings)} member_rings")
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
            raise ValueError(f"terminal_radius: {self.terminal_radius:g} is not < terminal_ring ({self.terminal_ring:g})")
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
                f"terminal_ring: {self.terminal_ring:g} -+ terminal_radius ({self.terminal_radius:g}) stands across the film's step at "
                f"first_radius ({self.first_radius:g}); move it, or set insulation_step to 0"
            )
        if self.heat_sink_radius > 0:
            if self.heat_sink_radius >= self.first_radius:
                raise ValueError(f"heat_sink_radius: {self.heat_sink_radius:g} is not < first_radius ({self.first_radius:g})")
            if self.heat_sink_radius >= inner:
                raise ValueError(f"heat_sink_radius: {self.heat_sink_radius:g} overlaps rewiring [{inner:g}, {outer:g}]")
            if self.rear_contact_radius > 0:
                raise ValueError("rear_contact_radius: the rewiring's contact and heat_sink_radius share the axis; give one of them")
        if self.rear_contact_radius > 0:
            _less("rear_contact_radius", self.rear_contact_radius, "first_radius", self.first_radius)
            if inner > 0 or self.rear_contact_radius > outer:
                raise ValueError(
                    f"rear_contact_radius: {self.rear_contact_radius:g} does not lie under the rewiring [{inner:g}, {outer:g}]; "
                    "start it at 0"
                )

    def _via(self, inner: float, outer: float) -> None:
        if self.via_ring == 0:
            return
        if self.via_ring - self.via_radius <= self.first_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} - via_radius ({self.via_radius:g}) is not > first_radius ({self.first_radius:g}); "
                "a via stands in the non-opposed region"
            )
        if self.via_ring + self.via_radius >= self.second_radius:
            raise ValueError(
                f"via_ring: {self.via_ring:g} + via_radius ({self.via_radius:g}) is not < second_radius ({self.second_radius:g})"
            )
        if self.via_ring - self.via_radius < inner or self.via_ring + self.via_radius > outer:
            raise ValueError(
                f"via_ring: {self.via_ring:g} -+ via_radius ({self.via_radius:g}) does not lie under the rewiring [{inner:g}, {outer:g}]"
            )


class RewiredChipGeometry(Strict):
    """A single chip, insulation on its rear surface, a conductive member through an opening (claim 9; reference defaults, um).

    z = 0 is the rear surface; the functional surface is at z = -chip_thickness.
    """

    cell_radius: Positive = Field(default=500.0, description="radius (half width) of the cell around one opening")
    chip_thickness: Positive = 200.0
    insulation_thickness: Positive = 20.0
    opening_radius: Positive = Field(default=100.0, description="opening in the insulation film")
    member_radius: Positive = Field(default=125.0, description="conductive member above the film; it rests on the film's rim")
    member_height: Positive = Field(default=60.0, description="above the insulation film")
    diffusion_thickness: NonNegative = Field(default=1.0, description="diffusion prevention film on the rear surface; 0: none")

    @model_validator(mode="after")
    def _fits(self) -> RewiredChipGeometry:
        if self.opening_radius > self.member_radius:
            raise ValueError(f"opening_radius: {self.opening_radius:g} is not <= member_radius ({self.member_radius:g})")
        _less("member_radius", self.member_radius, "cell_radius", self.cell_radius)
        _less("diffusion_thickness", self.diffusion_thickness, "insulation_thickness", self.insulation_thickness)
        return self


def _less(key: str, value: float, other: str, limit: float) -> None:
    if value >= limit:
        raise ValueError(f"{key}: {value:g} is not < {other} ({limit:g})")


def check_layers(layers: list[Any], cell_radius: float, plane: bool) -> None:
    """Raise ValueError unless the layers stand on each other inside the cell; an offset needs a plane model."""
    for index, layer in enumerate(layers):
        if layer.offset and not plane:
            raise ValueError(
                f"layer.{index}.offset: {layer.offset:g} is not 0; an axisymmetric model has no lateral offset: "
                'use model.kinematics = "generalized-plane-strain" (cross-section), or offset = 0'
            )
        if abs(layer.offset) + layer.radius >= cell_radius:
            with_offset = f" + layer.{index}.offset ({abs(layer.offset):g})" if layer.offset else ""
            raise ValueError(f"layer.{index}.radius: {layer.radius:g}{with_offset} is not < geometry.cell_radius ({cell_radius:g})")
        if index:
            below = layers[index - 1]
            apart = abs(layer.offset - below.offset)
            if apart >= layer.radius + below.radius:
                raise ValueError(
                    f"layer.{index}.offset: {layer.offset:g} does not stand on layer {index - 1} "
                    f"(layer.{index - 1}.offset {below.offset:g}, radii {below.radius:g} and {layer.radius:g})"
                )
