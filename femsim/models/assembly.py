"""Batch kernels: element stiffness and forces, many elements at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.base.threads import do_in_threads, in_parts
from femsim.meshes.elements import gauss_points, line_gauss, line_shape, shape
from femsim.meshes.mesh import jacobians
from femsim.models.model import Model
from femsim.models.rectangles import rectangle_force, rectangle_internal
from femsim.models.sampling import sample

#: elements a batch: keeps a batch's arrays inside the processor's cache
BATCH = 1024
#: the same where no strain operator is formed
SAMPLED = 2048


def batches(
    model: Model, points: FloatArray, chosen: IntArray | None = None, size: int = BATCH
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Cells, strain operator B (E, q, 4, m) and volume factors det J x measure (E, q) at reference ``points``, batch by
    batch.
    """
    mesh, kinematics = model.mesh, model.kinematics
    values, gradients = shape(mesh.element, points)
    every = np.arange(len(mesh.cells)) if chosen is None else chosen
    for start in range(0, len(every), size):
        cells = every[start : start + size]
        determinant, spatial = jacobians(mesh, cells, gradients)
        if not np.all(determinant > 0):
            worst = cells[int(np.argmin(determinant.min(axis=1)))]
            x, y = mesh.points[mesh.cells[worst]].mean(axis=0)
            raise InputError(f"mesh: a cell is turned inside out or flat near ({x:g}, {y:g}) um")
        x = mesh.points[mesh.cells[cells], 0] @ values.T
        yield cells, kinematics.strain_operator(values, spatial, x), determinant * kinematics.measure(x)


def element_stiffness(model: Model, chosen: IntArray | None = None) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cells (all, or those ``chosen``) and their stiffness matrices K_e = sum_q B^T D B w (E, m, m), batch by batch."""
    points, weights = gauss_points(model.mesh.element, model.mesh.info.full)
    values, _ = shape(model.mesh.element, points)
    for cells, b, volume in batches(model, points, chosen):
        d = model.stiffness_at(cells, values)
        scaled = np.matmul(d, b)
        scaled *= (volume * weights)[..., None, None]
        m = b.shape[-1]
        yield cells, np.matmul(b.reshape(len(cells), -1, m).transpose(0, 2, 1), scaled.reshape(len(cells), -1, m))


def prescribed_force(model: Model) -> FloatArray:
    """Force (n,) that prescribed displacements put on the unknowns: -K_fp u_p, in uN."""
    constraints = model.constraints
    force = np.zeros(constraints.count)
    if not np.any(constraints.value):
        return force
    moved = np.flatnonzero(np.any(constraints.value[model.element_dofs(slice(None))] != 0.0, axis=1))
    for cells, stiffness in element_stiffness(model, moved):
        dofs = model.element_dofs(cells)
        reaction = np.matmul(stiffness, constraints.value[dofs][..., None])[..., 0]
        equation = constraints.equation[dofs]
        free = equation >= 0
        force -= np.bincount(equation[free], reaction[free], minlength=constraints.count)
    return force


def thermal_force(model: Model) -> FloatArray:
    """Nodal forces (ndof,) of the thermal strain: f = int B^T D eps_th dV, in uN."""
    points, weights = gauss_points(model.mesh.element, model.mesh.info.full)
    simple = _simple(model)
    middle = np.empty((1, model.mesh.info.nodes))

    def element(cells: IntArray) -> FloatArray:
        if simple and model.mesh.rectangular[cells].all():
            stress = np.matmul(
                model.stiffness_at(cells, middle)[:, 0], model.thermal_strain_at(cells, middle)[:, 0, :, None]
            )[..., 0]
            return rectangle_force(model, cells, stress)
        at = sample(model, cells, points)
        spread = np.broadcast_to(at.thermal, (len(cells), len(points), 4))
        return at.pull(at.hooke(spread) * (at.volume * weights)[..., None])

    return _sum_of(model, element)


def traction_force(model: Model) -> FloatArray:
    """Nodal forces (ndof,) of the loads on edges: f = int N^T (t - p n) dA with four Gauss points per edge, in uN.

    The body lies on the left of an edge, so the outward normal is the tangent turned clockwise.
    """
    force = np.zeros(model.ndof)
    s, w = line_gauss(4)
    for traction in model.tractions:
        values, slopes = line_shape(traction.edges.shape[1], s)
        x = model.mesh.points[traction.edges]
        tangent = np.einsum("qn,knc->kqc", slopes, x)
        length = np.linalg.norm(tangent, axis=2)
        normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)
        load = traction.vector[:, None, :] * length[..., None] - traction.pressure * normal
        load *= (w * model.kinematics.measure(x[..., 0] @ values.T))[..., None]
        for component in range(2):
            nodal = load[..., component] @ values
            force += np.bincount(2 * traction.edges.ravel() + component, nodal.ravel(), minlength=model.ndof)
    return force


def body_force(model: Model, density: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Nodal forces (ndof,) of a body force ``density(points (m, 2)) -> (m, 2)`` in uN/um^3."""
    points, weights = gauss_points(model.mesh.element, model.mesh.info.full + 1)
    values, _ = shape(model.mesh.element, points)
    force = np.zeros(model.ndof)
    for cells, _, volume in batches(model, points):
        x = np.einsum("qn,enc->eqc", values, model.mesh.points[model.mesh.cells[cells]])
        f = density(x.reshape(-1, 2)).reshape(x.shape) * (volume * weights)[..., None]
        nodal = np.einsum("qn,eqc->enc", values, f).reshape(len(cells), -1)
        dofs = model.element_dofs(cells)[:, : nodal.shape[1]]
        force += np.bincount(dofs.ravel(), nodal.ravel(), minlength=model.ndof)
    return force


def internal_force(model: Model, displacement: FloatArray) -> FloatArray:
    """Nodal forces (ndof,) of the stress: f = int B^T D (B u - eps_th) dV, in uN; ``displacement`` is (ndof,)."""
    points, weights = gauss_points(model.mesh.element, model.mesh.info.full)
    simple = _simple(model)

    def element(cells: IntArray) -> FloatArray:
        if simple and model.mesh.rectangular[cells].all():
            return rectangle_internal(model, cells, displacement)
        at = sample(model, cells, points)
        return at.pull(at.stress(displacement) * (at.volume * weights)[..., None])

    return _sum_of(model, element)


def _simple(model: Model) -> bool:
    """Whether stiffness and thermal strain are the same all over each cell, and no unknown is shared by all."""
    return bool(np.isscalar(model.temperature)) and not model.kinematics.globals_


def _sum_of(model: Model, element: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Nodal forces (ndof,) from those of elements (E, m), batch by batch; the order of the sum does not depend on the
    threads.
    """
    dofs = model.element_dofs(slice(None))
    forces = np.empty(dofs.shape)

    def fill(cells: IntArray) -> None:
        forces[cells[0] : cells[-1] + 1] = element(cells)

    do_in_threads(fill, in_parts(np.arange(len(dofs)), SAMPLED))
    return np.asarray(np.bincount(dofs.ravel(), forces.ravel(), minlength=model.ndof), dtype=float)
