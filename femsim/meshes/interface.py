"""Interpolation on the four walls of a square cell: what neighbouring cells of an array share.

The walls |x| = a and |y| = a carry vertical lines of nodes: p + 1 along each side, those at the corners shared by two
sides, so 4 p lines in all. Up every line the nodes are those of polynomials of degree p between the heights where the
material changes at the wall. A displacement on the walls is

    u(x, y, z) = sum_ijk N_i(x) N_j(y) M_k(z) q_ijk,   N Lagrange polynomials at Gauss-Lobatto points,

of which only the functions of nodes on the walls are not zero there. Two cells that share a wall share its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from femsim.base.arrays import FloatArray, IntArray

#: fraction of the cell's size below which places are one
SAME = 1.0e-9


def lobatto(order: int) -> FloatArray:
    """Gauss-Lobatto points (p + 1,) on [-1, 1]: the ends and the roots of P_p'."""
    inner = np.polynomial.legendre.Legendre.basis(order).deriv().roots()
    return np.concatenate([[-1.0], np.sort(np.real(inner)), [1.0]])


def lagrange(nodes: FloatArray, x: FloatArray) -> FloatArray:
    """Lagrange polynomials of nodes (n,) at x (m,): (m, n)."""
    difference = x[:, None, None] - nodes[None, None, :]
    between = nodes[:, None] - nodes[None, :]
    own = np.eye(len(nodes), dtype=bool)
    ratio = np.where(own, 1.0, difference / np.where(own, 1.0, between))
    return np.asarray(ratio.prod(axis=2))


@dataclass(frozen=True)
class Interface:
    """Nodes on the walls of the cell [-half, half]^2 about ``centre``: ``order`` p, ``levels`` heights (um) between
    which the polynomials run.

    ``lines`` (4 p, 2) are the places i, j of the vertical lines in 0..p, ``heights`` (n,) those of their nodes. The
    unknowns stand line by line, up each line, three components a node.
    """

    centre: tuple[float, float]
    half: float
    levels: tuple[float, ...]
    order: int

    @cached_property
    def lines(self) -> IntArray:
        """Places (4 p, 2)."""
        p = self.order
        ring = [(i, j) for i in range(p + 1) for j in range(p + 1) if i in (0, p) or j in (0, p)]
        return np.array(ring, dtype=np.int64)

    @cached_property
    def heights(self) -> FloatArray:
        """Heights of the nodes of a line, ascending (um)."""
        t = 0.5 * (lobatto(self.order) + 1.0)
        parts = [low + (high - low) * t[:-1] for low, high in zip(self.levels[:-1], self.levels[1:], strict=True)]
        return np.concatenate([*parts, [self.levels[-1]]])

    @property
    def block(self) -> int:
        """Unknowns of a line."""
        return 3 * len(self.heights)

    @property
    def count(self) -> int:
        """Unknowns of a cell."""
        return len(self.lines) * self.block

    @cached_property
    def nodes(self) -> FloatArray:
        """Places (lines x heights, 3) of all nodes (um)."""
        along = self.half * lobatto(self.order)
        plan = np.column_stack([self.centre[k] + along[self.lines[:, k]] for k in range(2)])
        return np.column_stack([np.repeat(plan, len(self.heights), axis=0), np.tile(self.heights, len(self.lines))])

    def basis(self, points: FloatArray) -> FloatArray:
        """Functions (m, lines x heights) of the nodes at points (m, 3) on the walls."""
        nodes = lobatto(self.order)
        x, y = ((points[:, k] - self.centre[k]) / self.half for k in range(2))
        plan = lagrange(nodes, x)[:, self.lines[:, 0]] * lagrange(nodes, y)[:, self.lines[:, 1]]
        return np.asarray((plan[:, :, None] * self._up(points[:, 2])[:, None, :]).reshape(len(points), -1))

    def _up(self, z: FloatArray) -> FloatArray:
        """Functions (m, n) of the nodes of a line."""
        levels, p = np.array(self.levels), self.order
        layer = np.clip(np.searchsorted(levels, z) - 1, 0, len(levels) - 2)
        low, high = levels[layer], levels[layer + 1]
        own = lagrange(lobatto(p), 2.0 * (z - low) / (high - low) - 1.0)
        found = np.zeros((len(z), len(self.heights)))
        np.put_along_axis(found, p * layer[:, None] + np.arange(p + 1), own, axis=1)
        return found

    def mirrored(self, axes: tuple[int, ...]) -> tuple[IntArray, FloatArray]:
        """Where a mirroring about the cell's middle planes normal to ``axes`` takes the unknowns: the unknown (count,)
        that each is the image of, and its sign. (S q)[d] = sign[d] q[source[d]].
        """
        p, lines, n = self.order, self.lines, len(self.heights)
        image = lines.copy()
        for axis in axes:
            image[:, axis] = p - image[:, axis]
        number = {tuple(place): k for k, place in enumerate(lines.tolist())}
        line = np.array([number[tuple(place)] for place in image.tolist()])
        source = (self.block * line[:, None] + np.arange(self.block)).ravel()
        sign = np.ones((len(lines), n, 3))
        for axis in axes:
            sign[..., axis] *= -1.0
        return source, sign.ravel()

    def lower(self) -> Interface:
        """The interface of one degree less."""
        return Interface(self.centre, self.half, self.levels, self.order - 1)

    def from_lower(self) -> FloatArray:
        """Unknowns (count, fewer) of this interface that give the functions of the one of one degree less."""
        return np.asarray(np.kron(self.lower().basis(self.nodes), np.eye(3)), dtype=float)
