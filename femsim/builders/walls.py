"""How bodies in space are held: planes of symmetry, cell walls, a point of the axis.

A wall is fixed (no motion along its normal) or coupled (one common motion along it, no net force). Where the normal is
a coordinate axis these are held and tied degrees of freedom; on round and slanting walls a degree of freedom becomes a
combination of the node's other one and the wall's common motion.

Coupled walls mirror a cell; periodic ones repeat it, as an array does whose cells all lean one way:

    u(x + L e_a) = u(x) + L E e_a,   E = [[e_x, g, 0], [g, e_y, 0], [0, 0, 0]],

with strains e_x, e_y, g of the array that are free, so it carries no net force and no net shear along its plane
(Michel, Moulinec and Suquet 1999, Comput. Methods Appl. Mech. Eng. 172, 109); it does not bend. Where the cell is cut
at a plane of symmetry the two are the same. Nodes of one wall need not stand opposite those of the other, between
which displacements are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.builders.solids import Solid
from femsim.meshes.elements import shape
from femsim.meshes.facets import face_normals, surface_nodes
from femsim.meshes.locate import locate, locate_many
from femsim.meshes.mesh import Mesh

#: components of a normal below this are zero
STRAIGHT = 1.0e-9


@dataclass
class Supports:
    """Held degrees of freedom with their value and where it comes from, ties, links, and how many unknowns of no node
    the links use.
    """

    fixed: dict[int, tuple[float, str]] = field(default_factory=dict)
    ties: tuple[IntArray, ...] = ()
    straight: list[tuple[IntArray, FloatArray]] = field(default_factory=list)
    links: dict[int, dict[int, float]] = field(default_factory=dict)
    extra: int = 0

    def held(self) -> dict[tuple[int, str], IntArray]:
        """Nodes of the held degrees of freedom by component and by what holds them."""
        found: dict[tuple[int, str], list[int]] = {}
        for dof, (_, label) in self.fixed.items():
            found.setdefault((dof % 3, label), []).append(dof // 3)
        return {key: np.array(nodes, dtype=np.int64) for key, nodes in found.items()}


def solid_supports(mesh: Mesh, solid: Solid, outer: str, given: frozenset[int] = frozenset()) -> Supports:
    """Supports of a body in space by its planes of symmetry, its walls under ``outer``, and the stack's own hold, which
    leaves the axes ``given`` to the case's own boundaries.
    """
    found, ndof = Supports(), 3 * len(mesh.points)
    for name, axis in (solid.symmetry or {}).items():
        for node in mesh.nodes_on(name).tolist():
            found.fixed[3 * node + axis] = (0.0, f"the plane of symmetry {name}")
    if outer == "periodic":
        _periodic(mesh, solid, found, ndof)
    elif outer != "free":
        if not solid.walls:
            raise InputError(
                f"model.outer: {outer!r} needs the walls of a stack or of blocks; an imported mesh in space has none: "
                "use 'free' and hold its surfaces with [[boundary]]"
            )
        _walls(mesh, solid, outer, found, ndof)
    if solid.hold is not None:
        _hold(mesh, solid, outer, given, found)
    return found


def _periodic(mesh: Mesh, solid: Solid, found: Supports, ndof: int) -> None:
    """Links of periodic walls: those of the far wall follow the near one, edges both."""
    sides = {axis: (f"{name}_min", f"{name}_max") for axis, name in enumerate("xy")}
    if set(solid.walls) - {name for pair in sides.values() for name in pair}:
        raise InputError(
            'model.outer: "periodic" is for the walls of a square cell (model.cell = "square") and of blocks; '
            'elsewhere use "coupled"'
        )
    symmetry, ties = set((solid.symmetry or {}).values()), []
    pairs = {axis: pair for axis, pair in sides.items() if axis not in symmetry}
    for axis in symmetry & set(sides):  # a mirrored wall repeats, too
        ties.append(3 * mesh.nodes_on(sides[axis][1]) + axis)
    found.ties = tuple(ties)
    stretch = {axis: ndof + k for k, axis in enumerate(pairs)}
    shear = ndof + len(pairs)
    found.extra = len(pairs) + (len(pairs) == 2)
    busy = {int(dof) for group in ties for dof in group} | set(found.fixed)
    for axis, (near, far) in pairs.items():
        for name in (near, far):
            if name not in mesh.surfaces:
                raise InputError(f'model.outer: "periodic" needs a wall {name} over against the other; there is none')
        nodes = mesh.nodes_on(far)
        place = mesh.points[nodes].copy()
        across = float(np.ptp(mesh.points[:, axis]))
        place[:, axis] -= across
        cells, xi = locate_many(mesh, np.unique(mesh.surfaces[near][:, 0]), place)
        share, _ = shape(mesh.element, xi)
        beside = np.linalg.norm(np.einsum("en,enc->ec", share, mesh.points[mesh.cells[cells]]) - place, axis=1)
        if beside.max() > 1e-6 * mesh.extent:
            x = ", ".join(f"{v:g}" for v in mesh.points[nodes[int(np.argmax(beside))]])
            raise InputError(f'model.outer: "periodic", but nothing lies opposite ({x}) um on the wall {near}')
        for node, cell, weights in zip(nodes.tolist(), cells.tolist(), share, strict=True):
            masters = {int(n): float(w) for n, w in zip(mesh.cells[cell], weights, strict=True) if abs(w) > 1e-9}
            for k in range(3):
                if 3 * node + k in busy:
                    continue
                terms: dict[int, float] = {}
                for other, weight in masters.items():  # an edge's master may follow the other pair's
                    for dof, factor in found.links.get(3 * other + k, {3 * other + k: 1.0}).items():
                        terms[dof] = terms.get(dof, 0.0) + weight * factor
                if k == axis:
                    terms[stretch[axis]] = across
                elif k < 2 and len(pairs) == 2:
                    terms[shear] = terms.get(shear, 0.0) + across
                found.links[3 * node + k] = terms
    for dof, terms in found.links.items():  # of two walls that meet, one's masters follow the other
        if any(other in found.links for other in terms):
            plain: dict[int, float] = {}
            for other, weight in terms.items():
                for last, factor in found.links.get(other, {other: 1.0}).items():
                    plain[last] = plain.get(last, 0.0) + weight * factor
            found.links[dof] = plain


def _walls(mesh: Mesh, solid: Solid, outer: str, found: Supports, ndof: int) -> None:
    conditions: dict[int, list[tuple[FloatArray, int | None]]] = {}
    ties: list[IntArray] = []
    for number, name in enumerate(w for w in solid.walls if w in mesh.surfaces):
        nodes, normals = wall_normals(mesh, name)
        axis = int(np.argmax(np.abs(normals[0])))
        if np.all(np.abs(np.delete(normals, axis, axis=1)) < STRAIGHT):
            if outer == "fixed":
                for node in nodes.tolist():
                    found.fixed[3 * node + axis] = (0.0, "model.outer = fixed")
            elif outer == "straight":
                found.straight.append((3 * nodes + axis, np.delete(mesh.points[nodes], axis, axis=1)))
            else:
                ties.append(3 * nodes + axis)
            continue
        if outer == "straight":
            raise InputError(f'model.outer: "straight" is for flat walls along x or y; {name} is not')
        common = None
        if outer == "coupled":
            common, found.extra = ndof + found.extra, found.extra + 1
        del number
        for node, normal in zip(nodes.tolist(), normals, strict=True):
            conditions.setdefault(node, []).append((normal, common))
    tied = np.concatenate(ties) if ties else np.empty(0, dtype=np.int64)
    busy = set(found.fixed) | set(tied.tolist())
    for node, rows in conditions.items():
        _link(found, node, rows, busy)
    found.ties = tuple(ties)


def _link(found: Supports, node: int, rows: list[tuple[FloatArray, int | None]], busy: set[int]) -> None:
    """Links of one node's horizontal unknowns to the common motions of the walls it lies on: n . u = U for each."""
    free = [3 * node + k for k in range(2) if 3 * node + k not in busy]
    known = [3 * node + k for k in range(2) if 3 * node + k in busy]
    rows = rows[: len(free)]
    normals = np.array([normal[:2] for normal, _ in rows])
    chosen = free if len(rows) == len(free) else [3 * node + int(np.argmax(np.abs(normals[0])))]
    others = [dof for dof in (*free, *known) if dof not in chosen]
    inverse = np.linalg.inv(normals[:, [dof % 3 for dof in chosen]])
    for i, dof in enumerate(chosen):
        terms = {other: -float(inverse[i] @ normals[:, other % 3]) for other in others}
        for j, (_, common) in enumerate(rows):
            if common is not None:
                terms[common] = terms.get(common, 0.0) + float(inverse[i, j])
        found.links[dof] = {other: factor for other, factor in terms.items() if abs(factor) > 1e-14}


