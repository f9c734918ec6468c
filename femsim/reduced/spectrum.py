"""Bounds on the stiffness of a design over that of a reference: numbers a and b with  a X <= K <= b X.

A layer stretched by s carries (s, 1, 1/s), a hyperbola, and the smallest eigenvalue of (K, X) is concave, the largest
one convex, in these coefficients (Huynh, Rozza, Sen and Patera 2007, C. R. Acad. Sci. Paris 345, 473). Between two
points of the hyperbola the curve lies in the triangle of these and of where their tangents meet, so eigenvalues at the
three corners, interpolated barycentrically, bound those on the curve from below and above. With s = sqrt(p q) e^t and
sqrt(q / p) = e^h the weights are

    w(p) + w(q) = (cosh t - 1 / cosh h) / (cosh h - 1 / cosh h),   w(q) - w(p) = sinh t / sinh h,

products of them for several layers. Off the curve the matrix need not be a body's, and its smallest eigenvalue can be
negative: then more corners are needed. Moduli are left to  min eig(D_ref^-1 D) <= K / K_ref <= max eig(D_ref^-1 D).

Lanczos values come from inside the spectrum, the smallest from above: none is taken before a factorisation of K - a X
without a negative pivot has shown that nothing is below it (Sylvester's law of inertia; Parlett 1998, The Symmetric
Eigenvalue Problem, ch. 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError

#: steps of Lanczos, and by how much its values are moved out at first
STEPS, OUTWARD = 40, 0.01
#: a segment of the hyperbola is cut where the corner off the curve loses more than this part of the eigenvalue
LOSS = 0.35
#: segments of a layer at most, and corners of all layers together
SEGMENTS, CORNERS = 8, 200


@dataclass(frozen=True)
class Spectrum:
    """Bounds over the scales of moving layers: ``strips`` (a,) one strip of each, ``knots`` the scales (m + 1,) between
    the segments of each, ``lower`` and ``upper`` (2 m + 1, ...) the bounds at their corners: knots, and between them
    where tangents meet.
    """

    strips: IntArray
    knots: tuple[FloatArray, ...]
    lower: FloatArray
    upper: FloatArray

    def at(self, scales: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bounds (k,) for the scales (k, s) of all strips."""
        k = len(scales)
        corners, weights = np.zeros((k, 1), dtype=np.int64), np.ones((k, 1))
        for strip, knots in zip(self.strips, self.knots, strict=True):
            first, w = barycentric(knots, scales[:, strip])
            size = 2 * len(knots) - 1
            corners = (corners[:, :, None] * size + (first[:, None] + np.arange(3))[:, None, :]).reshape(k, -1)
            weights = (weights[:, :, None] * w[:, None, :]).reshape(k, -1)
        low, high = (np.sum(weights * table.ravel()[corners], axis=1) for table in (self.lower, self.upper))
        return low, high


def barycentric(knots: FloatArray, scale: FloatArray) -> tuple[IntArray, FloatArray]:
    """The first of three neighbouring corners (k,), and the weights (k, 3) that give (s, 1 / s) of scales (k,)."""
    segment = np.clip(np.searchsorted(knots, scale, side="right") - 1, 0, len(knots) - 2)
    p, q = knots[segment], knots[segment + 1]
    h = 0.5 * np.log(q / p)
    t = np.clip(np.log(scale / np.sqrt(p * q)), -h, h)
    both = (np.cosh(t) * np.cosh(h) - 1.0) / np.sinh(h) ** 2
    apart = np.sinh(t) / np.sinh(h)
    weights = np.stack([0.5 * (both - apart), 1.0 - both, 0.5 * (both + apart)], axis=1)
    return 2 * segment, np.maximum(weights, 0.0)


def corners_of(knots: FloatArray) -> FloatArray:
    """Coefficients (2 m + 1, 2) of s and 1 / s at the corners: points of the hyperbola, and where tangents meet."""
    found = np.empty((2 * len(knots) - 1, 2))
    found[::2] = np.column_stack([knots, 1.0 / knots])
    p, q = knots[:-1], knots[1:]
    found[1::2] = np.column_stack([2.0 * p * q / (p + q), 2.0 / (p + q)])
    return found


@dataclass(frozen=True)
class Stretched:
    """Stiffness over the unknowns: ``whole`` at scale 1, and for each moving layer what goes with s and with 1 / s."""

    whole: sp.csc_matrix
    plain: tuple[sp.csc_matrix, ...]
    over: tuple[sp.csc_matrix, ...]

    def at(self, coefficients: FloatArray) -> sp.csc_matrix:
        """The matrix for coefficients (a, 2) of s and 1 / s."""
        found = self.whole
        for (x, y), a, c in zip(coefficients, self.plain, self.over, strict=True):
            found = found + (x - 1.0) * a + (y - 1.0) * c
        return sp.csc_matrix(found)


