"""Bow: how the lowest face of a body curves at its axis.

    curvature = -d2 u_z / d r2 at r = 0 (plane models: -d2 u_y / d x2 at x = 0),   positive where the top is longer.

The face's displacement is fitted by a polynomial of fourth degree (even in r for a body of revolution) over a short
reach next to the axis, which a laminate's parabola fulfils exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from femsim.base.arrays import BoolArray, FloatArray
from femsim.models.space import Space

#: reach of the fit, as a fraction of the face; at least so many nodes
REACH, NODES = 0.1, 7
#: coordinates this close (fraction of the extent) are the same
NEAR = 1.0e-9


@dataclass(frozen=True)
class Bow:
    """``curvature`` (1/um) of the lowest face at the axis, ``deflection`` (um): its displacement there less that at its
    far end, positive where the curvature is.
    """

    curvature: float
    deflection: float


def bow(space: Space, displacement: FloatArray, alive: BoolArray | None = None) -> Bow | None:
    """Bow of a displacement (N, width); of the regions ``alive`` (regions,) only. None where the body has no level face
    with enough nodes at its axis.
    """
    mesh, radial = space.mesh, space.kinematics.radial
    if space.kinematics.dim != 2:
        return None
    used = np.zeros(len(mesh.points), dtype=bool)
    used[mesh.cells if alive is None else mesh.cells[alive[mesh.region]]] = True
    x, y = mesh.points.T
    slack = NEAR * mesh.extent
    on_axis = used & (np.abs(x) <= slack)
    if not np.any(on_axis):
        return None
    face = used & (np.abs(y - y[on_axis].min()) <= slack)
    s, w = x[face], displacement[face, 1]
    order = np.argsort(np.abs(s), kind="stable")
    s, w = s[order], w[order]
    reach = max(REACH * float(np.abs(s[-1])), float(np.abs(s[min(NODES, len(s)) - 1])))
    near = np.abs(s) <= reach * (1 + 1e-12)
    powers = (0, 2, 4) if radial else (0, 1, 2, 3, 4)
    if near.sum() < len(powers) or reach <= 0.0:
        return None
    t = s[near] / reach
    terms = np.stack([t**p for p in powers], axis=1)
    found, *_ = np.linalg.lstsq(terms, w[near], rcond=None)
    curvature = -2.0 * float(found[powers.index(2)]) / reach**2
    return Bow(curvature, float(w[0] - w[-1]))
