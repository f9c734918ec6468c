"""A case turned into a mesh: drawn from a layout, imported from a file, or in space. Each knows how it is refined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self

from femsim.base.arrays import FloatArray
from femsim.base.errors import InputError
from femsim.builders.cuts import Cut
from femsim.builders.solids import Solid
from femsim.cases.parts import CaseBase
from femsim.meshes.grid import mesh_of_lines
from femsim.meshes.layout import Layout, Probe, Rim, Root
from femsim.meshes.marking import bulk, finer_lines, halved
from femsim.meshes.mesh import Mesh
from femsim.meshes.refine import refine


@dataclass(frozen=True, kw_only=True)
class Discretisation(ABC):
    """What the solver, the metrics and the report share of a meshed case.

    ``layout`` is what the mesh was drawn from (in space: the profile), ``solid`` what a body in space has beside its
    mesh; None where there is none. ``cuts`` are the runs that give the displacement of a boundary.
    """

    case: CaseBase
    mesh: Mesh
    lengths: tuple[float, ...]
    roots: tuple[Root, ...] = ()
    layout: Layout | None = None
    solid: Solid | None = None
    point_data: dict[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cuts: tuple[Cut, ...] = ()

    @property
    def points(self) -> tuple[Probe, ...]:
        """The points that a case may call by their names."""
        return self.layout.points if self.layout is not None else ()

    @property
    def rims(self) -> tuple[Rim, ...]:
        """Root circles of a body in space."""
        return ()

    @abstractmethod
    def refined(self, share: FloatArray) -> Discretisation:
        """The next, finer one; ``share`` (E,) is how much of the error comes from each cell."""

    @abstractmethod
    def halved(self) -> Discretisation:
        """The one with every cell halved in all directions."""


@dataclass(frozen=True, kw_only=True)
class Drawn(Discretisation):
    """A mesh between the grid lines of a layout; ``lines`` are those before any bend."""

    layout: Layout
    lines: tuple[FloatArray, FloatArray]

    def with_lines(self, x: FloatArray, y: FloatArray) -> Self:
        """The same layout on other grid lines."""
        return replace(self, mesh=mesh_of_lines(self.layout, x, y, self.mesh.element), lines=(x, y))

    def refined(self, share: FloatArray) -> Self:
        """Grid lines run through the whole body: intervals are cut."""
        return self.with_lines(*finer_lines(self.layout, self.lines, share))

    def halved(self) -> Self:
        """Twice as many intervals."""
        return self.with_lines(*(halved(line) for line in self.lines))


@dataclass(frozen=True, kw_only=True)
class Imported(Discretisation):
    """A mesh from a file, with its point data."""

    def refined(self, share: FloatArray) -> Self:
        """Triangles are split where the error is, quadrilaterals all at once."""
        mesh, data = refine(self.mesh, None if self.mesh.info.is_quad else bulk(share), self.point_data)
        return replace(self, mesh=mesh, point_data=data)

    def halved(self) -> Self:
        """Every cell split."""
        mesh, data = refine(self.mesh, None, self.point_data)
        return replace(self, mesh=mesh, point_data=data)


@dataclass(frozen=True, kw_only=True)
class InSpace(Discretisation):
    """A mesh in three dimensions."""

    solid: Solid

    @property
    def points(self) -> tuple[Probe, ...]:
        """The named points of the body."""
        return self.solid.points

    @property
    def rims(self) -> tuple[Rim, ...]:
        """The root circles."""
        return self.solid.rims

    def refined(self, share: FloatArray) -> Self:
        """Not yet in space."""
        raise InputError("mesh.tolerance: not in three dimensions; use a plane or axisymmetric model")

    def halved(self) -> Self:
        """Not yet in space."""
        raise InputError("converge: not in three dimensions; use a plane or axisymmetric model")
