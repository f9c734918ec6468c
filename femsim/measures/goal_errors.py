"""Goal-oriented error estimates: how far a metric is from its value on an infinitely fine mesh.

For a linear functional J with dual solution z, a(v, z) = J(v), the error is J(u) - J(u_h) = a(u - u_h, z - z_h). Both
errors are replaced by recovered ones (Zienkiewicz and Zhu 1992, Int. J. Numer. Methods Eng. 33, 1331; for goals: Cirak
and Ramm 1998, Comput. Methods Appl. Mech. Eng. 156, 351), where s* is the stress smoothed inside each region:

    J(u) - J(u_h) ~ sum_K int_K (s*_u - s_u) : C^-1 : (s*_z - s_z) dV

The dual problems of all metrics cost one substitution each with the factor at hand. Contributions of either sign may
hide each other, and the smoothed stresses are poor in the cells around a root, so what is reported is a measured
multiple of the sums D = sum |cell| and S = |sum of cells|. The multiples for quad9 are fitted on a part of 200 random
designs of four stacks, whose true errors they cover in at least 97 % on the default mesh and coarser ones, each metric
apart (``benchmarks/trust/designs.py`` measures any number of designs):

- averages from consistent forces (:mod:`femsim.measures.consistent`): FORCES times the length of (D_peel, D_shear);
  of quad9 APART: the cells at the root overstate the error, and what lies elsewhere counts for each alone, of shear
  as far as its signs do not cancel: at most S + D of the cells at the root. They
  converge faster than the smoothed stresses know (POWER), but not in the growth of the mesh (STEEP); on a coarse mesh
  :meth:`~femsim.measures.consistent.Consistent.doubted` adds to it;
- averages extrapolated to the interface: D, and a share (AT_ROOT) of the contribution of the cell at the root, where
  no polynomial follows the singular stress;
- von Mises averages: RING (S + D / 2), of quad9 RING_APART likewise; at circles in space RIM_RING D.
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
from femsim.measures.stress import patch_range, patch_value, side_of
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
#: factors on the estimates of averages from consistent forces, measured on graded rectangles (elsewhere the sums count
#: whole), and on those of von Mises averages, by element
FORCES = {"quad4": 0.16, "quad8": 0.18, "quad9": 0.13}
#: the same at root circles of swept meshes, measured on circular cells against the axisymmetric answer
RIM_FORCES = {"hex8": 0.2, "hex20": 0.2, "hex27": 0.13}
RING = {"quad4": 1.0, "quad8": 2.4, "quad9": 1.3}
#: of quad9 on graded rectangles the cells that touch the root count apart. Of averages from consistent forces: factors
#: on their (D_peel, D_shear) and on what lies elsewhere, at a first edge of FIRST times the averaging length, with the
#: power of that edge by which the true error falls faster than the sums, and the finest edge it was seen for
APART, FIRST, POWER, FINEST = (0.045, 0.4), 0.01, 0.2, 6.0e-4
#: but what lies elsewhere does not fall with the first edge where the growth of the mesh limits it: then that factor is
#: this power of the logarithm of the growth at the root over that of GROWTH
GROWTH, STEEP = 1.8, 2.5
#: of von Mises averages: factors on S, on D of those cells and on that elsewhere
RING_APART = (0.9, 2.4, 0.18)
RING_ELSEWHERE = 2.4
VON_MISES = 2.0
RIM_RING = 3.0
#: factors on the differences of a probe's stress from that of its cells at the point, and from the patch around it
DIRECT, PATCH = 1.5, 2.0
#: elements of constant stress, and the factor on the range of the stresses around
CONSTANT, AROUND = ("tri3", "tet4"), 2.0


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
    forces: Sequence[tuple[float, float] | None] = (),
) -> list[RootMetrics]:
    """The metrics with their error estimates filled in; ``indicators`` of the root goals, where they are known
    already, ``forces`` has, of averages whose peel and shear are from consistent forces, the first edge over the length
    and how much longer the next is.
    """
    if not averages:
        return list(metrics)
    if indicators is None:
        indicators = goal_indicators(solution, root_goals(solution, averages))
    errors = np.abs(indicators).sum(axis=0).reshape(-1, 3)
    signed = np.abs(indicators.sum(axis=0)).reshape(-1, 3)
    mesh = solution.model.mesh
    for k, average in enumerate(averages):
        around = np.any(_distance(average.root, mesh.points)[mesh.cells] <= mesh.near, axis=1)
        graded = isinstance(average.root, Root) and bool(np.all(mesh.rectangular[around]))
        edges = forces[k] if forces else None
        near = np.abs(indicators[around, 3 * k : 3 * k + 3]).sum(axis=0)
        far = errors[k] - near
        if edges is not None and graded and mesh.element == "quad9":
            grown = (np.log(max(edges[1], 1.0)) / np.log(GROWTH)) ** STEEP
            scale = (max(edges[0], FINEST) / FIRST) ** POWER
            # of either sign they leave no more than the whole sum and what lies near; peel's signs do not tell so much
            net = far[0], min(far[1], signed[k, 1] + near[1])
            errors[k, :2] = scale * APART[0] * np.hypot(near[0], near[1]) + max(scale, grown) * APART[1] * np.array(net)
            errors[k, 2] = np.dot(RING_APART, (signed[k, 2], near[2], max(grown, 1.0) * far[2]))
            continue
        if edges is None:
            errors[k, :2] += at_root(solution, average)
        elif isinstance(average.root, Rim):
            errors[k, :2] = RIM_FORCES.get(mesh.element, 1.0) * np.hypot(*errors[k, :2])
        else:
            errors[k, :2] = (FORCES.get(mesh.element, 1.0) if graded else 1.0) * np.hypot(*errors[k, :2])
        if isinstance(average.root, Root):
            errors[k, 2] = RING.get(mesh.element, RING_ELSEWHERE) * (signed[k, 2] + 0.5 * errors[k, 2])
        else:
            errors[k, 2] *= RIM_RING
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

    The von Mises error follows cell by cell from those of the components: d(s_vm) = (3 / 2 s_vm) dev(s) : ds. To the
    error of the stress at the cell's superconvergent points comes that of the way from them to the point, of which no
    dual problem knows: DIRECT times the difference from D B u at the point itself, PATCH times that from a polynomial
    of one order more (:func:`~femsim.measures.stress.patch_value`), AROUND times the range of constant stresses.
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
                off = point_doubts(solution, found)
                stress = tuple(float(v) for v in np.array(errors[width:]) + np.abs(off).sum(axis=0))
                von_mises += float(np.abs(off @ slope).sum())
                filled[name] = replace(filled[name], stress_error=stress, von_mises_error=von_mises)
    return filled


def point_doubts(solution: Solution, found: ProbeValue) -> FloatArray:
    """How far other stresses at a probe's point are from the one it states (2 or 3, size), each times its factor. Where
    the stress is constant in every cell the one at the point is the stated one, and a polynomial through few cells
    levels the peak off: there the stresses around bound what is not seen.
    """
    field, mesh = solution.field, solution.model.mesh
    side = side_of(mesh, found.probe.at, found.value.region)
    own = np.arange(len(side.cells))
    direct = field.stress(sample(field.space, side.cells, side.xi))[own, own].mean(axis=0)
    smooth = patch_value(field, side, found.probe.at)
    patch = found.value.stress if smooth is None else smooth
    doubts = [DIRECT * (direct - found.value.stress), PATCH * (patch - found.value.stress)]
    if mesh.element in CONSTANT:
        doubts.append(AROUND * patch_range(field, side))
    return np.array(doubts)


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
