"""Reactions: the force that a named boundary exerts on the body, and its moment about the origin.

At the nodes of a boundary and in the components that it rules, the support's force is what the stresses ask for less
what other loads give, f = int B^T sigma dV - f_external, where a force that the boundary itself was given counts as its
own.
"""

from __future__ import annotations

import numpy as np

from femsim.base.arrays import FloatArray
from femsim.models.assembly import external_force, internal_force
from femsim.models.fields import StressField
from femsim.models.loads import Load
from femsim.models.space import Space

#: N in a uN
PER_MICRO = 1.0e-6


def reactions(field: StressField, load: Load) -> dict[str, dict[str, float]]:
    """Force (N; plane models: N per um of depth) and moment (N um) of every named boundary, by components the
    kinematics has: z in axisymmetry (over the full circle), x, y and mz in plane models.
    """
    if not load.supports:
        return {}
    return supported(field.space, load, internal_force(field) - external_force(field.space, load))


def supported(space: Space, load: Load, left: FloatArray) -> dict[str, dict[str, float]]:
    """The same from what the stresses ask for less what all loads give, ``left`` (ndof,) in uN."""
    found = {}
    for support in load.supports:
        total = left if support.force is None else left + support.force
        force = np.zeros((len(support.nodes), space.width))
        for component in support.components:
            force[:, component] = total[space.width * support.nodes + component]
        found[support.name] = resultants(space.kinematics.axes, space.mesh.points[support.nodes], PER_MICRO * force)
    return found


def resultants(axes: tuple[str, ...], points: FloatArray, force: FloatArray) -> dict[str, float]:
    """Resultant force and moment about the origin of forces (n, width) at points (n, dim)."""
    total = force.sum(axis=0)
    if axes == ("r", "z"):
        return {"z": float(total[1])}
    if len(axes) == 2:
        moment = points[:, 0] * force[:, 1] - points[:, 1] * force[:, 0]
        return {"x": float(total[0]), "y": float(total[1]), "mz": float(moment.sum())}
    turned = np.cross(points, force).sum(axis=0)
    names = ("x", "y", "z", "mx", "my", "mz")
    return {name: float(value) for name, value in zip(names, [*total, *turned], strict=True)}
