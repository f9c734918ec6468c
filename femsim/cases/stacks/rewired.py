"""Keys of a single chip with rewiring."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from femsim.cases.keys import NonNegative, Positive, Strict
from femsim.cases.parts import CaseBase
from femsim.cases.stacks.checks import _less


class RewiredChipGeometry(Strict):
    """A single chip, insulation on its rear surface, a conductive member through an opening (claim 9; reference
    defaults, um).

    z = 0 is the rear surface; the functional surface is at z = -chip_thickness.
    """

    cell_radius: Positive = Field(default=500.0, description="radius (half width) of the cell around one opening")
    chip_thickness: Positive = 200.0
    insulation_thickness: Positive = 20.0
    opening_radius: Positive = Field(default=100.0, description="opening in the insulation film")
    member_radius: Positive = Field(
        default=125.0, description="conductive member above the film; it rests on the film's rim"
    )
    member_height: Positive = Field(default=60.0, description="above the insulation film")
    diffusion_thickness: NonNegative = Field(
        default=1.0, description="diffusion prevention film on the rear surface; 0: none"
    )

    @model_validator(mode="after")
    def _fits(self) -> RewiredChipGeometry:
        if self.opening_radius > self.member_radius:
            raise ValueError(
                f"opening_radius: {self.opening_radius:g} is not <= member_radius ({self.member_radius:g})"
            )
        _less("member_radius", self.member_radius, "cell_radius", self.cell_radius)
        _less("diffusion_thickness", self.diffusion_thickness, "insulation_thickness", self.insulation_thickness)
        return self


class RewiredChipCase(CaseBase):
    """Stack ``rewired-chip``: the third seed, claim 9."""

    ROLES: ClassVar[tuple[str, ...]] = ("chip", "insulation", "member", "diffusion")
    STANDARD: ClassVar[dict[str, str]] = {"chip": "silicon"}
    stack: Literal["rewired-chip"]
    geometry: RewiredChipGeometry = Field(default_factory=RewiredChipGeometry)

    def needed_roles(self) -> tuple[str, ...]:
        """Film and member; the diffusion film where there is one."""
        return ("insulation", "member", *(["diffusion"] if self.geometry.diffusion_thickness else []))
