"""Bases from snapshots: proper orthogonal decomposition in the energy of the reference design, primal modes first, then
the dual ones that they lack.

A Galerkin solution in the span of both is wrong in an output by a(u - u_N, z - z_N) at most (Becker and Rannacher 2001,
Acta Numer. 10, 1): the product of what primal and dual modes miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import FloatArray
from femsim.models.assembly import element_stiffness
from femsim.models.model import Model
from femsim.reduced.truth import Snapshot

#: directions of a Gram matrix below this part of its largest value are rounding
ROUNDING = 1.0e-13


@dataclass(frozen=True)
class Span:
    """Modes (ndof, m), orthonormal in the energy of the reference design, that hold all snapshots to rounding or nearly
    so, and coordinates in them of the solutions (m, k) and the duals (m, k averages), each of unit energy.
    """

    modes: FloatArray
    solutions: FloatArray
    duals: FloatArray


def energy(model: Model) -> sp.csr_matrix:
    """Stiffness matrix (ndof, ndof) of a model, before constraints, in uN/um."""
    space = model.space
    rows, columns, entries = [], [], []
    for cells, stiffness in element_stiffness(space, model.moduli):
        dofs = space.element_dofs(cells)
        m = dofs.shape[1]
        rows.append(np.repeat(dofs, m, axis=1).ravel())
        columns.append(np.tile(dofs, (1, m)).ravel())
        entries.append(stiffness.ravel())
    data = (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(data, shape=(space.ndof, space.ndof))


def span_of(snapshots: Sequence[Snapshot], matrix: sp.csr_matrix, count: int) -> Span:
    """At most ``count`` modes of solutions and duals together. A kind counts the same however many fields it has."""
    solutions = np.column_stack([column for s in snapshots for column in (s.displacement, *s.others.T)])
    duals = np.concatenate([s.duals for s in snapshots], axis=1)
    fields = np.concatenate([solutions, duals], axis=1)
    fields /= np.sqrt(np.maximum(np.einsum("ik,ik->k", fields, matrix @ fields), 1e-300))
    k = solutions.shape[1]
    weights = np.concatenate([np.full(k, 1.0), np.full(duals.shape[1], np.sqrt(k / duals.shape[1]))])
    values, vectors = np.linalg.eigh(weights[:, None] * (fields.T @ (matrix @ fields)) * weights)
    # a Gram matrix knows directions to the square root of the rounding only: smaller ones are noise
    kept = np.flatnonzero(values > ROUNDING * values[-1])[::-1][:count]
    modes = _orthonormal(fields @ (weights[:, None] * vectors[:, kept] / np.sqrt(values[kept])), matrix)
    coordinates = (matrix @ modes).T @ fields
    return Span(modes, coordinates[:, :k], coordinates[:, k:])


def chosen(span: Span, primal: int, dual: int) -> FloatArray:
    """A basis (m, n) within a span: so many directions that hold most of the solutions, and so many that hold most of
    what those lack of the duals.

    The duals' part is what the *chosen* primal directions lack, not all of them: a dual direction among the primal ones
    left out would otherwise be lost.
    """
    first = _principal(span.solutions, primal)
    rest = span.duals - first @ (first.T @ span.duals)
    found, _ = np.linalg.qr(np.concatenate([first, _principal(rest, dual)], axis=1))
    return np.asarray(found)


def _principal(fields: FloatArray, count: int) -> FloatArray:
    left, sizes, _ = np.linalg.svd(fields, full_matrices=False)
    return np.asarray(left[:, : min(count, int(np.sum(sizes > 1e-12 * sizes[0])))])


def _orthonormal(fields: FloatArray, matrix: sp.csr_matrix) -> FloatArray:
    """The same span made orthonormal in the energy, in order: Cholesky of the Gram matrix, twice."""
    for _ in range(2):
        factor = np.linalg.cholesky(fields.T @ (matrix @ fields))
        fields = np.asarray(np.linalg.solve(factor, fields.T).T, dtype=float)
    return np.ascontiguousarray(fields)
