"""Volume change over an element by fewer terms than its strain has: what keeps elements from locking where metal flows
and where rubber and gels hardly change their volume.

Plastic and creep flow keep the volume, as does any elastic body with a Poisson ratio near 1/2, and an element with full
quadrature cannot follow at all its points: it is too stiff, and its mean stress oscillates. So the volume change is
replaced by its projection on few functions,

    eps_bar = eps + 1/3 1 (P - 1) tr eps,    P f = sum_ab phi_a (int phi phi^T dV)^-1_ab int phi_b f dV,

constants on linear elements (Hughes, IJNME 15 (1980) 1413), linear functions (1, xi, eta) on quadratic ones (for quad9
and hex27 the inf-sup stable pair Q2/P1: Boffi, Brezzi & Fortin 2013, section 8.6.3; constants would cost the others an
order of accuracy). As P is an orthogonal projection by the quadrature's own weights, stiffness stays symmetric, and
equilibrium is that of the mixed method with a discontinuous pressure. Where the strain across is free (plane stress)
nothing locks and nothing is projected.

Elastic regions are projected from a Poisson ratio of SOFT on; all others keep the plain strain. Nothing gives there
beside the volume, up to nu = 0.499999, and tri6, tet10, hex20 and quadratic wedges take constants, since linear
functions would lock: STABLE names the elements that keep these. For tri3, tet4 and wedge6 there is no such cure: LOCKS.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.materials.elastic import Material
from femsim.models.kinematics import Kinematics
from femsim.models.space import Space

#: elements whose pressure is linear in elastic regions, too
STABLE = ("quad8", "quad9", "hex27")
#: the Poisson ratio from which an elastic region's volume change is projected: later where that costs an order
SOFT = {"quad4": 0.4, "hex8": 0.4, **dict.fromkeys(STABLE, 0.45)}
SOFT |= dict.fromkeys(("tri6", "tet10", "hex20", "wedge15", "wedge18"), 0.49)
#: elements that are far too stiff from this ratio on
LOCKS = dict.fromkeys(("tri3", "tet4", "wedge6"), 0.45)


def soft_regions(element: str, kinematics: Kinematics, materials: Mapping[str, Material]) -> frozenset[str]:
    """The regions whose elements would lock but for the projection."""
    if kinematics.plane_stress or element not in SOFT:
        return frozenset()
    return frozenset(region for region, material in materials.items() if material.softness >= SOFT[element])


def projection(
    space: Space, volume: FloatArray, points: FloatArray, to: FloatArray | None = None, elastic: bool = False
) -> FloatArray | None:
    """P (E, p, q) from reference points (q, d) with weights ``volume`` (E, q) to points ``to`` (p, d), the same where
    not given, of cells that flow or are ``elastic``; None in plane stress.
    """
    if space.kinematics.plane_stress:
        return None
    linear = space.mesh.element in STABLE if elastic else space.mesh.info.order > 1
    basis = _terms(points, linear)
    weighted = basis.T[None] * volume[:, None, :]  # (E, m, q)
    gram = weighted @ basis
    there = basis if to is None else _terms(to, linear)
    return np.asarray(there @ np.linalg.solve(gram, weighted))


def _terms(points: FloatArray, linear: bool) -> FloatArray:
    """phi (q, m) at reference points (q, d)."""
    ones = np.ones((len(points), 1))
    return np.column_stack([ones, points - 0.5]) if linear else ones


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
