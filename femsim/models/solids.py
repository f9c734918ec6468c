"""Stiffness of elements in space by gradients alone, without the strain operator.

With the elasticity C_iajb of the components (i, a), (j, b) of the displacement gradient,

    K_(m i)(n j) = sum_ab C_iajb M_(m a)(n b),   M_(m a)(n b) = int dN_m/dx_a dN_n/dx_b dV,

M costs 3 n x 3 n x q products of an element, B^T D B six times as many. Where the stiffness differs from point to point
the sum over the points is taken with it (see :func:`solid_stiffness`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import gauss_points, shape
from femsim.meshes.mesh import jacobians
from femsim.models.kinematics import Kinematics
from femsim.models.moduli import Moduli
from femsim.models.space import Space

#: elements a batch: their matrices stay in the cache
BATCH = 96


def solid_stiffness(space: Space, moduli: Moduli, cells: IntArray) -> FloatArray:
    """Stiffness (E, 3 n, 3 n) of ``cells`` by the full Gauss points; NaN where a cell is turned inside out."""
    mesh = space.mesh
    points, weights = gauss_points(mesh.element, mesh.info.full)
    values, gradients = shape(mesh.element, points)
    determinant, spatial = jacobians(mesh, cells, gradients)  # (E, q), (E, q, n, 3)
    e, q, n, _ = spatial.shape
    flat = spatial.transpose(0, 1, 3, 2).reshape(e, q, 3 * n)  # (a, m)
    volume = np.where(determinant > 0, determinant, np.nan) * weights
    d = moduli.at(cells, values)
    table = _gradient_table(space.kinematics)
    if d.shape[1] == 1:
        product = np.matmul((flat * volume[..., None]).transpose(0, 2, 1), flat)  # (E, 3 n, 3 n): (a m), (b n)
        c = np.einsum("iax,exy,jby->eijab", table, d[:, 0], table, optimize=True).reshape(e, 9, 9)
        mixed = np.matmul(c, product.reshape(e, 3, n, 3, n).transpose(0, 1, 3, 2, 4).reshape(e, 9, n * n))
    else:
        c = np.einsum("iax,eqxy,jby->eqijab", table, d, table, optimize=True)
        mixed = np.empty((e, 9, n * n))
        for i in range(3):
            for j in range(3):
                # sum over b at every point, then over a and the points at once
                right = np.matmul(c[:, :, i, j], flat.reshape(e, q, 3, n)) * volume[..., None, None]
                left = flat.reshape(e, 3 * q, n).transpose(0, 2, 1)
                mixed[:, 3 * i + j] = np.matmul(left, right.reshape(e, 3 * q, n)).reshape(e, n * n)
    stiffness = mixed.reshape(e, 3, 3, n, n).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(stiffness).reshape(e, 3 * n, 3 * n)


@lru_cache(maxsize=4)
def _gradient_table(kinematics: Kinematics) -> FloatArray:
    """G as (unknown, direction, component)."""
    table = np.zeros((kinematics.width, kinematics.dim, kinematics.size))
    for component, unknown, direction, value in kinematics.gradient:
        table[unknown, direction, component] += value
    return table
