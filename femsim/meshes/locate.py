"""Which cells hold a point, and where in them it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import shape
from femsim.meshes.mesh import Mesh


@dataclass(frozen=True)
class Located:
    """Cells that hold a point, and its reference coordinates (m, 2) in each."""

    cells: IntArray
    xi: FloatArray


def locate(mesh: Mesh, point: tuple[float, float]) -> Located:
    """All cells that hold a point (several on an edge or node), by Newton's method on the isoparametric map; empty
    outside the body.
    """
    target = np.array(point)
    x = mesh.points[mesh.cells]
    extent = mesh.extent
    low, high = x.min(axis=1), x.max(axis=1)
    # curved edges may bulge beyond their nodes' box by a little
    slack = 0.25 * (high - low) * (mesh.info.order > 1) + 1e-9 * extent
    cells = np.flatnonzero(np.all((target >= low - slack) & (target <= high + slack), axis=1))
    xi = np.full((len(cells), 2), 0.5 if mesh.info.is_quad else 1.0 / 3.0)
    for _ in range(30):
        values, gradients = shape(mesh.element, xi)
        miss = target - np.einsum("en,enc->ec", values, x[cells])
        jacobian = np.einsum("enc,end->ecd", x[cells], gradients)
        with np.errstate(all="ignore"):
            step = np.linalg.solve(jacobian + 1e-300 * np.eye(2), miss[..., None])[..., 0]
        xi = np.clip(xi + np.clip(step, -0.5, 0.5), -1.0, 2.0)
        if not len(step) or np.abs(step).max() < 1e-13:
            break
    values, _ = shape(mesh.element, xi)
    miss = np.linalg.norm(target - np.einsum("en,enc->ec", values, x[cells]), axis=1)
    tolerance = 1e-8
    inside = np.all((xi >= -tolerance) & (xi <= 1 + tolerance), axis=1)
    if not mesh.info.is_quad:
        inside &= xi.sum(axis=1) <= 1 + tolerance
    inside &= miss <= 1e-9 * extent
    return Located(cells[inside], np.clip(xi[inside], 0.0, 1.0))
