"""Goal-oriented error estimates: how far a metric is from its value on an infinitely fine mesh.

For a linear functional J with dual solution z, a(v, z) = J(v), the error is J(u) - J(u_h) = a(u - u_h, z - z_h). Both
errors are replaced by recovered ones (Zienkiewicz and Zhu 1992, Int. J. Numer. Methods Eng. 33, 1331; for goals: Cirak
and Ramm 1998, Comput. Methods Appl. Mech. Eng. 156, 351), where s* is the stress smoothed inside each region:

    J(u) - J(u_h) ~ sum_K int_K (s*_u - s_u) : C^-1 : (s*_z - s_z) dV

The dual problems of all metrics cost one substitution each with the factor at hand. What is reported is the sum of the
cells' absolute values: contributions of either sign must not hide each other.

Two things escape that sum near a root. The averages of the traction are extrapolated to the interface, and in the cell
at the root no polynomial follows the singular stress: a share of that cell's contribution (AT_ROOT) is added to the
errors of peel and shear. And the smoothed stress is itself poor there: the von Mises average, which does not
extrapolate, gets a factor (VON_MISES). Both constants are measured, on stacks with low layers of 2.5, 20 and 130 GPa,
quad4, quad8 and quad9 meshes of 1e-3 to 0.5 um at the root and averages over 5 and 1 um. With quadratic elements the
estimate is 1.1 to 9.2 times the true error wherever that exceeds 0.01 % of the von Mises value; elements of a third of
the averaging length at the root (bilayer case, 0.3 um for 1 um) bring it down to 0.93.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.threads import do_in_threads, in_parts
from femsim.measures.averages import Averages, RootMetrics
from femsim.measures.goals import Goal
from femsim.measures.probes import ProbeValue, probe_goals
from femsim.meshes.elements import extrapolation, gauss_points, shape
from femsim.meshes.layout import Rim, Root
from femsim.meshes.mesh import Mesh
from femsim.models.fields import ElasticField
from femsim.models.kinematics import von_mises_slope
from femsim.models.model import Model
from femsim.models.sampling import hooke, sample
from femsim.solvers.solve import Solution

#: elements a batch
BATCH = 1024
#: numbers that the dual displacements, and their stresses, held at once may have: so many goals are taken together
DUALS = 6_000_000
STRESSES = 15_000_000
#: share of the traction in the cell at the root that the average may miss, by the element's order
AT_ROOT = {1: 0.45, 2: 0.07}
#: factor on the estimate of the von Mises average
VON_MISES = 2.0


def root_goals(solution: Solution, averages: Sequence[Averages]) -> list[Goal]:
    """Peel, shear and the linearised von Mises of every average, in this order."""
    goals: list[Goal] = []
    for average in averages:
        goals += [average.peel, average.shear, average.von_mises_functional(solution.field)]
    return goals


def with_errors(
    solution: Solution,
    averages: Sequence[Averages],
    metrics: Sequence[RootMetrics],
    indicators: FloatArray | None = None,
) -> list[RootMetrics]:
    """The metrics with their error estimates filled in; ``indicators`` of the root goals, where they are known
    already.
    """
    if not averages:
        return list(metrics)
    if indicators is None:
        indicators = goal_indicators(solution, root_goals(solution, averages))
    errors = np.abs(indicators).sum(axis=0).reshape(-1, 3)
    errors[:, :2] += np.array([[at_root(solution, average)] for average in averages])
    errors[:, 2] *= VON_MISES
    return [m.with_errors(own) for m, own in zip(metrics, errors, strict=True)]


def at_root(solution: Solution, average: Averages) -> float:
    """What peel and shear may miss in the cell at the root: a share of the size of its traction's contribution."""
    model = solution.model
    points = model.mesh.points
    near = model.mesh.near
    traction = []
    for functional in (average.peel, average.shear):
        own = []
        for piece in functional.pieces:
            distance = _distance(average.root, points[model.mesh.cells[piece.cells]])
            touches = distance.min(axis=1) <= near
            own.append(replace(piece, cells=piece.cells[touches], weights=piece.weights[touches]))
        traction.append(replace(functional, pieces=tuple(own)).value(solution.field))
    return AT_ROOT[model.mesh.info.order] * float(np.hypot(traction[0], traction[1]))


