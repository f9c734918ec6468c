"""Keys of a stack painted from blocks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from femsim.cases.keys import Coordinate, Strict
from femsim.cases.material import MaterialRef
from femsim.cases.parts import NO_LOAD, CaseBase, OwnModelSpec, PartMaterial, RootSpec, StatedLoad


class BlockSpec(Strict):
    """One painted rectangle, ``r, z`` in axisymmetry, ``x, y`` in plane models; in 3D a block ``x, y, z``."""

    name: str = Field(min_length=1)
    r: tuple[Coordinate, Coordinate] | None = None
    z: tuple[Coordinate, Coordinate] | None = None
    x: tuple[Coordinate, Coordinate] | None = None
    y: tuple[Coordinate, Coordinate] | None = None
    material: MaterialRef

    @field_validator("r", "z", "x", "y", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def axes(self) -> tuple[str, ...]:
        """The coordinates given."""
        return tuple(key for key in ("r", "x", "y", "z") if getattr(self, key) is not None)

    @model_validator(mode="after")
    def _a_rectangle(self) -> BlockSpec:
        for key in ("r", "z", "x", "y"):
            side = getattr(self, key)
            if side is not None and side[1] <= side[0]:
                raise ValueError(f"{key}: [{side[0]:g}, {side[1]:g}] does not ascend")
        if self.axes not in (("r", "z"), ("x", "y"), ("x", "y", "z")):
            raise ValueError("give r and z, or x and y, or x, y and z")
        if self.r is not None and self.r[0] < 0:
            raise ValueError(f"r: {self.r[0]:g} is not >= 0")
        return self


class BlocksCase(CaseBase):
    """Stack ``blocks``: rectangles painted by the user, later ones over earlier ones."""

    stack: Literal["blocks"]
    block: list[BlockSpec] = Field(min_length=1)
    root: list[RootSpec] = Field(default_factory=list)
    load: StatedLoad = NO_LOAD
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)

    def own_materials(self) -> list[PartMaterial]:
        """The blocks."""
        return [PartMaterial(one.name, f"block.{i}.material", one.material) for i, one in enumerate(self.block)]

    @model_validator(mode="after")
    def _alike(self) -> BlocksCase:
        first: dict[str, MaterialRef] = {}
        for i, block in enumerate(self.block):
            if first.setdefault(block.name, block.material) != block.material:
                raise ValueError(
                    f"block.{i}.material: is not that of the other block named {block.name!r}; they are one region"
                )
        wanted = {"axisymmetric": ("r", "z"), "3d": ("x", "y", "z")}.get(self.model.kinematics, ("x", "y"))
        if any(block.axes != wanted for block in self.block):
            text = ", ".join(wanted[:-1]) + f" and {wanted[-1]}"
            raise ValueError(f"block: kinematics {self.model.kinematics} needs {text} in every block")
        if self.root and self.model.dim == 3:
            raise ValueError("root: blocks in three dimensions have no roots; use probes, or a stack")
        return self
