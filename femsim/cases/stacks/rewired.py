"""Keys of a single chip with rewiring."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from femsim.cases.keys import Geometry, NonNegative, Positive, absolute_key, number, relative_key
from femsim.cases.parts import CaseBase
from femsim.cases.stacks.checks import _less


class RewiredChipGeometry(Geometry):
    """A single chip, insulation on its rear surface, a conductive member through an opening (claim 9; reference
    defaults, um).

    z = 0 is the rear surface; the functional surface is at z = -chip_thickness.
    """

    STANDS_FOR: ClassVar[dict[str, str]] = {"member_rim": "member_radius"}

    cell_radius: Positive = Field(default=500.0, description="radius (half width) of the cell around one opening")
    chip_thickness: Positive = 200.0
    insulation_thickness: Positive = 20.0
    opening_radius: Positive = Field(default=100.0, description="opening in the insulation film")
    member_radius: Positive = absolute_key("conductive member above the film; default: opening_radius + member_rim")
    member_rim: NonNegative | None = relative_key(
        25.0, "stands for member_radius: how far the member rests on the film around the opening"
    )
    member_height: Positive = Field(default=60.0, description="above the insulation film")
    diffusion_thickness: NonNegative = Field(
        default=1.0, description="diffusion prevention film on the rear surface; 0: none"
    )

    @classmethod
    def placed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The member's radius from its rim."""
        opening, rim = number(given, "opening_radius", 100.0), number(given, "member_rim", 25.0)
        return {} if "member_radius" in given or opening is None or rim is None else {"member_radius": opening + rim}

    def relative(self) -> dict[str, Any]:
        """The member's rim."""
        return {"member_rim": self.member_radius - self.opening_radius}

    def check(self) -> None:
        """What fits into what."""
        if self.opening_radius > self.member_radius:
            raise ValueError(
                f"opening_radius: {self.opening_radius:g} is not <= member_radius ({self.member_radius:g})"
            )
        _less("member_radius", self.member_radius, "cell_radius", self.cell_radius)
        _less("diffusion_thickness", self.diffusion_thickness, "insulation_thickness", self.insulation_thickness)


class RewiredChipCase(CaseBase):
    """Stack ``rewired-chip``: the third seed, claim 9."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "insulation", "member", "diffusion")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    POINTS: ClassVar[dict[str, str]] = {
        "member_tip": "top of the member, on the axis",
        "chip_back": "functional surface of the chip, on the axis",
    }
    stack: Literal["rewired-chip"]
    geometry: RewiredChipGeometry = Field(default_factory=RewiredChipGeometry)

    def needed_roles(self) -> tuple[str, ...]:
        """Film and member; the diffusion film where there is one."""
        return ("insulation", "member", *(["diffusion"] if self.geometry.diffusion_thickness else []))
