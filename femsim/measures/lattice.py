"""Root averages of condensed cells: linear in their interface unknowns but for von Mises, which is not.

An average of a reduced cell is J(U q + u_0) = (J' U) q + J(u_0); the von Mises average is taken from the stresses at
the ring's points, which are linear in q. A cell of which only a part was meshed is read in each of its mirrorings g:
the field there, brought back to the part, is v_g = sum_c chi_c(g) u_c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.measures.rims import AROUND, RimAverages
from femsim.models.fields import ElasticField
from femsim.models.kinematics import von_mises
from femsim.models.sampling import sample
from femsim.solvers.lattice import turned
from femsim.solvers.substructure import ReducedCell

#: cells whose stresses are held at once
BATCH = 256


@dataclass(frozen=True)
class Arcs:
    """One average on the mesh: the middles of its arcs (degrees); by kind of the linear averages the rows (k_c, arcs)
    of each class and the constants (arcs,); stresses (points, 6, k_c) of each class at the ring's points, those of the
    rest (points, 6), and the weights (points,) and arc (points,) of each point.
    """

    angle: FloatArray
    rows: tuple[FloatArray, ...]  # per class (3, arcs, k_c): peel, shear, shear_t
    constants: FloatArray  # (3, arcs)
    stresses: tuple[FloatArray, ...]
    rest: FloatArray
    weights: FloatArray
    arc: FloatArray
    shares: FloatArray  # (kinds, arcs): of the arcs in the mean all around


@dataclass(frozen=True)
class CellValues:
    """One average in many cells: angles (degrees, ascending) and by kind the values (cells, angles), MPa, and what
    part of the whole circle each arc is (angles,).
    """

    angle: FloatArray
    values: dict[str, FloatArray]
    shares: dict[str, FloatArray]

    def mean(self, kind: str) -> FloatArray:
        """All around (cells,)."""
        return np.asarray(self.values[kind] @ self.shares[kind])

    def largest(self, kind: str) -> tuple[FloatArray, FloatArray]:
        """The value of the largest magnitude (cells,), and its angle."""
        at = np.abs(self.values[kind]).argmax(axis=1)
        return np.asarray(self.values[kind][np.arange(len(at)), at]), np.asarray(self.angle[at])


def read_arcs(cell: ReducedCell, average: RimAverages) -> Arcs:
    """What an average reads off a cell's shapes; made once, for any number of cells."""
    model, rest = cell.model, ElasticField(cell.model, cell.rest)
    goals = [
        [arc.peel for arc in average.arcs],
        [arc.shear for arc in average.arcs],
        list(average.shear_t),
    ]
    derivatives = [np.column_stack([goal.derivative(model) for goal in own]) for own in goals]
    rows = tuple(np.stack([d.T @ one.shapes for d in derivatives]) for one in cell.parities)
    constants = np.array([[goal.value(rest) for goal in own] for own in goals])
    stresses: list[list[FloatArray]] = [[] for _ in cell.parities]
    fixed, weights, arcs = [], [], []
    for number, arc in enumerate(average.arcs):
        for piece in arc.ring:
            at = sample(model.space, piece.cells, piece.xi)
            own = piece.weights[..., 0].ravel()
            kept = np.flatnonzero(own)
            fixed.append(rest.stress(at).reshape(-1, 6)[kept])
            weights.append(own[kept])
            arcs.append(np.full(len(kept), number))
            for found, one in zip(stresses, cell.parities, strict=True):
                found.append(ElasticField(model, one.shapes, free=False).stress(at).reshape(len(own), 6, -1)[kept])
    return Arcs(
        average.angle,
        rows,
        constants,
        tuple(np.concatenate(found) for found in stresses),
        np.concatenate(fixed),
        np.concatenate(weights),
        np.concatenate(arcs),
        np.array([*[average.areas / average.areas.sum()] * 3, average.volumes / average.volumes.sum()]),
    )


def read_cells(cell: ReducedCell, arcs: Arcs, unknowns: FloatArray) -> CellValues:
    """The average in cells of given interface unknowns (cells, n)."""
    parts = [_read(cell, arcs, unknowns[start : start + BATCH]) for start in range(0, len(unknowns), BATCH)]
    angle = parts[0][0]
    order = np.argsort(angle)
    values = np.concatenate([found for _, found in parts])[:, :, order]
    shares = np.tile(arcs.shares, len(cell.mirrorings))[:, order] / len(cell.mirrorings)
    return CellValues(
        angle[order], {kind: values[:, k] for k, kind in enumerate(AROUND)}, dict(zip(AROUND, shares, strict=True))
    )


def _read(cell: ReducedCell, arcs: Arcs, unknowns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angles, and values (cells, kinds, angles)."""
    coordinates = [one.coordinates @ unknowns.T for one in cell.parities]
    linear = [rows @ a for rows, a in zip(arcs.rows, coordinates, strict=True)]  # (3, arcs, cells)
    stress = [
        (s.reshape(-1, s.shape[-1]) @ a).reshape(*s.shape[:2], -1)
        for s, a in zip(arcs.stresses, coordinates, strict=True)
    ]
    count = len(arcs.angle)
    share = np.zeros((count, len(arcs.weights)))
    share[arcs.arc, np.arange(len(arcs.weights))] = arcs.weights
    angles, found = [], []
    for axes in cell.mirrorings:
        chi = [one.sign(axes) for one in cell.parities]
        three = arcs.constants[..., None] + _signed(chi, linear)
        if len(axes) % 2:
            three[2] *= -1.0  # a mirroring turns the sense around the circle
        total = arcs.rest[..., None] + _signed(chi, stress)
        ring = share @ von_mises(np.moveaxis(total, 1, 2))
        found.append(np.concatenate([three, ring[None]]).transpose(2, 0, 1))
        angle = arcs.angle
        for axis in axes:
            angle = turned(angle, axis)
        angles.append(angle)
    return np.concatenate(angles), np.concatenate(found, axis=2)


def _signed(signs: Sequence[int], fields: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(sum(sign * field for sign, field in zip(signs, fields, strict=True)))
