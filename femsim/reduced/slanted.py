"""Von Mises averages linearised about a reduced solution, as few directions that a box's designs have in common.

With stress s at a point and what the basis misses of it, h, the average's terms are

    0 <= |s + h| - |s| - (s . h) / |s| <= |h|^2 / (2 |s|),

|.| the von Mises norm: exact for any h, whatever its size. The first-order term is a functional whose weights n, the
slope of |s| at the ring's points, depend on the design; D n is a sum of few fixed fields to ``missed`` (proper
orthogonal decomposition), and the numbers in front follow from the points of the ring's cubature alone (gappy: Everson
and Sirovich 1995, J. Opt. Soc. Am. A 12, 1657).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.measures.averages import Averages
from femsim.measures.goals import Functional, Piece
from femsim.models.kinematics import von_mises, von_mises_slope
from femsim.models.model import Model
from femsim.models.sampling import sample
from femsim.reduced.operators import Matter
from femsim.reduced.outputs import Ring

#: directions of a ring at most, and the part below which one is left out
DIRECTIONS, PART = 20, 1e-4
#: of the designs, those the directions are made from; the others say what they miss
MADE = 0.6


@dataclass(frozen=True)
class RingAt:
    """A ring at solutions of k designs: ``numbers`` (k, j) of its directions, the norm (k,) of D n in the mean of D^-1,
    and the ``least`` von Mises stress (k,) and its mean ``level`` (k,) in MPa.
    """

    numbers: FloatArray
    slope: FloatArray
    least: FloatArray
    level: FloatArray


@dataclass(frozen=True)
class Slant:
    """Directions of a ring: the place of their ``first`` column, the map ``fit`` (j, points size) from D n at the
    cubature's points to the numbers in front of them, what they do to the basis (j, n), the part they ``missed``, and
    the part of the average that the ``cubature`` missed, both the largest seen.
    """

    first: int
    fit: FloatArray
    strain: FloatArray
    missed: float
    cubature: float

    @property
    def count(self) -> int:
        """Number of directions."""
        return len(self.fit)

    def about(self, ring: Ring, matter: Matter, solutions: FloatArray) -> RingAt:
        """The ring at solutions (k, n)."""
        stress, level = stresses(ring, matter, solutions)
        n = von_mises_slope(stress)
        pushed = np.matmul(n, matter.stiffness[:, ring.region])
        size = np.sqrt(np.einsum("kpa,kpa->kp", pushed, n) @ ring.weights)
        return RingAt(pushed.reshape(len(n), -1) @ self.fit.T, size, level.min(axis=1), level @ ring.weights)


def stresses(ring: Ring, matter: Matter, solutions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Stress (k, p, size) at a ring's points and its von Mises norm (k, p)."""
    p, size, n = ring.strain.shape
    strain = (solutions @ ring.strain.reshape(p * size, n).T).reshape(-1, p, size) - matter.free[:, None, ring.region]
    stress = np.matmul(strain, matter.stiffness[:, ring.region])
    return stress, von_mises(stress)


def slant_of(
    average: Averages, whole: Ring, thin: Ring, matter: Matter, solutions: FloatArray, model: Model, first: int
) -> tuple[Slant, list[FloatArray]]:
    """The directions of an average from reduced solutions (k, n) of some designs, and their derivatives (ndof,) each by
    the displacement on the mesh of ``model``; ``whole`` is the ring in full, ``thin`` that of the cubature.
    """
    size = whole.strain.shape[1]
    stiffness = matter.stiffness[:, whole.region]
    fields = []
    levels = []
    for ring in (whole, thin):
        stress, level = stresses(ring, matter, solutions)
        fields.append(np.matmul(von_mises_slope(stress), stiffness))
        levels.append(level @ ring.weights)
    full, few = fields
    made = full[: round(MADE * len(full))]
    root = np.sqrt(whole.weights)[:, None]
    flat = (made * root).reshape(len(made), -1)
    values, vectors = np.linalg.eigh(flat @ flat.T)
    kept = np.flatnonzero(values > (PART**2) * values[-1])[::-1][:DIRECTIONS]
    mix = vectors[:, kept] / np.sqrt(values[kept])
    modes, at = (np.tensordot(mix.T, part[: len(made)], axes=1) for part in (full, few))
    fit = np.linalg.pinv(at.reshape(len(kept), -1).T)
    missed = full - np.tensordot(few.reshape(len(few), -1) @ fit.T, modes, axes=1)
    inverse = np.linalg.pinv(stiffness)
    norms = [
        np.sqrt(np.einsum("kpa,kab,kpb,p->k", g, inverse, g, whole.weights, optimize=True)) for g in (missed, full)
    ]
    n = whole.strain.shape[2]
    strain = (modes * whole.weights[:, None]).reshape(len(kept), -1) @ whole.strain.reshape(-1, n)
    weights = modes @ np.linalg.pinv(model.region_stiffness[whole.region])
    derivatives = [functional(average, w * whole.weights[:, None], size).derivative(model) for w in weights]
    slant = Slant(
        first,
        fit,
        strain,
        float(np.max(norms[0] / norms[1])),
        float(np.max(np.abs(levels[1] / levels[0] - 1.0))),
    )
    return slant, derivatives


def functional(average: Averages, weights: FloatArray, size: int) -> Functional:
    """The functional of weights (p, size) at the points of an average's ring that count there."""
    pieces, at = [], 0
    for piece in average.ring:
        w = piece.weights[..., 0]
        used = np.flatnonzero(w.ravel() > 0.0)
        mine = np.zeros((w.size, size))
        mine[used] = weights[at : at + len(used)]
        at += len(used)
        pieces.append(Piece(piece.cells, piece.xi, mine.reshape(*w.shape, size)))
    return Functional("von_mises", tuple(pieces))


def energy_of(average: Averages, model: Model) -> Callable[[FloatArray], FloatArray]:
    """The map v (ndof,) -> derivative (ndof,) of half the ring's mean of strain . D strain at v."""

    def push(v: FloatArray) -> FloatArray:
        pieces = []
        for piece in average.ring:
            strain = sample(model.space, piece.cells, piece.xi).strain(v[:, None])[..., 0]
            pieces.append(Piece(piece.cells, piece.xi, piece.weights * strain))
        return Functional("energy", tuple(pieces)).derivative(model)

    return push
