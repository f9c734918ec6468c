"""Averages of peel and shear along root circles from consistent nodal forces.

As in the plane (:mod:`femsim.measures.consistent`): the forces that the cells on one side of the interface exert on its
nodes, f_i = int B_i^T s dV, are int N_i t dA of the finite element solution's own traction t; with the mass matrix M of
the conductor's faces t_h = M^-1 f, and an average over part of an annulus with the weights m_i = int N_i dA is
m . t_h / int 1. At the nodes of the circle the force of the body across also holds what acts beyond the circle, that of
the conductor what acts on its wall; there it is split in the ratio of the tractions of the singular field in the
section at hand (:mod:`femsim.measures.corner.section`): peel and radial shear by the plane-strain terms, tangential
shear by the antiplane one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.measures.averages import Averages, RootMetrics
from femsim.measures.consistent import SLIGHT, doubted
from femsim.measures.corner.intensity import RootField, root_share
from femsim.measures.corner.section import Section
from femsim.measures.goals import Functional, Piece
from femsim.measures.rims import ARC, Around, RimAverages, bin_of, conductor_faces, faces_of, place
from femsim.measures.singularity.antiplane import antiplane_psi
from femsim.measures.traction import cell_force
from femsim.meshes.elements import FACE_OF, gauss_points, shape
from femsim.meshes.facets import face_normals
from femsim.meshes.layout import Rim
from femsim.models.fields import StressField
from femsim.models.sampling import sample
from femsim.models.space import Space


@dataclass(frozen=True)
class RimForces:
    """Averages with peel and shear from consistent forces, over the whole circle and by arc; ``first`` is the longest
    edge under the conductor at the circle over the averaging length.
    """

    averages: Averages
    around: Around
    first: float

    def doubted(self, metric: RootMetrics, plain: RootMetrics) -> RootMetrics:
        """A metric with its errors, as :func:`femsim.measures.consistent.doubted` has them."""
        return doubted(self.first, metric, plain)


def rim_forces(
    field: StressField, given: Sequence[RimAverages], plain: Sequence[Around], found: Sequence[Section]
) -> list[RimForces] | None:
    """The averages of one circle for its lengths; None where no section has a singular field to split forces with."""
    rim = given[0].whole.root
    assert isinstance(rim, Rim)
    good = [(s, s.field) for s in found if isinstance(s.field, RootField)]
    if not good:
        return None
    space = field.space
    interface = _Interface.of(space, rim)
    splits = _splits(space, rim, interface, good)
    traction = interface.solve(splits.force(field))
    first = max(s.first[0] for s, _ in good)
    made = []
    for one, arcs in zip(given, plain, strict=True):
        length = one.whole.length
        weights, cos, sin, angle = interface.weights(space, rim, length)
        virtual = {"peel": {2: weights.sum(axis=1)}, "shear": {0: cos.sum(axis=1), 1: sin.sum(axis=1)}}
        total = weights.sum()
        whole = {
            name: Functional(name, splits.pieces(space, interface, {k: m / total for k, m in parts.items()}))
            for name, parts in virtual.items()
        }
        area = weights.sum(axis=0)
        t = traction
        values = {
            "peel": (weights.T @ t[:, 2]) / area,
            "shear": (cos.T @ t[:, 0] + sin.T @ t[:, 1]) / area,
            "shear_t": (cos.T @ t[:, 1] - sin.T @ t[:, 0]) / area,
        }
        assert np.array_equal(angle, one.angle)
        best = replace(one.whole, peel=whole["peel"], shear=whole["shear"])
        made.append(RimForces(best, replace(arcs, values={**arcs.values, **values}), first / length))
    return made


@dataclass(frozen=True)
class _Interface:
    """The conductor's faces on a circle's level: their nodes, the factor of their mass matrix, and which nodes lie on
    the circle, at which angles (rad).
    """

    nodes: IntArray
    factor: Any
    rim: BoolArray
    angle: FloatArray

    @staticmethod
    def of(space: Space, rim: Rim) -> _Interface:
        import scipy.sparse as sp
        from scipy.sparse.linalg import splu

        mesh = space.mesh
        rows, columns, values = [], [], []
        for face, cells in conductor_faces(mesh, rim):
            nodes = mesh.cells[cells][:, list(face)]
            plane = FACE_OF[len(face)]
            xi, w = gauss_points(plane, 3)
            n, slopes = shape(plane, xi)
            area = np.linalg.norm(face_normals(slopes, mesh.points[nodes]), axis=2)
            values.append(np.einsum("kq,qi,qj->kij", area * w, n, n).ravel())
            rows.append(np.repeat(nodes, len(face), axis=1).ravel())
            columns.append(np.tile(nodes, (1, len(face))).ravel())
        used, index = np.unique(np.concatenate(rows), return_inverse=True)
        other = np.searchsorted(used, np.concatenate(columns))
        mass = sp.coo_matrix((np.concatenate(values), (index, other)), shape=(len(used),) * 2).tocsc()
        radius, angle = place(rim, mesh.points[used])
        return _Interface(used, splu(mass), np.abs(radius - rim.radius) <= 1e-6 * mesh.extent, angle)

    def solve(self, force: FloatArray) -> FloatArray:
        """M^-1 of nodal forces (n,) or (n, k)."""
        return np.asarray(self.factor.solve(np.ascontiguousarray(force)))

    def weights(self, space: Space, rim: Rim, length: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """int N_i dA over each arc of the annulus (n, arcs), the same with the cosine and sine of the angle, and the
        arcs' middles (degrees).
        """
        mesh = space.mesh
        faces = faces_of(space, rim, length)
        bins = np.unique(np.concatenate([bin_of(p.angle)[p.weights > 0] for p in faces]))
        shape_ = (len(self.nodes), len(bins))
        sums = [np.zeros(shape_), np.zeros(shape_), np.zeros(shape_)]
        for p in faces:
            n, _ = shape(mesh.element, p.xi)
            near = np.abs(n).max(axis=0) > 1e-12  # the nodes of the face
            nodes = np.searchsorted(self.nodes, mesh.cells[p.cells][:, near])
            column = np.searchsorted(bins, np.minimum(bin_of(p.angle), bins[-1]))
            local = p.weights[:, :, None] * n[:, near]
            flat = (nodes[:, None, :] * len(bins) + column[:, :, None]).ravel()
            for total, factor in zip(sums, (np.ones_like(p.angle), np.cos(p.angle), np.sin(p.angle)), strict=True):
                part = (local * factor[:, :, None]).ravel()
                total += np.bincount(flat, part, minlength=total.size).reshape(shape_)
        return sums[0], sums[1], sums[2], np.asarray((bins + 0.5) * ARC)


@dataclass(frozen=True)
class _Splits:
    """How the interface's force follows from those of cells: of the body across (``far``, with operators (n, 3, 3) on
    each node), of all cells on the conductor's side (``same``) and of the conductor's own at the circle (``own``).
    """

    nodes: IntArray
    parts: tuple[tuple[IntArray, FloatArray], ...]

    def force(self, field: StressField) -> FloatArray:
        """Forces (n, 3) on the interface's nodes: int N_i t dA, t the traction on the face that looks down."""
        total = np.zeros((len(self.nodes), 3))
        for cells, operator in self.parts:
            if len(cells) and np.any(operator):
                total += np.einsum("nij,nj->ni", operator, cell_force(field, cells)[self.nodes])
        return total

    def pieces(self, space: Space, interface: _Interface, weights: dict[int, FloatArray]) -> tuple[Piece, ...]:
        """The functional sum_k weights_k . M^-1 force_k as weights on stresses."""
        virtual = np.zeros((len(self.nodes), 3))
        for component, m in weights.items():
            virtual[:, component] = interface.solve(m)
        virtual[np.abs(virtual) < SLIGHT * np.abs(virtual).max()] = 0.0
        xi, w = gauss_points(space.mesh.element, space.mesh.info.full)
        found = []
        for cells, operator in self.parts:
            moved = np.zeros(space.ndof)
            nodal = np.einsum("nij,ni->nj", operator, virtual)
            moved[(3 * self.nodes[:, None] + np.arange(3)).ravel()] = nodal.ravel()
            touched = np.zeros(len(space.mesh.points), dtype=bool)
            touched[self.nodes[np.any(nodal != 0.0, axis=1)]] = True
            used = cells[touched[space.mesh.cells[cells]].any(axis=1)]
            if len(used):
                at = sample(space, used, xi)
                found.append(Piece(used, xi, at.strain(moved) * (at.volume * w)[..., None]))
        return tuple(found)