def stretched(ask: Callable[[FloatArray], sp.csc_matrix], layers: int) -> Stretched:
    """The parts of a stiffness from itself at scales (layers,): s A + B + C / s at 1, 2 and 1 / 2 for each."""
    one = np.ones(layers)
    whole = ask(one)
    plain, over = [], []
    for i in range(layers):
        twice, half = one.copy(), one.copy()
        twice[i], half[i] = 2.0, 0.5
        up, down = ask(twice) - whole, ask(half) - whole
        plain.append(sp.csc_matrix((4.0 / 3.0) * (up + 0.5 * down)))
        over.append(sp.csc_matrix((4.0 / 3.0) * (down + 0.5 * up)))
    return Stretched(whole, tuple(plain), tuple(over))


def spectrum_of(
    parts: Stretched,
    strips: Sequence[int],
    ranges: Sequence[tuple[float, float]],
    reference: sp.csc_matrix,
    solve: Callable[[FloatArray], FloatArray],
) -> Spectrum:
    """The table for scales between the ends of ``ranges`` over a reference with its ``solve``; segments are cut until
    the corners off the curve are not far below those on it.
    """
    count = len(ranges)
    segments = [1] * count
    known: dict[tuple[tuple[float, float], ...], tuple[float, float]] = {}

    def bounds(coefficients: FloatArray) -> tuple[float, float]:
        key = tuple((float(x), float(y)) for x, y in coefficients)
        if key not in known:
            known[key] = ends_of(parts.at(coefficients), reference, solve)
        return known[key]

    middle = [float(np.sqrt(low * high)) for low, high in ranges]
    for i, (low, high) in enumerate(ranges):
        while segments[i] < SEGMENTS:
            knots = np.geomspace(low, high, segments[i] + 1)
            corner = corners_of(knots)
            here = np.array([(m, 1.0 / m) for m in middle])
            values = []
            for x in corner[:3]:
                here[i] = x
                values.append(bounds(here)[0])
            if values[1] >= (1.0 - LOSS) * min(values[0], values[2]):
                break
            segments[i] += 1
    while np.prod([2 * m + 1 for m in segments]) > CORNERS:
        segments[int(np.argmax(segments))] -= 1
    knots_of = tuple(np.geomspace(low, high, m + 1) for (low, high), m in zip(ranges, segments, strict=True))
    tables = [corners_of(knots) for knots in knots_of]
    shape = tuple(len(t) for t in tables)
    lower, upper = np.empty(shape), np.empty(shape)
    for place in product(*(range(n) for n in shape)):
        here = np.array([table[i] for table, i in zip(tables, place, strict=True)]).reshape(count, 2)
        lower[place], upper[place] = bounds(here)
    return Spectrum(np.array(strips, dtype=np.int64), knots_of, lower, upper)


def ends_of(
    matrix: sp.csc_matrix, reference: sp.csc_matrix, solve: Callable[[FloatArray], FloatArray]
) -> tuple[float, float]:
    """Numbers a and b with a X <= K <= b X, both shown by factorisations. Raises NumericsError where none is found."""
    least, most = lanczos(matrix, reference, solve)
    low, high = least, most
    for turn in range(12):
        low = least - OUTWARD * 2.0**turn * max(abs(least), 0.05)
        if positive(matrix - low * reference):
            break
    else:
        raise NumericsError("no lower bound of the stiffness was found")
    for turn in range(12):
        high = most * (1.0 + OUTWARD * 2.0**turn)
        if positive(high * reference - matrix):
            break
    else:
        raise NumericsError("no upper bound of the stiffness was found")
    return low, high


def lanczos(
    matrix: sp.csc_matrix, reference: sp.csc_matrix, solve: Callable[[FloatArray], FloatArray], steps: int = STEPS
) -> tuple[float, float]:
    """Estimates of the smallest and the largest eigenvalue of (K, X) from inside the spectrum, with every direction
    made orthogonal to all before.
    """
    n = matrix.shape[0]
    v = np.random.default_rng(3).standard_normal(n)
    w = solve(v)  # smooth, as eigenvectors at the ends are
    basis, image = [], []
    xw = reference @ w
    size = np.sqrt(float(w @ xw))
    alpha, beta = [], []
    for _ in range(min(steps, n)):
        basis.append(w / size)
        image.append(xw / size)
        w = solve(matrix @ basis[-1])
        alpha.append(float(image[-1] @ w))
        stack, images = np.array(basis), np.array(image)
        for _ in range(2):
            w = w - stack.T @ (images @ w)
        xw = reference @ w
        square = float(w @ xw)
        if square <= 1e-20:
            break
        size = np.sqrt(square)
        beta.append(size)
    tri = np.diag(alpha)
    k = len(alpha)
    tri[range(k - 1), range(1, k)] = tri[range(1, k), range(k - 1)] = beta[: k - 1]
    values = np.linalg.eigvalsh(tri)
    return float(values[0]), float(values[-1])


def positive(matrix: sp.csc_matrix) -> bool:
    """Whether a symmetric matrix is positive definite: elimination without row exchanges has no negative pivot."""
    try:
        lu = spl.splu(
            sp.csc_matrix(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return False
    return bool(np.array_equal(lu.perm_r, lu.perm_c) and np.all(lu.U.diagonal() > 0.0))
