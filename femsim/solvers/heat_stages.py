"""Coefficients of the methods in time of :mod:`femsim.solvers.heat_march`, and what lies between their stages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from femsim.base.arrays import FloatArray

GAMMA = 1767732205903 / 4055673282236
#: stages: times, rows of the method, weights of the embedded method of order 2
C = (0.0, 2.0 * GAMMA, 0.6, 1.0)
A = (
    (0.0,),
    (GAMMA, GAMMA),
    (2746238789719 / 10658868560708, -640167445237 / 6845629431997, GAMMA),
    (1471266399579 / 7840856788654, -4482444167858 / 7529755066697, 11266239266428 / 11593286722821, GAMMA),
)
EMBEDDED = (
    2756255671327 / 12835298489170,
    -10771552573575 / 22201958757719,
    9247589265047 / 10645013368117,
    2193209047091 / 5459859503100,
)
#: (S_n - sum of these times S_(n-1), S_(n-2), S_(n-3)) BACKWARD / dt is the rate of S to third order; of what came in
#: each step, that over the last two enters the next (BEFORE)
BACKWARD, EARLIER, BEFORE = 11.0 / 6.0, (18.0 / 11.0, -9.0 / 11.0, 2.0 / 11.0), (7.0 / 11.0, -2.0 / 11.0)


def hermite(
    begin: FloatArray, end: FloatArray, rate: FloatArray, last: FloatArray, share: float, span: float
) -> FloatArray:
    """Hermite's cubic (N,) at a share of a span (s) between two states with their rates (1/s)."""
    t = share
    found = (1.0 + 2.0 * t) * (1.0 - t) ** 2 * begin + t**2 * (3.0 - 2.0 * t) * end
    return np.asarray(found + t * (1.0 - t) * span * ((1.0 - t) * rate - t * last))


def ahead(
    stages: Sequence[tuple[float, FloatArray]], rates: Sequence[FloatArray], share: float, size: float
) -> FloatArray:
    """A first guess (N,) of the temperature at a share of a step: the line through its start, then Hermite's cubic
    through start and first stage, beyond which it reaches a little.
    """
    begin = stages[0][1]
    if len(stages) == 1:
        return np.asarray(begin + share * size * rates[0])
    at, there = stages[1]
    return hermite(begin, there, rates[0], rates[1], share / at, at * size)