def wall_normals(mesh: Mesh, name: str) -> tuple[IntArray, FloatArray]:
    """Nodes of a surface and its outward unit normals (n, 3) there, the mean of the faces at each node."""
    total = np.zeros((len(mesh.points), 3))
    for element, (_, nodes) in surface_nodes(mesh, mesh.surfaces[name]).items():
        from femsim.meshes.elements import node_points

        _, slopes = shape(element, node_points(element))
        normal = face_normals(slopes, mesh.points[nodes])
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        np.add.at(total, nodes.ravel(), normal.reshape(-1, 3))
    nodes = mesh.nodes_on(name)
    found = total[nodes]
    return nodes, np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def _hold(mesh: Mesh, solid: Solid, outer: str, given: frozenset[int], found: Supports) -> None:
    """The stack's own support: motion along z at the axis point of the back; along x and y too where nothing else
    holds it, and there at the chip's surface against turning, where the walls are free or may tilt. A whole cell is
    held against turning about z where its walls do not hold it.
    """
    assert solid.hold is not None
    symmetry = set((solid.symmetry or {}).values())
    x, y, z = solid.hold
    axes = [2] + [axis for axis in (0, 1) if axis not in symmetry | given and outer != "fixed"]
    for axis in axes:
        _hold_point(mesh, (x, y, z), axis, found)
    if outer in ("free", "straight") and len(axes) > 1:
        for axis in axes[1:]:
            _hold_point(mesh, (x, y, 0.0), axis, found)
    loose = outer in ("free", "straight") or "outer" in solid.walls
    if loose and not symmetry and not given:
        _hold_point(mesh, (0.5 * (x + float(mesh.points[:, 0].max())), y, z), 1, found)


def _hold_point(mesh: Mesh, point: tuple[float, float, float], axis: int, found: Supports) -> None:
    """Hold one displacement at a point, a node or a place inside a face."""
    at = locate(mesh, point)
    if not len(at.cells):
        raise InputError(f"the stack's own hold: ({', '.join(f'{v:g}' for v in point)}) um is not in the body")
    values, _ = shape(mesh.element, at.xi[:1])
    nodes, share = mesh.cells[at.cells[0]], values[0]
    dofs = 3 * nodes + axis
    keep = np.abs(share) > 1e-9
    nodes, dofs, share = nodes[keep], dofs[keep], share[keep]
    if len(dofs) == 1:
        found.fixed[int(dofs[0])] = (0.0, "the stack's own hold")
        return
    first = int(np.argmax(np.abs(share)))
    found.links[int(dofs[first])] = {
        int(dof): -float(n / share[first]) for k, (dof, n) in enumerate(zip(dofs, share, strict=True)) if k != first
    }
