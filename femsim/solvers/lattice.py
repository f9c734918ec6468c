"""Many equal cells side by side: their interface unknowns assembled and solved.

An array of nx by ny cells shares the lines of nodes on the cells' walls. Where the cell is its own mirror image and the
number of cells even, half of them are solved, held by the plane of symmetry. The outer sides are free, or held against
normal motion; what motion of a rigid body is left is held at a corner, without reaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from femsim.base.arrays import BoolArray, FloatArray, IntArray
from femsim.solvers.factor import factorise
from femsim.solvers.substructure import ReducedCell


@dataclass(frozen=True)
class Lattice:
    """Cells that are solved: ``counts`` along x and y, ``mirrored`` where the other half is their image, ``fixed``
    where the outer sides are held against normal motion.
    """

    counts: tuple[int, int]
    mirrored: tuple[bool, bool]
    fixed: bool = False

    @property
    def cells(self) -> int:
        """How many."""
        return self.counts[0] * self.counts[1]

    def lines_of(self, order: int, lines: IntArray) -> tuple[IntArray, IntArray]:
        """Places I, J (lines, 2) of all lines, and the line (cells, 4 p) of each of the cells' own; cells run along y
        first.
        """
        x, y = (v.ravel() for v in np.meshgrid(*(np.arange(n) for n in self.counts), indexing="ij"))
        corner = order * np.column_stack([x, y])
        places = corner[:, None, :] + lines[None]
        found, number = np.unique(places.reshape(-1, 2), axis=0, return_inverse=True)
        return found, number.reshape(len(corner), len(lines))


def lattice(cell: ReducedCell, nx: int, ny: int, fixed: bool = False) -> Lattice:
    """The part of an array of nx by ny cells that has to be solved."""
    axes = cell.parities[0].signs
    mirrored = tuple(axis in axes and n % 2 == 0 for axis, n in enumerate((nx, ny)))
    return Lattice((nx // 2 if mirrored[0] else nx, ny // 2 if mirrored[1] else ny), (mirrored[0], mirrored[1]), fixed)


def solve_lattice(cell: ReducedCell, of: Lattice) -> FloatArray:
    """Interface unknowns (cells, n) of every cell, um. Raises NumericsError where the memory does not hold the
    factor.
    """
    interface = cell.interface
    width, p = interface.block, interface.order
    places, number = of.lines_of(p, interface.lines)
    free = _free(of, places, p, width, len(interface.heights))
    blocks = cell.stiffness.reshape(len(interface.lines), width, len(interface.lines), width).transpose(0, 2, 1, 3)
    upper = _assembled(blocks, number, free)
    load = np.zeros((len(places), width))
    np.add.at(load, number, cell.load.reshape(len(interface.lines), width)[None])
    load *= free
    # dim 3: the lines of a large array are ordered by METIS
    solved = factorise(upper, dim=3).solve(load.reshape(-1, 1)).reshape(len(places), width)
    return np.asarray(solved[number].reshape(len(number), -1))


def _assembled(blocks: FloatArray, number: IntArray, free: BoolArray) -> sp.bsr_matrix:
    """Upper block triangle of the cells' blocks (own, own, w, w) at their lines (cells, own), held rows made ones."""
    own, lines, width = number.shape[1], len(free), free.shape[1]
    pairs = [(a, b) for a in range(own) for b in range(own)]
    keys = [number[:, a] * lines + number[:, b] for a, b in pairs]
    upper = [number[:, a] <= number[:, b] for a, b in pairs]
    unique, where = np.unique(np.concatenate([k[u] for k, u in zip(keys, upper, strict=True)]), return_inverse=True)
    data = np.zeros((len(unique), width, width))
    start = 0
    for (a, b), chosen in zip(pairs, upper, strict=True):
        count = int(chosen.sum())
        # one pair of a cell's lines never meets the same pair of lines in two cells
        data[where[start : start + count]] += blocks[a, b]
        start += count
    row, column = np.divmod(unique, lines)
    data *= free[row][:, :, None]
    data *= free[column][:, None, :]
    diagonal = np.flatnonzero(row == column)
    size = float(np.abs(np.einsum("nii->ni", data[diagonal])).max(initial=0.0)) or 1.0
    line, unknown = np.nonzero(~free[row[diagonal]])
    data[diagonal[line], unknown, unknown] = size
    indptr = np.append(0, np.cumsum(np.bincount(row, minlength=lines)))
    n = lines * width
    return sp.bsr_matrix((data, column.astype(np.int32), indptr.astype(np.int32)), shape=(n, n))


def _free(of: Lattice, places: IntArray, p: int, width: int, heights: int) -> BoolArray:
    """Which unknowns (lines, width) are free."""
    free = np.ones((len(places), heights, 3), dtype=bool)
    last = [p * n for n in of.counts]
    for axis in range(2):
        if of.mirrored[axis] or of.fixed:
            free[places[:, axis] == 0, :, axis] = False
        if of.fixed:
            free[places[:, axis] == last[axis], :, axis] = False
    along = [axis for axis in range(2) if not (of.mirrored[axis] or of.fixed)]

    def at(x: int, y: int) -> int:
        return int(np.flatnonzero((places == [x, y]).all(axis=1))[0])

    origin = at(0, 0)
    free[origin, 0, [2, *along]] = False
    for axis in along:  # turning about the other horizontal axis
        free[at(last[0] if axis == 0 else 0, last[1] if axis == 1 else 0), 0, 2] = False
    if len(along) == 2:  # turning about z
        free[at(last[0], 0), 0, 1] = False
    return free.reshape(len(places), width)


#: what a mirroring along an axis makes of values
Image = Callable[[FloatArray, int], FloatArray]


def alike(values: FloatArray, axis: int) -> FloatArray:
    """Values that a mirroring leaves as they are."""
    return values


def opposite(values: FloatArray, axis: int) -> FloatArray:
    """Values that change sign in a mirroring, as a shear around does."""
    return -values


def turned(angle: FloatArray, axis: int) -> FloatArray:
    """Angles (degrees) from x in a mirroring along an axis."""
    return (180.0 - angle if axis == 0 else -angle) % 360.0


def spread(of: Lattice, values: FloatArray, image: Image = alike) -> FloatArray:
    """Values (cells, ...) of the solved cells over the whole array (nx, ny, ...), the other half being their image."""
    found = values.reshape(*of.counts, *values.shape[1:])
    for axis in range(2):
        if of.mirrored[axis]:
            found = np.concatenate([image(np.flip(found, axis), axis), found], axis)
    return found
