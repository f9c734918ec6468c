"""Keys of a post in a bilayer resin."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from femsim.cases.keys import Geometry, NonNegative, Positive, number, relative_key
from femsim.cases.parts import CaseBase


class BilayerGeometry(Geometry):
    """Posts sealed by a low-elastic layer under a thin high-elastic one (reference defaults, um)."""

    STANDS_FOR: ClassVar[dict[str, str]] = {"ratio": "low_thickness"}

    cell_radius: Positive = Field(default=150.0, description="radius of the cell around one post")
    chip_thickness: Positive = 300.0
    post_radius: Positive = 50.0
    low_thickness: Positive = Field(default=72.0, description="low-elastic layer, away from the post")
    high_thickness: Positive = Field(default=18.0, description="high-elastic layer, away from the post")
    ratio: Annotated[float, Field(gt=0, le=1e6)] | None = relative_key(
        None, "stands for low_thickness: low = ratio x high"
    )
    slope_height: NonNegative = Field(default=0.0, description="the low layer's extra thickness at the post wall")
    slope_width: NonNegative = Field(default=0.0, description="radial distance over which it falls to nothing")
    pad_radius: NonNegative = Field(default=0.0, description="0: as the post, where there is a pad")
    pad_thickness: NonNegative = Field(default=0.0, description="connection pad between chip and post; 0: none")
    ball_height: NonNegative = Field(default=0.0, description="solder ball on the post, a spherical cap; 0: none")

    @classmethod
    def placed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The low layer's thickness from the ratio."""
        ratio, high = number(given, "ratio"), number(given, "high_thickness", 18.0)
        return {"low_thickness": ratio * high} if ratio and high and ratio > 0 and high > 0 else {}

    def relative(self) -> dict[str, Any]:
        """The ratio of the layers."""
        return {"ratio": self.low_thickness / self.high_thickness}

    def check(self) -> None:
        """What fits into what."""
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
            raise ValueError(
                f"pad_thickness: 0 is not > 0, but pad_radius is {self.pad_radius:g}; a pad needs a thickness"
            )
        if self.pad_thickness >= self.low_thickness:
            raise ValueError(f"pad_thickness: {self.pad_thickness:g} is not < low_thickness ({self.low_thickness:g})")
        if self.pad_radius >= self.cell_radius:
            raise ValueError(f"pad_radius: {self.pad_radius:g} is not < cell_radius ({self.cell_radius:g})")


class BilayerCase(CaseBase):
    """Stack ``bilayer``: the first seed."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "pad", "post", "low", "high", "ball")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    POINTS: ClassVar[dict[str, str]] = {
        "post_tip": "top of the post, on the axis",
        "post_foot": "foot of the post, on the axis",
        "ball_tip": "top of the ball, where there is one",
        "chip_back": "back of the chip, on the axis",
    }
    stack: Literal["bilayer"]
    geometry: BilayerGeometry = Field(default_factory=BilayerGeometry)

    def needed_roles(self) -> tuple[str, ...]:
        """Post and resins; pad and ball where the geometry has them."""
        g = self.geometry
        return ("post", "low", "high", *(["pad"] if g.pad_thickness else []), *(["ball"] if g.ball_height else []))