def _splits(space: Space, rim: Rim, interface: _Interface, good: list[tuple[Section, RootField]]) -> _Splits:
    mesh, nodes = space.mesh, interface.nodes
    touched = np.zeros(len(mesh.points), dtype=bool)
    touched[nodes] = True
    around = np.flatnonzero(touched[mesh.cells].any(axis=1))
    above = (mesh.points[mesh.cells[around]].mean(axis=1)[:, 2] - rim.z) * rim.up > 0
    across, same = around[~above], around[above]
    there = np.zeros(len(mesh.points), dtype=bool)
    there[mesh.cells[across]] = True
    alone = ~there[nodes]
    own = same[mesh.region[same] == mesh.regions.index(rim.region)]
    circle = np.zeros(len(mesh.points), dtype=bool)
    circle[nodes[interface.rim]] = True
    own = own[circle[mesh.cells[own]].any(axis=1)]
    eye = np.eye(3)
    far_part, same_part = np.zeros((len(nodes), 3, 3)), np.zeros((len(nodes), 3, 3))
    own_part = np.zeros((len(nodes), 3, 3))
    # the far body's outward normal points along z where the conductor lies above, the conductor's against it
    far_part[~alone & ~interface.rim] = rim.up * eye
    same_part[alone & ~interface.rim] = -rim.up * eye
    middle = np.radians([s.angle for s, _ in good])
    share = [_shares(s, f, rim, mesh.info.order) for s, f in good]
    for k in np.flatnonzero(interface.rim):
        gap = np.abs((middle - interface.angle[k] + np.pi) % (2 * np.pi) - np.pi)
        far, mine = share[int(np.argmin(gap))]
        c, s = np.cos(interface.angle[k]), np.sin(interface.angle[k])
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        by_own = np.isfinite(mine)
        own_part[k] = -rim.up * turn.T @ np.diag(np.where(by_own, np.nan_to_num(mine), 0.0)) @ turn
        rest = turn.T @ np.diag(np.where(by_own, 0.0, far)) @ turn
        if alone[k]:
            same_part[k] = -rim.up * rest
        else:
            far_part[k] = rim.up * rest
    # in a plane of symmetry the force across it is the plane's own, not the interface's, whose traction has none there
    held = space.constraints.equation[3 * nodes[:, None] + np.arange(3)] < 0
    for part in (far_part, same_part, own_part):
        part[held] = 0.0
    return _Splits(nodes, ((across, far_part), (same, same_part), (own, own_part)))


