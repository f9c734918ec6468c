"""The affine pieces of a box, projected on a basis.

On the mesh moved by strip scales s the strain of a field is E0 + E1 / s, where E1 holds its derivatives along y. With D
constant in each region of each strip, stiffness and load are sums over such groups g of numbers times fixed matrices,

    K = sum_g sum_ab D_ab s^(1-i-j) int E_ia^T E_jb dV,   f = sum_g sum_a (D eps_free)_a s^(1-i) int E_ia^T dV.

Most of these numbers are multiples of a few: pivoted QR of their values at random designs finds which, exactly to
rounding, and only that many matrices are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl

from femsim.base.arrays import FloatArray, IntArray
from femsim.meshes.elements import gauss_points
from femsim.models.kinematics import Kinematics
from femsim.models.sampling import sample
from femsim.models.space import Space
from femsim.reduced.facts import Names, stiffness_of
from femsim.reduced.strips import Strips

#: cells a batch
BATCH = 512
#: what pivoted QR takes for a multiple of the others (relative)
MULTIPLE = 1.0e-11


@dataclass(frozen=True)
class Strains:
    """Strain E0 + E1 / s at points of cells: (E, q, size, n) each, of n fields."""

    plain: FloatArray
    along: FloatArray


def split_strain(space: Space, cells: IntArray, xi: FloatArray, fields: FloatArray) -> Strains:
    """The two parts of the strain of fields (ndof, n), from the mesh as it is and one of twice the height."""
    from dataclasses import replace

    mesh = space.mesh
    tall = replace(space, mesh=replace(mesh, points=mesh.points * np.array([1.0, 2.0])))
    here, there = (sample(one, cells, xi).strain(fields) for one in (space, tall))
    return Strains(2.0 * there - here, 2.0 * (here - there))


def columns_of(kinematics: Kinematics) -> tuple[tuple[int, int], ...]:
    """The (component, part) pairs that are not zero: part 0 is E0, part 1 E1."""
    plain = {c for c, _, direction, _ in kinematics.gradient if direction == 0}
    plain |= {c for c, _, _ in (*kinematics.over_radius, *kinematics.constant)}
    along = {c for c, _, direction, _ in kinematics.gradient if direction == 1}
    return (*((c, 0) for c in sorted(plain)), *((c, 1) for c in sorted(along)))


@dataclass(frozen=True)
class Sums:
    """Raw pieces: group (g, 2) of region and strip numbers, stiffness (g, c, c, n, n) and load (g, c, n) by columns."""

    groups: IntArray
    columns: tuple[tuple[int, int], ...]
    stiffness: FloatArray
    load: FloatArray

    def within(self, basis: FloatArray) -> Sums:
        """The sums over a basis (n, k) of combinations of the modes."""
        return Sums(self.groups, self.columns, basis.T @ self.stiffness @ basis, self.load @ basis)


def sums_of(space: Space, strip: IntArray, modes: FloatArray) -> Sums:
    """Integrals of products of the modes' (ndof, n) strain parts over each group of cells of the reference mesh."""
    mesh, kinematics = space.mesh, space.kinematics
    xi, weights = gauss_points(mesh.element, mesh.info.full)
    columns = columns_of(kinematics)
    c, n = len(columns), modes.shape[1]
    groups, member = np.unique(np.column_stack([mesh.region, strip]), axis=0, return_inverse=True)
    stiffness, load = np.zeros((len(groups), c * n, c * n)), np.zeros((len(groups), c * n))
    for g in range(len(groups)):
        mine = np.flatnonzero(member.ravel() == g)
        for start in range(0, len(mine), BATCH):
            cells = mine[start : start + BATCH]
            parts = split_strain(space, cells, xi, modes)
            root = np.sqrt(sample(space, cells, xi).volume * weights)[..., None]
            both = (parts.plain, parts.along)
            stacked = np.concatenate([both[part][:, :, a] * root for a, part in columns], axis=-1)
            flat = stacked.reshape(-1, c * n)
            stiffness[g] += flat.T @ flat
            load[g] += root.ravel() @ flat
    shaped = stiffness.reshape(len(groups), c, n, c, n).transpose(0, 1, 3, 2, 4)
    return Sums(groups, columns, np.ascontiguousarray(shaped), load.reshape(len(groups), c, n))


