"""Interface tractions and their averages from consistent nodal forces.

The forces that one side's cells exert on the interface's nodes, f_i = int B_i^T sigma dV, are the finite element
solution's own tractions in the weak sense: int N_i t dA = f_i. Solved for t with the interface's mass matrix they
converge faster than stresses at points, and their sums balance the loads exactly (Wheeler 1974, SIAM J. Numer. Anal.
11, 764; Babuska and Miller 1984, Int. J. Numer. Methods Eng. 20, 1111; Carey, Chow and Seager 1985, Comput. Methods
Appl. Mech. Eng. 50, 107).

At a root the node's force also holds another cut's share. There the force of the body across the interface, which runs
on beyond the root, or that of the conductor, which has its wall, is split in the ratio of the singular field's own
tractions on both cuts (:func:`femsim.measures.corner.intensity.root_share`); without that field, as at the plain end of
an interface, the force belongs to the interface alone. Where nothing lies across, as at the rim of a via on the body's
surface or at the foot of a clamped post, the forces are those of the conductor's own side of the line: what a support
or a pressure must exert on it, zero on a free face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.meshes.elements import gauss_points, line_gauss, line_shape
from femsim.meshes.facets import edges_of
from femsim.meshes.layout import Root
from femsim.meshes.mesh import Mesh
from femsim.models.fields import StressField
from femsim.models.sampling import sample
from femsim.models.space import Space


@dataclass(frozen=True)
class Profile:
    """Tractions along a level interface: edges (K, 2 or 3: near end, far end, middle), nodes, their distance from the
    start (um), and the traction (n, 2: shear, peel) in MPa on the conductor's lower (or upper) face at each node."""

    edges: IntArray
    nodes: IntArray
    distance: FloatArray
    traction: FloatArray


@dataclass(frozen=True)
class Shares:
    """Parts (2: shear, peel) of the forces at a root's node that act under the conductor: ``far`` of the force of the
    body across, ``own`` of the conductor's; not a number where the former is to be taken.
    """

    far: FloatArray
    own: FloatArray


def level_edges(mesh: Mesh, region: str, level: float, span: tuple[float, float], into: int) -> IntArray:
    """Edges of a region's face at height ``level`` whose ends lie within ``span``, the region above (into = 1) or below
    (-1), sorted.
    """
    edges = edges_of(mesh)
    number = mesh.regions.index(region)
    slack = mesh.near
    level_node = np.abs(mesh.points[:, 1] - level) <= slack
    level_node &= (mesh.points[:, 0] >= span[0] - slack) & (mesh.points[:, 0] <= span[1] + slack)
    on = np.flatnonzero(level_node[edges.nodes[:, 0]] & level_node[edges.nodes[:, 1]])
    beside = np.zeros(len(on), dtype=bool)
    for cell in edges.cells[on].T:
        beside |= (cell >= 0) & (mesh.region[cell] == number) & ((mesh.centres[cell, 1] - level) * into > 0)
    found = edges.nodes[on[beside]]
    turned = mesh.points[found[:, 0], 0] > mesh.points[found[:, 1], 0]
    found[turned, :2] = found[turned, 1::-1]
    return np.asarray(found[np.argsort(mesh.points[found[:, 0], 0])])


def side_force(field: StressField, nodes: IntArray, level: float, into: int) -> FloatArray:
    """Forces (n, width) in uN on nodes of a level line from all cells on one side of it: what the other side must
    exert.
    """
    mesh = field.space.mesh
    around = cells_around(mesh, nodes)
    return cell_force(field, around[(mesh.centres[around, 1] - level) * into > 0])[nodes]


def cells_around(mesh: Mesh, nodes: IntArray) -> IntArray:
    """Numbers of the cells that have one of some nodes."""
    chosen = np.zeros(len(mesh.points), dtype=bool)
    chosen[nodes] = True
    return np.flatnonzero(chosen[mesh.cells].any(axis=1))


def across(mesh: Mesh, nodes: IntArray, level: float, into: int) -> BoolArray:
    """Which nodes (n,) of a level line touch a cell on one side of it."""
    touched = np.zeros(len(mesh.points), dtype=bool)
    touched[mesh.cells[(mesh.centres[:, 1] - level) * into > 0]] = True
    return np.asarray(touched[nodes])