def _shares(section: Section, field: RootField, rim: Rim, order: int) -> tuple[FloatArray, FloatArray]:
    """Shares (3: radial, tangential, along z) of the far body's and of the conductor's forces at a node of the circle,
    not a number in the latter where the former is to be taken.
    """
    under, beyond, _ = section.first
    found = root_share(field, section.root, section.first, order)
    turned_far, turned_own = _antiplane(field, rim, under / (under + beyond))
    return np.array([found.far[0], turned_far, found.far[1]]), np.array([found.own[0], turned_own, found.own[1]])


def _antiplane(field: RootField, rim: Rim, even: float) -> tuple[float, float]:
    """Shares of the tangential force of the far body and of the conductor: from the stress function of the antiplane
    term, whose value on a ray is the force through it; an even share where it is not singular.
    """
    junction = field.corner.junction
    psi = antiplane_psi(junction)
    if psi is None:
        return even, float("nan")
    level = 180.0 if rim.into < 0 else 0.0
    ends: list[float] = [junction.wedges[0].angle_start, *(w.angle_end for w in junction.wedges)]
    spots = {round(angle % 360.0, 6) % 360.0: value for angle, value in zip(ends, psi, strict=True)}
    wall = 90.0 if rim.up > 0 else 270.0
    values = [spots.get(angle) for angle in (level, (level + 180.0) % 360.0, wall)]
    if values[0] is None:
        return even, float("nan")
    under, beyond, side = (0.0 if v is None else v for v in values)
    far = under / (under - beyond) if abs(under - beyond) > 0.05 * abs(under) else even
    mine = under / (under - side) if abs(under - side) > 0.05 * abs(under) else float("nan")
    better = np.isfinite(mine) and abs(mine * side) < 0.5 * abs(far * beyond)
    return far, mine if better else float("nan")
