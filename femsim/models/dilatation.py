"""Volume change over an element by fewer terms than its strain has: what keeps elements from locking where metal flows.

Plastic and creep flow keep the volume, and an element with full quadrature cannot follow at all its points: it is too
stiff, and its mean stress oscillates. So the volume change is replaced by its projection on few functions,

    eps_bar = eps + 1/3 1 (P - 1) tr eps,    P f = sum_ab phi_a (int phi phi^T dV)^-1_ab int phi_b f dV,

constants on linear elements (Hughes, IJNME 15 (1980) 1413), linear functions (1, xi, eta) on quadratic ones (for quad9
and hex27 the inf-sup stable pair Q2/P1: Boffi, Brezzi & Fortin 2013, section 8.6.3; constants would cost the others an
order of accuracy). As P is an orthogonal projection by the quadrature's own weights, stiffness stays symmetric, and
equilibrium is that of the mixed method with a discontinuous pressure. Where the strain across is free (plane stress)
nothing locks and nothing is projected.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.models.space import Space


def projection(space: Space, volume: FloatArray, points: FloatArray) -> FloatArray | None:
    """P (E, q, q) at reference points (q, d) with weights ``volume`` (E, q); None in plane stress."""
    if space.kinematics.plane_stress:
        return None
    count = len(points)
    basis = np.ones((count, 1))
    if space.mesh.info.order > 1:
        basis = np.column_stack([basis, points - 0.5])
    weighted = basis.T[None] * volume[:, None, :]  # (E, m, q)
    gram = weighted @ basis
    return np.asarray(basis @ np.linalg.solve(gram, weighted))


def smoothed(strain: FloatArray, projected: FloatArray) -> FloatArray:
    """eps_bar (E, q, size) of strains (E, q, size)."""
    trace = strain[..., 0] + strain[..., 1] + strain[..., 2]
    change = (np.einsum("eqp,ep->eq", projected, trace) - trace) / 3.0
    result = strain.copy()
    result[..., :3] += change[..., None]
    return result


def smoothed_forces(stress: FloatArray, projected: FloatArray) -> FloatArray:
    """The transpose of :func:`smoothed`, for stresses (E, q, size) times their volumes."""
    trace = stress[..., 0] + stress[..., 1] + stress[..., 2]
    change = (np.einsum("eqp,eq->ep", projected, trace) - trace) / 3.0
    result = stress.copy()
    result[..., :3] += change[..., None]
    return result


def smoothed_operator(b: FloatArray, projected: FloatArray) -> FloatArray:
    """The strain operator (E, q, size, m) of eps_bar."""
    trace = b[:, :, 0] + b[:, :, 1] + b[:, :, 2]
    change = (np.matmul(projected, trace) - trace) / 3.0
    result = b.copy()
    result[:, :, :3] += change[:, :, None]
    return result
