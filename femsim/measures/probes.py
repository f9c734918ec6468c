"""Probes: displacement and stress at points the case names, with their error estimates where the point is not
singular.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from femsim.base.errors import FemsimWarning
from femsim.measures.goals import Functional, Goal, Piece, PointDisplacement
from femsim.measures.stress import PointValue, side_of, value_at
from femsim.meshes.elements import gauss_points, reduced_basis
from femsim.meshes.layout import Probe, Rim, Root
from femsim.models.model import Model
from femsim.solvers.solve import Solution


@dataclass(frozen=True)
class ProbeValue:
    """A probe, what was found there, and estimates of the discretisation errors (um, MPa; not a number for a singular
    stress).
    """

    probe: Probe
    value: PointValue
    u_error: tuple[float, ...] = (float("nan"), float("nan"))
    stress_error: tuple[float, ...] = (float("nan"),) * 4
    von_mises_error: float = float("nan")
    singular: bool = False


def probe_values(
    solution: Solution, probes: Sequence[Probe], roots: Sequence[Root | Rim] = ()
) -> dict[str, ProbeValue]:
    """Values at all probes, by name; warns where a probe sits on a root, whose stress has no finite value."""
    found = {}
    width, size = solution.space.width, solution.space.kinematics.size
    for probe in probes:
        value = value_at(solution.field, probe.at, probe.region, probe.key)
        singular = False
        for root in roots:
            if _distance(root, probe) < 1e-6 * max(root.width, root.height):
                singular = True
                warnings.warn(
                    f"probe {probe.name}: the stress at root {root.name} is singular; the value found there measures "
                    f"the mesh only",
                    FemsimWarning,
                    stacklevel=2,
                )
        nothing = (float("nan"),)
        found[probe.name] = ProbeValue(probe, value, nothing * width, nothing * size, singular=singular)
    return found


def _distance(root: Root | Rim, probe: Probe) -> float:
    """How far a probe is from a root, a point or a circle."""
    if isinstance(root, Root):
        return float(np.hypot(probe.at[0] - root.at[0], probe.at[1] - root.at[1]))
    x, y, z = probe.at
    return float(np.hypot(np.hypot(x - root.centre[0], y - root.centre[1]) - root.radius, z - root.z))


def probe_goals(model: Model, found: ProbeValue) -> list[Goal]:
    """The two displacements and the four stresses of a probe as linear functionals, just as
    :func:`~femsim.measures.stress.value_at` has them.
    """
    mesh = model.mesh
    side = side_of(mesh, found.probe.at, found.value.region)
    cells, xi = side.cells, side.xi
    goals: list[Goal] = [PointDisplacement(f"u{k}", int(cells[0]), xi[0], k) for k in range(model.space.width)]
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    share = reduced_basis(mesh.element, xi) / len(cells)
    size = model.kinematics.size
    for component in range(size):
        weights = np.zeros((*share.shape, size))
        weights[..., component] = share
        goals.append(Functional(model.kinematics.components[component], (Piece(cells, reduced, weights),)))
    return goals
