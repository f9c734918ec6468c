"""Batch kernels: element stiffness and forces, many elements at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.base.errors import InputError
from femsim.base.threads import do_in_threads, in_parts
from femsim.meshes.elements import gauss_points, line_gauss, line_shape, shape
from femsim.meshes.facets import face_normals
from femsim.meshes.mesh import jacobians
from femsim.models.dilatation import projection, smoothed_operator
from femsim.models.fields import ElasticField, StressField
from femsim.models.loads import Load
from femsim.models.model import Model
from femsim.models.moduli import Moduli
from femsim.models.rectangles import rectangle_force, rectangle_internal
from femsim.models.sampling import hooke, sample
from femsim.models.solids import BATCH as SOLID_BATCH
from femsim.models.solids import solid_stiffness
from femsim.models.space import Space

#: elements a batch: keeps a batch's arrays inside the processor's cache
BATCH = 1024
#: the same where no strain operator is formed
SAMPLED = 2048
#: cells whose entries are summed into a matrix at once
SUMMED = 16384
#: the plane element of a face with so many nodes
FACE_OF_NODES = {3: "tri3", 4: "quad4", 6: "tri6", 8: "quad8", 9: "quad9"}


def batches(
    space: Space, points: FloatArray, chosen: IntArray | None = None, size: int = BATCH
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Cells, strain operator B (E, q, size, m) and volume factors det J x measure (E, q) at reference ``points``, batch
    by batch.
    """
    mesh, kinematics = space.mesh, space.kinematics
    values, gradients = shape(mesh.element, points)
    every = np.arange(len(mesh.cells)) if chosen is None else chosen
    for start in range(0, len(every), size):
        cells = every[start : start + size]
        determinant, spatial = jacobians(mesh, cells, gradients)
        if not np.all(determinant > 0):
            raise _inverted_cell(space, cells[int(np.argmin(determinant.min(axis=1)))])
        x = mesh.points[mesh.cells[cells], 0] @ values.T
        yield cells, kinematics.strain_operator(values, spatial, x), determinant * kinematics.measure(x)


def _inverted_cell(space: Space, cell: int | np.integer[Any]) -> InputError:
    place = ", ".join(f"{v:g}" for v in space.mesh.points[space.mesh.cells[cell]].mean(axis=0))
    return InputError(f"mesh: a cell is turned inside out or flat near ({place}) um")


