"""The part of a body that is there: a space restricted to the cells of the regions that are alive."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.meshes.mesh import Mesh
from femsim.models.space import Constraints, Links, Space


@dataclass(frozen=True)
class Part:
    """A space and where it lies in the whole: ``cells`` (e,), ``nodes`` (n,) and ``dofs`` (ndof of the part,) of the
    whole's.
    """

    space: Space
    cells: IntArray
    nodes: IntArray
    dofs: IntArray

    def of(self, whole: FloatArray) -> FloatArray:
        """Values (ndof of the part,) out of those of the whole body (ndof,)."""
        return np.asarray(whole[self.dofs])

    def field(self, values: float | FloatArray) -> float | FloatArray:
        """A number, or values of the whole's nodes (N,) or cells' nodes (E, n), here."""
        if np.ndim(values) == 0:
            return values
        given = np.asarray(values, dtype=float)
        return np.asarray(given[self.nodes if given.ndim == 1 else self.cells])

    def into(self, values: FloatArray, whole: FloatArray) -> FloatArray:
        """A copy of ``whole`` (ndof,) with the part's values set."""
        result = whole.copy()
        result[self.dofs] = values
        return result


def small_mesh(mesh: Mesh, alive: BoolArray) -> tuple[Mesh, IntArray, IntArray]:
    """The mesh of the regions that are alive (regions,) with what is left of its lines, and its cells and nodes in the
    whole one.
    """
    cells = np.flatnonzero(alive[mesh.region])
    nodes = np.unique(mesh.cells[cells])
    number = np.full(len(mesh.points), -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    lines = {name: number[edges][np.all(number[edges] >= 0, axis=1)] for name, edges in mesh.lines.items()}
    small = replace(
        mesh,
        points=mesh.points[nodes],
        cells=number[mesh.cells[cells]],
        region=mesh.region[cells],
        lines=lines,
        surfaces={},
        sets={},
    )
    return small, cells, nodes


def part_of(space: Space, alive: BoolArray | None) -> Part:
    """The cells of regions that are alive (regions,), their nodes, and the constraints among them."""
    mesh = space.mesh
    every = np.arange(space.ndof)
    if alive is None or bool(np.all(alive[mesh.region])):
        return Part(space, np.arange(len(mesh.cells)), np.arange(len(mesh.points)), every)
    small, cells, nodes = small_mesh(mesh, alive)
    small = replace(small, lines={})
    width = space.width
    dofs = np.concatenate([(width * nodes[:, None] + np.arange(width)).ravel(), every[space.nodal :]])
    kept = replace(space, mesh=small, constraints=_restricted(space.constraints, dofs, space.ndof))
    return Part(kept, cells, nodes, dofs)


def _restricted(constraints: Constraints, dofs: IntArray, ndof: int) -> Constraints:
    """Constraints among some degrees of freedom; unknowns that nothing uses any more are dropped."""
    place = np.full(ndof, -1, dtype=np.int64)
    place[dofs] = np.arange(len(dofs))
    links = constraints.links
    kept = place[links.dof] >= 0
    equation = constraints.equation[dofs]
    used = np.unique(np.concatenate([equation[equation >= 0], links.equation[kept]]))
    number = np.full(constraints.count, -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    own = np.where(equation >= 0, number[np.maximum(equation, 0)], equation)
    linked = Links(place[links.dof[kept]], number[links.equation[kept]], links.coefficient[kept])
    return Constraints(own, len(used), linked)
