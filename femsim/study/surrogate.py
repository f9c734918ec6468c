"""A polynomial through the points of a study: means over parameters in closed form, and how well it predicts.

Polynomial chaos (Sudret 2008, Reliab. Eng. Syst. Saf. 93, 964): y(u) = sum over k of c_k prod over i of P_{k_i}(u_i)
with Legendre polynomials orthonormal on the unit interval, u_i the probability of the i-th parameter's value. So the
mean over some parameters is the sum of the terms without them, and the variance is the sum of the squares of all but
the first coefficient.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from femsim.base.arrays import FloatArray, IntArray

#: highest total degree
DEGREE = 4
#: a fit that predicts less of the variance at points left out than this is not drawn in place of the points
TRUSTED = 0.95


@dataclass(frozen=True)
class Surrogate:
    """A fit: its terms' exponents, coefficients (k,), total degree, and the share of the variance that it predicts at
    points left out of it.
    """

    terms: tuple[tuple[int, ...], ...]
    coefficients: FloatArray
    degree: int
    quality: float
    matrix: FloatArray = field(repr=False)  # the basis at the points (n, k)
    values: FloatArray = field(repr=False)  # what was fitted (n,)

    @property
    def trusted(self) -> bool:
        """Whether it may be drawn in place of the points."""
        return self.quality >= TRUSTED

    def mean(self, kept: Sequence[int], u: FloatArray) -> FloatArray:
        """The mean (m,) over all other parameters at values (m, len(kept)) of the ``kept`` ones, as probabilities."""
        full = np.full((len(u), len(self.terms[0])), 0.5)
        full[:, list(kept)] = u
        chosen = [k for k, term in enumerate(self.terms) if all(p == 0 or i in kept for i, p in enumerate(term))]
        return np.asarray(basis(full, [self.terms[k] for k in chosen]) @ self.coefficients[chosen])

    def indices(self, rows: IntArray | None = None) -> FloatArray:
        """First-order and total Sobol indices (2, d), from the points of some rows only where they are given."""
        if rows is None:
            c = self.coefficients**2
        else:
            c = np.asarray(np.linalg.lstsq(self.matrix[rows], self.values[rows], rcond=None)[0]) ** 2
        variance = float(c[1:].sum()) or 1.0
        d = len(self.terms[0])
        alone = [sum(v for v, t in zip(c, self.terms, strict=True) if t[i] and sum(t) == t[i]) for i in range(d)]
        whole = [sum(v for v, t in zip(c, self.terms, strict=True) if t[i]) for i in range(d)]
        return np.array([alone, whole]) / variance


def fit(u: FloatArray, y: FloatArray) -> Surrogate | None:
    """The fit of highest degree that points (n, d) with values (n,) carry: twice as many points as terms; None where
    there are too few, or nothing varies.
    """
    n, d = u.shape
    degree = next((p for p in range(DEGREE, 0, -1) if 2 * len(terms_to(d, p)) <= n), 0)
    if degree == 0 or float(np.std(y)) == 0.0:
        return None
    terms = terms_to(d, degree)
    matrix = basis(u, terms)
    if np.linalg.matrix_rank(matrix) < len(terms):  # a grid with few steps cannot tell high degrees apart
        terms = [t for t in terms if all(k < len(np.unique(u[:, i])) for i, k in enumerate(t))]
        matrix = basis(u, terms)
    coefficients: FloatArray = np.asarray(np.linalg.lstsq(matrix, y, rcond=None)[0], dtype=float)
    q, _ = np.linalg.qr(matrix)
    leverage = np.minimum(np.sum(q * q, axis=1), 1 - 1e-9)
    left_out = (y - q @ (q.T @ y)) / (1 - leverage)
    quality = 1.0 - float(np.mean(left_out**2) / np.var(y))
    return Surrogate(tuple(terms), coefficients, degree, quality, matrix, y)


def terms_to(d: int, degree: int) -> list[tuple[int, ...]]:
    """Exponents of all products of ``d`` factors up to a total degree."""
    found = [(0,) * d]
    for total in range(1, degree + 1):
        for combination in itertools.combinations_with_replacement(range(d), total):
            found.append(tuple(combination.count(i) for i in range(d)))
    return found


def basis(u: FloatArray, terms: Sequence[tuple[int, ...]]) -> FloatArray:
    """The terms (n, k) at points (n, d) of the unit cube."""
    highest = max(max(t) for t in terms)
    one = np.polynomial.legendre.legvander(2.0 * u - 1.0, highest) * np.sqrt(
        2.0 * np.arange(highest + 1) + 1.0
    )  # (n, d, degree + 1)
    return np.column_stack([np.prod([one[:, i, k] for i, k in enumerate(t)], axis=0) for t in terms])
