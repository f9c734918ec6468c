"""The averages at roots as functions of a reduced solution.

Peel and shear are work in fixed strains beside the interface, linear in the solution and in the moduli, as consistent
forces are (:mod:`femsim.measures.consistent`). Of the force at the root's node a share counts, which the singular field
decides: it is smooth in the moduli and is fitted to that of the snapshots. The von Mises average is a mean of square
roots over a ring of thousands of points; a few of them with weights of their own, none negative, give the same mean for
all that the basis can bring about (empirical cubature: Hernandez, Caicedo and Ferrer 2017, Comput. Methods Appl. Mech.
Eng. 313, 687).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg as sl
from scipy.optimize import nnls

from femsim.base.arrays import FloatArray, IntArray
from femsim.measures.averages import Averages, interface_edges
from femsim.measures.goals import Functional
from femsim.meshes.elements import gauss_points, node_points, reduced_basis
from femsim.meshes.layout import Root
from femsim.models.kinematics import von_mises
from femsim.models.sampling import sample
from femsim.models.space import Space
from femsim.reduced.facts import Names
from femsim.reduced.operators import Matter

#: directions of a fit below this part of the largest are noise
ALIKE = 1.0e-6


@dataclass(frozen=True)
class Work:
    """A functional of the stress, sum of D_ab e_b - (D free)_a over ``entries`` (q, 3) of region, a and b: strain rows
    (q, n), and the ``weights`` (w,) of the regions' thermal stress ``held`` (w, 2) of region and a.
    """

    entries: IntArray
    strain: FloatArray
    held: IntArray
    weights: FloatArray

    def within(self, basis: FloatArray) -> Work:
        """The functional over a basis (n, k) of combinations of the modes."""
        return replace(self, strain=self.strain @ basis)

    def at(self, matter: Matter, solutions: FloatArray) -> FloatArray:
        """Its values (k,) for solutions (k, n)."""
        region, a, b = self.entries.T
        strained = np.einsum("kq,kq->k", matter.stiffness[:, region, a, b], solutions @ self.strain.T)
        region, a = self.held.T
        return np.asarray(strained - matter.stress[:, region, a] @ self.weights)


@dataclass(frozen=True)
class Features:
    """Numbers (k, f) of designs: 1, and the quantities in ``columns``, or their logarithms where ``logged``, less
    ``middle`` over ``half``.
    """

    columns: IntArray
    logged: IntArray
    middle: FloatArray
    half: FloatArray

    def at(self, quantities: FloatArray) -> FloatArray:
        """The numbers of designs with quantities (k, m)."""
        z = (_taken(quantities[:, self.columns], self.logged) - self.middle) / self.half
        return np.concatenate([np.ones((len(z), 1)), z], axis=1)


def _taken(values: FloatArray, logged: IntArray) -> FloatArray:
    return np.where(logged > 0, np.log(np.where(logged > 0, values, 1.0)), values)


def features_of(quantities: FloatArray) -> Features:
    """The features of the quantities that vary among some designs (k, m)."""
    low, high = quantities.min(axis=0), quantities.max(axis=0)
    columns = np.flatnonzero(high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high)))
    logged = (low[columns] > 0.0).astype(np.int64)
    ends = [_taken(v[None, columns], logged)[0] for v in (low, high)]
    return Features(columns, logged, 0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]))


@dataclass(frozen=True)
class Row:
    """An average of peel or shear: ``rest``, and what acts under the conductor of the force at the root's node: ``mix``
    (f, 2) of the features times both its ``forces``. Where two singular terms rule there, tractions and forces are
    linear in both intensities, and so in both forces.
    """

    rest: Work
    forces: tuple[Work, ...]
    mix: FloatArray

    def within(self, basis: FloatArray) -> Row:
        """The row over a basis (n, k) of combinations of the modes."""
        return replace(self, rest=self.rest.within(basis), forces=tuple(f.within(basis) for f in self.forces))

    def at(self, matter: Matter, solutions: FloatArray, features: FloatArray) -> FloatArray:
        """Its values (k,)."""
        total = self.rest.at(matter, solutions)
        for force, share in zip(self.forces, self.mix.T, strict=True):
            total = total + (features @ share) * force.at(matter, solutions)
        return total


@dataclass(frozen=True)
class Ring:
    """Points of a von Mises average in ``region``: strain rows (p, size, n) and weights (p,)."""

    region: int
    strain: FloatArray
    weights: FloatArray

    def within(self, basis: FloatArray) -> Ring:
        """The ring over a basis (n, k) of combinations of the modes."""
        return Ring(self.region, self.strain @ basis, self.weights)


def rings_of(space: Space, averages: Sequence[Averages], modes: FloatArray) -> list[Ring]:
    """The whole ring of each average, over the modes (ndof, n) on the reference mesh."""
    found = []
    for a in averages:
        strains, weights = [], []
        for piece in a.ring:
            w = piece.weights[..., 0].ravel()
            used = np.flatnonzero(w > 0.0)
            strain = sample(space, piece.cells, piece.xi).strain(modes)
            strains.append(strain.reshape(-1, *strain.shape[2:])[used])
            weights.append(w[used])
        region = space.mesh.regions.index(a.root.region)
        found.append(Ring(region, np.concatenate(strains), np.concatenate(weights)))
    return found


@dataclass(frozen=True)
class Line:
    """The stress under a conductor along the interface of a ``root``: points at some ``distance`` (p,) in um from it,
    nearest first, with strain rows (p, size, n) in its ``region``.
    """

    root: str
    region: int
    distance: FloatArray
    strain: FloatArray

    def within(self, basis: FloatArray) -> Line:
        """The line over a basis (n, k) of combinations of the modes."""
        return replace(self, strain=self.strain @ basis)

    def at(self, matter: Matter, solutions: FloatArray) -> FloatArray:
        """Stress (k, p, size) in MPa for solutions (k, n)."""
        p, size, n = self.strain.shape
        strain = (solutions @ self.strain.reshape(p * size, n).T).reshape(-1, p, size)
        return np.asarray(np.matmul(strain - matter.free[:, None, self.region], matter.stiffness[:, self.region]))


def lines_of(space: Space, roots: Sequence[Root], modes: FloatArray) -> list[Line]:
    """The line of each root over the modes (ndof, n): a point at the middle of every edge of the conductor there, in
    strips that are not scaled, extrapolated from the superconvergent points of its cell.
    """
    mesh, found = space.mesh, []
    for root in roots:
        distance, rows = [], []
        for number, cells, _ in interface_edges(mesh, root, root.width, mesh.cells_of(root.region)):
            edge = list(mesh.info.edges[number])
            corner = node_points(mesh.element)[edge[:2]].mean(axis=0, keepdims=True)
            xi, onto = corner, np.ones((1, 1))
            if mesh.info.order > 1:
                xi, _ = gauss_points(mesh.element, mesh.info.reduced)
                onto = reduced_basis(mesh.element, corner)
            strain = sample(space, cells, xi).strain(modes)
            rows.append(np.einsum("g,eg...->e...", onto[0], strain))
            distance.append(np.abs(mesh.points[mesh.cells[cells][:, edge[:2]], 0].mean(axis=1) - root.at[0]))
        along = np.concatenate(distance)
        order = np.argsort(along)
        region = mesh.regions.index(root.region)
        found.append(Line(root.name, region, along[order], np.concatenate(rows)[order]))
    return found


def work_of(space: Space, names: Names, goal: Functional, modes: FloatArray) -> Work:
    """A functional over the modes (ndof, n); its cells lie in strips that are not scaled."""
    size, n = space.kinematics.size, modes.shape[1]
    strain = np.zeros((len(names.regions), size, size, n))
    weights = np.zeros((len(names.regions), size))
    for piece in goal.pieces:
        regions = space.mesh.region[piece.cells]
        for region in np.unique(regions):
            mine = np.flatnonzero(regions == region)
            w = piece.weights[mine].reshape(-1, size)
            e = sample(space, piece.cells[mine], piece.xi).strain(modes).reshape(-1, size, n)
            strain[region] += np.einsum("pa,pbn->abn", w, e)
            weights[region] += w.sum(axis=0)
    coupled = np.array([_coupled(one, size) for one in names.isotropic])
    used = np.any(strain != 0.0, axis=3) & coupled
    held = np.argwhere(weights != 0.0)
    return Work(np.argwhere(used), strain[used], held, weights[weights != 0.0])


def _coupled(isotropic: bool, size: int) -> FloatArray:
    """Which entries (size, size) of the stiffness may differ from zero."""
    found = np.ones((size, size), dtype=bool)
    if isotropic:
        found[:, 3:] = found[3:] = False
        found[range(3, size), range(3, size)] = True
    return found


def shares(features: FloatArray, forces: FloatArray, root: FloatArray) -> FloatArray:
    """The ``mix`` (f, forces) that gives what acts at the root (k,) from forces (k, forces) and features (k, f) of some
    solved designs: by least squares, of the constant alone where designs are few.
    """
    count = features.shape[1] if len(features) >= 3 * features.shape[1] else 1
    columns = (features[:, :count, None] * forces[:, None, :]).reshape(len(features), -1)
    size = np.sqrt(np.mean(columns**2, axis=0))
    size = np.where(size > 0.0, size, 1.0)
    scaled = columns / size
    mix = np.zeros((features.shape[1], forces.shape[1]))
    mix[:count] = (np.linalg.lstsq(scaled, root, rcond=ALIKE)[0] / size).reshape(count, -1)
    return mix


def levels(ring: Ring, stiffness: FloatArray, free: FloatArray, solutions: FloatArray) -> FloatArray:
    """Von Mises stress (k, p) at a ring's points for k designs: stiffness (k, size, size) and free strain (k, size) of
    its region, solutions (k, n).
    """
    p, size, n = ring.strain.shape
    strain = (solutions @ ring.strain.reshape(p * size, n).T).reshape(-1, p, size) - free[:, None, :]
    return von_mises(np.matmul(strain, stiffness))


def cubature(ring: Ring, values: FloatArray, tolerance: float) -> Ring:
    """The ring by few points, so that the means of ``values`` (k, p), von Mises stresses of k designs, are kept to
    ``tolerance`` (relative, root mean square).
    """
    scaled = values / (values @ ring.weights)[:, None]
    half = np.sqrt(ring.weights)
    _, sizes, right = sl.svd(scaled * half, full_matrices=False)
    tail = np.sqrt(np.cumsum(sizes[::-1] ** 2)[::-1] / len(values))
    rank = max(int(np.sum(tail > 0.3 * tolerance)), 1)
    patterns = np.concatenate([right[:rank] / half, np.ones((1, len(half)))])  # (rank + 1, p)
    aim = patterns @ ring.weights
    chosen = _greedy(patterns, aim)
    weights, _ = nnls(patterns[:, chosen], aim, maxiter=100 * len(chosen))
    kept = weights > 0.0
    return Ring(ring.region, ring.strain[chosen[kept]], weights[kept])


def _greedy(patterns: FloatArray, aim: FloatArray) -> IntArray:
    """Points whose patterns, with weights none of which is negative, sum to the aim: the one that points most along
    what is left joins, until nothing is.
    """
    unit = patterns / np.linalg.norm(patterns, axis=0)
    chosen: list[int] = []
    left = aim.copy()
    while np.linalg.norm(left) > 1e-8 * np.linalg.norm(aim) and len(chosen) < 2 * len(aim):
        along = left @ unit
        along[chosen] = -np.inf
        if along.max() <= 0.0:
            break
        chosen.append(int(np.argmax(along)))
        weights, _ = nnls(patterns[:, chosen], aim, maxiter=100 * len(chosen))
        chosen = [point for point, weight in zip(chosen, weights, strict=True) if weight > 0.0]
        left = aim - patterns[:, chosen] @ weights[weights > 0.0]
    return np.array(chosen, dtype=np.int64)
