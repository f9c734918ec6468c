"""Strain at shared reference points of many cells, and its transpose, without ever forming the strain operator B.

Displacements are differentiated on the reference element by one matrix product for all cells, then carried to space by
the inverse Jacobian; :meth:`Sampled.pull` runs the same steps backwards. For a thousand cells this touches a tenth of
the memory that B does. In soft regions the strain is that of B-bar (:mod:`femsim.models.dilatation`), whose volume
change at any point follows from those at the full Gauss points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import gauss_points, shape
from femsim.models.dilatation import projection
from femsim.models.space import Space


@dataclass(frozen=True)
class Dilatation:
    """The projected volume change of ``rows`` among sampled cells: ``onto`` (E', q, f) from the ``full`` Gauss points
    of these cells to the sampled ones.
    """

    rows: IntArray
    full: Sampled
    onto: FloatArray

    def change(self, trace: FloatArray, full: FloatArray) -> FloatArray:
        """A third of what the projection adds to the trace (E', q, ...), which is ``full`` (E', f, ...) at the full
        points.
        """
        flat = np.matmul(self.onto, full.reshape(*full.shape[:2], -1))
        return np.asarray((flat.reshape(trace.shape) - trace) / 3.0)


@dataclass(frozen=True)
class Sampled:
    """``cells`` at shared reference points ``xi`` (q, dim): where they are and how they are stretched there;
    ``dilatation`` of those among them that are soft.
    """

    space: Space
    cells: IntArray
    xi: FloatArray
    values: FloatArray  # (q, n) shape functions
    gradients: FloatArray  # (q, n, dim) on the reference element
    position: FloatArray  # (E, q, dim)
    inverse: FloatArray  # (dim, dim, E, q): d xi_a / d x_i
    determinant: FloatArray  # (E, q)
    volume: FloatArray  # (E, q) det J x measure
    dilatation: Dilatation | None = None

    def strain(self, unknowns: FloatArray) -> FloatArray:
        """Strain (E, q, size) of a field (ndof,), or (E, q, size, k) of k fields (ndof, k), with engineering shear."""
        found = self._strain(unknowns)
        soft = self.dilatation
        if soft is not None:
            change = soft.change(found[soft.rows, :, :3].sum(axis=2), soft.full._strain(unknowns)[:, :, :3].sum(axis=2))
            found[soft.rows, :, :3] += change[:, :, None]
        return found

    def pull(self, stress: FloatArray) -> FloatArray:
        """Nodal forces (E, m) of point values (E, q, size): sum_q B^T s, ordered as the cells' degrees of freedom."""
        soft = self.dilatation
        if soft is None:
            return self._pull(stress)
        mean = stress[soft.rows, :, :3].sum(axis=2) / 3.0
        plain = stress.copy()
        plain[soft.rows, :, :3] -= mean[..., None]
        forces = self._pull(plain)
        there = np.zeros((*soft.full.volume.shape, stress.shape[-1]))
        there[..., :3] = np.einsum("eqf,eq->ef", soft.onto, mean)[..., None]
        forces[soft.rows] += soft.full._pull(there)
        return forces

    def projected(self, strain: FloatArray, full: FloatArray) -> FloatArray:
        """A strain (E, q, size) that no displacement has, its volume change projected in soft cells as B-bar's is;
        ``full`` is the same at the full Gauss points of all cells.
        """
        soft = self.dilatation
        if soft is None:
            return strain
        found = strain.copy()
        change = soft.change(found[soft.rows, :, :3].sum(axis=2), full[soft.rows, :, :3].sum(axis=2))
        found[soft.rows, :, :3] += change[..., None]
        return found

    def _strain(self, unknowns: FloatArray) -> FloatArray:
        fields = unknowns[:, None] if unknowns.ndim == 1 else unknowns
        space, kinematics = self.space, self.space.kinematics
        nodes = space.mesh.cells[self.cells]
        e, n = nodes.shape
        q, k, width, dim = len(self.values), fields.shape[1], space.width, kinematics.dim
        nodal = fields[: space.nodal].reshape(-1, width, k)[nodes]  # (E, n, width, k)
        flat = nodal.transpose(0, 2, 3, 1).reshape(-1, n)
        by_reference = [(flat @ self.gradients[:, :, a].T).reshape(e, width, k, q) for a in range(dim)]
        gradient = [
            sum(by_reference[a] * self.inverse[a, i][:, None, None, :] for a in range(dim)) for i in range(dim)
        ]  # d u_j / d x_i: [i] (E, j, k, q)
        value = {
            j: (nodal[:, :, j].transpose(0, 2, 1).reshape(-1, n) @ self.values.T).reshape(e, k, q)
            for j in kinematics.valued
        }
        strain = kinematics.strain(gradient, value, self.position[..., 0], fields[space.nodal :])
        result = np.ascontiguousarray(strain.transpose(0, 3, 1, 2))
        return result[..., 0] if unknowns.ndim == 1 else result

    def _pull(self, stress: FloatArray) -> FloatArray:
        kinematics, width = self.space.kinematics, self.space.width
        e, n, dim = len(stress), self.values.shape[1], kinematics.dim
        s = [np.ascontiguousarray(stress[..., c]) for c in range(kinematics.size)]
        pairs, values = kinematics.pull(s, self.position[..., 0])
        forces = np.zeros((e, width * n + kinematics.globals_))
        for j in range(width):
            nodal = np.zeros((e, n))
            mine = [(i, pairs[j, i]) for i in range(dim) if (j, i) in pairs]
            for a in range(dim):
                if mine:
                    reference = sum(part * self.inverse[a, i] for i, part in mine)
                    nodal += reference @ self.gradients[:, :, a]
            if j in values:
                nodal += values[j] @ self.values
            forces[:, j : width * n : width] = nodal
        for number, part in enumerate(kinematics.pull_globals(s)):
            forces[:, width * n + number] = part.sum(axis=1)
        return forces


def hooke(stiffness: FloatArray, strain: FloatArray) -> FloatArray:
    """Stiffness (E, 1 or q, s, s) times strains (E, q, s) or (E, q, s, k)."""
    e, q = strain.shape[:2]
    if stiffness.shape[1] > 1:
        spread = strain if strain.ndim == 4 else strain[..., None]
        return np.asarray(np.matmul(stiffness, spread).reshape(strain.shape))
    d = stiffness[:, 0]
    if strain.ndim == 3:
        return np.asarray(np.matmul(strain, d.transpose(0, 2, 1)))
    return np.asarray(np.matmul(d[:, None], strain.reshape(e, q, strain.shape[2], -1)))


def sample(space: Space, cells: IntArray, xi: FloatArray) -> Sampled:
    """Everything that a strain at reference points ``xi`` (q, dim) of ``cells`` needs."""
    found = _sample(space, cells, xi)
    rows = np.flatnonzero(space.projected[cells])
    if not len(rows):
        return found
    points, weights = gauss_points(space.mesh.element, space.mesh.info.full)
    full = _sample(space, cells[rows], points)
    onto = projection(space, full.volume * weights, points, xi, elastic=True)
    return found if onto is None else replace(found, dilatation=Dilatation(rows, full, onto))


def _sample(space: Space, cells: IntArray, xi: FloatArray) -> Sampled:
    mesh, dim = space.mesh, space.kinematics.dim
    values, gradients = shape(mesh.element, xi)
    x = mesh.points[mesh.cells[cells]]
    e, n, _ = x.shape
    q = len(values)
    flat = np.ascontiguousarray(x.transpose(2, 0, 1)).reshape(dim * e, n)
    position = (flat @ values.T).reshape(dim, e, q)
    jacobian = [(flat @ gradients[:, :, a].T).reshape(dim, e, q) for a in range(dim)]  # [a][i]: d x_i / d xi_a
    inverse, determinant = _inverse(jacobian)
    volume = determinant * space.kinematics.measure(position[0])
    return Sampled(space, cells, xi, values, gradients, np.stack(list(position), axis=-1), inverse, determinant, volume)


def _inverse(jacobian: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Inverse (dim, dim, E, q), d xi_a / d x_i, and determinant (E, q) of d x_i / d xi_a."""
    if len(jacobian) == 2:
        (a, b), (c, d) = jacobian
        determinant = a * d - c * b
        return np.array([[d, -c], [-b, a]]) / determinant, determinant
    j = jacobian
    # cofactors: column a of the inverse's rows is the cross product of the other two tangents
    cross = [_cross(j[1], j[2]), _cross(j[2], j[0]), _cross(j[0], j[1])]
    determinant = j[0][0] * cross[0][0] + j[0][1] * cross[0][1] + j[0][2] * cross[0][2]
    return np.array(cross) / determinant, determinant


def _cross(u: FloatArray, v: FloatArray) -> FloatArray:
    return np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
