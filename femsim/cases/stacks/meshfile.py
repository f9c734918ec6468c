"""Keys of a case on an imported mesh."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from femsim.cases.parts import NO_LOAD, CaseBase, MeshFileSpec, OwnModelSpec, RootSpec, StatedLoad


class MeshCase(CaseBase):
    """Stack ``mesh``: a mesh file with named regions and lines."""

    stack: Literal["mesh"]
    mesh: MeshFileSpec  # type: ignore[assignment]
    root: list[RootSpec] = Field(default_factory=list)
    load: StatedLoad = NO_LOAD
    model: OwnModelSpec = Field(default_factory=OwnModelSpec)