def _distance(root: Root | Rim, x: FloatArray) -> FloatArray:
    """Distance of points (..., d) from a root, a point or a circle."""
    if isinstance(root, Root):
        return np.asarray(np.linalg.norm(x - np.array(root.at), axis=-1))
    radius = np.hypot(x[..., 0] - root.centre[0], x[..., 1] - root.centre[1])
    return np.asarray(np.hypot(radius - root.radius, x[..., 2] - root.z))


#: probes whose duals are held in memory at once
AT_ONCE = 16


def with_probe_errors(
    solution: Solution,
    probes: dict[str, ProbeValue],
    defect: Defect | None = None,
    indicators: FloatArray | None = None,
) -> dict[str, ProbeValue]:
    """The probes with their error estimates filled in, where wanted; the stress at a singular point has none.
    ``indicators`` of :func:`goals_of_probes`, where they are known already.

    The von Mises error follows cell by cell from those of the components: d(s_vm) = (3 / 2 s_vm) dev(s) : ds.
    """
    model = solution.model
    width, size = model.space.width, model.kinematics.size
    filled = dict(probes)
    names = [name for name, found in probes.items() if found.probe.estimated]
    for some in in_parts(names, AT_ONCE if indicators is None else max(len(names), 1)):
        chosen = [(name, probes[name]) for name in some]
        every = indicators
        if every is None:
            every = goal_indicators(solution, goals_of_probes(model, dict(chosen)), defect)
        for k, (name, found) in enumerate(chosen):
            own = every[:, (width + size) * k : (width + size) * (k + 1)]
            slope = von_mises_slope(found.value.stress)
            errors = tuple(float(e) for e in np.abs(own).sum(axis=0))
            von_mises = float(np.abs(own[:, width:] @ slope).sum())
            filled[name] = replace(found, u_error=errors[:width])
            if not found.singular:
                filled[name] = replace(filled[name], stress_error=errors[width:], von_mises_error=von_mises)
    return filled


def goals_of_probes(model: Model, probes: dict[str, ProbeValue]) -> list[Goal]:
    """The goals of all probes whose errors are wanted, one probe after the other."""
    return [goal for found in probes.values() if found.probe.estimated for goal in probe_goals(model, found)]


@dataclass(frozen=True)
class Defect:
    """What all goals of one solution share: how to smooth a stress, and the primal field's defect as weights on a dual
    field.
    """

    smoother: _Smoother
    weights: FloatArray  # (E, n, 4)
    pulled: FloatArray  # (E, m)

    @staticmethod
    def of(solution: Solution) -> Defect:
        """The defect of a solution."""
        smoother = _Smoother.of(solution.model)
        return Defect(smoother, *_weights(solution.field, smoother))