def element_stiffness(
    space: Space, moduli: Moduli, chosen: IntArray | None = None
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cells (all, or those ``chosen``) and their stiffness matrices K_e = sum_q B^T D B w (E, m, m), batch by batch."""
    if space.kinematics.dim == 3 and space.kinematics.width == 3:  # a scalar field takes the general way
        every = np.arange(len(space.mesh.cells)) if chosen is None else chosen
        for cells in in_parts(every, SOLID_BATCH):
            found = solid_stiffness(space, moduli, cells)
            for elastic, which in _projected(space, moduli):
                some = np.flatnonzero(which[cells])
                if len(some):
                    found[some] = _smooth_stiffness(space, moduli, cells[some], elastic)
            wrong = np.isnan(found[:, 0, 0])
            if np.any(wrong):
                raise _inverted_cell(space, cells[int(np.argmax(wrong))])
            yield cells, found
        return
    for cells, b, weight in strain_operators(space, moduli, chosen):
        yield cells, stiffness_by(space, moduli, cells, b, weight)


def strain_operators(
    space: Space, moduli: Moduli, chosen: IntArray | None = None
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Cells, strain operator B (E, q, size, m) at the full Gauss points, its volume change projected where the moduli
    say so, and weights times volumes (E, q), batch by batch.
    """
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    for cells, b, volume in batches(space, points, chosen):
        for elastic, which in _projected(space, moduli):
            some = np.flatnonzero(which[cells])
            projected = projection(space, volume[some] * weights, points, elastic=elastic) if len(some) else None
            if projected is not None:
                b[some] = smoothed_operator(b[some], projected)
        yield cells, b, volume * weights


def stiffness_by(space: Space, moduli: Moduli, cells: IntArray, b: FloatArray, weight: FloatArray) -> FloatArray:
    """Stiffness (E, m, m) of cells by the strain operator and weights of :func:`strain_operators`."""
    values, _ = shape(space.mesh.element, gauss_points(space.mesh.element, space.mesh.info.full)[0])
    scaled = np.matmul(moduli.at(cells, values), b)
    scaled *= weight[..., None, None]
    e, m = len(cells), b.shape[-1]
    return np.asarray(np.matmul(b.reshape(e, -1, m).transpose(0, 2, 1), scaled.reshape(e, -1, m)))


def stiffness_matrix(space: Space, moduli: Moduli, chosen: IntArray) -> sp.csr_matrix:
    """The stiffness (ndof, ndof) of the ``chosen`` cells alone, as it stands before constraints."""
    total = sp.csr_matrix((space.ndof, space.ndof))
    for part in in_parts(chosen, SUMMED):
        rows, columns, values = [], [], []
        for cells, stiffness in element_stiffness(space, moduli, part):
            dofs = space.element_dofs(cells).astype(np.int32)
            m = dofs.shape[1]
            rows.append(np.repeat(dofs, m, axis=1).ravel())
            columns.append(np.tile(dofs, (1, m)).ravel())
            values.append(stiffness.ravel())
        triples = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        total = total + sp.coo_matrix(triples, shape=total.shape).tocsr()
    return total


def _projected(space: Space, moduli: Moduli) -> tuple[tuple[bool, BoolArray], ...]:
    """Whether elastic, and which cells (E,) have the volume change projected so."""
    flowing = moduli.flowing
    return (False, flowing), (True, np.asarray(space.projected & ~flowing))


def _smooth_stiffness(space: Space, moduli: Moduli, cells: IntArray, elastic: bool) -> FloatArray:
    """Stiffness (E, m, m) of cells in space by B-bar; NaN where a cell is turned inside out."""
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    values, gradients = shape(space.mesh.element, points)
    determinant, spatial = jacobians(space.mesh, cells, gradients)
    volume = np.where(determinant > 0, determinant, np.nan) * weights
    b = space.kinematics.strain_operator(values, spatial, np.zeros_like(determinant))
    projected = projection(space, np.nan_to_num(volume, nan=1.0), points, elastic=elastic)
    if projected is not None:
        b = smoothed_operator(b, projected)
    scaled = np.matmul(moduli.at(cells, values), b) * volume[..., None, None]
    m = b.shape[-1]
    return np.asarray(np.matmul(b.reshape(len(cells), -1, m).transpose(0, 2, 1), scaled.reshape(len(cells), -1, m)))


def prescribed_force(space: Space, moduli: Moduli, prescribed: FloatArray) -> FloatArray:
    """Force (n,) that prescribed displacements (ndof,) put on the unknowns: -T^T K u_p, in uN."""
    force = np.zeros(space.ndof)
    if not np.any(prescribed):
        return np.zeros(space.constraints.count)
    moved = np.flatnonzero(np.any(prescribed[space.element_dofs(slice(None))] != 0.0, axis=1))
    for cells, stiffness in element_stiffness(space, moduli, moved):
        dofs = space.element_dofs(cells)
        reaction = np.matmul(stiffness, prescribed[dofs][..., None])[..., 0]
        force -= np.bincount(dofs.ravel(), reaction.ravel(), minlength=space.ndof)
    return space.gather(force)


def thermal_force(model: Model) -> FloatArray:
    """Nodal forces (ndof,) of thermal strain and eigenstrain: f = int B^T D eps_free dV, in uN."""
    space = model.space
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    values, _ = shape(space.mesh.element, points)
    plain = _plain(model)
    middle = np.empty((1, space.mesh.info.nodes))

    def element(cells: IntArray) -> FloatArray:
        if plain[cells].all():
            d, free = model.moduli.at(cells, middle)[:, 0], model.free_strain_at(cells, middle)[:, 0, :, None]
            return rectangle_force(space, cells, np.matmul(d, free)[..., 0])
        at = sample(space, cells, points)
        free = model.free_strain_at(cells, values)
        spread = np.broadcast_to(free, (len(cells), len(points), free.shape[-1]))
        return at.pull(hooke(model.moduli.at(cells, values), spread) * (at.volume * weights)[..., None])

    return sum_of_elements(space, element)


def traction_force(space: Space, load: Load) -> FloatArray:
    """Nodal forces (ndof,) of the loads on facets: f = int N^T (t - p n) dA with four Gauss points along each
    direction, in uN.

    In the plane the body lies on the left of an edge, so the outward normal is the tangent turned clockwise; in space
    faces are seen from outside, and the normal is the cross product of the tangents.
    """
    if space.kinematics.dim == 3:
        return _face_force(space, load)
    force = np.zeros(space.ndof)
    s, w = line_gauss(4)
    for traction in load.tractions:
        values, slopes = line_shape(traction.edges.shape[1], s)
        x = space.mesh.points[traction.edges]
        tangent = np.einsum("qn,knc->kqc", slopes, x)
        length = np.linalg.norm(tangent, axis=2)
        normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)
        along = traction.vector[:, None, :] * length[..., None]
        for unknown, direction in space.kinematics.along:
            along[..., unknown] -= traction.pressure * normal[..., direction]
        along *= (w * space.kinematics.measure(x[..., 0] @ values.T))[..., None]
        if traction.weight is not None:
            along *= (traction.weight @ values.T)[..., None]
        for component in range(along.shape[-1]):
            nodal = along[..., component] @ values
            dofs = space.width * traction.edges.ravel() + component
            force += np.bincount(dofs, nodal.ravel(), minlength=space.ndof)
    return force