@dataclass(frozen=True)
class Coefficients:
    """Numbers in front of the pieces, from quantities: for each kept piece of the stiffness (group, a, b, power of s),
    and of the load (group, a, power).
    """

    stiffness: IntArray
    load: IntArray


@dataclass(frozen=True)
class Operators:
    """Projected pieces: stiffness (Q, n, n), load (P, n), and which numbers stand in front of them."""

    coefficients: Coefficients
    stiffness: FloatArray
    load: FloatArray


class Matter:
    """Stiffness and thermal stress of the regions, and scales of the strips, of many designs at once."""

    def __init__(self, names: Names, strips: Strips, kinematics: Kinematics, groups: IntArray, values: FloatArray):
        used = sorted({int(r) for r in groups[:, 0]})
        self.scales = strips.scales(values[:, : names.heights])
        count, size = len(values), names.size
        self.stiffness = np.zeros((count, len(names.regions), size, size))
        self.free = np.zeros((count, len(names.regions), size))
        for region in used:
            self.stiffness[:, region] = stiffness_of(names, region, values, kinematics)
            self.free[:, region] = values[:, names.columns(region)[1]]
        self.stress = np.matmul(self.stiffness, self.free[..., None])[..., 0]
        self.groups = groups

    def stiffness_numbers(self, kept: IntArray) -> FloatArray:
        """Coefficients (n, Q) of kept stiffness pieces (Q, 4)."""
        g, a, b, power = kept.T
        region, strip = self.groups[g].T
        return np.asarray(self.stiffness[:, region, a, b] * self.scales[:, strip] ** power)

    def load_numbers(self, kept: IntArray) -> FloatArray:
        """Coefficients (n, P) of kept load pieces (P, 3)."""
        g, a, power = kept.T
        region, strip = self.groups[g].T
        return np.asarray(self.stress[:, region, a] * self.scales[:, strip] ** power)


def compress(sums: Sums, matter: Matter) -> Operators:
    """The few pieces that the numbers of some designs (more than there are pieces) span."""
    c = len(sums.columns)
    stiff, matrices, load, vectors = [], [], [], []
    for g in range(len(sums.groups)):
        for i, (a, left) in enumerate(sums.columns):
            load.append((g, a, 1 - left))
            vectors.append(sums.load[g, i])
            for j in range(i, c):
                b, right = sums.columns[j]
                m = sums.stiffness[g, i, j]
                stiff.append((g, a, b, 1 - left - right))
                matrices.append(m if i == j else m + m.T)
    raw, forces = np.array(stiff), np.array(load)
    kept, mixed = _pivots(matter.stiffness_numbers(raw), np.array(matrices))
    taken, blended = _pivots(matter.load_numbers(forces), np.array(vectors))
    return Operators(Coefficients(raw[kept], forces[taken]), mixed, blended)


def _pivots(numbers: FloatArray, pieces: FloatArray) -> tuple[IntArray, FloatArray]:
    """Columns of numbers (k, q) that span all, and the pieces (q, ...) gathered onto them."""
    flat = pieces.reshape(len(pieces), -1)
    # by what a piece can contribute: numbers of a void piece need not be matched
    weight = np.abs(flat).max(axis=1)
    live = np.flatnonzero((weight > 0.0) & (np.abs(numbers).max(axis=0) > 0.0))
    scaled = numbers[:, live] * weight[live]
    scaled = scaled / np.abs(scaled).max()
    _, r, order = sl.qr(scaled, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    rank = int(np.sum(size > MULTIPLE * size[0]))
    mix = sl.solve_triangular(r[:rank, :rank], r[:rank, rank:])  # the others as sums of the pivots
    kept, others = live[order[:rank]], live[order[rank:]]
    mix = mix * weight[kept][:, None] / weight[others]
    gathered = flat[kept] + mix @ flat[others]
    return np.asarray(kept), gathered.reshape(rank, *pieces.shape[1:])
