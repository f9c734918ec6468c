"""The averages at roots as functions of a reduced solution.

Peel and shear are rows times the solution. The von Mises average is a mean of square roots over a ring of thousands of
points; a few of them with weights of their own, none negative, give the same mean for all that the basis can bring
about (empirical cubature: Hernandez, Caicedo and Ferrer 2017, Comput. Methods Appl. Mech. Eng. 313, 687).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl
from scipy.optimize import nnls

from femsim.base.arrays import FloatArray, IntArray
from femsim.measures.averages import Averages
from femsim.measures.goals import Functional
from femsim.models.kinematics import von_mises
from femsim.models.sampling import sample
from femsim.models.space import Space


@dataclass(frozen=True)
class Row:
    """An average of stress component ``component`` in ``region``: strain rows (size, n), of unit weight in all."""

    region: int
    component: int
    strain: FloatArray

    def within(self, basis: FloatArray) -> Row:
        """The row over a basis (n, k) of combinations of the modes."""
        return Row(self.region, self.component, self.strain @ basis)


@dataclass(frozen=True)
class Ring:
    """Points of a von Mises average in ``region``: strain rows (p, size, n) and weights (p,)."""

    region: int
    strain: FloatArray
    weights: FloatArray

    def within(self, basis: FloatArray) -> Ring:
        """The ring over a basis (n, k) of combinations of the modes."""
        return Ring(self.region, self.strain @ basis, self.weights)


def rows_of(space: Space, averages: Sequence[Averages], modes: FloatArray) -> list[tuple[Row, Row, Ring]]:
    """Peel, shear and the whole ring of each average, over the modes (ndof, n) on the reference mesh."""
    found = []
    for a in averages:
        region = space.mesh.regions.index(a.root.region)
        peel, shear = (_row(space, region, goal, modes) for goal in (a.peel, a.shear))
        strains, weights = [], []
        for piece in a.ring:
            w = piece.weights[..., 0].ravel()
            used = np.flatnonzero(w > 0.0)
            strain = sample(space, piece.cells, piece.xi).strain(modes)
            strains.append(strain.reshape(-1, *strain.shape[2:])[used])
            weights.append(w[used])
        found.append((peel, shear, Ring(region, np.concatenate(strains), np.concatenate(weights))))
    return found


def _row(space: Space, region: int, goal: Functional, modes: FloatArray) -> Row:
    strain = np.zeros((space.kinematics.size, modes.shape[1]))
    component = 0
    for piece in goal.pieces:
        component = int(np.argmax(np.abs(piece.weights).sum(axis=(0, 1))))
        w = piece.weights[..., component]
        strain += np.einsum("eq,eqan->an", w, sample(space, piece.cells, piece.xi).strain(modes))
    return Row(region, component, strain)


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
