"""The size of the next step in time from the error of the last."""

from __future__ import annotations

SAFETY, LEAST, MOST = 0.85, 0.15, 4.0


def next_size(error: float) -> float:
    """Factor on the step's size for a local error of second order; ``error`` is relative to what is allowed.

    The difference of one step and two half steps of a first-order method grows with the square of the step, so the
    factor is 0.85 error^(-1/2) between 0.15 and 4 (Hairer, Norsett & Wanner 1993, Solving ODEs I, section II.4).
    """
    if not error > 0.0:
        return MOST if error == 0.0 else LEAST
    return float(min(MOST, max(LEAST, SAFETY * error**-0.5)))
