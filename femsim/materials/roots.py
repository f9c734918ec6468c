"""Scalar equations at many points at once: Newton's method that stays between two bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from femsim.base.arrays import FloatArray, IntArray
from femsim.base.errors import NumericsError

_CLOSE = 2.0e-14  # relative step at which a root counts as found

Scalar = Callable[[FloatArray, IntArray | slice], tuple[FloatArray, FloatArray]]


def rising_root(
    function: Scalar,
    low: FloatArray,
    high: FloatArray,
    start: FloatArray,
    resolution: FloatArray,
    what: str,
    iterations: int = 200,
) -> FloatArray:
    """The root (n,) of f between ``low`` and ``high``, where f(low) <= 0 <= f(high), from ``start``.

    ``function(x, chosen)`` returns f and df/dx at the points ``chosen``; only those not yet done are asked again. A
    Newton step that leaves the bounds is replaced by a bisection, so it always ends. Done: |f| is below ``resolution``
    (n,), what round-off leaves of f, or the step below 2e-14 of |x|. NumericsError where that is not reached (``what``
    names the equation).
    """
    x = np.clip(start, low, high)
    low, high = low.copy(), high.copy()
    chosen: IntArray | slice = slice(None)
    for _ in range(iterations):
        here = x[chosen].copy()
        f, slope = function(here, chosen)
        below = f < 0
        a = np.where(below, here, low[chosen])
        b = np.where(below, high[chosen], here)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = here - f / slope
        small = np.abs(f) <= resolution[chosen]
        inside = (step >= a) & (step <= b)
        step = np.where(inside, step, np.where(small, here, 0.5 * (a + b)))
        low[chosen], high[chosen], x[chosen] = a, b, step
        open_ = ~small & (np.abs(step - here) > _CLOSE * np.abs(step)) & (b - a > _CLOSE * np.abs(b))
        if not open_.any():
            return x
        chosen = np.flatnonzero(open_) if isinstance(chosen, slice) else chosen[open_]
    count = len(x[chosen])
    raise NumericsError(
        f"{what}: the scalar equation has no root in {iterations} iterations at {count} of {len(x)} points"
    )