def _face_force(space: Space, load: Load) -> FloatArray:
    """Nodal forces (ndof,) of the loads on faces."""
    force = np.zeros(space.ndof)
    for traction in load.tractions:
        plane = FACE_OF_NODES[traction.edges.shape[1]]
        xi, w = gauss_points(plane, 4)
        values, slopes = shape(plane, xi)
        normal = face_normals(slopes, space.mesh.points[traction.edges])
        along = traction.vector[:, None, :] * np.linalg.norm(normal, axis=2)[..., None] - traction.pressure * normal
        if traction.weight is not None:
            along = along * (traction.weight @ values.T)[..., None]
        nodal = np.einsum("kqc,q,qn->knc", along, w, values)
        for component in range(3):
            dofs = space.width * traction.edges.ravel() + component
            force += np.bincount(dofs, nodal[..., component].ravel(), minlength=space.ndof)
    return force


def body_force(space: Space, density: Callable[[FloatArray], FloatArray], chosen: IntArray | None = None) -> FloatArray:
    """Nodal forces (ndof,) of a body force ``density(points (m, dim)) -> (m, width)`` in uN/um^3, on all cells or those
    ``chosen``.
    """
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full + 1)
    force = np.zeros(space.ndof)
    every = np.arange(len(space.mesh.cells)) if chosen is None else chosen
    for cells in in_parts(every, BATCH):
        at = sample(space, cells, points)
        e, q, dim = at.position.shape
        f = density(at.position.reshape(-1, dim)).reshape(e, q, -1) * (at.volume * weights)[..., None]
        nodal = np.einsum("qn,eqc->enc", at.values, f).reshape(e, -1)
        dofs = space.element_dofs(cells)[:, : nodal.shape[1]]
        force += np.bincount(dofs.ravel(), nodal.ravel(), minlength=space.ndof)
    return force


def external_force(space: Space, load: Load) -> FloatArray:
    """Nodal forces (ndof,) of a load, without those of free strains and prescribed displacements, in uN."""
    force = traction_force(space, load) if load.tractions else np.zeros(space.ndof)
    return force if load.force is None else force + load.force


def internal_force(field: StressField) -> FloatArray:
    """Nodal forces (ndof,) of a stress: f = int B^T sigma dV by the full Gauss points, in uN."""
    space = field.space
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    plain = _plain(field.model) if isinstance(field, ElasticField) else np.zeros(len(space.mesh.cells), dtype=bool)

    def element(cells: IntArray) -> FloatArray:
        if isinstance(field, ElasticField) and plain[cells].all():
            middle = np.empty((1, space.mesh.info.nodes))
            d = field.model.moduli.at(cells, middle)[:, 0]
            free = field.model.free_strain_at(cells, middle)[:, 0] if field.free else None
            return rectangle_internal(space, cells, field.unknowns, d, free)
        at = sample(space, cells, points)
        return at.pull(field.stress(at) * (at.volume * weights)[..., None])

    return sum_of_elements(space, element)


def _plain(model: Model) -> BoolArray:
    """Rectangles over which stiffness and free strain are the same, where no unknown is shared by all."""
    if not np.isscalar(model.temperature) or model.kinematics.globals_:
        return np.zeros(len(model.mesh.cells), dtype=bool)
    return np.asarray(model.mesh.rectangular & ~model.space.projected)


def sum_of_elements(space: Space, element: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Nodal forces (ndof,) from those of elements (E, m), batch by batch; the order of the sum does not depend on the
    threads.
    """
    dofs = space.element_dofs(slice(None))
    forces = np.empty(dofs.shape)

    def fill(cells: IntArray) -> None:
        forces[cells[0] : cells[-1] + 1] = element(cells)

    do_in_threads(fill, in_parts(np.arange(len(dofs)), SAMPLED))
    return np.asarray(np.bincount(dofs.ravel(), forces.ravel(), minlength=space.ndof), dtype=float)