def cell_force(field: StressField, cells: IntArray) -> FloatArray:
    """Nodal forces (N, width) in uN of the stress in some cells."""
    space = field.space
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    at = sample(space, cells, points)
    element = at.pull(field.stress(at) * (at.volume * weights)[..., None])
    force = np.bincount(space.element_dofs(cells).ravel(), element.ravel(), minlength=space.ndof).astype(np.float64)
    return np.asarray(force[: space.nodal].reshape(-1, space.width))


def mass_of(space: Space, edges: IntArray, nodes: IntArray) -> FloatArray:
    """Mass matrix (n, n) of the edges' shape functions, with the measure."""
    s, w = line_gauss(4)
    values, slopes = line_shape(edges.shape[1], s)
    x = space.mesh.points[edges]
    tangent = np.linalg.norm(np.einsum("qn,knc->kqc", slopes, x), axis=2)
    stretch = tangent * w * space.kinematics.measure(x[..., 0] @ values.T)
    local = np.einsum("kq,qi,qj->kij", stretch, values, values)
    at = np.searchsorted(nodes, edges)
    matrix = np.zeros((len(nodes), len(nodes)))
    np.add.at(matrix, (at[:, :, None], at[:, None, :]), local)
    return matrix


def profile(field: StressField, root: Root, length: float, share: Shares | None = None) -> Profile:
    """Tractions under a conductor over ``length`` um from its root; exact in extent where the interval ends on a grid
    line.

    ``share`` says which part of the root node's force acts under the conductor
    (:func:`femsim.measures.corner.intensity.root_share`); all of the far body's where none is given.
    """
    space, mesh = field.space, field.space.mesh
    reach = root.at[0] + root.into[0] * np.array([0.0, root.width])
    edges = level_edges(mesh, root.region, root.at[1], (float(reach.min()), float(reach.max())), root.into[1])
    if not len(edges):
        raise InputError(f"traction: no interface under {root.region!r} at root {root.name}")
    nodes = np.unique(edges)
    # of the body across, whose face runs on through the root; its normal points up where the conductor lies above
    force = side_force(field, nodes, root.at[1], -root.into[1]) * root.into[1]
    alone = ~across(mesh, nodes, root.at[1], -root.into[1])
    if np.any(alone):  # a free, loaded or held face of the body: what the conductor's side exerts on it
        own = side_force(field, nodes, root.at[1], root.into[1]) * -root.into[1]
        force[alone] = own[alone]
    if share is not None:
        at = int(np.argmin(np.abs(mesh.points[nodes, 0] - root.at[0])))
        conductor = mesh.cells_of(root.region)
        around = conductor[np.any(mesh.cells[conductor] == nodes[at], axis=1)]
        mine = cell_force(field, around)[nodes[at]] * -root.into[1]
        force[at] = np.where(np.isfinite(share.own), np.nan_to_num(share.own) * mine, share.far * force[at])
    traction = np.linalg.solve(mass_of(space, edges, nodes), force)
    distance = np.abs(mesh.points[nodes, 0] - root.at[0])
    order = np.argsort(distance)
    inside = order[distance[order] <= length * (1 + 1e-9)]
    kept = np.isin(edges, nodes[inside]).all(axis=1)
    return Profile(edges[kept], nodes[inside], distance[inside], traction[inside])


def average(space: Space, found: Profile) -> tuple[float, float]:
    """Mean peel and shear over a profile, weighted with the radius in axisymmetry."""
    s, w = line_gauss(4)
    values, slopes = line_shape(found.edges.shape[1], s)
    x = space.mesh.points[found.edges][..., 0]
    weight = np.abs(x @ slopes.T) * w * space.kinematics.measure(x @ values.T)
    lookup = {int(node): k for k, node in enumerate(found.nodes)}
    at = np.vectorize(lookup.__getitem__)(found.edges)
    t = np.einsum("qn,knc->kqc", values, found.traction[at])
    mean = np.einsum("kq,kqc->c", weight, t) / weight.sum()
    return float(mean[1]), float(mean[0])