def goal_indicators(solution: Solution, goals: Sequence[Goal], defect: Defect | None = None) -> FloatArray:
    """Signed contribution (E, k) of every cell to the error of every goal; ``defect`` of the solution, where it is
    known already.
    """
    model = solution.model
    defect = defect or Defect.of(solution)
    smoother, weights, pulled = defect.smoother, defect.weights, defect.pulled
    mesh = model.mesh
    found = np.empty((len(mesh.cells), len(goals)))
    most = mesh.cells.size * model.kinematics.size
    for some in in_parts(np.arange(len(goals)), max(1, DUALS // model.space.constraints.equation.size)):
        loads = np.stack([model.space.gather(goals[k].derivative(model)) for k in some], axis=1)
        duals = model.space.scatter(solution.factor.solve(loads))
        for part in in_parts(some, max(1, STRESSES // most)):
            own = np.ascontiguousarray(duals[:, part - some[0]])
            level = smoother.level(_nodal_stress(ElasticField(model, own, free=False)))

            def fill(cells: IntArray, part: IntArray = part, own: FloatArray = own, level: FloatArray = level) -> None:
                here = slice(cells[0], cells[-1] + 1)
                smooth = level[smoother.key[here]].reshape(len(cells), -1, len(part))
                values = np.matmul(weights[here].reshape(len(cells), 1, -1), smooth)[:, 0]
                dofs = model.space.element_dofs(cells)
                values -= np.matmul(pulled[here][:, None], own[dofs])[:, 0]
                found[here, part[0] : part[-1] + 1] = values

            do_in_threads(fill, _batches(mesh))
    return found


@dataclass(frozen=True)
class _Smoother:
    """Averages cell-side values over the cells of the same region around each node; interfaces keep their jump.

    ``key`` (E, n) numbers the pairs of a node and a region, ``count`` the cells around each.
    """

    key: IntArray
    gatherer: Any
    count: FloatArray

    @staticmethod
    def of(model: Model) -> _Smoother:
        """The pairs of a model's mesh."""
        import scipy.sparse as sp

        mesh = model.mesh
        _, key = np.unique(
            (mesh.region[:, None] * np.int64(len(mesh.points)) + mesh.cells).ravel(), return_inverse=True
        )
        gatherer = sp.csr_matrix((np.ones(len(key)), (key, np.arange(len(key)))))
        return _Smoother(key.reshape(mesh.cells.shape), gatherer, np.bincount(key).astype(float))

    def level(self, nodal: FloatArray) -> FloatArray:
        """Average (pairs, m) of cell-side values (E, n, ...)."""
        found = np.asarray(self.gatherer @ nodal.reshape(self.key.size, -1))
        found /= self.count[:, None]
        return found


def _weights(field: ElasticField, smoother: _Smoother) -> tuple[FloatArray, FloatArray]:
    """What turns a dual field into indicators: weights (E, n, 4) on its smoothed nodal stress, (E, m) on its own
    unknowns.

    With w_q = C^-1 (s*_u - s_u) dV at the full Gauss points, the indicator sum_q w_q : (s*_z - s_z) is
    (sum_q N_q w_q) : s*_z,nodal - (sum_q B_q^T D w_q) . z, so the sums over q are taken once for all goals.
    """
    space, mesh, moduli = field.space, field.space.mesh, field.model.moduli
    full, quadrature = gauss_points(mesh.element, mesh.info.full)
    values, _ = shape(mesh.element, full)
    level = smoother.level(_nodal_stress(ElasticField(field.model, field.unknowns[:, None])))
    weights = np.empty((len(mesh.cells), mesh.info.nodes, space.kinematics.size))
    pulled = np.empty(space.element_dofs(slice(None)).shape)

    def fill(cells: IntArray) -> None:
        at = sample(space, cells, full)
        defect = np.matmul(values, level[smoother.key[cells]]) - field.stress(at)
        w = (
            np.matmul(_compliance(field.model, cells, values), defect[..., None])[..., 0]
            * (at.volume * quadrature)[..., None]
        )
        weights[cells] = np.matmul(values.T, w)
        pulled[cells] = at.pull(hooke(moduli.at(cells, values), w))

    do_in_threads(fill, _batches(mesh))
    return weights, pulled


def _nodal_stress(field: ElasticField) -> FloatArray:
    """Stress (E, n, size, k) of displacement fields (ndof, k) at each cell's own nodes, extrapolated from its
    superconvergent points.
    """
    space, mesh = field.space, field.space.mesh
    reduced, _ = gauss_points(mesh.element, mesh.info.reduced)
    to_nodes = extrapolation(mesh.element)
    size, k = space.kinematics.size, field.unknowns.shape[1]
    found = np.empty((len(mesh.cells), mesh.info.nodes, size, k))

    def fill(cells: IntArray) -> None:
        stress = field.stress(sample(space, cells, reduced))
        e, q = stress.shape[:2]
        found[cells] = np.matmul(to_nodes, stress.reshape(e, q, -1)).reshape(e, -1, size, k)

    do_in_threads(fill, _batches(mesh))
    return found


def _batches(mesh: Mesh) -> list[IntArray]:
    return in_parts(np.arange(len(mesh.cells)), BATCH)


def _compliance(model: Model, cells: IntArray, values: FloatArray) -> FloatArray:
    """Inverse (E, 1 or q, 4, 4) of the stiffness; the pseudo-inverse, as plane stress has a zero row."""
    stiffness = model.moduli.at(cells, values)
    if stiffness.shape[1] == 1:
        _, first, inverse = np.unique(model.mesh.region[cells], return_index=True, return_inverse=True)
        return np.asarray(np.linalg.pinv(stiffness[first], hermitian=True)[inverse.ravel()])
    return np.asarray(np.linalg.pinv(stiffness, hermitian=True))
